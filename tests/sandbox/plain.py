"""The control: the same programs by `exec` in ordinary processes, as if there were no sandbox."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from app.sandbox.frames import Answer
from app.sandbox.supervisor import Limits

_SERVER = r"""
import asyncio, contextlib, ctypes, io, json, logging, multiprocessing, os, resource, select, signal, socket, statistics
import subprocess, sys, tempfile, time, urllib.request

def live(held):
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, resource.getrlimit(resource.RLIMIT_AS)[1]))
    os.lseek(held, 0, 0)
    requests = json.loads(os.read(held, 1 << 24))
    for request in requests:
        printed, names = io.StringIO(), {"__name__": "evaluator"}
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                exec(compile(request["code"], "<evaluator>", "exec"), names)
                function = [one for one in names.values() if hasattr(one, "__code__")][-1]
                value = function(*request["arguments"][: function.__code__.co_argcount])
            answer = {"value": value}
        except BaseException as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps({**answer, "prints": printed.getvalue()}), flush=True)

def attend(pid, get, seconds):
    deadline, parts, overran = time.monotonic() + seconds, [], False
    ended = os.pidfd_open(pid)
    waiting = {get, ended}
    while waiting and not overran:
        ready, _, _ = select.select(list(waiting), [], [], max(0, deadline - time.monotonic()))
        overran = not ready
        if get in ready:
            parts.append(os.read(get, 1 << 20))
        waiting -= {ended} & set(ready) or ({get} if get in ready and not parts[-1] else set())
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(ended)
    return b"".join(parts).decode(errors="replace").splitlines(), overran

def serve():
    for line in sys.stdin:
        asked = json.loads(line)
        held = os.memfd_create("requests")
        os.write(held, json.dumps(asked["requests"]).encode())
        get, put = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os.dup2(put, 1)
            os.closerange(4, 64) if held == 3 else os.closerange(held + 1, 64)
            return live(held)
        os.close(put)
        os.close(held)
        lines, overran = attend(pid, get, asked["seconds"])
        os.close(get)
        print(json.dumps({"lines": lines, "overran": overran}), flush=True)

serve()
"""


class Plain:
    """What the self-test needs of a `Sandbox`, without one: an ordinary process for each request."""

    engine, layers = "none", ""

    def __enter__(self) -> Self:
        self._server = subprocess.Popen(
            [sys.executable, "-c", _SERVER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.communicate()

    def answers(self, requests: Sequence[Mapping[str, Any]], seconds: float) -> tuple[list[Answer], bool]:
        """Of one process to requests in turn; and whether it was still there, and had to be killed, after `seconds`."""
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps({"requests": requests, "seconds": seconds}).encode() + b"\n")
        self._server.stdin.flush()
        said = json.loads(self._server.stdout.readline())
        lines = said["lines"]
        return [_answer(lines[n] if n < len(lines) else "") for n in range(len(requests))], said["overran"]

    def run(
        self, program: str, request: Mapping[str, Any], *, limits: Limits | None = None, **_: object
    ) -> Answer:
        """One answer. Who does not end would go on for ever, if the test did not end it: that is True."""
        assert program == "evaluate"
        (answer,), overran = self.answers([request], max(limits.wall_s if limits else 0.0, 1.0))
        return Answer(True) if overran else answer


def _answer(line: str) -> Answer:
    try:
        found = json.loads(line)
        return Answer(found.get("value"), error=found.get("error"), prints=found.get("prints", ""))
    except (ValueError, AttributeError):
        return Answer(error="no answer")
