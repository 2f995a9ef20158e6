"""Asks at a fixed rate, whether or not earlier requests were answered, as people and programs do."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psutil

_AT_ONCE = 40


@dataclass
class Answers:
    """Of one kind of request."""

    statuses: Counter[int] = field(default_factory=Counter)
    """0 is a connection that broke."""
    took_s: list[float] = field(default_factory=list)
    """From when the request was due, so that one that had to wait for its turn is not counted as quick."""

    @property
    def failed(self) -> int:
        """How many broke or were answered 5xx."""
        return sum(count for status, count in self.statuses.items() if status == 0 or status >= 500)

    def percentile(self, share: float) -> float:
        """Seconds that this share of answers stayed below."""
        ordered = sorted(self.took_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class Rate:
    """A kind of request: how often, and what it is; `ask` returns the status."""

    per_s: float
    ask: Callable[[int], int]
    """Is given the number of the request, from 0."""


def drive(rates: Mapping[str, Rate], seconds: float) -> dict[str, Answers]:
    """Ask at these rates for so long; what was answered, by the name of the kind."""
    found = {name: Answers() for name in rates}
    lock = threading.Lock()

    def ask(name: str, number: int, due: float) -> None:
        try:
            status = rates[name].ask(number)
        except OSError:
            status = 0
        with lock:
            found[name].statuses[status] += 1
            found[name].took_s.append(time.monotonic() - due)

    started = time.monotonic()
    dues = sorted(
        (started + number / rate.per_s, name, number)
        for name, rate in rates.items()
        for number in range(int(rate.per_s * seconds))
    )
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for due, name, number in dues:
            time.sleep(max(0.0, due - time.monotonic()))
            pool.submit(ask, name, number, due)
    return found


@dataclass(frozen=True)
class Weight:
    """What a process and its children hold on to."""

    rss_mib: float
    files: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> "Weight":
        """As it is now."""
        leader = psutil.Process(pid)
        every = [leader, *leader.children(recursive=True)]
        return cls(
            sum(process.memory_info().rss for process in every) / 2**20,
            sum(process.num_fds() for process in every),
            sum(process.num_threads() for process in every),
        )
