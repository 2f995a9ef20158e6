"""Workers that ask for work at the same moment: none waits for another, and none gets what another has."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.evaluations import shard_repository
from app.evaluations.shard_repository import Claimed
from tests import factories


def _claim(session: Session, owner: str, run_id: str) -> Claimed | None:
    session.execute(text("set local lock_timeout = '2s'"))  # whoever waits for another's row fails
    return shard_repository.claim_next(session, owner, run_id)


def test_a_shard_that_somebody_is_just_claiming_is_left_to_them(
    committed_team: factories.Team, redis_url: str
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        version, rows = factories.prompt(session, admin), factories.dataset(session, admin, 2)
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
        run_id = factories.started_run(session, admin, evaluation, version, rows).id
        session.execute(text("delete from shard where run_id = :run"), {"run": run_id})
        shards = shard_repository.insert_shards(session, run_id, [(0, 1), (1, 2)])
    with unit_of_work() as first:
        one = _claim(first, "first", run_id)
        with unit_of_work() as second:
            other = _claim(second, "second", run_id)
        with unit_of_work() as third:
            nothing = _claim(third, "third", run_id)
    assert [claimed and claimed.shard_id for claimed in (one, other)] == shards
    assert nothing is None, "the first one's is taken, though that is not committed"
    with unit_of_work() as session:
        owners = session.execute(
            text("select owner, attempt from shard where run_id = :run order by first"), {"run": run_id}
        ).all()
    assert [tuple(row) for row in owners] == [("first", 1), ("second", 1)]
