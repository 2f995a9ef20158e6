"""Statistics are told apart by which member is there: clients read an item with `percentiles` as one of numbers."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from tests import factories
from tests.web import with_key

TELLING = {"mean", "sum", "std", "percentiles", "num_true", "num_false", "num_judgments_per_option"}
OF = {
    "boolean": {"num_true", "num_false"},
    "number": {"mean", "sum", "std", "percentiles"},
    "select": {"num_judgments_per_option"},
    "multi_select": {"num_judgments_per_option"},
    "text": set(),
}
JUDGMENTS: dict[str, Any] = {
    "boolean": True,
    "number": 2.5,
    "select": "a",
    "multi_select": ["a"],
    "text": "so",
}
OPTIONS = [{"name": "a", "valence": "positive"}, {"name": "b", "valence": "negative"}]


def _evaluator(client: TestClient, returns: str, kind: str) -> str:
    spec: dict[str, Any] = {
        "evaluator_type": kind,
        "arguments_type": "target_free",
        "return_type": returns,
    }
    if "select" in returns:
        spec["options"] = OPTIONS
    answer = client.post("/v5/evaluators", json={"path": f"judges/{returns} {kind}", "spec": spec})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["path"])


@pytest.mark.parametrize("kind", ["external", "human"])
def test_an_item_has_the_members_of_its_type_only(
    client: TestClient, committed_team: factories.Team, kind: str
) -> None:
    with_key(client, committed_team.admin)
    with unit_of_work() as session:
        flow = factories.flow(session, committed_team.admin)
        rows = factories.dataset(session, committed_team.admin, 2)
        named, version_id, flow_id = rows.id, flow.id, flow.file_id
    paths = {_evaluator(client, returns, kind): returns for returns in OF}
    said = {"name": "x", "file": {"id": flow_id}, "evaluators": [{"path": path} for path in paths]}
    evaluation = client.post("/v5/evaluations", json=said).json()["id"]
    run = {"dataset": {"version_id": named}, "version": {"version_id": version_id}, "orchestrated": False}
    run_id = client.post(f"/v5/evaluations/{evaluation}/runs", json=run).json()["id"]

    def items() -> list[tuple[str, dict[str, Any]]]:
        """By type, in the order of the evaluators."""
        of_it = client.get(f"/v5/evaluations/{evaluation}").json()["evaluators"]
        (stats,) = client.get(f"/v5/evaluations/{evaluation}/stats").json()["run_stats"]
        by_id = {each["evaluator_version_id"]: each for each in stats["evaluator_stats"]}
        return [(paths[one["version"]["path"]], by_id[one["version"]["version_id"]]) for one in of_it]

    def check() -> None:
        for returns, item in items():
            assert TELLING & item.keys() == OF[returns], (returns, item)
            if returns == "number":
                assert isinstance(item["mean"], float)
                assert all(isinstance(value, float) for value in item["percentiles"].values())

    assert len(items()) == len(OF)
    check()
    datapoint = client.get(f"/v5/datasets/{rows.file_id}/datapoints").json()["records"][0]["id"]
    log = {
        "id": flow_id,
        "run_id": run_id,
        "source_datapoint_id": datapoint,
        "output": "x",
        "log_status": "complete",
    }
    log_id = client.post("/v5/flows/log", json=log, params={"version_id": version_id}).json()["id"]
    for path, returns in paths.items():
        judged = {"parent_id": log_id, "path": path, "judgment": JUDGMENTS[returns]}
        answer = client.post("/v5/evaluators/log", json=judged)
        assert answer.status_code == 200, answer.text
    check()
    assert [item["num_judgments"] for _, item in items()] == [1] * len(OF)


def _begun(client: TestClient, team: factories.Team) -> tuple[str, dict[str, Any]]:
    """An evaluation by code elsewhere, and what begins a run of it."""
    with_key(client, team.admin)
    with unit_of_work() as session:
        flow, rows = factories.flow(session, team.admin), factories.dataset(session, team.admin, 1)
        run = {"dataset": {"version_id": rows.id}, "version": {"version_id": flow.id}, "orchestrated": False}
        flow_id = flow.file_id
    path = _evaluator(client, "boolean", "external")
    said = {"name": "nightly ", "file": {"id": flow_id}, "evaluators": [{"path": path}]}
    return client.post("/v5/evaluations", json=said).json()["id"], run


def test_clients_compare_with_the_run_before_that_has_outputs(
    client: TestClient, committed_team: factories.Team
) -> None:
    """A run that was stopped before it had any has no score to compare with."""
    evaluation, said = _begun(client, committed_team)
    url = f"/v5/evaluations/{evaluation}"
    stopped = client.post(f"{url}/runs", json=said).json()["id"]
    client.patch(f"{url}/runs/{stopped}", json={"status": "cancelled"}).raise_for_status()
    stats = client.get(f"{url}/stats").json()
    assert [(one["run_id"], one["status"]) for one in stats["run_stats"]] == [(stopped, "cancelled")]

    newest = client.post(f"{url}/runs", json=said).json()["id"]
    assert [one["run_id"] for one in client.get(f"{url}/stats").json()["run_stats"]] == [newest]
    assert len(client.get(f"{url}/runs").json()["runs"]) == 2


def test_an_evaluation_has_the_name_that_was_sent(client: TestClient, committed_team: factories.Team) -> None:
    """Clients that are told that a name is taken look for it, letter by letter."""
    evaluation, _ = _begun(client, committed_team)
    made = client.get(f"/v5/evaluations/{evaluation}").json()
    again = {"name": "nightly ", "file": {"id": made["file_id"]}, "evaluators": []}
    assert client.post("/v5/evaluations", json=again).status_code == 409
    listed = client.get("/v5/evaluations", params={"file_id": made["file_id"], "size": 50}).json()["records"]
    assert [one["id"] for one in listed if one["name"] == "nightly "] == [evaluation]
    renamed = client.patch(f"/v5/evaluations/{evaluation}", json={"name": " weekly"}).json()
    assert renamed["name"] == " weekly"
    assert client.patch(f"/v5/evaluations/{evaluation}", json={"name": "  "}).json()["name"] == " weekly"
