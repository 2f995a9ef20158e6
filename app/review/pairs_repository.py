"""The SQL of outputs that are compared side by side."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session


class Pair(NamedTuple):
    """What two runs answered on a row."""

    row: str
    log_id: str
    """Of the newer one."""
    other_log_id: str
    is_same: bool
    """Whether both say the same: there is nothing to prefer."""


def list_pairs(session: Session, run_id: str, other_run_id: str, rows: Sequence[str]) -> list[Pair]:
    """The outputs of two runs on some rows of which both can be read. One a log."""
    found = session.execute(
        text("""
        select distinct on (i.log_id) i.datapoint_id, i.log_id, o.log_id, btrim(l.output) = btrim(m.output)
        from run_item i join run_item o on o.run_id = :other and o.datapoint_id = i.datapoint_id and o.repeat = 0
        join log l on l.id = i.log_id join log m on m.id = o.log_id
        where i.run_id = :run and i.datapoint_id = any(:rows) and i.repeat = 0
          and i.error is null and l.output is not null and l.payload_cleared_at is null
          and o.error is null and m.output is not null and m.payload_cleared_at is null
        order by i.log_id
        """),
        {"run": run_id, "other": other_run_id, "rows": list(rows)},
    )
    return [Pair(*row) for row in found]


def find_otherwise_used(
    session: Session, evaluator_ids: Collection[str], items: Sequence[tuple[str, str | None]]
) -> tuple[str, str] | None:
    """An evaluator by which one of these outputs is asked about beside another one, or by itself, in another queue, and the
    queue's name; None where there is none. A person has one judgment of an output by an evaluator: it cannot mean both."""
    row = session.execute(
        text("""
        select e.evaluator_version_id, q.name
        from unnest(cast(:logs as text[]), cast(:others as text[])) as n(log_id, other_id)
        join review_item i on i.log_id = n.log_id and i.other_log_id is distinct from n.other_id
        join review_evaluator e on e.queue_id = i.queue_id and e.evaluator_version_id = any(:evaluators)
        join review_queue q on q.id = i.queue_id limit 1
        """),
        {
            "logs": [log_id for log_id, _ in items],
            "others": [other for _, other in items],
            "evaluators": list(evaluator_ids),
        },
    ).one_or_none()
    return (row[0], row[1]) if row else None


def other_logs(session: Session, queue_id: str, positions: Collection[int]) -> dict[int, str]:
    """The output beside each of the items that have one."""
    rows = session.execute(
        text("""
        select position, other_log_id from review_item
        where queue_id = :queue and position = any(:positions) and other_log_id is not null
        """),
        {"queue": queue_id, "positions": list(positions)},
    )
    return {row[0]: row[1] for row in rows}
