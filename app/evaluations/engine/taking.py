"""The next items of a run for a worker slot, with what is known of them already."""

from sqlalchemy.orm import Session

from app.evaluations import shard_repository
from app.evaluations.engine.item import Known
from app.evaluations.shard_repository import Claimed, Item
from app.evaluations.verdicts.children import load_children
from app.evaluations.verdicts.judged_files import load_files
from app.evaluations.verdicts.plan import Plan
from app.logs import repository as logs


def take(
    session: Session, owner: str, plan: Plan, first: Claimed | None
) -> list[tuple[Item, Known | None]] | None:
    """The items of `first`, or of the run's next shard, with what is known of them; None when there is no shard.

    At the end of a shard the slot leaves its run to others where another run has none: nobody waits for hours.
    """
    if first:
        shard_repository.start_run(session, plan.run_id)
    elif shard_repository.others_wait(session, plan.run_id):
        return None
    claimed = first or shard_repository.claim_next(session, owner, plan.run_id)
    if claimed is None:
        return None
    items = shard_repository.pending_items(session, claimed.shard_id)
    if not items:
        shard_repository.close_shards(session, owner, [claimed.shard_id])
        return []
    log_ids = [item.log_id for item in items if item.log_id]
    if not log_ids:
        return [(item, None) for item in items]
    known = logs.find_logs(session, plan.workspace_id, log_ids)
    judged = shard_repository.judged_by(session, log_ids)
    seen = list(known.values()) if any(judge.sees_traces for judge in plan.judges) else []
    children = load_children(session, plan.workspace_id, seen)
    made_by = load_files(session, plan.workspace_id, seen)
    return [
        (
            item,
            Known(
                known[item.log_id],
                frozenset(judged.get(item.log_id, ())),
                children.get(item.log_id, ()),
                made_by.get(known[item.log_id].version_id),
            )
            if item.log_id in known and known[item.log_id].payload_cleared_at is None
            else None,
        )
        for item in items
    ]
