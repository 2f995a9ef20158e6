"""R22, and R2 without ingestion: a team at work leaves nothing behind in any process, and no request fails."""

import statistics
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil
import psycopg
import pytest

from tests.application import Application, start_application
from tests.bench.eval_throughput import Case, prepare
from tests.endpoint import Endpoint
from tests.faults.conftest import Figures
from tests.faults.doors import Doors
from tests.faults.lengths import LENGTHS
from tests.load import Answers, Rate, Weight, drive

pytestmark = [pytest.mark.long, pytest.mark.timeout(600 + LENGTHS.warm_up_s + LENGTHS.soak_s)]
WATCHED = ("web-1", "worker", "reaper", "practice")
MOST_GROWTH = 0.05
KEPT_OPEN = 10
"""Connections that a pool keeps once it has made them (`WHETSTONE_DATABASE_POOL`): a busy moment may have made more."""
AT_ONCE = 20
"""Rows of a run that are asked at once."""
KEPT_FILES = dict.fromkeys(WATCHED, KEPT_OPEN) | {"worker": 2 * (KEPT_OPEN + AT_ONCE)}
"""Each process of the worker has two pools of connections: to Postgres, and to Valkey as many as rows that ask it at the
same moment."""
KEPT_THREADS = 4
"""A pool of threads makes them when it is busy, up to a number, and keeps them. One left behind by every run would be
a dozen."""
MOST_SLOPE = 0.01
"""Of memory, an hour, by a line through all samples."""
LONG_ENOUGH_S = 1_800
"""From when on the line is held to it."""
WARMING_UP = 3
"""How many times as fast as it works a team warms up: what was done fills caches and memory, not the minutes it took."""
SAMPLE_S = 10
QUIET_S = 90
"""How long it may take until what was in use is given back: idle connections and threads are kept for a while."""


def connections(application: Application) -> int:
    """Of all processes of the application to Postgres."""
    with psycopg.connect(application.database_url.replace("+psycopg", "")) as connection:
        found = connection.execute(
            "select count(*) from pg_stat_activity where application_name = 'whetstone'"
        ).fetchone()
    assert found
    return int(found[0])


def weigh(application: Application) -> dict[str, Weight]:
    """Each process that works for long."""
    return {name: Weight.of(application.children()[name]) for name in WATCHED}


@dataclass
class Samples:
    """What each process weighs, again and again while this is open."""

    application: Application
    taken: list[tuple[float, dict[str, Weight]]] = field(default_factory=list)
    _gone: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._gone.wait(SAMPLE_S):
            with suppress(KeyError, psutil.NoSuchProcess):  # that it died is found by its id
                self.taken.append((time.monotonic(), weigh(self.application)))

    def __exit__(self, *_: object) -> None:
        self._gone.set()
        self._thread.join()

    def slope(self, name: str) -> float:
        """How much of its memory a process gains in an hour, by least squares."""
        times = [when for when, _ in self.taken]
        sizes = [weights[name].rss_mib for _, weights in self.taken]
        return statistics.linear_regression(times, sizes).slope * 3600 / statistics.mean(sizes)


def until(what: Callable[[], bool], seconds: float) -> None:
    """Return once `what` holds, or when the time is over."""
    deadline = time.monotonic() + seconds
    while not what() and time.monotonic() < deadline:
        time.sleep(1)


def test_a_team_at_work_leaves_nothing_behind(tmp_path: Path, endpoint: Endpoint, figures: Figures) -> None:
    with start_application(tmp_path) as application:
        application.wait_until_ready()
        pids = application.children()
        doors = Doors(application, "soak")
        evaluation_id, run = prepare(doors.client, endpoint, Case("soak", 200, AT_ONCE))
        runs = f"/evaluations/{evaluation_id}/runs"

        def start_run(_: int) -> int:
            doors.client.call("POST", runs, run)
            return 200

        def work(seconds: float, times: int = 1) -> dict[str, Answers]:
            rates = {
                "API read": Rate(15 * times, lambda _: doors.read()),
                "API write": Rate(5 * times, lambda _: doors.write()),
                "page": Rate(2 * times, lambda _: doors.page()),
                "run": Rate(times / 15, start_run),
            }
            found = drive(rates, seconds)
            until(
                lambda: all(r["status"] == "completed" for r in doors.client.call("GET", runs)["runs"]), 120
            )
            return found

        work(LENGTHS.warm_up_s, WARMING_UP)
        before, held_before = weigh(application), connections(application)
        with Samples(application) as samples:
            found = work(LENGTHS.soak_s)

        def given_back() -> bool:
            doors.page()  # idle threads go when somebody asks for one
            now = weigh(application)
            return connections(application) <= held_before + KEPT_OPEN and all(
                now[name].files <= before[name].files + KEPT_FILES[name]
                and now[name].threads <= before[name].threads + KEPT_THREADS
                for name in WATCHED
            )

        until(given_back, QUIET_S)
        after, held = weigh(application), connections(application)
        done = doors.client.call("GET", runs)["runs"]
        figures(
            "R22",
            seconds=LENGTHS.soak_s,
            requests=sum(answers.statuses.total() for answers in found.values()),
            runs=len(done),
            p95_api_ms=found["API read"].percentile(0.95) * 1000,
            p95_page_ms=found["page"].percentile(0.95) * 1000,
            connections=f"{held_before} -> {held}",
            **{
                name: f"{before[name].rss_mib:.0f} -> {after[name].rss_mib:.0f} MiB,"
                f" {before[name].files} -> {after[name].files} files, {before[name].threads} -> {after[name].threads} threads,"
                f" {samples.slope(name):+.2%} an hour"
                for name in WATCHED
            },
        )
        assert application.children() == pids, "a process died and was started again"
        assert {name: answers.failed for name, answers in found.items()} == dict.fromkeys(found, 0)
        assert all(r["done_count"] == r["items_count"] and not r["failed_count"] for r in done)
        assert held <= held_before + KEPT_OPEN
        for name in WATCHED:
            assert after[name].files <= before[name].files + KEPT_FILES[name], name
            assert after[name].threads <= before[name].threads + KEPT_THREADS, name
            assert after[name].rss_mib <= before[name].rss_mib * (1 + MOST_GROWTH), name
            assert LENGTHS.soak_s < LONG_ENOUGH_S or samples.slope(name) < MOST_SLOPE, name
