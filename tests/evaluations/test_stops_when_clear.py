"""Evaluations that stop as soon as it is clear: with real workers, calls and rows that come sorted by their class."""

import time
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from app.evaluations import recovery_repository, run_service, shard_repository
from app.evaluations.engine import recovery, stopping
from app.evaluations.repository import find_run_to_work_on
from tests import factories
from tests.endpoint import Endpoint, running_endpoint
from tests.evaluations.clear import NOWHERE, ROWS, begin, right, work, write_first, wrong_in_the_second_half
from tests.web import with_key


def states(run_id: str, of: str = "run_item") -> dict[str, int]:
    with unit_of_work() as session:
        rows = session.execute(
            text(f"select state, count(*) from {of} where run_id = :run group by 1"),
            {"run": run_id},
        )
        return {row[0]: row[1] for row in rows}


def asked(endpoint: Endpoint) -> int:
    return sum(endpoint.calls().values())


@pytest.mark.usefixtures("database", "redis_url")
@pytest.mark.parametrize("slots", [1, 2])
def test_runs_end_as_soon_as_it_is_clear_and_no_further_call_is_made(
    committed_team: factories.Team, slots: int
) -> None:
    with running_endpoint(20) as endpoint:
        world = begin(committed_team, endpoint.base_url, wrong_in_the_second_half, right)
        work(slots)
        calls = asked(endpoint)
        runs = world.read()
        work(slots)
        recovery.recover()
        time.sleep(1.5)
        assert asked(endpoint) == calls, "nothing is called after the end"

    assert [run.status for run in runs] == ["completed", "completed"]
    (clear_after,) = {run.clear_after for run in runs}
    assert clear_after is not None
    assert 30 <= clear_after < ROWS / 4, (
        "in the dataset's order half of the rows would have shown no difference"
    )
    assert sum(run.done_count for run in runs) == calls, "what was in flight is kept"
    for run in runs:
        assert clear_after <= run.done_count < ROWS / 2
        assert run.failed_count == 0
        assert states(run.id) == {"done": run.done_count, "pending": ROWS - run.done_count}
        assert set(states(run.id, "shard")) <= {"done", "cancelled"}
        assert run.not_run == f"not run: it was clear after {clear_after} of {ROWS} rows"
        assert run.is_unfinished
    if slots == 2:  # one slot alone goes to the other run at the end of each shard, and looks then
        assert any(_half_done_shards(run.id) for run in runs), "what waited in a slot is not begun"


def _half_done_shards(run_id: str) -> int:
    with unit_of_work() as session:
        return session.scalar(
            text("""
            select count(*) from shard s where s.run_id = :run and (
                select count(distinct i.state) from run_item i
                where i.run_id = s.run_id and i.position >= s.first and i.position < s.until) = 2
            """),
            {"run": run_id},
        )


@pytest.mark.usefixtures("database", "redis_url")
def test_nothing_more_is_begun_of_what_is_clear_and_it_ends_with_its_last_worker(
    committed_team: factories.Team,
) -> None:
    world = begin(committed_team, NOWHERE, wrong_in_the_second_half, right)
    with unit_of_work() as session:
        write_first(session, world, 95)
    with unit_of_work() as session:
        assert stopping.look(session, world.evaluation.id)
    with unit_of_work() as session:
        for run_id in world.runs:
            held = shard_repository.renew(session, "lost", run_id)
            assert (held.wanted, held.ends) == (True, True), "what is in flight is wanted"
            assert not stopping.end(session, run_id), "somebody works on it"
            shard_repository.give_back(session, "lost", run_id)
            assert shard_repository.claim_next(session, "next", run_id) is None
            assert not shard_repository.others_wait(session, "none")
        assert shard_repository.claim_fairly(session, "next") is None
        assert recovery_repository.reshard_stranded(session) == []
        assert all(stopping.end(session, run_id) for run_id in world.runs)
        assert not any(stopping.end(session, run_id) for run_id in world.runs), "once"
    assert [run.status for run in world.read()] == ["completed", "completed"]


