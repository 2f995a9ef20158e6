"""Trying to break out, before anybody else does: whether programs may be run on this machine.

Each probe is a program that says True if it reached something. One that does, or an honest program that fails, and
nothing is run here.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from app.sandbox.frames import Answer
from app.sandbox.supervisor import Limits, NotSupported, Sandbox, SandboxUnavailable
from app.sandbox.zygote import FLAVOURS

_PROBE_S = 3.0
_ENDLESS_S = 0.3
_AGAIN_S = 60.0
_HONEST = """
import json, math, re, statistics
def evaluate(log, testcase):
    print("measuring")
    return statistics.mean(json.loads(log["output"])) == testcase["target"]["mean"]
"""
PROBES = {
    "read a file": """
def probe(log):
    return bool(open("/etc/hostname").read() or True)
""",
    "list a folder": """
import os
def probe(log):
    return bool(os.listdir("/"))
""",
    "see whether a file is there": """
import os
def probe(log):
    return bool(os.stat("/etc"))
""",
    "see whether a file is there, by its C library": """
import ctypes
def probe(log):
    return ctypes.CDLL(None).fstatat(-100, b"/etc", ctypes.create_string_buffer(512), 0x1000) == 0
""",
    "read the environment of the application": """
import os
def probe(log):
    known = {"LANG", "LC_CTYPE", "TZ", "PYTHONHASHSEED", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MALLOC_ARENA_MAX"}
    return bool(set(os.environ) - known)
""",
    "write a file": """
import os
def probe(log):
    return os.open("/tmp", os.O_TMPFILE | os.O_WRONLY) >= 0
""",
    "connect to a server": """
import socket
def probe(log):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", 9)) in (0, 111)
""",
    "offer a service": """
import socket
def probe(log):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return True
""",
    "start a process": """
import os
def probe(log):
    if os.fork() == 0:
        os._exit(0)
    return True
""",
    "execute another program": """
import os
def probe(log):
    try:
        os.execv("/nonexistent", ["x"])
    except FileNotFoundError:  # it was looked for: one that is there would have been executed
        return True
""",
    "signal another process": """
import os
def probe(log):
    os.kill(os.getppid(), 0)
    return True
""",
    "see whether a process is there": """
import os, time
def probe(log):
    return time.clock_gettime(~os.getppid() << 3 | 2) >= 0
""",
    "attach to another process": """
import ctypes, os
def probe(log):
    seize, be_traced, libc = 0x4206, 0, ctypes.CDLL(None)
    return libc.ptrace(seize, os.getppid(), 0, 0) == 0 or libc.ptrace(be_traced, 0, 0, 0) == 0
""",
    "make a namespace": """
import ctypes
def probe(log):
    own_descriptors = 0x400  # anybody may, where the call is there at all
    return any(ctypes.CDLL(None).unshare(flag) == 0 for flag in (0x10000000, 0x40000000, own_descriptors))
""",
    "make memory executable": """
import mmap
def probe(log):
    return bool(mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC))
""",
    "take a gigabyte of memory": """
def probe(log):
    return len(bytearray(1 << 30)) > 0
""",
    "lift its own limits": """
import resource
def probe(log):
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    return True
""",
}
ENDLESS = """
def probe(log):
    while True:
        pass
