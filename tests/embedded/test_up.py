"""`./whetstone up` for real: what it prints, what survives, what it leaves, and how it refuses."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from app.embedded.layout import CLONE, can_others_enter
from tests.application import Application, start_application
from tests.stack import Stack

pytestmark = pytest.mark.xdist_group("up")
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="root can start it as somebody else")


def new_home(name: str) -> Path:
    """A folder that the unprivileged user of Postgres can get to, other than pytest's own."""
    return Path("/tmp") / f"whetstone-up-{os.getpid()}-{name}"


@pytest.fixture
def home() -> Iterator[Path]:
    folder = new_home("own")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def app() -> Iterator[Application]:
    """One that the tests share, with two web processes and databases of its own."""
    folder = new_home("shared")
    try:
        with start_application(folder, None, None, "--web", "2") as running:
            running.wait_until_ready()
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def all_gone(found: list[psutil.Process], timeout_s: float = 20) -> bool:
    _, alive = psutil.wait_procs(found, timeout=timeout_s)
    return not [
        process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    ]


def wait_for(condition: Callable[[], bool], timeout_s: float = 90) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def up(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`up` where it is expected to refuse."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "up", "--no-demo", *arguments],
        cwd=CLONE, env={**os.environ, **environment}, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip


def accounts(application: Application) -> int:
    with psycopg.connect(application.database_url.replace("+psycopg", "")) as connection:
        return connection.execute("select count(*) from user_account").fetchone()[0]


def test_a_new_home_is_set_up_and_the_next_start_finds_it_as_it_was(home: Path):
    with start_application(home) as first:
        assert "setup?token=" in first.printed(r"(http\S+/setup\S+)")
        first.wait_until_ready()
        made = first.run("init", "--workspace", "Acme", "--email", "maya@example.com")
        assert made.returncode == 0, made.stderr
        processes = first.all_processes()
        assert {"postgres", "valkey", "practice", "web-1", "reaper", "worker", "guard"} == set(
            first.children()
        )
        assert first.stop(signal.SIGINT) == 0
        assert all_gone(processes)
    with start_application(home) as second:
        assert accounts(second) == 1
        assert "./whetstone signin EMAIL" in "\n".join(second.lines)
        processes = second.all_processes()
        assert second.stop(signal.SIGTERM) == 0
        assert all_gone(processes)


@only_root
@pytest.mark.skipif(
    not (can_others_enter(CLONE) and can_others_enter(Path(sys.executable).resolve().parent)),
    reason="nobody else can enter this clone, or run its Python",
)
def test_a_normal_user_can_start_it(home: Path):
    home.mkdir()
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    with start_application(home, user="nobody", environment={"HOME": str(home)}) as running:
        running.wait_until_ready()
        assert {process.uids().real for process in running.all_processes()} == {nobody.pw_uid}
        assert running.get("/health/live")[0] == 200


def test_the_demo_is_signed_in_to_by_a_link(app: Application):
    made = app.run("init", "--workspace", "Demo", "--email", "lin@example.com")
    assert made.returncode == 0, made.stderr
    link = app.run("signin", "lin@example.com")
    assert link.stdout.startswith(app.url + "/signin/link/")
    assert link.stdout.count("\n") == 1


def test_a_key_is_printed_alone_and_works(app: Application):
    assert app.run("init", "--workspace", "Keys", "--email", "kim@example.com").returncode == 0
    key = app.run("key", "create", "--workspace", "keys", "--name", "ci", "--role", "admin")
    assert key.returncode == 0, key.stderr
    assert key.stdout.startswith("whet_")
    assert len(key.stdout.split()) == 1


def test_a_command_that_cannot_be_done_is_one_line(app: Application):
    for words in (["signin", "nobody@example.com"], ["key", "create", "--workspace", "none", "--name", "ci"]):
        ran = app.run(*words)
        assert ran.returncode == 1
        assert ran.stdout == ""
        assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["web-1", "practice", "reaper", "worker", "postgres", "valkey", "guard"])
def test_whoever_is_killed_comes_back(app: Application, name: str):
    app.wait_until_restarted(name, app.kill(name))
    app.wait_until_ready()


def test_a_pool_child_that_is_killed_comes_back(app: Application):
    wait_for(lambda: len(app.pool_children()) == 2)
    victim = app.pool_children()[0]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in app.pool_children() and len(app.pool_children()) == 2)