@pytest.mark.usefixtures("database", "redis_url")
def test_the_rest_can_be_run_all_the_same(committed_team: factories.Team) -> None:
    with running_endpoint(5) as endpoint:
        world = begin(committed_team, endpoint.base_url, wrong_in_the_second_half, right)
        work()
        stopped = world.read()
        with unit_of_work() as session:
            for run_id in world.runs:
                run = find_run_to_work_on(session, run_id)
                assert run
                run_service.resume_run(session, run)
        work()
        assert asked(endpoint) == 2 * ROWS, "no row was asked about twice"

    runs = world.read()
    assert all(run.done_count < ROWS for run in stopped)
    assert [(run.status, run.done_count, run.not_run) for run in runs] == [("completed", ROWS, None)] * 2
    assert [run.clear_after for run in runs] == [run.clear_after for run in stopped]


@pytest.mark.usefixtures("database", "redis_url")
def test_what_never_becomes_clear_is_run_whole(committed_team: factories.Team) -> None:
    with running_endpoint(2) as endpoint:
        world = begin(committed_team, endpoint.base_url, right, right, rows=120)
        work()
    assert [(run.status, run.done_count, run.clear_after) for run in world.read()] == [
        ("completed", 120, None)
    ] * 2


@pytest.mark.usefixtures("database", "redis_url")
def test_a_worker_that_is_lost_before_it_looks_leaves_it_to_the_reaper(
    committed_team: factories.Team,
) -> None:
    world = begin(committed_team, NOWHERE, wrong_in_the_second_half, right)
    with unit_of_work() as session:
        write_first(session, world, 95)
    recovery.recover()
    assert [run.clear_after for run in world.read()] == [None, None], "a worker that lives looks for itself"
    with unit_of_work() as session:
        session.execute(text("update run set progressed_at = now() - interval '6 seconds'"))
    recovery.recover()
    marked = world.read()
    with unit_of_work() as session:
        session.execute(
            text("update shard set lease_until = now() - interval '1 minute' where state = 'running'")
        )
    recovery.recover()
    recovery.recover()
    runs = world.read()

    assert [run.clear_after for run in marked] == [95, 95]
    assert [run.status for run in marked] == ["running", "running"], "a slot may have calls in flight"
    assert [(run.status, run.done_count) for run in runs] == [("completed", 95)] * 2
    assert set(states(runs[0].id, "shard")) <= {"done", "cancelled"}


@pytest.mark.usefixtures("database", "redis_url")
def test_rows_that_are_waited_for_hold_up_those_behind_them(committed_team: factories.Team) -> None:
    """Were quick rows looked at first, what makes rows quick would decide."""
    world = begin(committed_team, NOWHERE, wrong_in_the_second_half, right)
    with unit_of_work() as session:
        write_first(session, world, 95)
        session.execute(
            text("update run_item set state = 'pending' where run_id = :run and position = 20"),
            {"run": world.baseline.id},
        )
    with unit_of_work() as session:
        assert not stopping.look(session, world.evaluation.id)
    with unit_of_work() as session:
        session.execute(
            text("update run_item set state = 'done' where run_id = :run and position = 20"),
            {"run": world.baseline.id},
        )
    with unit_of_work() as session:
        assert stopping.look(session, world.evaluation.id)


@pytest.mark.usefixtures("database", "redis_url")
def test_every_candidate_has_to_be_clear(committed_team: factories.Team) -> None:
    world = begin(committed_team, NOWHERE, wrong_in_the_second_half, right)
    with unit_of_work() as session:
        admin = committed_team.admin
        third = factories.prompt(session, admin, "clear/prompt", template="another {{n}}")
        data = find_run_to_work_on(session, world.baseline.id).dataset_version
        factories.started_run(session, admin, world.evaluation, third, data)
        write_first(session, world, 95)
    with unit_of_work() as session:
        assert not stopping.look(session, world.evaluation.id)
    assert [run.comparisons for run in world.read()] == [2, 2]


