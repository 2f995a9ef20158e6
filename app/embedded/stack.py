"""The whole of Whetstone on one machine: which processes there are, in which order they start, and what is printed."""

import http.client
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from app.core import schema, starting
from app.embedded import programs
from app.embedded.databases import DATABASE_URL, Say, start_databases
from app.embedded.layout import CLONE, NEXT_SECRET, Layout, StackError, open_layout
from app.embedded.logs import tail
from app.embedded.service import DOORS, PROVIDERS, Service
from app.embedded.supervisor import Supervisor, stop_leftovers

_START_TIMEOUT_S = 120


@dataclass(frozen=True)
class Options:
    """What `./whetstone up` was asked for."""

    home: Path
    host: str = "127.0.0.1"
    port: int = 8000
    """0 takes any free port."""
    web: int = 1
    workers: int = 2
    demo: bool = True
    open_to_network: bool = True
    """Whether `host` may be an address that other machines reach."""


def up(options: Options, say: Say) -> None:
    """Start everything, keep it alive, and return when it was asked to stop and has.

    Raises:
        StackError: it cannot start; nothing is left running.
    """
    layout = open_layout(options.home, holds_postgres=not os.environ.get(DATABASE_URL))
    if layout.root != options.home.expanduser().absolute():
        say(
            f"The data are in {layout.root}: Postgres runs without root's rights and cannot enter {options.home}."
        )
    with layout.held(), _listen(options) as listener:
        supervisor = Supervisor(layout, say)
        with supervisor.stopped_by_signals():
            try:
                layout.publish(None)
                stop_leftovers(layout)
                _Start(options, layout, supervisor, listener, say).everything()
                supervisor.stopping.wait()
            except StackError:
                if not supervisor.stopping.is_set():  # a start that was told to stop has not failed
                    raise
            finally:
                if supervisor.stopping.is_set():
                    say("Stopping …")
                supervisor.stop()
                layout.publish(None)
        say("Stopped.")


