"""What the API of evaluations refuses, and in which words."""

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from tests import factories
from tests.web import with_key


def test_prompts_are_evaluated_and_nothing_else(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        prompt, rows = factories.prompt(session, admin), factories.dataset(session, admin, 8)
        evaluation = factories.evaluation(session, admin, prompt, factories.evaluator(session, admin))
    with_key(client, admin)
    body = {"dataset": {"version_id": rows.id}, "version": {"version_id": rows.id}}
    run = client.post(f"/v5/evaluations/{evaluation.id}/runs", json=body)
    assert run.status_code == 422
    assert "is a dataset, not a prompt, flow or agent" in run.text
    assert client.get(f"/v5/evaluations/{evaluation.id}/runs").json()["runs"] == []
    made = client.post("/v5/evaluations", json={"file": {"id": rows.file_id}})
    assert made.status_code == 422
    assert "is a dataset: prompts, flows and agents are evaluated" in made.text


def test_a_name_is_as_long_in_a_change_as_at_first(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        prompt = factories.prompt(session, committed_team.admin)
        evaluation = factories.evaluation(session, committed_team.admin, prompt)
    with_key(client, committed_team.admin)
    address = f"/v5/evaluations/{evaluation.id}"
    assert client.patch(address, json={"name": "x" * 201}).status_code == 422
    assert client.patch(address, json={"name": "x" * 200}).status_code == 200


def test_evaluations_of_an_unknown_file_are_not_found(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        prompt = factories.prompt(session, committed_team.admin)
    with_key(client, committed_team.admin)

    assert client.get("/v5/evaluations", params={"file_id": "pr_unknown"}).status_code == 404
    there = client.get("/v5/evaluations", params={"file_id": prompt.file_id, "page": 7})
    assert (there.status_code, there.json()["records"]) == (200, []), "pagers stop at an empty page"


@pytest.mark.parametrize(
    ("body", "member", "name", "said"),
    [
        ({"log": {"prompt_tokens": True}}, "log", "prompt_tokens", "Give a whole number."),
        ({"log": {"output_tokens": 1.5}}, "log", "output_tokens", "Give a whole number."),
        ({"log": {"inputs": []}}, "log", "inputs", "Give an object."),
        ({"log": {"messages": ["hello"]}}, "log", "messages", "Give a list of objects."),
        ({"log": {"output_message": "hello"}}, "log", "output_message", "Give an object."),
        ({"testcase": {"inputs": "Paris"}}, "testcase", "inputs", "Give an object."),
        ({"testcase": {"messages": {}}}, "testcase", "messages", "Give a list of objects."),
        ({"testcase": {"context": [1]}}, "testcase", "context", "Give a list of passages."),
        ({"testcase": {"metadata": []}}, "testcase", "metadata", "Give an object."),
    ],
)
def test_an_output_to_try_an_evaluator_on_has_the_types_of_a_log(
    client: TestClient, committed_team: factories.Team, body: dict, member: str, name: str, said: str
) -> None:
    with unit_of_work() as session:
        exact = factories.evaluator(session, committed_team.admin)
    answer = with_key(client, committed_team.admin).post(f"/v5/evaluators/{exact.file_id}/test", json=body)

    assert answer.status_code == 422
    assert answer.json()["detail"] == [{"loc": ["body", member, name], "msg": said, "type": "value_error"}]
