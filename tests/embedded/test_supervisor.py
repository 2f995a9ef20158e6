"""The supervisor keeps processes alive, stops them in order, bounds their logs, and is replaced by its guard."""

import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.embedded import logs, processes
from app.embedded.layout import CLONE, Layout, StackError
from app.embedded.service import DOORS, Service
from app.embedded.supervisor import Supervisor, stop_leftovers

SLEEP = "import time; time.sleep(60)"


def service(name: str, code: str, **options) -> Service:
    return Service(name, (sys.executable, "-c", code), dict(os.environ), DOORS, **options)


def wait_for(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(Layout(tmp_path), said.append)
    yield supervisor
    supervisor.stop()


def pid_of(home: Path, name: str) -> int | None:
    _, children = processes.recorded(home / "processes.json")
    return next((child.pid for child in children if child.name == name), None)


def test_who_dies_is_started_again_and_it_is_said(tmp_path: Path, supervisor: Supervisor, said: list[str]):
    never_ended = supervisor.keep(service("a", SLEEP))
    first = pid_of(tmp_path, "a")
    assert never_ended()
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: pid_of(tmp_path, "a") not in (first, None))
    assert said == ["a ended (by signal 9); starting it again."]
    assert not never_ended()


def test_who_keeps_failing_is_given_longer_pauses(tmp_path: Path, supervisor: Supervisor, said: list[str]):
    supervisor.keep(service("a", "raise SystemExit(3)"))
    time.sleep(1.2)
    assert 2 <= len(said) <= 5  # 0.1, 0.2, 0.4, 0.8 s apart, and the time of a start each
    assert said[0] == "a ended (with exit code 3); starting it again."


def test_what_a_dead_process_left_behind_is_killed(tmp_path: Path, supervisor: Supervisor):
    file = tmp_path / "grandchild"
    code = f"""
        import os, signal, subprocess, sys
        c = subprocess.Popen([sys.executable, "-c", {SLEEP!r}])
        open({str(file)!r} + ".new", "w").write(str(c.pid))
        os.rename({str(file)!r} + ".new", {str(file)!r})
        os.kill(os.getpid(), signal.SIGKILL)
    """
    supervisor.run_once(service("a", textwrap.dedent(code)), then=lambda code: None)
    wait_for(file.exists)
    wait_for(lambda: processes.start_time(int(file.read_text())) is None)


def test_output_goes_into_a_log_with_time_and_name(tmp_path: Path, supervisor: Supervisor):
    ended: list[int] = []
    code = r"import sys; print('out'); print('\x1b[31mred\x1b[0m', file=sys.stderr, flush=True); sys.stdout.write('no line end')"
    supervisor.run_once(service("a", code), then=ended.append)
    wait_for(lambda: ended == [0])
    lines = (tmp_path / "logs" / "a.log").read_text().splitlines()
    assert sorted(line.partition(" a | ")[2] for line in lines) == ["[31mred[0m", "no line end", "out"]
    assert all(line.startswith("20") and "Z a | " in line for line in lines)


def test_a_log_is_bounded(tmp_path: Path):
    log = logs.Log(tmp_path, "a")
    for _ in range(1500):
        log.write(b"x" * 10_000)
    log.close()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["a.log", "a.log.1"]
    assert all(path.stat().st_size <= logs.LARGEST_FILE for path in tmp_path.iterdir())


def test_a_log_that_cannot_be_turned_over_goes_on_once_it_can(tmp_path: Path):
    """No file can be opened: as where a quota, or the number of files, is used up."""
    log = logs.Log(tmp_path, "a")
    line = b"x" * 10_000
    while log.path.stat().st_size < logs.LARGEST_FILE - len(line):
        log.write(line)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        for _ in range(3):
            log.write(line)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    log.write(line + b" there is room again")
    log.close()
    assert log.path.read_text().endswith("there is room again\n")
    assert log.path.with_suffix(".log.1").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full: Linux has one")
