"""What the reaper does every two seconds: shards of dead workers go back, lost messages are sent again, runs end."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.core import clock, events, jobs, metrics, waiting
from app.core.database import unit_of_work
from app.core.health import REAPER_ALIVE_S, REAPERS_KEY
from app.core.settings import get_settings
from app.datasets import drafts as dataset_drafts
from app.evaluations import finishing, recovery_repository
from app.evaluations.channels import announce
from app.evaluations.engine import stopping
from app.evaluations.figures import scoring
from app.generations import drafts
from app.logs import retention

EVERY_S = 2.0
_ABSENT_S = 5.0
_LEFT_S = 60.0
_SPANS_EVERY_S = 60.0
_BEGUN_WAIT = 2
_not_before: dict[str, float] = {}
"""What this process does seldom, and when next, on the monotonic clock."""
_left_to_workers: dict[str, float] = {}
"""Runs that we failed to score, and until when, on the monotonic clock, we do not try again."""
_watch = stopping.Watch()
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Recovered:
    """What one look found."""

    requeued: int = 0
    resent: int = 0
    given_up: int = 0
    finished: int = 0
    silent: int = 0
    """Rows that nobody sent an output for."""


def recover(*, after_absence: bool = False) -> Recovered:
    """Look once. Safe to run beside other reapers: each shard and run is taken by one of them.

    `after_absence`: nobody has looked for a while, because the database was away or the whole machine slept. Workers
    could not renew their leases either, so they are given the time of one lease more before they are taken for dead.
    """
    started = time.monotonic()
    with waiting.at_most(waiting.WORK_S), unit_of_work() as session:
        if after_absence:
            recovery_repository.extend_leases(session)
        recovery_repository.reach(session)
        # As far as the database is from here, it is from the workers, whose heartbeats are late by that.
        lost = recovery_repository.requeue_expired(session, forgiven_s=2 * (time.monotonic() - started))
        given_up = recovery_repository.give_up_on_lost_items(session)
        unsent = recovery_repository.take_unsent(session)
        stranded = recovery_repository.reshard_stranded(session)
        silence_s = get_settings().run_silence_s
        silent = recovery_repository.end_silence(session, silence_s)
        for shard_id in {*lost, *unsent, *stranded}:
            jobs.enqueue(session, "evaluations.run_shard", shard_id=shard_id)
        finished = 0
        for run_id in recovery_repository.runs_to_finish(session, silence_s):
            finished += finishing.finish_if_done(session, run_id, waits=False)
            announce(session, run_id)
        finished += _end_waits_for_judges(session, get_settings().run_judges_silence_s)
        unscored = recovery_repository.unscored_runs(session)
    with _by_itself("not looked whether it is clear"), unit_of_work() as session:
        finished += _watch.look(session)
    for run_id in unscored:  # here, for the workers may all be busy with long runs
        _score(run_id)
    with _by_itself("retention not applied"), unit_of_work() as session:
        applied = retention.apply(session)
        if applied.cleared or applied.deleted:
            log.info("retention applied", cleared=applied.cleared, deleted=applied.deleted)
    _delete_what_is_old()
    return Recovered(len(lost), len(unsent), given_up, finished, silent)


def _end_waits_for_judges(session: Session, silence_s: float) -> int:
    """End runs whose outputs are all there, and whose programs elsewhere say nothing: those that have judged none of them are
    waited for so long, and those that have begun, of which the next judgment may only be slow, twice that; how many ended."""
    finished = 0
    for run_id in recovery_repository.runs_with_silent_judges(session, silence_s):
        begun_too = recovery_repository.is_silent_for(session, run_id, _BEGUN_WAIT * silence_s)
        if finishing.finish_if_done(session, run_id, waits=not begun_too, for_silent=False):
            finished += 1
            announce(session, run_id)
    return finished


def _delete_what_is_old() -> None:
    """Spans that could not be read, and drafts: once a minute, for all that are kept are looked at, and nobody waits for it."""
    if _not_before.get("spans", 0.0) > time.monotonic():
        return
    _not_before["spans"] = time.monotonic() + _SPANS_EVERY_S
    with _by_itself("old spans not deleted"), unit_of_work() as session:
        retention.delete_old_spans(session)
    with _by_itself("old drafts not deleted"), unit_of_work() as session:
        drafts.delete_old(session)
        dataset_drafts.delete_old(session)


def _score(run_id: str) -> None:
    """Score a run, unless it was too much for us a moment ago: then it is the workers', who may take their time."""
    if _left_to_workers.get(run_id, 0.0) > time.monotonic():
        return
    _left_to_workers[run_id] = time.monotonic() + _LEFT_S
    with _by_itself("run not scored", run=run_id), unit_of_work() as session:
        scoring.score_run(session, run_id)
        del _left_to_workers[run_id]
    if run_id in _left_to_workers:
        jobs.send("evaluations.score_run", run_id=run_id)


@contextmanager
def _by_itself(failure: str, **about: str) -> Iterator[None]:
    """Work that must not hold up the rest of a look, whatever becomes of it: it is tried again at the next one."""
    with waiting.at_most(waiting.WORK_S):
        try:
            yield
        except Exception as error:
            log.exception(failure, error=str(error), **about)


def _tell(found: Recovered) -> None:
    metrics.mark("reaper")
    with _by_itself("not said to be alive"):
        events.broker().set(f"{REAPERS_KEY}:{socket.gethostname()}", "", ex=REAPER_ALIVE_S)
    for name, number in (("requeued", found.requeued), ("resent", found.resent)):
        if number:
            metrics.count(f"whetstone_reaper_{name}_total", number)
    if found.given_up:
        metrics.count("whetstone_items_dropped_total", found.given_up, reason="worker_lost")
    if found.silent:
        metrics.count("whetstone_items_dropped_total", found.silent, reason="silent")


def run_forever(stop: Event, also: Callable[[], object] = lambda: None) -> None:
    """Recover every two seconds until told to stop. A database that is away is waited for. `also` is what packages above
    look after, each time."""
    looked_at = clock.seconds()  # those in which the machine slept count
    while not stop.is_set():
        started = time.monotonic()
        try:
            found = recover(after_absence=clock.seconds() - looked_at > _ABSENT_S)
            looked_at = clock.seconds()
            _tell(found)
            with _by_itself("not looked after"):
                also()
            if found != Recovered():
                log.info(
                    "recovered",
                    requeued=found.requeued,
                    resent=found.resent,
                    given_up=found.given_up,
                    finished=found.finished,
                    silent=found.silent,
                )
        except SQLAlchemyError as error:
            log.warning("reaper waits for the database", error=str(error))
        stop.wait(max(0.0, EVERY_S - (time.monotonic() - started)))
