"""What runs people's Python where the kernel holds no child: Monty, if somebody has installed it.

Monty is an interpreter of a part of Python, in processes of its own, that has no files, network or processes to reach. It
is the only wall: nothing of the operating system holds it besides. So it is asked only where the sandbox proper is not to
be had. Templates and SQL queries need that one: they do not run here.
"""

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from app.sandbox.frames import MOST_PRINTS, Answer, plain
from app.sandbox.programs import Failure
from app.sandbox.programs.evaluate import MOST_RETURNED
from app.sandbox.selftest import State, Watch, examine
from app.sandbox.supervisor import OUT_OF_TIME, Limits, SandboxUnavailable

_PROCESSES = 2
_WAITS_S = 60.0
_READS_S = 10.0
_USUAL = Limits()
_READER = """
import json, sys
sys.path[:0] = sys.argv[1:]
from app.sandbox.programs import Failure, evaluate
try:
    print(json.dumps(evaluate.signature(sys.stdin.read())))
except Failure as failure:
    print(json.dumps([failure.message, failure.line]))
"""
HONEST = """
import json, math, re
def evaluate(log, testcase):
    print("measuring")
    found = json.loads(log["output"])
    return sum(found) / len(found) == testcase["target"]["mean"]
"""


class Monty:
    """Runs evaluators, each in a session of its own. May be called from any thread."""

    layers = "the interpreter Monty, which has no files, network and processes; no wall of the system besides"

    def __init__(self) -> None:
        """Make ready to start its processes.

        Raises:
            SandboxUnavailable: it is not installed, or does not start.
        """
        try:
            import pydantic_monty  # noqa: PLC0415 - an extra, which is usually not there
        except ImportError:
            raise SandboxUnavailable("Monty is not installed either (the extra `monty`)") from None
        self._monty: Any = pydantic_monty
        try:
            self._pool = pydantic_monty.Monty(
                min_processes=0,
                max_processes=_PROCESSES,
                checkout_timeout=_WAITS_S,
                max_checkouts_per_worker=1_000,
            ).__enter__()
        except (OSError, RuntimeError, pydantic_monty.MontyError) as error:
            raise SandboxUnavailable(f"Monty does not start: {error}") from None

    @property
    def engine(self) -> str:
        """Name and version, for the record."""
        return f"monty {version('pydantic-monty')}"

    def run(
        self,
        program: str,
        request: Mapping[str, Any],
        *,
        limits: Limits = _USUAL,
        flavour: str = "standard",
    ) -> Answer:
        """What an evaluator answers to a request, as `Sandbox.run` says; `check` only reads it.

        Raises:
            SandboxUnavailable: it is another program, or no process is free.
        """
        del flavour  # there is one only
        if program not in ("evaluate", "check"):
            raise SandboxUnavailable("Monty runs evaluators only")
        try:
            name, fewest, most = _signature(request["code"])
        except Failure as failure:
            return Answer(error=failure.message, line=failure.line)
        if program == "check":
            return Answer(name)
        given = request["arguments"][:most]
        if fewest > len(request["arguments"]) or not most:
            return Answer(
                error=f"{name} takes {fewest} arguments: write it with one, (log), or two, (log, testcase)"
            )
        return self._call(request["code"], name, given, limits)

    def _call(self, code: str, name: str, given: list[Any], limits: Limits) -> Answer:
        prints = _Prints()
        names = [f"given_{number}_" for number in range(len(given))]
        allowed = self._monty.ResourceLimits(
            max_feed_duration_secs=limits.wall_s,
            max_turn_duration_secs=limits.wall_s,
            max_total_sleep_secs=0.0,
            max_memory=limits.memory_bytes,
        )
        try:
            with self._pool.checkout(limits=allowed) as session:
                value = session.feed_run(
                    f"{code}\n{name}({', '.join(names)})",
                    inputs=dict(zip(names, given, strict=True)),
                    print_callback=prints.take,
                )
            return Answer(plain(value, MOST_RETURNED), prints=prints.text())
        except TypeError as error:
            return Answer(error=f"{name}: {error}", prints=prints.text())
        except self._monty.MontyCrashedError as error:
            said = _stopped(limits) if error.timed_out else "The program broke off"
            return Answer(error=said, prints=prints.text(), late=bool(error.timed_out))
        except self._monty.MontyError as error:
            line = _line(error, code)
            raised = error.exception()
            late = isinstance(raised, TimeoutError)
            return Answer(error=_said(raised, limits), line=line, prints=prints.text(), late=late)
        except TimeoutError:
            raise SandboxUnavailable(f"all were busy for {_WAITS_S:g} s") from None

    def close(self) -> None:
        """End its processes."""
        self._pool.__exit__(None, None, None)


class _Prints:
    """What a program prints, up to as much as is kept."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._left = MOST_PRINTS

    def take(self, _stream: str, text: str) -> None:
        if self._left > 0:
            self._parts.append(text[: self._left])
            self._left -= len(text)

    def text(self) -> str:
        return "".join(self._parts)


def _said(error: BaseException, limits: Limits) -> str:
    if isinstance(error, TimeoutError):
        return _stopped(limits)
    if isinstance(error, MemoryError):
        return f"The program used more than {limits.memory_bytes >> 20} MiB of memory"
    if isinstance(error, ModuleNotFoundError):
        return f"{error}: this machine runs a part of Python only (Monty)"
    return f"{type(error).__name__}: {error}"


def _stopped(limits: Limits) -> str:
    return OUT_OF_TIME.format(limits.wall_s)


def _line(error: Any, code: str) -> int | None:
    """Where in the program it was raised; the call that follows it is none of its lines."""
    own = code.count("\n") + 1
    lines = [frame.line for frame in error.traceback() if frame.line <= own]
    return lines[-1] if lines else None


@lru_cache(maxsize=64)
def _signature(code: str) -> tuple[str, int, int]:
    """The function that is called, and how few and many arguments it takes. Read in a process of its own: what is
    nested deeply enough ends the process that reads it.

    Raises:
        Failure: the program cannot be read.
    """
    places = [place for place in sys.path if place]
    command = [sys.executable, "-S", "-B", "-P", "-c", _READER, *places]
    try:
        read = subprocess.run(
            command,
            input=code,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_READS_S,
            check=True,
        )
    except (subprocess.SubprocessError, OSError):
        raise Failure("The program cannot be read") from None
    found = json.loads(read.stdout)
    if len(found) == 2:
        raise Failure(*found)
    return found[0], found[1], found[2]


@lru_cache
def monty() -> Monty:
    """The one of this process, which ends with it.

    Raises:
        SandboxUnavailable: it is not there.
    """
    made = Monty()
    atexit.register(made.close)
    return made


def _examined() -> State:
    try:
        return examine(monty(), honest=HONEST)
    except SandboxUnavailable as unavailable:
        return State(None, str(unavailable))


_watch = Watch(_examined)


def state() -> State:
    """Whether it runs evaluators here, as it has shown; looked at again where it was only too busy."""
    return _watch.state()


os.register_at_fork(after_in_child=monty.cache_clear)
