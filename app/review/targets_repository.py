"""The SQL of what a queue's people would have answered themselves, and of the rows that it is about."""

from typing import NamedTuple

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from app.logs.models import Log
from app.logs.repository import FINAL
from app.review.models import ReviewItem

# Written out, and people's words alone: a plan made for any author takes the final one to be as frequent as "no author", and
# reads every judgment.
_CORRECTED = f"""
    from review_item i
    join review_evaluator e on e.queue_id = i.queue_id
    join judgment j on j.log_id = i.log_id and j.evaluator_version_id = e.evaluator_version_id and j.vote = 0 and j.author <> ''
    left join review_task t on t.queue_id = i.queue_id and t.position = i.position and t.user_id = j.author
    where i.queue_id = :queue and (t.answered_at is not null or j.author = '{FINAL}')
      and j.detail ->> 'correction' <> ''
"""


class Correction(NamedTuple):
    """An output that somebody would have given."""

    position: int
    author: str
    """A person's id, or `FINAL`."""
    output: str


def list_corrections(session: Session, queue_id: str) -> list[Correction]:
    """What was written beside the answers of a queue and its final ones, in the order of its items."""
    rows = session.execute(
        text(f"""
        select i.position, j.author, left(j.detail ->> 'correction', 20000) {_CORRECTED}
        order by i.position, j.author, e.position
        """),
        {"queue": queue_id},
    )
    return [Correction(*row) for row in rows]


def count_corrected(session: Session, queue_id: str) -> int:
    """Of how many items `list_corrections` knows one."""
    statement = text(f"select count(distinct i.position) {_CORRECTED}")
    return session.scalar(statement, {"queue": queue_id}) or 0


def rows_of_items(session: Session, queue_id: str) -> dict[int, str | None]:
    """The row of a dataset that each item's output answers, by position; None where it is of none."""
    statement = text("""
        select i.position, l.datapoint_id from review_item i join log l on l.id = i.log_id
        where i.queue_id = :queue order by i.position
    """)
    return {row[0]: row[1] for row in session.execute(statement, {"queue": queue_id}).all()}


def rows_of_queue(queue_id: str) -> Select[str | None]:
    """A query for the same rows."""
    in_queue = select(Log.datapoint_id).join(ReviewItem, ReviewItem.log_id == Log.id)
    return in_queue.where(ReviewItem.queue_id == queue_id)


def list_members(session: Session, queue_id: str, most: int) -> list[str]:
    """The members that the targets of the queue's rows have, those that most have first."""
    statement = text("""
        select member.name from (
            select distinct l.datapoint_id from review_item i join log l on l.id = i.log_id where i.queue_id = :queue
        ) as each
        join review_queue q on q.id = :queue
        join datapoint d on d.id = each.datapoint_id and d.workspace_id = q.workspace_id
        cross join lateral jsonb_object_keys(case jsonb_typeof(d.target) when 'object' then d.target end) as member(name)
        group by member.name order by count(*) desc, member.name limit :most
    """)
    return list(session.scalars(statement, {"queue": queue_id, "most": most}))
