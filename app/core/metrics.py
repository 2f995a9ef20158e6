"""Counters of all processes: added up in Valkey, so that whichever web process is asked gives the same answer.

A process keeps what it counts for a second and then adds it. What a killed process had not added yet is lost, and an
emptied Valkey begins at zero, which Prometheus takes for a restart. Labels are ids, statuses and fixed words only.
"""

import atexit
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping

import orjson
from redis.exceptions import RedisError

from app.core import clock, events

KEY = "whetstone:metrics"
"""A hash: one field for each number, named by the metric and its labels as JSON."""
MARKS_KEY = "whetstone:marks"
"""A hash: when something was last done, in seconds since 1970."""
FLUSH_S = 1.0
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Upper bounds in seconds."""
COUNTERS = {
    "whetstone_http_requests_total": "Requests answered, by door (api, page) and class of status.",
    "whetstone_provider_errors_total": "Tries of calls that failed, by provider id and HTTP status (none: no answer).",
    "whetstone_items_dropped_total": "Rows of runs that ended without being called, by reason.",
    "whetstone_judgments_dropped_total": "Logs that a monitoring evaluator did not judge, by reason.",
    "whetstone_spans_quarantined_total": "Spans that were taken in and made no log.",
    "whetstone_requests_refused_total": "Requests of API keys that were turned away, by reason.",
    "whetstone_jobs_unsent_total": "Jobs that the broker did not take; the reaper sends them again.",
    "whetstone_reaper_requeued_total": "Shards taken back because their lease ran out.",
    "whetstone_reaper_resent_total": "Shards whose message was sent again.",
}
HISTOGRAMS = {
    "whetstone_http_request_seconds": "Time to answer a request, by door; a stream counts until its end.",
    "whetstone_model_call_seconds": "Time of a try of a call that was answered, by provider id.",
}
Number = tuple[str, tuple[tuple[str, str], ...]]
"""A metric and its labels."""


class _Held:
    """What this process counted and has not added yet."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.numbers: Counter[Number] = Counter()
        self.thread: threading.Thread | None = None

    def add(self, numbers: Mapping[Number, float]) -> None:
        with self.lock:
            for number, value in numbers.items():
                self.numbers[number] += value  # type: ignore[assignment]
            if self.thread is None:
                self.thread = threading.Thread(target=_flush_forever, daemon=True)
                self.thread.start()

    def take(self) -> Counter[Number]:
        with self.lock:
            taken, self.numbers = self.numbers, Counter()
        return taken


_held = _Held()


def count(name: str, value: float = 1, **labels: str) -> None:
    """Add to a counter."""
    _held.add({(name, tuple(sorted(labels.items()))): value})


def observe(name: str, seconds: float, **labels: str) -> None:
    """Add a duration to a histogram."""
    labelled = tuple(sorted(labels.items()))
    bound = next((str(bound) for bound in BUCKETS if seconds <= bound), "+Inf")
    _held.add({(f"{name}_bucket", (*labelled, ("le", bound))): 1, (f"{name}_sum", labelled): seconds})


def mark(name: str) -> None:
    """Note that something was done now; a broker that is away does not hear of it."""
    try:
        events.broker().hset(MARKS_KEY, name, str(clock.seconds()))
    except (RedisError, OSError):
        return


def flush() -> None:
    """Add what this process counted to the numbers of all. What the broker does not take is kept for the next time."""
    taken = _held.take()
    if not taken:
        return
    try:
        with events.broker().pipeline(transaction=True) as pipeline:
            for number, value in taken.items():
                pipeline.hincrbyfloat(KEY, orjson.dumps(number).decode(), value)
            pipeline.execute()
    except (RedisError, OSError):
        _held.add(taken)


def _flush_forever() -> None:
    while True:
        time.sleep(FLUSH_S)
        flush()


def _begin_anew() -> None:
    """After a fork: the parent's numbers are the parent's to add, and its thread is not here."""
    global _held  # noqa: PLW0603 - one for each process
    _held = _Held()


os.register_at_fork(after_in_child=_begin_anew)
atexit.register(flush)


def counted() -> dict[Number, float]:
    """Every number of all processes, as last added.

    Raises:
        RedisError: the broker is away.
    """
    return {_number(name): float(value) for name, value in events.broker().hgetall(KEY).items()}


def marks() -> dict[str, float]:
    """When each thing was last done, in seconds since 1970.

    Raises:
        RedisError: the broker is away.
    """
    return {name.decode(): float(at) for name, at in events.broker().hgetall(MARKS_KEY).items()}  # type: ignore[union-attr]


def _number(name: bytes | str) -> Number:
    metric, labels = orjson.loads(name)
    return metric, tuple((key, value) for key, value in labels)


def exposition(gauges: Mapping[str, str], numbers: Mapping[Number, float]) -> str:
    """The text format of Prometheus 0.0.4: `numbers`, of which `gauges` (name: help) and the counters above are told."""
    lines: list[str] = []
    for name, text in gauges.items():
        lines += _family(name, "gauge", text, _of(numbers, name))
    for name, text in COUNTERS.items():
        lines += _family(name, "counter", text, _of(numbers, name))
    for name, text in HISTOGRAMS.items():
        lines += _family(name, "histogram", text, _histogram(name, numbers))
    return "\n".join(lines) + "\n"


def _of(numbers: Mapping[Number, float], name: str) -> list[tuple[Number, float]]:
    return sorted((number, value) for number, value in numbers.items() if number[0] == name)


def _histogram(name: str, numbers: Mapping[Number, float]) -> Iterable[tuple[Number, float]]:
    """Buckets are stored each for itself; told, each holds those below it, too."""
    for (_, labels), total in _of(numbers, f"{name}_sum"):
        below = 0.0
        for bound in (*map(str, BUCKETS), "+Inf"):
            bucket = (f"{name}_bucket", (*labels, ("le", bound)))
            below += numbers.get(bucket, 0)
            yield bucket, below
        yield (f"{name}_sum", labels), total
        yield (f"{name}_count", labels), below


def _family(name: str, kind: str, text: str, numbers: Iterable[tuple[Number, float]]) -> list[str]:
    said = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    for (metric, labels), value in numbers:
        inner = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
        said.append(f"{metric}{{{inner}}} {value:.17g}" if inner else f"{metric} {value:.17g}")
    return said


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