def test_a_full_disk_loses_lines_and_holds_nobody_up(tmp_path: Path):
    (tmp_path / "a.log").symlink_to("/dev/full")
    log = logs.Log(tmp_path, "a")
    with pytest.raises(OSError, match="No space left"):
        (tmp_path / "a.log").write_bytes(b"x")
    log.write(b"lost")
    log.close()


def test_a_very_long_line_is_cut(tmp_path: Path, supervisor: Supervisor):
    ended: list[int] = []
    supervisor.run_once(service("a", "print('x' * 10**6); print('next')"), then=ended.append)
    wait_for(lambda: ended == [0])
    text = (tmp_path / "logs" / "a.log").read_text()
    assert "next" in text
    assert max(map(len, text.splitlines())) < 20_000


def test_a_program_gives_its_output_or_its_last_word(supervisor: Supervisor):
    assert supervisor.begin(service("a", "print('hello')"))() == "hello\n"
    with pytest.raises(StackError, match=r"^the reason$"):
        supervisor.begin(service("b", "import sys; print('much'); sys.exit('before\\nthe reason')"))()


def test_a_program_that_is_not_there_cannot_be_kept(supervisor: Supervisor):
    with pytest.raises(StackError, match="a cannot be started"):
        supervisor.keep(Service("a", ("/nowhere/at/all",), {}, DOORS))


def test_nothing_starts_once_everything_stops(tmp_path: Path, supervisor: Supervisor):
    supervisor.keep(service("a", SLEEP))
    supervisor.stop()
    assert pid_of(tmp_path, "a") is None
    assert supervisor.keep(service("b", SLEEP))() is False
    assert pid_of(tmp_path, "b") is None


SUPERVISE = """
import sys, time
from pathlib import Path
from app.embedded.layout import Layout
from app.embedded.service import DOORS, Service
from app.embedded.supervisor import Supervisor
supervisor = Supervisor(Layout(Path(sys.argv[1])), print)
supervisor.start_guard()
for name in "ab":
    supervisor.keep(Service(name, (sys.executable, "-c", "import time; time.sleep(60)"), {}, DOORS))
print("up", flush=True)
time.sleep(60)
"""


def supervised(home: Path) -> tuple[subprocess.Popen, list[int]]:
    """A supervisor in a process of its own, and the pids of its children: a, b and the guard."""
    popen = subprocess.Popen(
        [sys.executable, "-c", SUPERVISE, str(home)], stdout=subprocess.PIPE, text=True, cwd=CLONE
    )
    assert popen.stdout.readline() == "up\n"
    return popen, [pid_of(home, name) for name in ("a", "b", "guard")]


def test_the_guard_ends_the_others_when_the_supervisor_is_killed(tmp_path: Path):
    popen, pids = supervised(tmp_path)
    popen.kill()
    popen.wait()
    popen.stdout.close()
    for pid in pids:
        wait_for(lambda pid=pid: processes.start_time(pid) is None)


def test_the_next_start_ends_what_is_left_when_the_guard_was_killed_too(tmp_path: Path):
    popen, (a, b, guard) = supervised(tmp_path)
    os.kill(popen.pid, signal.SIGSTOP)  # so that it does not start the guard again
    os.kill(guard, signal.SIGKILL)
    popen.kill()
    popen.wait()
    popen.stdout.close()
    assert processes.start_time(a)
    assert processes.start_time(b)
    stop_leftovers(Layout(tmp_path))
    assert processes.start_time(a) is None
    assert processes.start_time(b) is None


def test_a_guard_leaves_the_children_of_the_next_supervisor_alone(tmp_path: Path):
    home = Layout(tmp_path)
    supervisor = Supervisor(home, lambda _: None)
    supervisor.keep(service("a", SLEEP))
    guard = [sys.executable, "-m", "app.embedded.guard", str(home.processes), "1", "the one before"]
    subprocess.run(guard, stdin=subprocess.DEVNULL, cwd=CLONE, check=True)
    assert processes.start_time(pid_of(tmp_path, "a"))
    supervisor.stop()
