"""Keeps a set of processes alive, writes their logs, and stops them all, the last started first."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from app.embedded import processes
from app.embedded.layout import CLONE, Layout, StackError
from app.embedded.logs import Log
from app.embedded.processes import Process
from app.embedded.service import DATABASES, GUARD, Service, plain_environment

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_STEADY_S = 10.0
"""A process that ran this long before it ended starts again after the first pause."""


class Supervisor:
    """The processes of one stack. Each is kept by a thread of its own that writes its log and starts it again."""

    def __init__(self, layout: Layout, say: Callable[[str], None]) -> None:
        self.stopping = threading.Event()
        self._layout = layout
        self._say = say
        self._owner = _own_process()
        self._running: dict[str, Process] = {}
        self._keepers: list[threading.Thread] = []
        self._changing = threading.Lock()

    def start_guard(self) -> None:
        """Start the process that stops the others if this one is killed. It comes first."""
        argv = (
            "-m",
            "app.embedded.guard",
            str(self._layout.processes),
            str(self._owner.pid),
            self._owner.started,
        )
        environment = plain_environment(PYTHONPATH=str(CLONE))
        self.keep(Service("guard", (sys.executable, *argv), environment, GUARD, holds_stdin=True))

    def keep(self, service: Service) -> Callable[[], bool]:
        """Start `service`, and start it again whenever it ends; what is returned tells whether it never ended yet.

        Raises:
            StackError: it cannot be started at all.
        """
        first = self._start(service)

        def keep() -> None:
            child, pause = first, _FIRST_PAUSE_S
            while child:
                began = time.monotonic()
                code = self._follow(service, child)
                if self.stopping.is_set():
                    return
                self._say(f"{service.name} ended ({_how(code)}); starting it again.")
                if time.monotonic() - began > _STEADY_S:
                    pause = _FIRST_PAUSE_S
                self.stopping.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)
                child = self._start_again(service)

        self._thread(keep)
        return lambda: bool(first and first.returncode is None and not self.stopping.is_set())

    def run_once(self, service: Service, then: Callable[[int], None]) -> None:
        """Start `service` in the background and call `then` with its exit code, unless everything is stopped first."""
        child = self._start(service)

        def follow() -> None:
            if child:
                code = self._follow(service, child)
                if not self.stopping.is_set():
                    then(code)

        self._thread(follow)

    def begin(self, service: Service) -> Callable[[], str]:
        """Start `service`, which ends by itself; what is returned waits for that and gives what it printed.

        Its errors go into its log. The wait raises StackError with its last line if it failed.
        """
        child = self._start(service, stderr=subprocess.PIPE)

        def finish() -> str:
            if child is None:
                return ""
            output, errors = child.communicate()
            self._forget(service, child)
            log = Log(self._layout.logs, service.name)
            for line in errors.splitlines():
                log.write(line)
            log.close()
            if child.returncode and not self.stopping.is_set():
                last = errors.decode(errors="replace").strip().rpartition("\n")[2]
                raise StackError(last or f"{service.name} failed; its log: {log.path}")
            return str(output.decode())

        return finish

    def stop(self) -> None:
        """Stop everything and return when nothing runs."""
        with self._changing:
            self.stopping.set()
            running = list(self._running.values())
        processes.stop(running)
        for keeper in self._keepers:
            keeper.join()
        processes.record(self._layout.processes, self._owner, [])

    @contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        """Ctrl-C, SIGTERM and a closed terminal ask to stop; a second one does not wait for work in flight."""

        def ask(_number: int, _frame: FrameType | None) -> None:
            if self.stopping.is_set():
                for process in list(self._running.values()):
                    if process.stage > DATABASES:
                        processes.kill_group(process)
            self.stopping.set()

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [signal.signal(number, ask) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    def _start(self, service: Service, stderr: int = subprocess.STDOUT) -> subprocess.Popen[bytes] | None:
        """The started process; None when everything is being stopped."""
        with self._changing:
            if self.stopping.is_set():
                return None
            try:
                stdin = subprocess.PIPE if service.holds_stdin else subprocess.DEVNULL
                child = subprocess.Popen(
                    service.command, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, **service.options()
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise StackError(f"{service.name} cannot be started: {error}") from error
            self._running[service.name] = service.process(child.pid)
            self._record()
            return child

    def _start_again(self, service: Service) -> subprocess.Popen[bytes] | None:
        while not self.stopping.is_set():
            try:
                return self._start(service)
            except StackError as error:
                self._say(str(error))
                self.stopping.wait(_LONGEST_PAUSE_S)
        return None

    def _follow(self, service: Service, child: subprocess.Popen[bytes]) -> int:
        """Write the log of `child` until it ends; kill what it left behind; its exit code."""
        log = Log(self._layout.logs, service.name)
        assert child.stdout is not None  # noqa: S101 - opened as a pipe above
        writer = threading.Thread(target=log.copy_from, args=[child.stdout.fileno()], daemon=True)
        writer.start()
        # Waited for without reaping it: its pid is still its own then, and whoever is left in its group was started
        # by it. (macOS has no waitid before Python 3.13.)
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        else:
            child.wait()
        processes.kill_group(service.process(child.pid))
        code = child.wait()
        writer.join()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                pipe.close()
        log.close()
        self._forget(service, child)
        return code

    def _forget(self, service: Service, child: subprocess.Popen[bytes]) -> None:
        with self._changing:
            if service.name in self._running and self._running[service.name].pid == child.pid:
                del self._running[service.name]
                self._record()

    def _record(self) -> None:
        try:
            processes.record(self._layout.processes, self._owner, self._running.values())
        except OSError as error:  # a full disk must not keep anything from being started again
            self._say(f"Which processes run could not be written down: {error}")

    def _thread(self, target: Callable[[], None]) -> None:
        keeper = threading.Thread(target=target, daemon=True)
        self._keepers.append(keeper)
        keeper.start()


def stop_leftovers(layout: Layout) -> None:
    """Stop what an earlier supervisor of this installation left running. Nobody else's process is touched."""
    _, children = processes.recorded(layout.processes)
    processes.stop(children)


def _own_process() -> Process:
    pid = os.getpid()
    return Process("supervisor", pid, processes.start_time(pid) or "", signal.SIGTERM, DATABASES, 0)


def _how(code: int) -> str:
    return f"by signal {-code}" if code < 0 else f"with exit code {code}"