def test_while_a_web_process_is_killed_nobody_is_turned_away(app: Application):
    app.wait_until_ready()
    refused: list[Exception] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", int(app.url.rpartition(":")[2])), timeout=20):
                    pass
            except OSError as error:
                refused.append(error)
            time.sleep(0.02)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        killed = {name: app.kill(name) for name in ("web-1", "web-2")}
        for name, pid in killed.items():
            app.wait_until_restarted(name, pid)
        app.wait_until_ready()
    finally:
        stop.set()
        asking.join()
    assert refused == []


def test_a_second_one_on_the_same_home_says_so(app: Application):
    ran = up("--home", str(app.home), "--port", "0")
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"Whetstone is running already at {app.url}")
    assert ran.stderr.count("\n") == 1


def test_a_taken_port_is_named(home: Path, app: Application):
    port = app.url.rpartition(":")[2]
    ran = up("--home", str(home), "--port", port)
    assert ran.returncode == 1
    assert (
        ran.stderr
        == f"Cannot listen on 127.0.0.1 port {port} (Address already in use): choose another --port or --host.\n"
    )


def test_a_host_that_is_not_ours_is_named(home: Path):
    ran = up("--home", str(home), "--host", "192.0.2.1", "--port", "0")
    assert ran.returncode == 1
    assert ran.stderr.startswith("Cannot listen on 192.0.2.1 port 0")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_other_machines_are_let_in_only_on_purpose(home: Path, host: str):
    ran = up("--home", str(home), "--host", host, "--port", "0")
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"Other machines reach {host}, and this is not set up for that")
    assert "WHETSTONE_ENV=production" in ran.stderr
    assert "--open-to-network" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert not list(home.glob("pg*")), "nothing was started"


IN_PRODUCTION = {
    "WHETSTONE_ENV": "production",
    "WHETSTONE_SECRET_KEY": "0123456789abcdef" * 2,
    "WHETSTONE_PUBLIC_URL": "https://whetstone.example.com",
}


@pytest.mark.parametrize(("flags", "environment"), [(["--open-to-network"], {}), ([], IN_PRODUCTION)])
def test_other_machines_are_let_in_where_it_was_said(
    home: Path, stack: Stack, flags: list[str], environment: dict[str, str]
):
    """It listens, and goes on to the databases, of which this one is not there."""
    missing = stack.url_of("missing")
    ran = up(
        "--home", str(home), "--host", "0.0.0.0", "--port", "0", *flags,
        WHETSTONE_DATABASE_URL=missing, WHETSTONE_REDIS_URL=stack.redis_database(), **environment,
    )  # fmt: skip
    assert ran.returncode == 1
    assert "WHETSTONE_DATABASE_URL" in ran.stderr
    assert "Other machines" not in ran.stderr


def test_a_home_that_cannot_be_written_to_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    ran = up("--home", str(tmp_path / "file" / "home"))
    assert ran.returncode == 1
    assert "cannot be written to" in ran.stderr
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WHETSTONE_DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:1/x"),
        ("WHETSTONE_REDIS_URL", "redis://:hunter2@127.0.0.1:1/0"),
    ],
)
def test_a_wrong_database_address_is_named_and_nothing_stays(home: Path, name: str, value: str):
    ran = up("--home", str(home), "--port", "0", **{name: value})
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"{name} does not work")
    assert ran.stderr.count("\n") == 1
    assert "hunter2" not in ran.stderr + ran.stdout
    left = [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(home) in " ".join(process.info["cmdline"] or [])
    ]
    assert left == []


@pytest.mark.long
def test_what_a_killed_supervisor_left_is_ended_and_the_next_start_goes_on(home: Path):
    with start_application(home) as first:
        first.wait_until_ready()
        assert first.run("init", "--workspace", "Acme", "--email", "maya@example.com").returncode == 0
        processes = first.all_processes()
        first.supervisor.kill()
        first.supervisor.wait()
        assert all_gone(processes)
    with start_application(home) as second:
        assert accounts(second) == 1
        # Now the guard cannot do it either: it is killed while the supervisor cannot start it again.
        processes = second.all_processes()
        guard = second.children()["guard"]
        second.supervisor.send_signal(signal.SIGSTOP)
        os.kill(guard, signal.SIGKILL)
        second.supervisor.kill()
        second.supervisor.wait()
    with start_application(home) as third:
        assert all_gone(processes)
        assert accounts(third) == 1
        third.wait_until_ready()
