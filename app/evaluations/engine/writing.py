"""Writing a batch of outcomes: every row exactly once, in one transaction with the counters that pages show."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy.orm import Session

from app.core import events
from app.evaluations import finishing, shard_repository
from app.evaluations.channels import evaluation_channel
from app.evaluations.engine.item import Outcome
from app.evaluations.verdicts.judging import cost_of
from app.evaluations.verdicts.plan import Plan
from app.logs import arrivals
from app.logs import repository as logs


def write_outcomes(session: Session, plan: Plan, owner: str, outcomes: Sequence[Outcome]) -> None:
    """Write what items came to. An item that somebody else settled first adds nothing, so writing twice is safe."""
    won = shard_repository.settle(session, plan.run_id, [outcome.settled for outcome in outcomes])
    # By position: a slot that got a shard back may have worked on an item twice.
    mine = list({o.settled.position: o for o in reversed(outcomes) if o.settled.position in won}.values())
    made = [log for outcome in mine for log in outcome.logs]
    # An item that was opened again for one more evaluator can be won by a batch that had been written before.
    there = logs.known_ids(session, [log.id for log in made])
    new = [log for log in made if log.id not in there]
    arrivals.write_logs(session, new, counted=False)  # the run counts them when it ends
    judgments = logs.insert_judgments(
        session, [judgment for outcome in mine for judgment in outcome.judgments]
    )
    counted = shard_repository.count_progress(
        session,
        plan.run_id,
        done=len(mine),
        failed=sum(outcome.settled.error is not None for outcome in mine),
        judgments=judgments,
        retried=sum(max(0, log.attempts - 1) for log in new),
        calls=sum(log.attempts for log in new),
        usd=sum((cost_of(log) or Decimal(0) for log in new), Decimal(0)),
    )
    shard_repository.close_shards(session, owner, list({outcome.item.shard_id for outcome in outcomes}))
    if counted.had_ended and mine:
        finishing.score_again(session, plan.run_id)
    elif counted.all_done:
        finishing.finish_if_done(session, plan.run_id)
    items = [[outcome.item.datapoint_id, outcome.item.repeat, outcome.settled.log_id] for outcome in mine]
    for evaluation_id in plan.evaluation_ids:
        events.emit(session, evaluation_channel(evaluation_id), run=plan.run_id, items=items)
