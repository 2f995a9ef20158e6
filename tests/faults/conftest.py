"""Fixtures: a whole application whose ways to Postgres and Valkey can be made bad, and who watches it meanwhile."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import pytest

from app.embedded.databases import DATABASE_URL, REDIS_URL, scratch_databases
from tests.application import Application, start_application
from tests.endpoint import Endpoint, running_endpoint
from tests.exactly_once import LATENCY_S
from tests.fault_proxy import FaultProxy, running_proxy
from tests.faults.doors import Doors


@dataclass
class Faulty:
    """An application that reaches its databases through proxies."""

    application: Application
    database: FaultProxy
    broker: FaultProxy
    database_url: str
    """Past the proxy."""
    redis_url: str
    """Past the proxy."""

    @cached_property
    def doors(self) -> Doors:
        """Of a workspace of its own."""
        return Doors(self.application)


@pytest.fixture(scope="module")
def seed(request: pytest.FixtureRequest) -> int:
    """Of everything that is left to chance. Printed at the start of a run; `--randomly-seed=N` gives it."""
    return int(request.config.getoption("randomly_seed"))


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with running_endpoint(LATENCY_S * 1000) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def answering() -> Iterator[Endpoint]:
    """What calls are answered by that are no run's: those of a run are counted."""
    with running_endpoint(20) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    """Databases of its own, a proxy before each, and the application behind them."""
    with ExitStack() as stack:
        urls = stack.enter_context(scratch_databases())
        database = stack.enter_context(running_proxy(urls[DATABASE_URL]))
        broker = stack.enter_context(running_proxy(urls[REDIS_URL]))
        through = (database.url(urls[DATABASE_URL]), broker.url(urls[REDIS_URL]))
        running = stack.enter_context(start_application(tmp_path_factory.mktemp("faulty"), *through))
        running.wait_until_ready()
        yield Faulty(running, database, broker, urls[DATABASE_URL], urls[REDIS_URL])


class Watch:
    """Asks for something again and again, and keeps when it was answered, how and after how long."""

    def __init__(self, ask: Callable[[], int], *, every_s: float = 0.2) -> None:
        self._ask, self._every_s, self.asks = ask, every_s, ask.__name__
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.answers: list[tuple[float, int, float]] = []
        """When, the status (0 for a broken connection or none within 30 s), and the seconds it took."""

    def _watch(self) -> None:
        while not self._gone.wait(self._every_s):
            started = time.monotonic()
            try:
                status = self._ask()
            except OSError:
                status = 0
            ended = time.monotonic()
            self.answers.append((ended, status, ended - started))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._gone.set()
        self._thread.join()

    def statuses(self, since: float = 0, until: float = float("inf")) -> Counter[int]:
        """How often each status came between two moments."""
        return Counter(status for when, status, _ in self.answers if since <= when <= until)

    def slowest_s(self) -> float:
        """The longest that an answer took."""
        return max((took for _, _, took in self.answers), default=0.0)


Figures = Callable[..., None]


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Figures:
    """`figures("what", name=value, …)`: what was measured, for docs/reliability.md; shown at the end of the run."""

    def record(what: str, **values: object) -> None:
        shown = [
            f"{name} {value:.2f}" if isinstance(value, float) else f"{name} {value}"
            for name, value in values.items()
        ]
        record_property("figures", f"{what}: {', '.join(shown)}")

    return record
