"""Fills review queues with as many outputs as they take, and with what people said of them."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.access import Principal, Role
from app.evaluations.models import Evaluation
from app.review.choosing import MOST_OUTPUTS
from tests import factories


def review(session: Session, team: factories.Team, evaluation_id: str) -> tuple[str, str]:
    """The ids of a queue that the admin is in the middle of, and of one that two others have answered."""
    evaluation = session.get_one(Evaluation, evaluation_id)
    asked = factories.evaluator(session, team.admin, "human", path="support/would you send it")
    others = [factories.member(session, team.workspace, Role.REVIEWER, f"Reviewer {n}") for n in (1, 2)]

    def sent(*people: Principal) -> str:
        queue = factories.review(
            session, team.admin, evaluation, asked, people, rows="random", most_rows=MOST_OUTPUTS
        )
        return queue.id

    own, disputed = sent(team.admin, others[0]), sent(*others)
    _answer(session, own, "t.place <= 400")
    _answer(session, disputed, "true")
    return own, disputed


def _answer(session: Session, queue_id: str, of_tasks: str) -> None:
    """As everybody would who was asked: the second of two says something else of every seventh item."""
    session.execute(
        text(f"""
        insert into judgment (id, workspace_id, log_id, evaluator_version_id, author, boolean_value, rationale)
        select 'jdg_bench' || t.queue_id || t.position || t.user_id, t.workspace_id, i.log_id, e.evaluator_version_id,
               t.user_id, t.position % 3 = 0
                   and (t.position % 7 > 0 or t.user_id = (select min(user_id) from review_task where queue_id = :queue)),
               'Because.'
        from review_task t join review_item i on i.queue_id = t.queue_id and i.position = t.position
        join review_evaluator e on e.queue_id = t.queue_id
        where t.queue_id = :queue and {of_tasks}
        on conflict do nothing
        """),
        {"queue": queue_id},
    )
    session.execute(
        text(f"update review_task t set answered_at = now() where t.queue_id = :queue and {of_tasks}"),
        {"queue": queue_id},
    )
