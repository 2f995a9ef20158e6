"""Logs that name a row and no run: which runs they are the outputs of."""

from dataclasses import replace

from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from tests import factories
from tests.asynchronous import run as run_coroutine
from tests.evaluations.test_arrivals import ROWS, started, worked


def test_a_log_that_names_a_row_alone_goes_to_the_runs_that_wait_for_it(
    client: TestClient, committed_team: factories.Team, redis_url: str
) -> None:
    run = started(client, committed_team)
    named = run.send(0, "answer 0")
    run.send(0, "again", run_id=None)  # its row is filled
    begun = run.send(1, None, run_id=None, log_status="incomplete", error=None)
    assert run.work()["done_count"] == 1
    change = f"/v5/prompts/{run.version.file_id}/log/{begun}"
    assert client.patch(change, json={"output": "answer 1", "log_status": "complete"}).status_code == 200
    assert run.work()["done_count"] == 2
    guessed = run.send(2, "answer 2", run_id=None)
    ended = run.work()
    records = client.get(f"{run.address}/logs?size=50").json()["records"]

    assert (ended["status"], ended["done_count"], ended["failed_count"]) == ("completed", 3, 0)
    assert {record["log"]["id"] for record in records} == {named, begun, guessed}
    with unit_of_work() as session:
        other = factories.prompt(session, committed_team.admin)
    elsewhere = started(client, committed_team)
    replace(elsewhere, version=other).send(0, run_id=None)
    assert elsewhere.work()["done_count"] == 0, "it is of another version"


def test_a_run_of_our_workers_takes_the_outputs_that_were_sent_if_it_is_asked_to(
    client: TestClient, committed_team: factories.Team, redis_url: str
) -> None:
    run = started(client, committed_team)
    sent = {run.send(row, f"answer {row}") for row in range(ROWS)}
    run.work()
    body = {
        "dataset": {"version_id": run.run["dataset"]["version_id"]},
        "version": {"version_id": run.version.id},
    }
    plain = client.post(f"{run.address}/runs", json=body).json()
    known = client.post(f"{run.address}/runs", json=body | {"use_existing_logs": True}).json()
    fresh = client.post(f"{run.address}/runs", json=body | {"use_existing_logs": False}).json()
    run_coroutine(worked())
    counts = [
        one["reused_count"]
        for made in (plain, known, fresh)
        for one in client.get(f"{run.address}/runs").json()["runs"]
        if one["id"] == made["id"]
    ]
    records = client.get(f"{run.address}/logs?size=50&run_id={known['id']}").json()["records"]

    assert counts == [0, ROWS, 0]
    assert {record["log"]["id"] for record in records} == sent


def test_what_somebody_tries_in_the_editor_is_nobodys_output(
    client: TestClient, committed_team: factories.Team, redis_url: str
) -> None:
    run = started(client, committed_team)
    run.send(0, "tried", run_id=None, source="editor")
    assert run.work()["done_count"] == 0
    run.send(0, "sent", run_id=None)
    assert run.work()["done_count"] == 1
