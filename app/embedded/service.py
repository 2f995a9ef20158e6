"""What a process of the stack is: how it is started, in which turn, and how it is asked to stop."""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from app.embedded.layout import CLONE
from app.embedded.processes import Process, start_time

GUARD, DATABASES, PROVIDERS, DOORS = range(4)
"""The stages, in the order of starting: a later one needs those before it."""


class Owner(NamedTuple):
    """The user that a process runs as, where root starts it."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Service:
    """A process of the stack."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    stage: int
    cwd: Path = CLONE
    owner: Owner | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    patience_s: float = 30
    """How long it may take to stop before it is killed: more than our own processes give to what is in flight."""
    descriptors: tuple[int, ...] = ()
    """Open files that it inherits."""
    can_wait: bool = False
    """It gets only the processor time that others leave."""
    holds_stdin: bool = False
    """Its stdin stays open as long as the process that started it lives."""

    @property
    def command(self) -> tuple[str, ...]:
        """The whole command line."""
        return ("nice", *self.argv) if self.can_wait else self.argv

    def options(self) -> dict[str, Any]:
        """Arguments for `subprocess.Popen` or asyncio's `create_subprocess_exec`."""
        as_user = {"user": self.owner.uid, "group": self.owner.gid, "extra_groups": []} if self.owner else {}
        return {
            "env": dict(self.environment),
            "cwd": self.cwd,
            "pass_fds": self.descriptors,
            "start_new_session": True,  # Ctrl-C reaches the supervisor alone; killing the group reaches all of it
            **as_user,
        }

    def process(self, pid: int) -> Process:
        """The record of this service running as `pid`."""
        return Process(self.name, pid, start_time(pid) or "", self.stop_signal, self.stage, self.patience_s)


def plain_environment(**more: str) -> dict[str, str]:
    """The environment of programs that are not ours: no secrets of ours in it."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", **more}
