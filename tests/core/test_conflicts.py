"""Writers at the same moment: one wins, the others are told so with 409, and nobody gets 500 or 503."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from fastapi.testclient import TestClient
from psycopg.errors import DeadlockDetected
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from app.core.database import unit_of_work
from app.core.json_values import DEPTH, unstorable
from tests import factories
from tests.web import with_key

_AT_ONCE = 6


def _statuses(call: Callable[[int], int]) -> list[int]:
    gate = threading.Barrier(_AT_ONCE)

    def together(number: int) -> int:
        gate.wait()
        return call(number)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return sorted(pool.map(together, range(_AT_ONCE)))


def test_one_name_for_several_is_one_and_conflicts(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        made = [factories.prompt(session, committed_team.admin, f"a/{n}").file_id for n in range(_AT_ONCE)]
    with_key(client, committed_team.admin)
    folders = [client.post("/v5/directories", json={"path": f"f{n}"}).json()["id"] for n in range(_AT_ONCE)]
    provider = {"name": "same", "base_url": "http://127.0.0.1:9/v1"}
    calls: list[Callable[[int], int]] = [
        lambda _: client.post("/v5/evaluations", json={"file": {"id": made[0]}, "name": "same"}).status_code,
        lambda _: client.post("/v5/environments", json={"name": "same"}).status_code,
        lambda _: client.post("/v5/providers", json=provider).status_code,
        lambda n: client.patch(f"/v5/prompts/{made[n]}", json={"path": "b/same"}).status_code,
        lambda n: client.patch(f"/v5/directories/{folders[n]}", json={"path": "c/same"}).status_code,
    ]
    for call in calls:
        first, *others = _statuses(call)
        assert first in (200, 201)
        assert others == [409] * (_AT_ONCE - 1)


def test_a_running_evaluation_is_deleted_though_a_worker_writes(
    client: TestClient, committed_team: factories.Team, engine: Engine
) -> None:
    with_key(client, committed_team.admin)
    # Postgres ends whichever of the two looks first, a second after it began to wait: on a busy machine the worker.
    assert any(_deletes_beside_a_worker(client, committed_team, engine) for _ in range(5)), (
        "never the deletion"
    )


def _deletes_beside_a_worker(client: TestClient, team: factories.Team, engine: Engine) -> bool:
    """Whether the deletion was the one that Postgres ended, and it was carried out nonetheless."""
    with unit_of_work() as session:
        prompt, rows = factories.prompt(session, team.admin), factories.dataset(session, team.admin, 2)
        evaluation = factories.evaluation(
            session, team.admin, prompt, factories.evaluator(session, team.admin)
        )
        run = {"run": factories.started_run(session, team.admin, evaluation, prompt, rows).id}
    with ThreadPoolExecutor(1) as pool, engine.connect() as worker:
        worker.execute(text("update run set progressed_at = now() where id = :run"), run)
        deleting = pool.submit(client.delete, f"/v5/evaluations/{evaluation.id}")
        _wait_for_the_deleter(engine)
        try:
            # Now each waits for the other.
            worker.execute(text("update run_item set losses = 1 where run_id = :run"), run)
            worker.commit()
        except OperationalError as error:
            if not isinstance(error.orig, DeadlockDetected):
                raise
            worker.rollback()
            return False
        finally:
            assert deleting.result().status_code == 204, deleting.result().text
    assert client.get(f"/v5/evaluations/{evaluation.id}").status_code == 404
    with engine.connect() as connection:
        left = connection.scalar(text("select count(*) from run_item where run_id = :run"), run)
    assert left == 0
    return True


def _wait_for_the_deleter(engine: Engine) -> None:
    waiting = text(
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    )
    deadline = time.monotonic() + 10
    while True:
        with engine.connect() as connection:
            if connection.scalar(waiting):
                return
        assert time.monotonic() < deadline, "the deletion waits for nobody"
        time.sleep(0.01)


def test_what_cannot_be_stored_is_found_at_any_depth_and_in_keys() -> None:
    nested: object = 1
    for _ in range(DEPTH):
        nested = [nested]
    assert unstorable(nested) is None
    assert unstorable([nested])
    for wrong in ("\ud800", "a\x00", float("nan"), float("-inf"), 2**64, -(2**63) - 1, 10**5000):
        assert unstorable({"a": [wrong]})
    assert unstorable({"\ud800": 1})
    assert unstorable({"é": ["😀", 2**64 - 1, -(2**63), 0.5, None, True]}) is None
