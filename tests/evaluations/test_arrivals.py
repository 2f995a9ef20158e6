"""Runs whose outputs come from elsewhere: which row a log is of, who judges it, and how such a run ends."""

from dataclasses import dataclass, replace

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from app.evaluations.engine import recovery
from app.evaluations.engine.execution import Slot
from app.files.models import Version
from tests import factories
from tests.asynchronous import run as run_coroutine
from tests.web import signed_in, with_key

ROWS = 3


async def worked() -> None:
    slot = Slot()
    try:
        await slot.work()
    finally:
        await slot.aclose()


@dataclass
class Elsewhere:
    """A run of three rows that wait for outputs."""

    client: TestClient
    team: factories.Team
    version: Version
    address: str
    run_id: str
    rows: list[str]
    """The ids of its datapoints."""

    def send(self, row: int | None, output: str | None = "answer 0", **changes: object) -> str:
        """Send a log; its id."""
        named = {} if row is None else {"run_id": self.run_id, "source_datapoint_id": self.rows[row]}
        body = named | {"id": self.version.file_id, "output": output, "log_status": "complete"}
        if output is None:
            body["error"] = "ValueError: no idea"
        sent = self.client.post(
            f"/v5/{self.version.file.kind}s/log", params={"version_id": self.version.id}, json=body | changes
        )
        assert sent.status_code == 200, sent.text
        return str(sent.json()["id"])

    def work(self) -> dict:
        """The run, after workers have done what there is."""
        run_coroutine(worked())
        return self.run

    @property
    def run(self) -> dict:
        (found,) = self.client.get(f"{self.address}/runs").json()["runs"]
        return dict(found)

    def errors(self) -> list[str | None]:
        """Of each row, in order."""
        with unit_of_work() as session:
            query = text("select error from run_item where run_id = :run order by position")
            return list(session.scalars(query, {"run": self.run_id}))


def started(client: TestClient, team: factories.Team, *, flow: bool = False, **options: object) -> Elsewhere:
    with unit_of_work() as session:
        make = factories.flow if flow else factories.prompt
        version = make(session, team.admin)
        rows = factories.dataset(session, team.admin, ROWS)
        exact = factories.evaluator(session, team.admin)
        evaluation = factories.evaluation(session, team.admin, version, exact)
        points = list(
            session.scalars(
                text("select datapoint_id from dataset_row where file_id = :file order by position"),
                {"file": rows.file_id},
            )
        )
    address = f"/v5/evaluations/{evaluation.id}"
    body = {"dataset": {"version_id": rows.id}, "version": {"version_id": version.id}, "orchestrated": False}
    answer = with_key(client, team.admin).post(f"{address}/runs", json=body | options)
    assert answer.status_code == 200, answer.text
    return Elsewhere(client, team, version, address, answer.json()["id"], points)


@pytest.fixture
def elsewhere(client: TestClient, committed_team: factories.Team, redis_url: str) -> Elsewhere:
    return started(client, committed_team)


def test_a_run_waits_for_its_outputs_and_ends_with_the_last_one(elsewhere: Elsewhere) -> None:
    assert elsewhere.work()["status"] == "pending", "the workers make nothing of their own"
    recovery.recover()
    for row in (0, 2):
        elsewhere.send(row, f"answer {row}")
    half = elsewhere.work()
    recovery.recover()
    elsewhere.send(1, "wrong")
    whole = elsewhere.work()

    assert (half["orchestrated"], half["status"], half["done_count"]) == (False, "running", 2)
    assert (whole["status"], whole["done_count"], whole["failed_count"]) == ("completed", 3, 0)
    (stats,) = elsewhere.client.get(f"{elsewhere.address}/stats").json()["run_stats"]
    assert (stats["status"], stats["num_logs"]) == ("completed", 3)
    assert (stats["evaluator_stats"][0]["num_true"], stats["evaluator_stats"][0]["num_false"]) == (2, 1)
    assert elsewhere.errors() == [None] * ROWS


def test_an_error_is_an_output_too_and_a_second_output_of_a_row_stands_for_itself(
    elsewhere: Elsewhere,
) -> None:
    first = elsewhere.send(0)
    elsewhere.send(0, "again")
    for row in (1, 2):
        elsewhere.send(row, None)
    ended = elsewhere.work()

    assert (ended["status"], ended["failed_count"]) == ("completed", 2)
    assert elsewhere.errors() == [None, "ValueError: no idea", "ValueError: no idea"]
    records = elsewhere.client.get(f"{elsewhere.address}/logs?size=50").json()["records"]
    assert first in {record["log"]["id"] for record in records}
    assert len(records) == ROWS