"""


@dataclass(frozen=True, slots=True)
class State:
    """Whether programs are run here."""

    engine: str | None
    """What runs them; None where they are not run."""
    explanation: str
    """What holds them, or why they are not run."""
    broken_out: bool = False
    """Whether a program reached something. Then it is not tried again: another time it may only be less lucky."""
    unsupported: bool = False
    """Whether the kernel cannot hold programs at all. Only then something else may run them."""


class Engine(Protocol):
    """What runs evaluators: the sandbox, or something in its place."""

    @property
    def engine(self) -> str:
        """Its name and version, for the record."""

    @property
    def layers(self) -> str:
        """What holds programs in it, in words."""

    def run(
        self, program: str, request: Mapping[str, Any], *, limits: Limits = ..., flavour: str = ...
    ) -> Answer:
        """What a program answers to a request. SandboxUnavailable where it is not run."""


def examine(tried: Engine, honest: str = _HONEST, flavour: str = "standard") -> State:
    """Try every probe in `tried`, and a program that should run."""
    try:
        return _problem(tried, honest, flavour) or State(tried.engine, tried.layers)
    except SandboxUnavailable as unavailable:
        return State(None, str(unavailable), unsupported=isinstance(unavailable, NotSupported))


def _problem(tried: Engine, honest: str, flavour: str) -> State | None:
    arguments = [{"output": "[1, 2]"}, {"target": {"mean": 1.5}}]
    wanted = tried.run("evaluate", {"code": honest, "arguments": arguments}, flavour=flavour)
    if wanted.value is not True:
        return State(None, f"an honest program does not run: {wanted.error}")
    for name, code in PROBES.items():
        asked: dict[str, Any] = {"code": code, "arguments": [{}, None]}
        answer = tried.run("evaluate", asked, limits=Limits(wall_s=_PROBE_S), flavour=flavour)
        if answer.error is None and answer.value is not False:
            return State(None, f"a program could {name}", broken_out=True)
    asked = {"code": ENDLESS, "arguments": [{}, None]}
    endless = tried.run("evaluate", asked, limits=Limits(wall_s=_ENDLESS_S), flavour=flavour)
    if endless.error is None:
        return State(None, "a program could go on for ever", broken_out=True)
    return None


class Watch:
    """What was found out when somebody first asked. A machine that was only too busy is looked at again, beside; one on
    which a program broke out is not, until this process is started anew."""

    def __init__(
        self, examined: Callable[[], State], found: State | None = None, again_s: float = _AGAIN_S
    ) -> None:
        self._lock = threading.Lock()
        self._examined, self._found, self._again_s = examined, found, again_s
        self._looked_at = 0.0

    def state(self) -> State:
        """What is known; the first to ask waits until it is."""
        with self._lock:
            if self._found is None:
                self._look()
            elif self._is_to_be_seen() and time.monotonic() - self._looked_at > self._again_s:
                self._looked_at = time.monotonic()
                threading.Thread(target=self._look, daemon=True).start()
            assert self._found is not None  # noqa: S101 - it was just looked
            return self._found

    @property
    def known(self) -> State | None:
        """What is known; nothing is looked at for it."""
        return self._found

    @property
    def broken_out(self) -> State | None:
        """What is known, if a program broke out; nothing is looked at for it."""
        return self._found if self._found and self._found.broken_out else None

    def _is_to_be_seen(self) -> bool:
        found = self._found
        return found is not None and found.engine is None and not found.broken_out

    def _look(self) -> None:
        try:
            self._found = self._examined()
        finally:
            self._looked_at = time.monotonic()


def examine_sandbox(flavour: str = "standard") -> State:
    """Try every probe in a sandbox that is made for it alone."""
    tried = Sandbox(size=1)
    try:
        return examine(tried, flavour=flavour)
    finally:
        tried.close()


_watches = {flavour: Watch(partial(examine_sandbox, flavour)) for flavour in FLAVOURS}


def state(flavour: str = "standard") -> State:
    """Whether programs are run by this process, as a sandbox that was made for it alone has shown.

    A flavour is looked at when it is first asked for: loading what it has takes seconds. A program that broke out of one
    switches off all.
    """
    for watch in _watches.values():
        if broken := watch.broken_out:
            return broken
    return _watches[flavour].state()


def failed_here() -> str | None:
    """Why this process runs no programs though the kernel could hold them, if it has looked; nothing is looked at for it."""
    known = [watch.known for watch in _watches.values() if watch.known]
    return next((one.explanation for one in known if not (one.engine or one.unsupported)), None)
