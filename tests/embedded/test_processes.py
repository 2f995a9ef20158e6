"""Processes are known by pid and start time, and stopped in the right order."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.embedded import processes
from app.embedded.processes import Process

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


def start(
    code: str = "import time; time.sleep(60)", *, stage: int = 1, patience_s: float = 5
) -> tuple[subprocess.Popen, Process]:
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    return child, Process(
        "child", child.pid, processes.start_time(child.pid) or "", signal.SIGTERM, stage, patience_s
    )


@pytest.fixture
def child() -> Iterator[tuple[subprocess.Popen, Process]]:
    started = start()
    yield started
    end(started[0])


def end(child: subprocess.Popen) -> None:
    child.kill()
    child.wait()
    child.stdout.close()


def test_a_process_is_recognised_while_it_runs(child):
    popen, process = child
    assert processes.is_running(process)
    popen.kill()
    popen.wait()
    assert not processes.is_running(process)


def test_a_dead_child_that_nobody_waited_for_does_not_count_as_running(child):
    popen, process = child
    popen.kill()
    os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOWAIT)
    assert not processes.is_running(process)


def test_a_pid_that_went_to_somebody_else_is_left_alone(child):
    popen, process = child
    stranger = process._replace(started="another boot 1")
    processes.stop([stranger])
    assert popen.poll() is None


def test_what_runs_survives_being_written_down(tmp_path: Path, child):
    _, process = child
    processes.record(tmp_path / "processes.json", process, [process])
    assert processes.recorded(tmp_path / "processes.json") == (process, [process])
    assert processes.recorded(tmp_path / "none.json") == (None, [])


def test_who_does_not_stop_is_killed_with_what_it_started():
    popen, process = start(
        f"import subprocess, sys; c = subprocess.Popen([sys.executable, '-c', {DEAF!r}]); print(c.pid, flush=True);"
        + DEAF,
        patience_s=0.3,
    )
    grandchild = int(popen.stdout.readline())
    while "deaf" not in popen.stdout.readline() + popen.stdout.readline():
        pass
    began = time.monotonic()
    processes.stop([process])
    assert 0.3 <= time.monotonic() - began < 3
    assert popen.wait() == -signal.SIGKILL
    deadline = time.monotonic() + 5
    while processes.start_time(grandchild):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    popen.stdout.close()


def test_later_stages_stop_before_those_that_they_need(tmp_path: Path):
    log = tmp_path / "log"
    code = (
        "import signal, sys, time\n"
        "def leave(*_):\n    time.sleep(0.1); open({log!r}, 'a').write({name!r}); sys.exit()\n"
        "signal.signal(signal.SIGTERM, leave); print('up', flush=True); time.sleep(60)"
    )
    started = [start(code.format(log=str(log), name=name), stage=stage) for stage, name in enumerate("abc")]
    for popen, _ in started:
        popen.stdout.readline()
    processes.stop(process for _, process in started)
    assert log.read_text() == "cba"
    for popen, _ in started:
        end(popen)
