"""The sandbox in each of the set-ups that it must hold in, and what attacks may find around it."""

import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from app.sandbox.supervisor import Sandbox, Zygote
from tests.sandbox.plain import Plain
from tests.sandbox.python_for_all import NOBODY, python_for

ROOT = Path(__file__).parents[2]
LAUNCHER = Path(__file__).with_name("launcher.py")


class SetUp(NamedTuple):
    name: str
    launcher: tuple[str, ...]


def set_up(name: str) -> SetUp:
    """How zygotes are started. In a container it is by a user without rights: who is root becomes one.

    Skips the test where that user could start no Python: as root with all its rights it would prove nothing. Where nobody
    reads what was skipped, it fails.
    """
    if name == "full":
        return SetUp(name, ())
    root = os.geteuid() == 0
    python = python_for(NOBODY) if root else sys.executable
    if python is None:
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse(f"user {NOBODY} can start no Python here that reads this clone")
    landlock = "0" if name == "seccomp alone" else "1"
    return SetUp(name, (sys.executable, str(LAUNCHER), str(NOBODY if root else 0), landlock, python))


@pytest.fixture(
    scope="module", params=["full", pytest.param("container", marks=pytest.mark.long), "seccomp alone"]
)
def setting(request: pytest.FixtureRequest) -> SetUp:
    return set_up(request.param)


@pytest.fixture(scope="module")
def sandbox(setting: SetUp, surroundings: dict[str, Any]) -> Iterator[Sandbox]:
    """One zygote of each flavour that is asked for. It is started when the environment holds a secret."""
    held = Sandbox(size=1, launcher=setting.launcher)
    yield held
    held.close()


@pytest.fixture(scope="module")
def any_sandbox() -> Iterator[Sandbox]:
    """As this machine lets it be, for what is the same in every set-up."""
    held = Sandbox(size=1)
    yield held
    held.close()


@pytest.fixture(scope="module")
def plain(surroundings: dict[str, Any]) -> Iterator[Plain]:
    with Plain() as control:
        yield control


@pytest.fixture(scope="module")
def surroundings() -> Iterator[dict[str, Any]]:
    """What `log` of an attack says; see `attacks.py`. Whatever was left in the folder is an error."""
    secret = secrets.token_hex(16)
    with (
        tempfile.TemporaryDirectory() as place,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams,
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setenv("WHETSTONE_SECRET_KEY", secret)
        abstract = f"whetstone-{secrets.token_hex(8)}"
        datagrams.bind(f"\0{abstract}")
        Path(place).chmod(0o755)
        for name in ("folder", "importable"):
            Path(place, name).mkdir()
        Path(place, "folder").chmod(0o777)
        Path(place, "importable", "whetstone_importable.py").write_text("THERE = True\n")
        yield {
            "folder": str(Path(place, "folder")),
            "importable": str(Path(place, "importable")),
            "application": str(ROOT),
            "port": server.getsockname()[1],
            "abstract": abstract,
            "host": socket.gethostname(),
            "secret": secret[::-1],
        }


def processes(pid: int) -> list[int]:
    """A process and all that have come of it and are not gone: of a zygote, with the children that it has now."""
    try:
        children = " ".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [pid, *(found for child in children.split() for found in processes(int(child)))]


def idle(sandbox: Sandbox) -> list[Zygote]:
    """The zygotes that wait for work."""
    return [zygote for shelf in sandbox._shelves.values() for zygote in shelf.idle]
