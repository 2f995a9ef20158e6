"""The process that children are forked from: it has loaded what they may want, and given up everything else.

It never sees what a child is asked or answers: it is handed one end of a socket pair for each, which it passes on. So
nothing of one workspace's data lies in its memory when a child for another is forked.

    python -S -B -c "from app.sandbox.zygote import main; main()" DESCRIPTOR FLAVOUR
"""

import gc
import importlib
import json
import os
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
_ALSO = [
    "collections.abc", "concurrent.futures.thread", "email.message", "email.mime.text", "email.utils",
    "email.policy", "encodings.idna", "html.entities", "html.parser", "http.client", "importlib.metadata",
    "importlib.resources", "json.tool", "logging.handlers", "os.path", "unittest.mock", "urllib.parse",
    "urllib.request", "xml.dom.minidom", "xml.etree.ElementTree", "xml.sax.saxutils", "zoneinfo", "_strptime",
    "jinja2.debug", "numpy.fft", "numpy.linalg", "numpy.ma", "numpy.polynomial", "numpy.random", "rapidfuzz.fuzz",
    "rapidfuzz.process", "rapidfuzz.distance",
]  # fmt: skip
RUN, KILL = b"R", b"K"


def main() -> None:
    """Be a zygote on the control socket that this process was given, until the other end is closed."""
    control = socket.socket(fileno=int(sys.argv[1]))
    try:
        filters = seccomp.program(seccomp.child_rules(), seccomp.refuse(1), seccomp.this_machine())
        zones = _load(FLAVOURS[sys.argv[2]])
        layers = confinement.confine()
        os.close(os.pidfd_open(os.getpid()))
    except Exception as error:  # noqa: BLE001 - the other side is told, whatever it was
        control.send(json.dumps({"failed": f"{error}"}).encode())
        return
    if "processes" in layers.namespaces and os.fork():
        control.close()
        os.wait()
        os._exit(0)
    confinement.be_unreadable()
    gc.collect()
    gc.freeze()
    control.send(json.dumps({"namespaces": layers.namespaces, "landlock": layers.landlock}).encode())
    _serve(control, filters)
    del zones


def _load(extra: tuple[str, ...]) -> list[Any]:
    """Import what programs may want: later nothing can be opened. The time zones are kept, for their cache is weak."""
    wanted = [name for name in sorted(sys.stdlib_module_names) if name.split(".")[0] not in _NOT_LOADED]
    encodings = importlib.import_module("pkgutil").iter_modules(importlib.import_module("encodings").__path__)
    names = [*extra, *wanted, *_ALSO, *(f"encodings.{module.name}" for module in encodings)]
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
        pid = os.fork()
        if pid == 0:
            connection = os.dup2(descriptors[0], 3)
            control.detach()
            os.closerange(4, 1024)
            child.live(connection, limits["memory_bytes"], limits["cpu_s"], filters)
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
                os.kill(pid, signal.SIGKILL)
            killed = True
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
