"""Runs share the workers: a short one does not wait for the end of a long one, and waiting is not called stuck."""

import time
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import clock
from app.evaluations import repository, shard_repository
from app.evaluations.figures import report
from tests import factories
from tests.application import Application
from tests.bench.eval_throughput import Case, Client, prepare
from tests.endpoint import Endpoint, running_endpoint

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with running_endpoint(200) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def client(running_app: Application) -> Client:
    name = f"fair-{uuid.uuid4().hex[:8]}"
    running_app.run("init", "--workspace", name, "--email", f"{name}@example.com").check_returncode()
    made = running_app.run("key", "create", "--workspace", name, "--name", "tests", "--role", "admin")
    return Client(running_app.url, made.stdout.strip())


def _status(client: Client, evaluation_id: str) -> str:
    return client.call("GET", f"/evaluations/{evaluation_id}/stats")["run_stats"][0]["status"]


@pytest.mark.long
def test_a_short_run_does_not_wait_for_a_long_one(client: Client, endpoint: Endpoint) -> None:
    long_id, long_body = prepare(client, endpoint, Case("long", rows=800, concurrency=4))  # 40 s by itself
    short_id, short_body = prepare(client, endpoint, Case("short", rows=8, concurrency=4))
    client.call("POST", f"/evaluations/{long_id}/runs", long_body)
    time.sleep(2)
    started = time.monotonic()
    client.call("POST", f"/evaluations/{short_id}/runs", short_body)
    while _status(client, short_id) != "completed":
        assert time.monotonic() - started < 15, "it waits for the end of the long run"
        time.sleep(0.1)
    assert _status(client, long_id) == "running"
    while not client.call("GET", f"/evaluations/{short_id}/stats")["run_stats"][0]["evaluator_stats"]:
        assert time.monotonic() - started < 15
        time.sleep(0.1)
    while _status(client, long_id) != "completed":
        assert time.monotonic() - started < 90
        time.sleep(0.2)


def test_slots_go_to_the_run_that_has_fewest(session: Session) -> None:
    team = factories.team(session)
    admin = team.admin
    version, rows = factories.prompt(session, admin), factories.dataset(session, admin, 400)
    evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
    first = factories.started_run(session, admin, evaluation, version, rows)
    assert not shard_repository.others_wait(session, first.id)
    second = factories.started_run(session, admin, evaluation, version, rows)
    session.execute(
        text("update run set progressed_at = created_at - interval '1 hour' where id = :id"), {"id": first.id}
    )

    claimed = [shard_repository.claim_fairly(session, owner) for owner in ("a", "b", "c")]

    assert [one.run_id for one in claimed if one] == [first.id, second.id, first.id]
    assert not shard_repository.others_wait(session, first.id), "the second has a slot"


def test_a_run_whose_turn_has_not_come_waits_and_is_not_stuck(session: Session) -> None:
    team = factories.team(session)
    admin = team.admin
    version, rows = factories.prompt(session, admin), factories.dataset(session, admin, 5)
    evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
    waiting = factories.started_run(session, admin, evaluation, version, rows)
    waiting.progressed_at = waiting.created_at = clock.now() - report.STUCK_AFTER * 2
    session.flush()
    assert not repository.workers_are_busy(session)
    assert report.progress_of(waiting, busy=False) == "stuck"

    busy = factories.started_run(session, admin, evaluation, version, rows)
    busy.status = "running"
    session.flush()
    assert repository.workers_are_busy(session)
    assert report.progress_of(waiting, busy=True) == "waiting"
    waiting.status = "running"
    assert report.progress_of(waiting, busy=True) == "stuck", "it was begun, and nothing came since"
