"""What the application uses: programs go in, answers come out, and whatever a program does costs only itself.

A `Sandbox` keeps some zygotes. Each works on one request at a time; who finds none free waits. All of it may be
called from any thread.
"""

import atexit
import json
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args
from weakref import WeakSet

from app.sandbox import exchange, frames, seccomp, zygote
from app.sandbox.exchange import Broken, Heard
from app.sandbox.frames import Answer
from app.sandbox.turns import Turns

STARTS_S = 20.0
"""How long a zygote may take to load what it loads, on a busy machine."""
_ENDS_S = 5.0
"""How long a killed child may take to be gone."""
_DIES_S = 0.5
"""How long one that has fallen silent may take, so that the signal is known that ended it."""
_TELLS_S = 1.0
"""How long a child may take to say at which line it is, on a busy machine; the wait ends when it has said it."""
_WAITS_S = 60.0
"""How long somebody waits for a free zygote."""
_USUAL_S = 5.0
"""How long a program may take, where nothing else is said."""
_RECYCLED_AFTER = 1_000
"""Requests, after which a zygote is replaced."""
_VERSION = 1
"""Raised whenever programs may answer differently: it is kept with each judgment."""


OUT_OF_TIME = "The program was stopped after {:g} s"
"""The error of a program that took longer than it may."""


Line = Literal["usual", "mostly short", "long"]


class SandboxUnavailable(Exception):
    """Nothing is run here; the message says why."""


class NotSupported(SandboxUnavailable):
    """The kernel cannot hold a program, today or later."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one request."""

    wall_s: float = _USUAL_S
    memory_bytes: int = 512 << 20
    """Of address space, with what the zygote has loaded."""
    mostly_short: bool = False
    """Whether it hardly ever takes its time, so that it does not wait behind those that do."""

    @property
    def line(self) -> Line:
        """Who waits behind whom: nobody behind one that may take longer, unless it is of the same line."""
        line: Line = "mostly short" if self.mostly_short else "long"
        return "usual" if self.wall_s <= _USUAL_S else line


class _Gone(Exception):
    """The zygote does not answer any more."""


