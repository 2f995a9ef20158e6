"""The process that children are forked from: it has loaded what they may want, and given up everything else.

It never sees what a child is asked or answers: it is handed one end of a socket pair for each, which it passes on. So
nothing of one workspace's data lies in its memory when a child for another is forked.

    python -S -B -c "from app.sandbox.zygote import main; main()" DESCRIPTOR FLAVOUR
"""

import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import warnings
from contextlib import suppress
from typing import Any

from app.sandbox import child, confinement, seccomp

FLAVOURS = {"standard": (), "numeric": ("numpy", "rapidfuzz")}
"""What a zygote has loaded besides the standard library. Forking is slower where there is more."""
_NOT_LOADED = {
    "antigravity", "asynchat", "asyncore", "curses", "distutils", "ensurepip", "idlelib", "imp", "lib2to3", "pty",
    "pydoc_data", "readline", "rlcompleter", "smtpd", "test", "this", "tkinter", "tty", "turtle", "turtledemo", "venv",
}  # fmt: skip
"""Modules of the standard library that do something when they are imported, or are of no use without a screen."""
_WHOLE = [
    "asyncio", "collections", "concurrent", "concurrent.futures", "email", "email.mime", "encodings", "html", "http",
    "importlib", "importlib.metadata", "importlib.resources", "json", "logging", "sqlite3", "tomllib", "unittest",
    "urllib", "xml", "xml.dom", "xml.etree", "xml.parsers", "xml.sax", "zoneinfo",
]  # fmt: skip
"""Packages that are loaded with all their modules: some functions import theirs when they are called."""
_ALSO = [
    "jinja2.debug",
    "numpy.fft",
    "numpy.linalg",
    "numpy.ma",
    "numpy.polynomial",
    "numpy.random",
    "rapidfuzz.fuzz",
    "rapidfuzz.process",
    "rapidfuzz.distance",
]
RUN, KILL, ASK = b"R", b"K", b"A"
"""What a zygote is told: to fork a child, to end it, and to make it say where it is."""
_OUTSIDE = 0
"""What a parent in another namespace is called."""


def main() -> None:
    """Be a zygote on the control socket that this process was given, until the other end is closed."""
    given = int(sys.argv[1])
    control = socket.socket(fileno=os.dup(given))  # the lowest there is: a child closes those below 1,024
    os.close(given)
    try:
        namespaces = confinement.leave_namespaces()
        if inside := "processes" in namespaces:
            _wait_outside(control)
        filters = seccomp.program(seccomp.child_rules(), seccomp.refuse(1), seccomp.this_machine())
        zones = _load(FLAVOURS[sys.argv[2]])
        landlock = confinement.confine()
        if inside:
            confinement.die_with_parent(_OUTSIDE)
        os.close(os.pidfd_open(os.getpid()))
        _try(filters)
    except Exception as error:  # noqa: BLE001 - the other side is told, whatever it was
        told = {"failed": f"{error}", "unsupported": isinstance(error, seccomp.Unsupported)}
        control.send(json.dumps(told).encode())
        return
    gc.collect()
    gc.freeze()
    control.send(json.dumps({"namespaces": namespaces, "landlock": landlock}).encode())
    _serve(control, filters)
    del zones


def _try(filters: bytes) -> None:
    """See that a child can put itself under the filter, so that it can be said if not."""
    pid = os.fork()
    if pid == 0:
        try:
            seccomp.install(filters)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    if status:
        raise seccomp.Unsupported("this kernel does not let a process filter its system calls (seccomp)")


def _wait_outside(control: socket.socket) -> None:
    """Go on in a child, the first process of the new namespace. This one waits for its end, and has loaded nothing yet.

    It is not put under Landlock, which would keep the signal of its own end from the child.
    """
    if os.fork():
        control.close()
        confinement.become_nobody()
        os.wait()
        os._exit(0)


def _load(extra: tuple[str, ...]) -> list[Any]:
    """Import what programs may want: later nothing can be opened. The time zones are kept, for their cache is weak."""
    wanted = [name for name in sorted(sys.stdlib_module_names) if name.split(".")[0] not in _NOT_LOADED]
    whole = [
        f"{package}.{module.name}"
        for package in _WHOLE
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__)
        if module.name != "__main__"
    ]
    names = [*extra, *wanted, *whole, *_ALSO]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            if not name.startswith(("numpy.", "rapidfuzz.")) or name.split(".")[0] in extra:
                with suppress(Exception):  # of another system, or left out of this Python
                    importlib.import_module(name)
    zoneinfo = importlib.import_module("zoneinfo")
    zones = []
    for zone in zoneinfo.available_timezones():
        with suppress(Exception):
            zones.append(zoneinfo.ZoneInfo(zone))
    for name in [name for name in sys.modules if name.split(".")[0] == "app"]:
        del sys.modules[name]
    sys.path.clear()
    sys.path_importer_cache.clear()
    return zones


def _serve(control: socket.socket, filters: bytes) -> None:
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 4096, 1)
        if not message:
            os._exit(0)
        if message[:1] != RUN:  # the child has ended by itself meanwhile
            continue
        limits = json.loads(message[1:])
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            connection = os.dup2(descriptors[0], 3)
            # Of its own, and closed at the other end: what the next child inherits, this one could set flags on.
            _, nowhere = socket.socketpair()
            for number in range(3):
                os.dup2(nowhere.fileno(), number)
            nowhere.detach()
            control.detach()
            os.closerange(4, 1024)
            child.live(connection, zygote, limits["memory_bytes"], limits["cpu_s"], filters)
        os.close(descriptors[0])
        control.send(json.dumps(_attend(control, pid)).encode())


def _attend(control: socket.socket, pid: int) -> dict[str, Any]:
    """Wait for the child's end, or kill it when told to; how it ended."""
    ended = os.pidfd_open(pid)
    watched = select.poll()
    watched.register(control, select.POLLIN)
    watched.register(ended, select.POLLIN)
    killed = False
    try:
        while True:
            ready = {descriptor for descriptor, _ in watched.poll()}
            if ended in ready:
                break
            told = control.recv(4096)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGUSR1 if told == ASK else signal.SIGKILL)
            killed = told != ASK
            if not told:
                os._exit(0)
        _, status, used = os.wait4(pid, 0)
    finally:
        os.close(ended)
    return {
        "killed": killed,
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
        "status": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        "peak_kib": used.ru_maxrss,
    }
