"""The same task is delivered five times at once: one result, spent once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from celery import Celery
from sqlalchemy import Engine

from app.core.database import unit_of_work
from app.evaluations import shard_repository
from app.evaluations.engine.writing import write_outcomes
from app.evaluations.models import Run
from app.evaluations.verdicts.plan import load_plan
from tests import factories
from tests.application import Application, start_application
from tests.bench.eval_throughput import Case, prepare
from tests.endpoint import Endpoint
from tests.exactly_once import dsn, wait_for
from tests.faults.doors import Doors
from tests.stack import Stack

TIMES = 5
CASE = Case("delivery", rows=600, concurrency=50)
USD_A_CALL = 0.003  # three tokens of an answer, at $1,000 a million


@pytest.fixture(scope="module")
def application(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """With a worker process for each delivery."""
    home = tmp_path_factory.mktemp("delivery")
    urls = stack.create_database(), stack.redis_database()
    with start_application(home, *urls, "--workers", str(TIMES)) as running:
        running.wait_until_ready()
        yield running


@pytest.mark.long
@pytest.mark.xdist_group("delivery")
@pytest.mark.timeout(180)
def test_a_task_that_is_delivered_five_times_counts_once(
    application: Application, endpoint: Endpoint
) -> None:
    client = Doors(application).client
    evaluation_id, body = prepare(client, endpoint, CASE)
    provider = next(p for p in client.call("GET", "/providers") if p["name"] == CASE.name)
    prices = {"test": {"input": "0", "output": "1000"}}
    client.call("PATCH", f"/providers/{provider['id']}", {"prices": prices})
    run_id = client.call("POST", f"/evaluations/{evaluation_id}/runs", {**body, "max_calls": 10_000})["id"]
    with psycopg.connect(dsn(application)) as connection:
        shards = connection.execute("select id from shard where run_id = %s", [run_id]).fetchall()
    sender = Celery("tests", broker=application.settings()["WHETSTONE_REDIS_URL"], set_as_current=False)
    messages = [("evaluations.run_shard", {"shard_id": shard}, f"{shard}-again") for (shard,) in shards] + [
        ("evaluations.score_run", {"run_id": run_id}, f"{run_id}-scores")
    ]

    with ThreadPoolExecutor(TIMES) as pool:
        deliveries = [
            pool.submit(sender.send_task, name, kwargs=payload, task_id=task_id, ignore_result=True)
            for name, payload, task_id in messages
            for _ in range(TIMES)
        ]
        for delivery in deliveries:
            delivery.result()
    wait_for(application, run_id, lambda _, status: status == "completed")
    for _ in range(TIMES):
        sender.send_task("evaluations.score_run", kwargs={"run_id": run_id}, ignore_result=True)

    asked = endpoint.calls()
    assert sum(asked.values()) == len(asked) == CASE.rows
    with psycopg.connect(dsn(application)) as connection:
        counts = connection.execute(
            """
            select done_count, calls_count, judgments_count, round(spent_usd, 6),
                   (select count(*) from log where run_id = r.id),
                   (select count(*) from judgment j join log l on l.id = j.log_id where l.run_id = r.id)
            from run r where id = %s
            """,
            [run_id],
        ).fetchone()
    assert counts[:3] == (CASE.rows,) * 3
    assert float(counts[3]) == pytest.approx(CASE.rows * USD_A_CALL)
    assert counts[4:] == (CASE.rows,) * 2


def test_five_workers_that_write_the_same_results_write_them_once(database: Engine) -> None:
    rows = 40
    with unit_of_work() as session:
        team = factories.team(session)
        version = factories.prompt(session, team.admin)
        dataset = factories.dataset(session, team.admin, rows)
        evaluation = factories.evaluation(
            session, team.admin, version, factories.evaluator(session, team.admin)
        )
        run_id = factories.started_run(session, team.admin, evaluation, version, dataset).id
    claimed: list[str | None] = [None] * TIMES
    together = threading.Barrier(TIMES)

    def claim(number: int) -> None:
        together.wait()
        with unit_of_work() as session:
            found = shard_repository.claim_fairly(session, f"worker {number}")
            claimed[number] = found.shard_id if found else None

    def write(number: int) -> None:
        together.wait()
        with unit_of_work() as session:
            write_outcomes(session, plan, f"worker {number}", outcomes)

    with ThreadPoolExecutor(TIMES) as pool:
        list(pool.map(claim, range(TIMES)))
        taken = [shard for shard in claimed if shard]
        with unit_of_work() as session:
            plan = load_plan(session, run_id)
            assert plan
            items = [item for shard in taken for item in shard_repository.pending_items(session, shard)]
            outcomes = [factories.outcome(plan, item, "an answer") for item in items]
        list(pool.map(write, range(TIMES)))

    assert len(taken) == len(set(taken)) > 0, "nobody took a shard that another had"
    with unit_of_work() as session:
        run = session.get_one(Run, run_id)
        assert (run.done_count, run.calls_count, run.judgments_count) == (len(items),) * 3
        assert float(run.spent_usd) == pytest.approx(len(items) * 0.0003)