@pytest.mark.usefixtures("database", "redis_url")
def test_all_runs_have_the_same_random_order_and_repeats_stay_together(
    committed_team: factories.Team,
) -> None:
    world = begin(committed_team, NOWHERE, right, right, rows=40, repeats=3)
    with unit_of_work() as session:
        orders = [
            list(
                session.execute(
                    text("select datapoint_id, repeat from run_item where run_id = :run order by position"),
                    {"run": run_id},
                )
            )
            for run_id in world.runs
        ]
        rows = session.scalars(
            text("""
            select datapoint_id from dataset_row where file_id = :file order by position
            """),
            {"file": world.baseline.dataset_version.file_id},
        ).all()
    first = [row for row, repeat in orders[0] if repeat == 0]
    assert orders[0] == orders[1]
    assert [repeat for _, repeat in orders[0]] == [0, 1, 2] * 40
    assert first != rows
    assert sorted(first) == sorted(rows)


def _refused(client: TestClient, body: dict[str, Any], path: str = "") -> str:
    answer = client.post(f"/v5/evaluations{path}", json=body)
    assert answer.status_code == 422, answer.text
    return answer.text


def test_the_api_refuses_what_makes_no_sense(client: TestClient, committed_team: factories.Team) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        prompt = factories.prompt(session, admin, "clear/api")
        factories.evaluator(session, admin, "exact", "clear/exact")
        factories.evaluator(session, admin, "contains", "clear/other", text="a")
        factories.evaluator(session, admin, "human", "clear/people")
        factories.evaluator(session, admin, "latency", "clear/speed")
        for name, ends in (("stars", {"lowest": 1, "highest": 5}), ("points", {"lowest": 0})):
            options = {"answers": "number", "target": "not needed", **ends}
            factories.evaluator(session, admin, "webhook", f"clear/{name}", url=f"{NOWHERE}/judge", **options)
        data = factories.dataset(session, admin, 3)
        clustered = factories.dataset(
            session, admin, [{"inputs": {"question": f"q{n}"}, "cluster": "a"} for n in range(2)]
        )
    with_key(client, admin)
    base = {"file": {"path": "clear/api"}, "stops_when_clear": True}
    assert "no evaluator whose score is looked at" in _refused(client, base)
    assert "people or programs elsewhere judge" in _refused(
        client, base | {"evaluators": [{"path": "clear/people"}]}
    )
    assert "people or programs elsewhere judge" in _refused(
        client, base | {"evaluators": [{"path": "clear/exact", "orchestrated": False}]}
    )
    for path in ("speed", "points"):
        said = _refused(client, base | {"evaluators": [{"path": f"clear/{path}"}]})
        assert "no lowest and highest value" in said
    assert (
        client.post(
            "/v5/evaluations", json=base | {"name": "stars", "evaluators": [{"path": "clear/stars"}]}
        ).status_code
        == 201
    )
    made = client.post(
        "/v5/evaluations", json=base | {"evaluators": [{"path": "clear/exact"}, {"path": "clear/other"}]}
    ).json()
    assert made["stops_when_clear"] is True
    of = f"/{made['id']}"
    run = {"version": {"version_id": prompt.id}, "dataset": {"version_id": data.id}}
    assert "made elsewhere" in _refused(client, run | {"orchestrated": False}, f"{of}/runs")
    assert "has no rows to leave out" in _refused(client, {}, f"{of}/runs")
    assert "clusters" in _refused(client, run | {"dataset": {"version_id": clustered.id}}, f"{of}/runs")
    other = made["evaluators"][1]["version"]["version_id"]
    assert client.patch(f"/v5/evaluations{of}", json={"primary_evaluator": other}).status_code == 409
    primary = made["primary_evaluator"]
    assert client.delete(f"/v5/evaluations{of}/evaluators/{primary}").status_code == 409
    assert client.delete(f"/v5/evaluations{of}/evaluators/{other}").status_code == 200
    started = client.post(f"/v5/evaluations{of}/runs", json=run).json()
    assert (started["stops_when_clear"], started["clear_after"], started["not_run"]) == (True, None, None)
