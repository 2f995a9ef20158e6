"""What was worked out of ended runs, kept in this process: nobody waits twice for the same statistics."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from app.evaluations.models import Run

T = TypeVar("T")
_MISSING = object()
State = tuple[Any, ...]
"""What a value was worked out of: the same state gives the same value."""


class Memory:
    """Values by key, up to a weight: the one that was asked for longest ago goes first, and goes with the next that is kept
    once nobody has asked for it for `unused_s`. Threads may share it."""

    def __init__(self, most: int, unused_s: float = 600) -> None:
        self._most = most
        self._unused_s = unused_s
        self._held = 0
        self._kept: OrderedDict[State, tuple[Any, int, float]] = OrderedDict()
        """Each with its weight, and when it was asked for last."""
        self._lock = threading.Lock()

    def find(self, key: State, missing: Any = None) -> Any:
        """The value, or `missing` where there is none (any more)."""
        with self._lock:
            if key not in self._kept:
                return missing
            value, weight, _ = self._kept[key]
            self._kept[key] = (value, weight, time.monotonic())
            self._kept.move_to_end(key)
            return value

    def keep(self, key: State, value: Any, weight: int = 1) -> None:
        """Keep a value. One heavier than everything that may be kept is not."""
        with self._lock:
            if weight > self._most or key in self._kept:
                return
            now = time.monotonic()
            self._kept[key] = (value, weight, now)
            self._held += weight
            while self._held > self._most or next(iter(self._kept.values()))[2] < now - self._unused_s:
                _, (_, lost, _) = self._kept.popitem(last=False)
                self._held -= lost

    def once(self, key: State | None, make: Callable[[], T], weight: Callable[[T], int] = lambda _: 1) -> T:
        """The value, made now if it is not kept; without a key it is made each time."""
        if key is None:
            return make()
        found: Any = self.find(key, _MISSING)
        if found is _MISSING:
            found = make()
            self.keep(key, found, weight(found))
        return cast("T", found)


kept = Memory(200_000)
"""A weight of one is a name with what belongs to it, about 200 bytes: all of it comes to about 40 MB."""


def state_of(run: Run) -> State | None:
    """Changes whenever something is written to a run, so that what hangs on its rows alone can be kept by it.

    None while it goes on: what is worked out of it is old in a moment.
    """
    if run.status in ("pending", "running"):
        return None
    return (run.id, run.status, run.progressed_at, run.scored_at, run.done_count, run.judgments_count)


def states_of(runs: Sequence[Run]) -> State | None:
    """The states of several runs in this order; None while one of them goes on."""
    states = [state_of(run) for run in runs]
    return None if None in states else tuple(states)
