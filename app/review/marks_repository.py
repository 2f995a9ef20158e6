"""The SQL of what people marked in the output of an item."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.logs.repository import FINAL


def list_marked(session: Session, queue_id: str, position: int) -> list[tuple[str, Any]]:
    """What each person who answered an item marked in its output, as their judgment keeps it; by the person's id."""
    rows = session.execute(
        text(f"""
        select t.user_id, j.detail -> 'spans' from review_task t
        join review_item i on i.queue_id = t.queue_id and i.position = t.position
        join review_evaluator e on e.queue_id = t.queue_id
        join judgment j on j.log_id = i.log_id and j.evaluator_version_id = e.evaluator_version_id
            and j.author = t.user_id and j.author <> '{FINAL}' and j.vote = 0
        where t.queue_id = :queue and t.position = :position and t.answered_at is not null and j.detail ? 'spans'
        order by t.user_id, e.position
        """),  # noqa: S608 - a constant
        {"queue": queue_id, "position": position},
    )
    return [(row[0], row[1]) for row in rows]
