"""The folder of an installation: what it remembers, who holds it, and where root puts it."""

import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.embedded import layout
from app.embedded.layout import AlreadyRunning, Layout, StackError, open_layout

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="about what root does")
PROBE = "from pathlib import Path; from app.embedded.layout import open_layout; open_layout(Path({home!r}))"


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_stays_the_same_and_is_its_owners_alone(tmp_path: Path):
    home = open_layout(tmp_path, holds_postgres=False)
    assert home.secret("application") == home.secret("application")
    assert home.secret("application") != home.secret("postgres")
    assert len(home.secret("application")) >= 43
    assert mode_of(tmp_path / "application.secret") == 0o600


def test_a_port_is_kept_while_it_is_free(tmp_path: Path):
    home = Layout(tmp_path)
    port = home.port("postgres")
    assert home.port("postgres") == port
    assert home.port("valkey") != port
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", port))
        stranger.listen()
        assert home.port("postgres") != port


def test_only_one_process_holds_an_installation(tmp_path: Path):
    home = open_layout(tmp_path, holds_postgres=False)
    with home.held():
        home.publish({"WHETSTONE_PUBLIC_URL": "http://127.0.0.1:8000"})
        with (
            pytest.raises(AlreadyRunning, match=r"running already at http://127\.0\.0\.1:8000"),
            Layout(tmp_path).held(),
        ):
            pass
    with home.held():
        pass


def test_published_settings_can_be_taken_back(tmp_path: Path):
    home = Layout(tmp_path)
    assert home.settings() == {}
    home.publish({"WHETSTONE_SECRET_KEY": "x"})
    assert home.settings() == {"WHETSTONE_SECRET_KEY": "x"}
    assert mode_of(tmp_path / "settings.json") == 0o600
    home.publish(None)
    assert home.settings() == {}


def test_a_home_that_is_a_file_is_refused_in_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match=r"cannot be written to .* --home or WHETSTONE_HOME"):
        open_layout(tmp_path / "file")


@only_root
@pytest.mark.skipif(
    not (
        layout.can_others_enter(layout.CLONE)
        and layout.can_others_enter(Path(sys.executable).resolve().parent)
    ),
    reason="nobody else can enter this clone, or run its Python",
)
def test_a_home_of_somebody_else_is_refused():
    folder = Path("/tmp") / f"whetstone-{os.getpid()}"
    folder.mkdir(mode=0o755)
    try:
        ran = subprocess.run(
            [sys.executable, "-c", PROBE.format(home=str(folder))],
            user="nobody", capture_output=True, text=True, cwd=layout.CLONE, check=False,
        )  # fmt: skip
        assert "cannot be written to (Permission denied)" in ran.stderr
    finally:
        (folder / "lock").unlink(missing_ok=True)
        folder.rmdir()


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder that nobody else can enter, as root's home is."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    return closed


@pytest.fixture
def state() -> Iterator[Path]:
    """What stands for /var/lib/whetstone."""
    state = Path("/tmp") / f"whetstone-state-{os.getpid()}"
    yield state
    shutil.rmtree(state, ignore_errors=True)


@only_root
def test_root_keeps_the_data_where_postgres_can_get_to_them(closed: Path, state: Path):
    home = closed / "clone" / ".whetstone"
    found = open_layout(home, system_state=state)
    assert found.root.parent == state
    assert (home / "location").read_text().strip() == str(found.root)
    assert layout.can_others_enter(found.root)
    assert mode_of(closed) == 0o700


@only_root
def test_a_clone_that_was_moved_finds_its_data_again(closed: Path, state: Path):
    root = open_layout(closed / "before" / ".whetstone", system_state=state).root
    (closed / "before").rename(closed / "after")
    assert open_layout(closed / "after" / ".whetstone", system_state=state).root == root


@only_root
def test_an_external_database_needs_no_other_place(closed: Path, state: Path):
    found = open_layout(closed / "home", holds_postgres=False, system_state=state)
    assert found.root == closed / "home"
    assert not state.exists()


@only_root
def test_root_lets_postgres_pass_only_through_folders_that_it_makes():
    before = os.umask(0o077)
    try:
        base = Path("/tmp") / f"whetstone-open-{os.getpid()}"
        open_layout(base / "a" / "b")
        assert mode_of(base / "a" / "b") == 0o711
        assert layout.can_others_enter(base / "a" / "b")
    finally:
        os.umask(before)
        shutil.rmtree(base)