class Zygote:
    """A running zygote. One request at a time."""

    def __init__(self, flavour: str = "standard", launcher: Sequence[str] = ()) -> None:
        """Start it, and wait until it is ready. `launcher` is a command that ends by executing its arguments.

        Raises:
            NotSupported: this kernel, or machine, has no filters of system calls.
            SandboxUnavailable: it says that it cannot be safe here, or nothing at all.
        """
        try:
            seccomp.this_machine()
        except seccomp.Unsupported as error:
            raise NotSupported(str(error)) from None
        ours, theirs = _pair(socket.SOCK_SEQPACKET)
        self._control = ours
        with theirs:
            own = [sys.executable, *_OPTIONS, "-c", _PROGRAM, str(theirs.fileno()), flavour, *_places()]
            try:
                self._process = subprocess.Popen(
                    [*launcher, *own],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=_ENVIRONMENT,
                    cwd="/",
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                raise SandboxUnavailable(f"no process can be started: {error.strerror}") from None
        try:
            said = self._hear(STARTS_S)
        except _Gone:
            self.close()
            raise SandboxUnavailable("the process that programs are forked from did not start") from None
        if failure := said.get("failed"):
            self.close()
            raise (NotSupported if said["unsupported"] else SandboxUnavailable)(failure)
        self.namespaces: tuple[str, ...] = tuple(said["namespaces"])
        self.landlock: int = said["landlock"]
        self.left = _RECYCLED_AFTER
        """Requests until it is replaced."""

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        return self._process.pid

    def run(
        self, requests: Sequence[Mapping[str, Any]], limits: Limits, attachment: bytes = b""
    ) -> list[Answer]:
        """The answers of one child to requests, in their order, the time for each counted by itself.

        Where a child does not survive a request, that answer is an error, and the list ends there.

        Raises:
            _Gone: the zygote is not there any more; nothing is known.
            SandboxUnavailable: this process can open no more descriptors.
        """
        self.left -= 1
        ours, theirs = _pair(socket.SOCK_STREAM)
        with ours:
            with theirs:
                told = {"memory_bytes": limits.memory_bytes, "cpu_s": int(limits.wall_s * len(requests)) + 1}
                self._tell(zygote.RUN + json.dumps(told).encode(), [theirs.fileno()])
            answers: list[Answer] = []
            problem: str | None = None
            heard = Heard()
            for number, request in enumerate(requests):
                last = number == len(requests) - 1
                heard = Heard()
                try:
                    answer = exchange.ask(ours, request, attachment, limits, heard, last=last)
                    answers.append(answer)
                except Broken as broken:
                    problem = broken.problem
                    break
            line = self._ask_where(ours, heard) if problem == "time" else None
            ended = self._end(patience_s=_DIES_S if problem == "silence" else 0.0)
        if problem:
            prints = frames.as_prints(heard.prints)
            late = problem == "time" or ended["signal"] == _SIGXCPU
            said = OUT_OF_TIME.format(limits.wall_s) if late else _how_it_ended(problem, ended, limits)
            answers.append(Answer(error=said, line=line, prints=prints, late=late))
        return answers

    def _ask_where(self, connection: socket.socket, heard: Heard) -> int | None:
        """The line that a child is at which has not answered in time; None where it does not say."""
        self._tell(zygote.ASK)
        return exchange.hear_place(connection, heard, _TELLS_S)

    def _end(self, patience_s: float) -> dict[str, Any]:
        """Kill the child, unless it ends by itself in that time; how it ended. What came too late is ignored."""
        if patience_s:
            with suppress(_Gone):
                return self._hear(patience_s)
        self._tell(zygote.KILL)
        return self._hear(_ENDS_S)

    def forget(self) -> None:
        """Let go of it, in a fork of the process that it belongs to: it ends with that one, and serves no other."""
        self._control.close()

    def close(self) -> None:
        """End it, and the child that it may have."""
        self._control.close()
        try:
            self._process.wait(_ENDS_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _tell(self, message: bytes, descriptors: Sequence[int] = ()) -> None:
        try:
            socket.send_fds(self._control, [message], list(descriptors))
        except OSError as error:
            raise _Gone from error

    def _hear(self, seconds: float) -> dict[str, Any]:
        self._control.settimeout(seconds)
        try:
            message = self._control.recv(4096)
        except OSError as error:
            raise _Gone from error
        if not message:
            raise _Gone
        heard: dict[str, Any] = json.loads(message)
        return heard


def _pair(kind: socket.SocketKind) -> tuple[socket.socket, socket.socket]:
    try:
        return socket.socketpair(socket.AF_UNIX, kind)
    except OSError as error:
        raise SandboxUnavailable(f"no connection to a child can be made: {error.strerror}") from None


def _how_it_ended(problem: str, ended: Mapping[str, Any], limits: Limits) -> str:
    if problem == "forged":
        return "The program wrote something that is no answer"
    if ended["signal"] in (_SIGKILL, _SIGSEGV, _SIGBUS, _SIGABRT) and not ended["killed"]:
        mib = limits.memory_bytes >> 20
        return f"The program broke off (signal {ended['signal']}): too deep a recursion, or more than {mib} MiB of memory"
    return "The program ended itself without an answer"


_SIGABRT, _SIGBUS, _SIGKILL, _SIGSEGV, _SIGXCPU = 6, 7, 9, 11, 24
_PROGRAM = "import sys; sys.path[:0] = sys.argv[3:]; from app.sandbox.zygote import main; main()"
_OPTIONS = ["-S", "-B", "-P"]
"""No site-packages of its own choice, nothing written, and nothing imported from the folder it is started in."""
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
}
"""The whole of it. An arena of glibc's for each thread would take 64 MiB of address space, which is what is limited. The same hashes for everybody: the same program on the same row says the same."""


def _places() -> list[str]:
    """Where modules are found, for the zygote until it has loaded them. `Path.is_dir` would raise in a folder of somebody else."""
    ours = str(Path(__file__).parents[2])
    return [ours, *(place for place in sys.path if place and place != ours and os.path.isdir(place))]  # noqa: PTH112


class Sandbox:
    """Runs programs, on at most `size` zygotes of each flavour at once, and as many for those that may take longer than usual:
    templates and queries never wait behind them."""

    def __init__(self, size: int = 2, launcher: Sequence[str] = ()) -> None:
        self._size = size
        self._launcher = launcher
        self._shelves = _shelves(size)
        self._zygotes: set[Zygote] = set()
        self._closed = False
        self.layers: str = ""
        _sandboxes.add(self)

    def run(
        self,
        program: str,
        request: Mapping[str, Any],
        *,
        limits: Limits = Limits(),
        attachment: bytes = b"",
        flavour: str = "standard",
    ) -> Answer:
        """What `program` answers to a request, in a child of its own.

        Raises:
            SandboxUnavailable: no child can be made.
        """
        return self._run([{**request, "program": program}], limits, attachment, flavour)[0]

    def run_batch(
        self,
        program: str,
        requests: Sequence[Mapping[str, Any]],
        *,
        limits: Limits = Limits(),
        flavour: str = "standard",
    ) -> list[Answer]:
        """The answers to requests of one author, faster: one child answers all, and may remember.

        The child that does not survive a request costs that request; those after it begin again in a fresh child each.

        Raises:
            SandboxUnavailable: no child can be made.
        """
        named = [{**request, "program": program} for request in requests]
        answers = self._run(named, limits, b"", flavour) if named else []
        for request in named[len(answers) :]:
            answers += self._run([request], limits, b"", flavour)
        return answers

    def _run(
        self, requests: Sequence[Mapping[str, Any]], limits: Limits, attachment: bytes, flavour: str
    ) -> list[Answer]:
        for attempt in (1, 2):
            with self._lent(flavour, limits.line) as lent:
                try:
                    return lent.run(requests, limits, attachment)
                except _Gone:
                    lent.left = 0
                    if attempt == 2:
                        raise SandboxUnavailable(
                            "the process that programs are forked from ended twice"
                        ) from None
        raise AssertionError

    @contextmanager
    def _lent(self, flavour: str, line: Line) -> Iterator[Zygote]:
        shelf = self._shelves[flavour, line]
        if not shelf.places.take(_WAITS_S):
            raise SandboxUnavailable(f"all were busy for {_WAITS_S:g} s")
        try:
            try:
                lent = shelf.idle.pop()
            except IndexError:
                lent = Zygote(flavour, self._launcher)
                self._zygotes.add(lent)
                self.layers = _layers(lent)
            try:
                yield lent
            except BaseException:
                lent.left = 0  # in the middle of something, for all that is known
                raise
            finally:
                if lent.left > 0 and not self._closed:
                    shelf.idle.append(lent)
                else:
                    self._zygotes.discard(lent)
                    lent.close()
        finally:
            shelf.places.give_back()

    @property
    def engine(self) -> str:
        """Name and version of what runs programs, for the record: `cpython-seccomp 1, Python 3.11.7`."""
        return f"cpython-seccomp {_VERSION}, Python {platform.python_version()}"

    def close(self) -> None:
        """End every zygote: one that is at work, when its request is answered."""
        self._closed = True
        for shelf in self._shelves.values():
            with suppress(IndexError):  # others take from it, too
                while True:
                    shelf.idle.pop().close()

    def start_anew(self) -> None:
        """In a fork of this process: leave the zygotes to the parent, which may be talking to them."""
        for inherited in self._zygotes:
            inherited.forget()
        self._zygotes = set()
        self._shelves = _shelves(self._size)


class _Shelf:
    """The zygotes of one flavour, for the requests of one line."""

    def __init__(self, size: int) -> None:
        self.places = Turns(size)
        self.idle: list[Zygote] = []


def _shelves(size: int) -> dict[tuple[str, Line], _Shelf]:
    return {(flavour, line): _Shelf(size) for flavour in zygote.FLAVOURS for line in get_args(Line)}


_sandboxes: WeakSet[Sandbox] = WeakSet()


def _start_anew() -> None:
    for each in list(_sandboxes):
        each.start_anew()


os.register_at_fork(after_in_child=_start_anew)


def _layers(of: Zygote) -> str:
    """What holds programs here, in words."""
    held = ["a filter of system calls"]
    if of.landlock:
        held.append(f"Landlock (version {of.landlock})")
    if of.namespaces:
        held.append(f"namespaces ({', '.join(of.namespaces)})")
    return ", ".join(held)


@lru_cache
def sandbox() -> Sandbox:
    """The sandbox of this process, which ends with it."""
    made = Sandbox()
    atexit.register(made.close)
    return made
