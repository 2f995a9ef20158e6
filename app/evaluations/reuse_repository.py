"""The SQL of outputs that are used again: the equal ones that a new run's items get, and those that are judged already."""

from sqlalchemy import text
from sqlalchemy.orm import Session


def item_keys(session: Session, run_id: str) -> list[tuple[int, str, int]]:
    """Position, datapoint and repeat of every item of a run."""
    rows = session.execute(
        text("select position, datapoint_id, repeat from run_item where run_id = :run"), {"run": run_id}
    )
    return [(row[0], row[1], row[2]) for row in rows]


def reuse_outputs(session: Session, run_id: str, keys: list[tuple[int, str]]) -> int:
    """Give items whose `(position, reuse key)` has a good output already that output; how many did."""
    result = session.execute(
        text("""
        with wanted as (select * from unnest(cast(:positions as int[]), cast(:keys as text[])) as w(position, key)),
        found as (
            select distinct on (w.position) w.position, l.id from wanted w
            join log l on l.reuse_key = w.key and l.error is null
            join run r on r.id = :run and r.workspace_id = l.workspace_id
            order by w.position, l.id desc
        )
        update run_item i set log_id = found.id, reused = true from found
        where i.run_id = :run and i.position = found.position
        """),
        {"run": run_id, "positions": [position for position, _ in keys], "keys": [key for _, key in keys]},
    )
    return result.rowcount  # type: ignore[attr-defined, no-any-return]


def settle_judged(session: Session, run_id: str, evaluator_version_ids: list[str]) -> int:
    """Mark items done whose reused output has a verdict from every evaluator already; how many were."""
    result = session.execute(
        text("""
        update run_item i set state = 'done'
        where i.run_id = :run and i.state = 'pending' and i.log_id is not null
          and (select count(distinct j.evaluator_version_id) from judgment j
               where j.log_id = i.log_id and j.author = '' and j.evaluator_version_id = any(:evaluators)
              ) = cardinality(:evaluators)
        """),
        {"run": run_id, "evaluators": evaluator_version_ids},
    )
    return result.rowcount  # type: ignore[attr-defined, no-any-return]