def test_a_log_that_is_not_complete_is_judged_once_it_is(elsewhere: Elsewhere) -> None:
    log_id = elsewhere.send(0, None, log_status="incomplete", error=None)
    recovery.recover()
    before = elsewhere.work()
    change = f"/v5/prompts/{elsewhere.version.file_id}/log/{log_id}"
    for body in ({"output": "answer 0"}, {"log_status": "complete"}):
        said = elsewhere.client.patch(change, json=body)
        assert said.status_code == 200, said.text
    after = elsewhere.work()

    assert (before["done_count"], after["done_count"]) == (0, 1)
    with unit_of_work() as session:
        judged = session.scalars(
            text("select boolean_value from judgment where log_id = :log"), {"log": log_id}
        )
        assert list(judged) == [True]


def test_a_run_that_nobody_sends_to_ends_and_what_comes_late_counts(elsewhere: Elsewhere) -> None:
    elsewhere.send(0)
    elsewhere.send(1, None, log_status="incomplete", error=None)
    elsewhere.work()
    recovery.recover()
    assert elsewhere.run["status"] == "running", "half an hour is given"
    with unit_of_work() as session:
        session.execute(text("update run set progressed_at = now() - interval '31 minutes'"))
    assert recovery.recover().silent == 2
    ended = elsewhere.run
    said = elsewhere.errors()
    elsewhere.send(2, "answer 2")
    late = elsewhere.work()

    assert (ended["status"], ended["done_count"], ended["failed_count"]) == ("completed", 3, 2)
    assert said == [None, "Its log was never completed.", "No output was sent for this row."]
    assert (late["status"], late["done_count"], late["failed_count"]) == ("completed", 3, 1)
    assert elsewhere.errors()[2] is None


def test_a_caller_can_end_or_stop_a_run(client: TestClient, committed_team: factories.Team) -> None:
    ended, stopped = (started(client, committed_team) for _ in range(2))
    ended.send(0)
    ended.work()

    def change(of: Elsewhere, status: str) -> tuple[int, str]:
        answer = client.patch(f"{of.address}/runs/{of.run_id}", json={"status": status})
        return answer.status_code, answer.json().get("status", "")

    assert change(ended, "completed") == (200, "completed")
    assert change(ended, "completed") == (200, "completed")
    assert change(ended, "cancelled") == (200, "completed"), "as the SDK says when its program is told to end"
    assert ended.errors()[1:] == ["No output was sent for this row."] * 2
    assert change(stopped, "cancelled") == (200, "cancelled")
    assert change(stopped, "completed")[0] == 409
    log_id = stopped.send(0)
    assert stopped.work()["done_count"] == 0, "nothing is added to a stopped run"
    assert client.get(f"/v5/logs/{log_id}").status_code == 200


def test_retrying_asks_the_judges_again_and_nobody_for_outputs(elsewhere: Elsewhere) -> None:
    for row in range(ROWS):
        elsewhere.send(row, None if row else "answer 0")
    elsewhere.work()
    retry = f"{elsewhere.address}/runs/{elsewhere.run_id}/retry"
    with unit_of_work() as session:
        session.execute(text("update judgment set boolean_value = null, error = 'down' where error is null"))

    assert elsewhere.client.post(retry).status_code == 200
    assert elsewhere.work()["status"] == "completed"
    assert elsewhere.errors()[1:] == ["ValueError: no idea"] * 2


def test_outputs_that_were_sent_before_can_be_used_again(
    client: TestClient, committed_team: factories.Team
) -> None:
    first = started(client, committed_team)
    for row in range(ROWS):
        first.send(row, f"answer {row}")
    first.work()
    body = {
        "dataset": {"version_id": first.run["dataset"]["version_id"]},
        "version": {"version_id": first.version.id},
        "orchestrated": False,
    }
    fresh = client.post(f"{first.address}/runs", json=body | {"use_existing_logs": False}).json()
    known = client.post(f"{first.address}/runs", json=body | {"use_existing_logs": True}).json()
    run_coroutine(worked())
    states = {run["id"]: run for run in client.get(f"{first.address}/runs").json()["runs"]}

    assert (states[fresh["id"]]["status"], states[fresh["id"]]["done_count"]) == ("pending", 0)
    assert (states[known["id"]]["status"], states[known["id"]]["reused_count"]) == ("completed", ROWS)


