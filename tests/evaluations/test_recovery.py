"""What the reaper finds: each look by itself, on rows as a lost worker or a lost message leaves them."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.evaluations import recovery_repository, shard_repository
from app.evaluations.engine import recovery
from app.evaluations.models import Run
from tests import factories

ROWS = 3


@pytest.fixture
def run(session: Session, redis_url: str) -> Run:
    """A run of one shard, which nobody has begun."""
    admin = factories.team(session).admin
    version, rows = factories.prompt(session, admin), factories.dataset(session, admin, ROWS)
    evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
    return factories.started_run(session, admin, evaluation, version, rows)


def _age(session: Session, change: str) -> None:
    session.execute(text(f"update shard set {change}"))


def _losses(session: Session) -> list[int]:
    return list(session.scalars(text("select losses from run_item order by position")))


def test_a_shard_whose_lease_ran_out_goes_back_and_its_rows_count_the_loss(
    session: Session, run: Run
) -> None:
    claimed = shard_repository.claim_next(session, "lost", run.id)
    assert claimed
    assert recovery_repository.requeue_expired(session) == [], "the lease goes on"
    _age(session, "lease_until = now() - interval '1 second'")

    assert recovery_repository.requeue_expired(session) == [claimed.shard_id]
    assert _losses(session) == [1] * ROWS
    assert recovery_repository.requeue_expired(session) == [], "once"
    assert shard_repository.claim_next(session, "next", run.id) == claimed


def test_where_the_database_is_far_away_a_heartbeat_may_be_late_by_that(session: Session, run: Run) -> None:
    claimed = shard_repository.claim_next(session, "alive", run.id)
    assert claimed
    _age(session, "lease_until = now() - interval '5 seconds'")

    assert recovery_repository.requeue_expired(session, forgiven_s=6) == []
    assert recovery_repository.requeue_expired(session, forgiven_s=4) == [claimed.shard_id]


def test_after_an_absence_workers_have_the_time_of_a_lease_to_be_heard_of(session: Session, run: Run) -> None:
    claimed = shard_repository.claim_next(session, "alive", run.id)
    assert claimed
    _age(session, "lease_until = now() - interval '1 minute'")

    recovery_repository.extend_leases(session)
    assert recovery_repository.requeue_expired(session) == []
    assert shard_repository.renew(session, "alive", run.id).kept == {claimed.shard_id}
    left_s = session.scalar(text("select extract(epoch from lease_until - clock_timestamp()) from shard"))
    assert shard_repository.LEASE_S - 1 < left_s <= shard_repository.LEASE_S
    _age(session, "lease_until = now() - interval '1 second'")
    assert recovery_repository.requeue_expired(session) == [claimed.shard_id], "who stays silent is lost"


def test_a_heartbeat_learns_what_is_kept_and_whether_the_run_goes_on(session: Session, run: Run) -> None:
    claimed = shard_repository.claim_next(session, "mine", run.id)
    assert claimed
    renewed = shard_repository.renew(session, "mine", run.id)
    assert (renewed.kept, renewed.wanted, renewed.calls) == ({claimed.shard_id}, True, 0)
    assert shard_repository.renew(session, "other", run.id).kept == set()
    session.execute(text("update run set status = 'cancelled'"))
    assert shard_repository.renew(session, "mine", run.id).wanted is False
    assert shard_repository.renew(session, "mine", "run_gone").wanted is False


def test_a_row_whose_worker_is_lost_three_times_ends_with_an_error(session: Session, run: Run) -> None:
    for loss in range(1, shard_repository.MOST_LOSSES + 1):
        assert recovery_repository.give_up_on_lost_items(session) == 0, f"before loss {loss}"
        assert shard_repository.claim_next(session, f"worker {loss}", run.id)
        if loss == 1:  # what was written before is no loss
            session.execute(text("update run_item set state = 'done' where position = 0"))
            session.execute(text("update run set done_count = 1"))
        _age(session, "lease_until = now() - interval '1 second'")
        recovery_repository.requeue_expired(session)

    assert recovery_repository.give_up_on_lost_items(session) == ROWS - 1
    session.refresh(run)
    assert (run.done_count, run.failed_count) == (ROWS, ROWS - 1)
    errors = list(session.scalars(text("select error from run_item order by position")))
    assert errors == [None, *["The worker was lost 3 times while it worked on this row."] * (ROWS - 1)]
    assert recovery_repository.give_up_on_lost_items(session) == 0, "once"
    assert recovery_repository.runs_to_finish(session, 1800) == [run.id]


def test_a_message_that_got_lost_is_sent_again(session: Session, run: Run) -> None:
    assert recovery_repository.take_unsent(session) == [], "it may still come"
    _age(session, f"queued_at = now() - interval '{shard_repository.RESEND_S + 1} seconds'")
    assert len(recovery_repository.take_unsent(session)) == 1
    assert recovery_repository.take_unsent(session) == [], "once"


def test_rows_that_no_shard_holds_get_one(session: Session, run: Run) -> None:
    session.execute(text("update run set created_at = now() - interval '6 seconds'"))
    assert recovery_repository.reshard_stranded(session) == [], "a shard waits"
    _age(session, "state = 'done'")
    (shard_id,) = recovery_repository.reshard_stranded(session)
    claimed = shard_repository.claim_next(session, "next", run.id)
    assert claimed
    assert claimed.shard_id == shard_id
    assert len(shard_repository.pending_items(session, shard_id)) == ROWS


def test_a_run_that_has_ended_is_left_alone(session: Session, run: Run) -> None:
    assert shard_repository.claim_next(session, "lost", run.id)
    session.execute(text("update run set status = 'cancelled', created_at = now() - interval '6 seconds'"))
    _age(session, "lease_until = now() - interval '1 hour', queued_at = now() - interval '1 hour'")
    assert recovery_repository.requeue_expired(session) == []
    assert recovery_repository.take_unsent(session) == []
    assert recovery_repository.give_up_on_lost_items(session) == 0
    assert recovery_repository.reshard_stranded(session) == []
    assert recovery_repository.runs_to_finish(session, 1800) == []


def test_scores_that_nobody_worked_out_are_asked_for(session: Session, run: Run) -> None:
    session.execute(text("update run set status = 'completed', finished_at = now()"))
    assert recovery_repository.unscored_runs(session) == [], "its job may still come"
    session.execute(text("update run set finished_at = now() - interval '4 seconds'"))
    assert recovery_repository.unscored_runs(session) == [run.id]
    session.execute(text("update run set scored_at = now()"))
    assert recovery_repository.unscored_runs(session) == []


def test_a_run_that_cannot_be_scored_holds_up_nothing_else(
    committed_team: factories.Team, redis_url: str
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        version, rows = factories.prompt(session, admin), factories.dataset(session, admin, ROWS)
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
        broken, sound = (
            factories.finish_run(
                session,
                factories.started_run(session, admin, evaluation, version, rows, fresh=True),
                ["a"] * ROWS,
            ).id
            for _ in range(2)
        )
        session.execute(text("delete from run_score"))
        session.execute(text("update run set scored_at = null, finished_at = now() - interval '1 hour'"))
        session.execute(text(f"alter table run_score add constraint broken check (run_id <> '{broken}')"))
    try:
        recovery.recover()
        with unit_of_work() as session:
            scored = dict(session.execute(text("select id, scored_at is not null from run")).all())
    finally:
        with unit_of_work() as session:
            session.execute(text("alter table run_score drop constraint broken"))
    assert scored == {broken: False, sound: True}
