"""Evaluators that the server could judge by, and whose judgments callers send."""

from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.evaluations.grid.people_repository import list_counted, list_verdicts
from tests import factories
from tests.evaluations.test_arrivals import ROWS, started
from tests.web import with_key

LOG = "/v5/evaluators/log"
CODE = {
    "evaluator_type": "python",
    "code": "def judge(log):\n    return True",
    "arguments_type": "target_free",
    "return_type": "boolean",
}
MODEL = CODE | {
    "evaluator_type": "llm",
    "prompt": {"model": "gpt-4o", "template": "Is {{log.output}} polite?"},
}
TONE = CODE | {
    "code": "def judge(log):\n    return 'rude'",
    "return_type": "select",
    "options": [{"name": "kind", "valence": "positive"}, {"name": "rude", "valence": "negative"}],
}


def test_a_run_waits_for_the_judgments_of_an_evaluator_that_its_caller_judges_by(
    client: TestClient, committed_team: factories.Team, redis_url: str
) -> None:
    run = started(client, committed_team)
    made = client.post("/v5/evaluators", json={"path": "ours/polite", "spec": MODEL})
    assert made.status_code == 200, made.text
    added = client.post(
        f"{run.address}/evaluators", json={"evaluators": [{"path": "ours/polite", "orchestrated": False}]}
    )
    assert [one["orchestrated"] for one in added.json()["evaluators"]] == [True, False]
    logs = [run.send(row) for row in range(ROWS)]
    waiting = run.work()
    for log_id in logs:
        said = {"parent_id": log_id, "path": "ours/polite", "judgment": True}
        answer = client.post(LOG, json=said)
        assert answer.status_code == 200, answer.text
    (stats,) = client.get(f"{run.address}/stats").json()["run_stats"]

    assert (waiting["status"], waiting["done_count"]) == ("running", ROWS)
    assert waiting["calls_count"] == 0, "the server asks no model"
    assert (stats["status"], stats["evaluator_stats"][1]["num_true"]) == ("completed", ROWS)


def test_what_the_server_judges_in_a_run_nobody_else_does(
    client: TestClient, committed_team: factories.Team, redis_url: str
) -> None:
    run = started(client, committed_team)
    assert client.post("/v5/evaluators", json={"path": "ours/polite", "spec": MODEL}).status_code == 200
    client.post(f"{run.address}/evaluators", json={"evaluators": [{"path": "ours/polite"}]})
    log_id = run.send(0)
    said = {"parent_id": log_id, "path": "ours/polite", "judgment": True}
    refused = client.post(LOG, json=said)

    assert (refused.status_code, "judged by the server in a run" in refused.text) == (409, True)
    assert client.post(LOG, json=said | {"spec": MODEL}).status_code == 409


def test_judgments_of_a_log_of_no_run_are_taken_with_their_spec(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        flow = factories.flow(session, committed_team.admin)
        log_id = factories.logged(session, committed_team.admin, flow)
    with_key(client, committed_team.admin)
    for path, spec in (("ours/code", CODE), ("ours/model", MODEL)):
        said = {"parent_id": log_id, "path": path, "judgment": True, "spec": spec}
        assert client.post(LOG, json=said).status_code == 200, path
        wrong = client.post(LOG, json=said | {"judgment": "very"})
        assert (wrong.status_code, "not true or false" in wrong.text) == (422, True), wrong.text
    judged = client.get(f"/v5/logs/{log_id}").json()["evaluator_logs"]

    assert [one["judgment"] for one in judged] == [True, True]


def test_a_run_waits_for_no_people_however_they_were_added(
    client: TestClient, committed_team: factories.Team, redis_url: str
) -> None:
    run = started(client, committed_team)
    human = CODE | {"evaluator_type": "human"}
    human.pop("code")
    assert client.post("/v5/evaluators", json={"path": "ours/rating", "spec": human}).status_code == 200
    said = {"evaluators": [{"path": "ours/rating", "orchestrated": False}]}  # as it was shown
    assert client.post(f"{run.address}/evaluators", json=said).status_code == 200
    for row in range(ROWS):
        run.send(row)
    assert run.work()["status"] == "completed"


def test_somebodys_word_about_a_log_is_not_taken_for_the_servers(
    client: TestClient, committed_team: factories.Team, redis_url: str
) -> None:
    run = started(client, committed_team)
    specs = {
        "ours/long": (CODE | {"code": "def judge(log):\n    return False"}, True, False),
        "ours/tone": (TONE, "kind", "rude"),
    }
    for path, (spec, _, _) in specs.items():
        assert client.post("/v5/evaluators", json={"path": path, "spec": spec}).status_code == 200
    log_ids = [run.send(row) for row in range(ROWS)]
    for path, (_, theirs, _) in specs.items():
        said = {"parent_id": log_ids[0], "path": path, "judgment": theirs}
        assert client.post(LOG, json=said).status_code == 200, "no run judges by it yet"
        client.post(f"{run.address}/evaluators", json={"evaluators": [{"path": path}]})
    assert run.work()["status"] == "completed"
    (stats,) = client.get(f"{run.address}/stats").json()["run_stats"]
    _, long, tone = stats["evaluator_stats"]

    assert (long["num_true"], long["num_false"], long["num_judgments"]) == (0, ROWS, ROWS)
    assert tone["num_judgments_per_option"] == {"rude": ROWS}
    with unit_of_work() as session:
        counted = list_counted(session, {(run.run_id, log_id) for log_id in log_ids})
        assert [len(each) for each in counted.values()] == [3] * ROWS, "and none in the grid"
        ids = [one["evaluator_version_id"] for one in (long, tone)]
        assert list_verdicts(session, committed_team.workspace.id, ids) == [], (
            "nor is it an example for a judge"
        )


def test_a_run_goes_on_waiting_where_somebody_has_had_their_say_before(
    client: TestClient, committed_team: factories.Team, redis_url: str
) -> None:
    run = started(client, committed_team)
    assert client.post("/v5/evaluators", json={"path": "ours/polite", "spec": MODEL}).status_code == 200
    log_ids = [run.send(row) for row in range(ROWS)]
    said = [{"parent_id": log_id, "path": "ours/polite", "judgment": True} for log_id in log_ids]
    assert [client.post(LOG, json=one).status_code for one in said] == [200] * ROWS
    added = {"evaluators": [{"path": "ours/polite", "orchestrated": False}]}
    client.post(f"{run.address}/evaluators", json=added)
    waiting = run.work()
    assert [client.post(LOG, json=one | {"judgment": False}).status_code for one in said] == [200] * ROWS
    (stats,) = client.get(f"{run.address}/stats").json()["run_stats"]

    assert waiting["status"] == "running"
    assert (stats["status"], stats["evaluator_stats"][1]["num_false"]) == ("completed", ROWS)