def test_logs_that_are_there_are_added_to_a_run(client: TestClient, committed_team: factories.Team) -> None:
    run = started(client, committed_team)
    made = [run.send(row, f"answer {row}") for row in range(ROWS)]
    body = {
        "dataset": {"version_id": run.run["dataset"]["version_id"]},
        "version": {"version_id": run.version.id},
        "orchestrated": False,
    }
    with unit_of_work() as session:
        session.execute(text("delete from run"))
    run.run_id = client.post(f"{run.address}/runs", json=body).json()["id"]
    add = f"{run.address}/runs/{run.run_id}/logs"
    assert run.work()["done_count"] == 0, "they were there before it"
    loose = run.send(None, "of no row")

    added = client.post(add, json={"log_ids": made})
    assert added.status_code == 200, added.text
    assert run.work()["status"] == "completed"
    assert client.post(add, json={"log_ids": made}).status_code == 200, (
        "again, as after an answer that was lost"
    )
    assert run.work()["status"] == "completed"
    for log_id, said in ((loose, "give it a `source_datapoint_id`"), ("log_x", "log_x is unknown")):
        refused = client.post(add, json={"log_ids": [log_id]})
        assert (refused.status_code, said in refused.text) == (422, True), refused.text


def test_a_flows_log_that_lost_its_names_is_known_by_its_inputs(
    client: TestClient, committed_team: factories.Team
) -> None:
    run = started(client, committed_team, flow=True)
    inputs = [
        client.get(f"/v5/datasets/{run.run['dataset']['id']}/datapoints").json()["records"][n]["inputs"]
        for n in range(ROWS)
    ]
    guessed = run.send(None, "answer 1", inputs=inputs[1])
    run.send(None, "answer 1", inputs=inputs[1])  # its row is filled
    run.send(None, "nothing", inputs={"question": "of no row"})
    assert run.work()["done_count"] == 1
    named = run.send(1, "wrong", inputs=inputs[1])
    replaced = run.work()
    records = client.get(f"{run.address}/logs?size=50").json()["records"]

    assert replaced["done_count"] == 1
    assert [record["log"]["id"] for record in records] == [named] != [guessed]
    other = started(client, committed_team, flow=True)
    with unit_of_work() as session:
        session.execute(
            text("update run set version_id = :version where id = :run"),
            {"version": run.version.id, "run": other.run_id},
        )
    run.send(None, "answer 0", inputs=inputs[0])
    assert run.work()["done_count"] == 1, "two runs are open: it may be of either"


def test_a_prompts_log_without_names_is_of_no_row(elsewhere: Elsewhere) -> None:
    """As when the function that is evaluated calls the prompt by the API before its answer is logged."""
    with unit_of_work() as session:
        query = text("select inputs from datapoint where id = :id")
        inputs = session.scalar(query, {"id": elsewhere.rows[0]})
    elsewhere.send(None, "answer 0", inputs=inputs)

    assert elsewhere.work()["done_count"] == 0


def test_another_workspace_sends_nothing_to_a_run(elsewhere: Elsewhere) -> None:
    with unit_of_work() as session:
        stranger = factories.team(session)
        theirs = factories.prompt(session, stranger.admin)
    own = elsewhere.client.headers["x-api-key"]
    with_key(elsewhere.client, stranger.admin)
    replace(elsewhere, version=theirs).send(0, "forged")
    elsewhere.client.headers["x-api-key"] = own

    assert elsewhere.work()["done_count"] == 0


def test_a_program_whose_evaluator_has_a_newer_version_judges_by_it(
    client: TestClient, committed_team: factories.Team
) -> None:
    run = started(client, committed_team)
    spec = {"evaluator_type": "external", "return_type": "boolean", "arguments_type": "target_free"}

    def upserted(code: str) -> dict:
        body = {"path": "ours/check", "spec": spec | {"attributes": {"code": code}}}
        return dict(client.post("/v5/evaluators", json=body).json())

    old = upserted("v1")
    client.post(f"{run.address}/evaluators", json={"evaluators": [{"path": "ours/check"}]})
    new = upserted("v2")
    log_id = run.send(0)
    body = {"parent_id": log_id, "judgment": True}
    judged = client.post(f"/v5/evaluators/log?version_id={new['version_id']}", json=body)

    assert judged.status_code == 200, judged.text
    listed = client.get(run.address).json()["evaluators"]
    ours = [one for one in listed if one["version"]["path"] == "ours/check"]
    assert [one["version"]["version_id"] for one in ours] == [old["version_id"], new["version_id"]]
    assert [one["orchestrated"] for one in ours] == [False, False]


