"""Answers and handing over at the same time: each item ends with one person, and no judgment is nobody's."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.core.access import Role
from app.core.database import get_engine, unit_of_work
from app.core.errors import NotFound
from app.logs.models import Judgment
from app.review import repository, sending
from tests import factories
from tests.review.staged import Staged, queue, stage

pytestmark = pytest.mark.usefixtures("client")


def _staged() -> tuple[Staged, str, str, str]:
    with unit_of_work() as session:
        staged = stage(session, people=1)
        made = queue(session, staged, per_item=1)
        taker = factories.member(session, staged.team.workspace, Role.REVIEWER)
        return staged, made.id, staged.people[0].user_id, taker.user_id


def _do(what: Callable[[Session], object]) -> object:
    with unit_of_work() as session:
        return what(session)


def _until_it_waits(pending: Future[object]) -> None:
    query = text("select count(*) from pg_locks where not granted")
    with get_engine().connect() as connection:
        for _ in range(200):
            if pending.done() or connection.scalar(query):
                return
            connection.rollback()
            time.sleep(0.02)
    pytest.fail("nobody waited")


def test_an_answer_to_what_is_being_handed_over_is_not_kept() -> None:
    staged, queue_id, giver, taker = _staged()

    def answer(session: Session) -> object:
        made = sending.get_queue(session, staged.people[0], queue_id)
        return factories.reviewed(session, staged.people[0], made, 1, True)

    with ThreadPoolExecutor(1) as pool:
        with unit_of_work() as session:
            assert repository.hand_over(session, queue_id, giver, taker) == 4
            answering = pool.submit(_do, answer)
            _until_it_waits(answering)
        with pytest.raises(NotFound):
            answering.result(timeout=20)
    with unit_of_work() as session:
        assert session.scalar(select(func.count()).where(Judgment.author == giver)) == 0


def test_what_is_being_answered_is_not_handed_over() -> None:
    staged, queue_id, giver, taker = _staged()
    with ThreadPoolExecutor(1) as pool:
        with unit_of_work() as session:
            made = sending.get_queue(session, staged.people[0], queue_id)
            factories.reviewed(session, staged.people[0], made, 1, True)
            handing = pool.submit(_do, lambda other: repository.hand_over(other, queue_id, giver, taker))
            _until_it_waits(handing)
        assert handing.result(timeout=20) == 3
    with unit_of_work() as session:
        progress = {
            one.user_id: (one.asked, one.answered)
            for one in repository.list_progress(session, [queue_id])[queue_id]
        }
    assert progress == {giver: (1, 1), taker: (3, 0)}