class _Start:
    """One start, step by step."""

    def __init__(
        self,
        options: Options,
        layout: Layout,
        supervisor: Supervisor,
        listener: socket.socket,
        say: Say,
    ) -> None:
        self._options = options
        self._layout = layout
        self._supervisor = supervisor
        self._listener = listener
        self._say = say
        # By itself, glibc gives each of many threads an arena of its own, and keeps in each what its busiest moment took.
        self._environment = {
            "MALLOC_ARENA_MAX": "2",
            **os.environ,
            "PYTHONPATH": str(CLONE),
            "PYTHONUNBUFFERED": "1",
            # Where the surroundings say to keep no bytecode, every process would compile all of ours anew: the pages
            # come a sixth sooner without that.
            "PYTHONDONTWRITEBYTECODE": "",
        }

    def everything(self) -> None:
        """Databases, tables, our own processes, and then the address and how to sign in."""
        if self._layout.find_secret(NEXT_SECRET):
            raise StackError(
                "A rotation of the secret was interrupted: finish it first, by `./whetstone rotate-secret`."
            )
        self._supervisor.start_guard()
        urls = start_databases(self._supervisor, self._layout, self._say, given=os.environ)
        practice_port = self._layout.port("practice")
        settings = self._settings(urls, practice_port)
        self._environment.update(settings)
        schema.refuse_unknown(urls[DATABASE_URL])
        if not schema.is_current(urls[DATABASE_URL]):
            self._say("Bringing the tables up to date …")
            self._supervisor.begin(self._ours("migrate", programs.migrate()))()
        self._say("Starting the pages …")
        # The pages first: loading them is what a start takes its time for. The workers' turn comes after them.
        are_alive = self._start_pages()
        demo = ("--demo",) if self._options.demo else ()
        welcome = self._supervisor.begin(
            self._ours("welcome", ("-m", "app.cli", "welcome", *demo), can_wait=True)
        )
        self._wait_for_pages(are_alive)
        self._layout.publish(settings)
        self._say(f"\nWhetstone is running:  {settings['WHETSTONE_PUBLIC_URL']}")
        for title, text in json.loads(welcome() or "{}").items():
            self._say(f"{title + ':':<22} {text}")
        self._say(f"Its data and logs:     {self._layout.root}\nStop it with Ctrl-C.\n")
        self._start_workers(practice_port)
        if self._options.demo:
            seed = self._ours("seed", ("-m", "app.cli", "seed"))
            self._supervisor.run_once(seed, self._say_seeded)

    def _settings(self, urls: dict[str, str], practice_port: int) -> dict[str, str]:
        """What our processes, and commands in other terminals, must know."""
        host, port = self._reachable_at()
        shown = f"[{host}]" if ":" in host else host
        environment = self._environment
        return {
            **urls,
            "WHETSTONE_HOME": str(self._layout.root),
            "WHETSTONE_SECRET_KEY": environment.get("WHETSTONE_SECRET_KEY")
            or self._layout.secret("application"),
            "WHETSTONE_PUBLIC_URL": environment.get("WHETSTONE_PUBLIC_URL") or f"http://{shown}:{port}",
            "WHETSTONE_PRACTICE_URL": f"http://127.0.0.1:{practice_port}/practice/v1",
            "WHETSTONE_WORKER_SLOTS": str(self._options.workers),
        }

    def _start_pages(self) -> Callable[[], bool]:
        alive = []
        for number in range(1, self._options.web + 1):
            # All share one listening socket: while one of them starts again, nobody is turned away.
            descriptor = self._listener.fileno()
            web = self._ours(
                f"web-{number}", programs.web(bind=("--fd", str(descriptor))), descriptors=(descriptor,)
            )
            alive.append(self._supervisor.keep(web))
        return lambda: all(lives() for lives in alive)

    def _start_workers(self, practice_port: int) -> None:
        practice = programs.practice(host="127.0.0.1", port=practice_port)
        self._supervisor.keep(self._ours("practice", practice, stage=PROVIDERS))
        self._supervisor.keep(self._ours("reaper", programs.reaper()))
        self._supervisor.keep(self._ours("worker", programs.worker(slots=self._options.workers)))

    def _wait_for_pages(self, is_alive: Callable[[], bool]) -> None:
        host, port = self._reachable_at()
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not _answers(host, port):
            if not is_alive() or time.monotonic() > deadline:
                log = self._layout.logs / "web-1.log"
                raise StackError(f"{tail(log)}\nThe pages did not start; the end of {log} is above.")
            time.sleep(0.05)

    def _reachable_at(self) -> tuple[str, int]:
        """Where this machine reaches the listener: an address that stands for all of them cannot be called."""
        host, port = self._listener.getsockname()[:2]
        address = ip_address(host)
        if address.is_unspecified:
            host = "127.0.0.1" if address.version == 4 else "::1"
        return host, port

    def _ours(
        self,
        name: str,
        argv: tuple[str, ...],
        *,
        stage: int = DOORS,
        descriptors: tuple[int, ...] = (),
        can_wait: bool = False,
    ) -> Service:
        """One of our own Python processes."""
        return Service(
            name,
            (sys.executable, *argv),
            self._environment,
            stage,
            descriptors=descriptors,
            can_wait=can_wait,
        )

    def _say_seeded(self, code: int) -> None:
        if code:
            self._say(f"The demo could not be filled; the reason is in {self._layout.logs / 'seed.log'}.")
        else:
            self._say("The demo workspace is filled.")


def _listen(options: Options) -> socket.socket:
    """A socket that listens at the address.

    Raises:
        StackError: the port is taken, the host is not ours, or others reach it who must not.
    """
    host, port = options.host, options.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, OverflowError) as error:
        raise _cannot_listen(host, port, error) from error
    if not options.open_to_network and not ip_address(listener.getsockname()[0]).is_loopback:
        listener.close()
        raise StackError(starting.TOO_OPEN.format(host=host))
    try:
        listener.listen(2048)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    return listener


def _cannot_listen(host: str, port: int, error: Exception) -> StackError:
    reason = getattr(error, "strerror", None) or error
    return StackError(f"Cannot listen on {host} port {port} ({reason}): choose another --port or --host.")


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
