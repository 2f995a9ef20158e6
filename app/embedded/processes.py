"""Processes that we started, known by pid and start time, so that a reused pid is never taken for one of ours."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from app.embedded.layout import write_private

_POLL_S = 0.02


class Process(NamedTuple):
    """One running child: enough to stop it from another process, in its turn."""

    name: str
    pid: int
    started: str
    stop_signal: int
    stage: int
    """Processes of a later stage need those of the earlier ones, and are stopped before them."""
    patience_s: float
    """How long it may take to stop by itself."""


def start_time(pid: int) -> str | None:
    """When the process `pid` started, in a form that no other process shares; None when it is gone."""
    try:
        # Field 22 of stat, counted after the command's name, which may hold spaces and brackets.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self").exists() else _ps("lstart=", pid) or None
    return None if fields[0] in "ZX" else f"{boot} {fields[19]}"


def command_line(pid: int) -> str:
    """The command that runs as `pid`; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "" if Path("/proc/self").exists() else _ps("command=", pid)


def _ps(column: str, pid: int) -> str:
    """For systems without /proc."""
    command = ["ps", "-o", column, "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def is_running(process: Process) -> bool:
    """Whether this very process still runs."""
    return start_time(process.pid) == process.started


def record(path: Path, owner: Process, children: Iterable[Process]) -> None:
    """Write down who runs, so that they can be found after a crash of `owner`."""
    write_private(path, json.dumps({"owner": owner, "children": list(children)}))


def recorded(path: Path) -> tuple[Process | None, list[Process]]:
    """The last recorded owner and its children."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return None, []
    return Process(*content["owner"]), [Process(*child) for child in content["children"]]


def stop(processes: Iterable[Process], *, patience_s: float | None = None) -> None:
    """Stop `processes`, the later stages first, and return when none runs. Who does not stop by itself is killed.

    `patience_s` replaces each one's own patience.
    """
    left = [process for process in processes if is_running(process)]
    for stage in sorted({process.stage for process in left}, reverse=True):
        _stop_stage([process for process in left if process.stage == stage], patience_s)


def _stop_stage(processes: list[Process], patience_s: float | None) -> None:
    began = time.monotonic()
    for process in processes:
        _signal(process, process.stop_signal)
    while processes:
        waited = time.monotonic() - began
        for process in processes:
            if waited > (process.patience_s if patience_s is None else patience_s):
                kill_group(process)
        time.sleep(_POLL_S)
        processes = [process for process in processes if is_running(process)]


def _signal(process: Process, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process.pid, number)


def kill_group(process: Process) -> None:
    """Kill the process and what it started. Call it only while its pid cannot belong to another one."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