def test_a_run_waits_for_the_judgments_of_its_callers_programs_but_not_for_ever(
    client: TestClient, committed_team: factories.Team
) -> None:
    run = started(client, committed_team)
    spec = {"evaluator_type": "external", "return_type": "boolean", "arguments_type": "target_free"}
    assert client.post("/v5/evaluators", json={"path": "ours/check", "spec": spec}).status_code == 200
    client.post(f"{run.address}/evaluators", json={"evaluators": [{"path": "ours/check"}]})
    made = [run.send(row, f"answer {row}" if row else None) for row in range(ROWS)]
    all_sent = run.work()
    recovery.recover()
    for log_id in made[:2]:
        body = {"parent_id": log_id, "path": "ours/check", "judgment": True}
        assert client.post("/v5/evaluators/log", json=body).status_code == 200
    recovery.recover()
    still = run.run["status"]
    last = {"parent_id": made[2], "path": "ours/check", "error": "it broke"}
    assert client.post("/v5/evaluators/log", json=last).status_code == 200

    assert (all_sent["status"], all_sent["done_count"]) == ("running", ROWS)
    assert (still, run.run["status"]) == ("running", "completed")
    silent = started(client, committed_team)
    client.post(f"{silent.address}/evaluators", json={"evaluators": [{"path": "ours/check"}]})
    for row in range(ROWS):
        silent.send(row)
    assert silent.work()["status"] == "running"
    with unit_of_work() as session:
        session.execute(text("update run set progressed_at = now() - interval '31 minutes'"))
    recovery.recover()
    assert silent.run["status"] == "completed"


def test_a_flow_is_evaluated_and_its_pages_lead_to_no_prompt(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        rows = factories.dataset(session, committed_team.admin, ROWS)
        exact = factories.evaluator(session, committed_team.admin)
    with_key(client, committed_team.admin)
    flow = client.post("/v5/flows", json={"path": "ours/Flow", "attributes": {"release": 1}}).json()
    made = {"file": {"id": flow["id"]}, "evaluators": [{"version_id": exact.id}], "name": "Flows"}
    evaluation = client.post("/v5/evaluations", json=made).json()
    body = {"dataset": {"version_id": rows.id}, "version": {"version_id": flow["version_id"]}}
    address = f"/v5/evaluations/{evaluation['id']}"
    ours = client.post(f"{address}/runs", json=body)
    run = client.post(f"{address}/runs", json=body | {"orchestrated": False}).json()
    points = client.get(f"/v5/datasets/{rows.file_id}/datapoints").json()["records"]
    for number, point in enumerate(points):
        begun = client.post(
            "/v5/flows/log",
            json={
                "id": flow["id"],
                "run_id": run["id"],
                "source_datapoint_id": point["id"],
                "log_status": "incomplete",
            },
        ).json()
        said = {"output": f"answer {number}", "log_status": "complete"}
        assert client.patch(f"/v5/flows/logs/{begun['id']}", json=said).status_code == 200
    run_coroutine(worked())

    assert (ours.status_code, "runs on your side" in ours.text) == (422, True)
    (stats,) = client.get(f"{address}/stats").json()["run_stats"]
    assert (stats["status"], stats["evaluator_stats"][0]["num_true"]) == ("completed", 3)
    signed_in(client, committed_team.admin)
    pages = f"/w/{committed_team.workspace.slug}/evaluations"
    for path in ("", f"/{evaluation['id']}", f"/{evaluation['id']}/rows", f"/{evaluation['id']}/rows/1"):
        page = client.get(pages + path)
        assert page.status_code == 200, path
        assert f"prompts/{flow['id']}" not in page.text, path
        assert "evaluations/new?evaluation" not in page.text, path


def test_what_our_workers_cannot_run_says_so(client: TestClient, committed_team: factories.Team) -> None:
    run = started(client, committed_team)
    body = {
        "dataset": {"version_id": run.run["dataset"]["version_id"]},
        "version": {"version_id": run.run["dataset"]["version_id"]},
    }
    refused = client.post(f"{run.address}/runs", json=body)
    assert (refused.status_code, "not a prompt, flow or agent" in refused.text) == (422, True), refused.text
