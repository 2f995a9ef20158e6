"""Evaluations of which the first run says what they are about, as clients may make them."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.core.database import unit_of_work
from app.files.models import Version
from tests import factories
from tests.web import signed_in, with_key


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def _version(team: factories.Team, make: Any, **said: Any) -> Version:
    with unit_of_work() as session:
        made = make(session, team.admin, **said)
        found = session.scalars(select(Version).where(Version.id == made.id)).one()
        session.expunge_all()
        return found


def _created(api: TestClient, judge: Version, **said: Any) -> str:
    answer = api.post("/v5/evaluations", json={"evaluators": [{"version_id": judge.id}], **said})
    assert answer.status_code == 201, answer.text
    assert answer.json()["file_id"] is None
    assert answer.json()["name"]
    return answer.json()["id"]


def _file_of(api: TestClient, evaluation: str) -> str | None:
    return api.get(f"/v5/evaluations/{evaluation}").json()["file_id"]


def test_the_first_run_of_a_version_says_it(api: TestClient, committed_team: factories.Team) -> None:
    judge, flow = _version(committed_team, factories.evaluator), _version(committed_team, factories.flow)
    other = _version(committed_team, factories.prompt)
    rows = _version(committed_team, factories.dataset, rows=1)
    evaluation = _created(api, judge)
    assert api.get(f"/v5/evaluations/{evaluation}/stats").json()["run_stats"] == []
    for version in (flow, other):
        run = {
            "dataset": {"version_id": rows.id},
            "version": {"version_id": version.id},
            "orchestrated": False,
        }
        api.post(f"/v5/evaluations/{evaluation}/runs", json=run).raise_for_status()
        assert _file_of(api, evaluation) == flow.file_id, "the first one"
    listed = api.get("/v5/evaluations", params={"file_id": flow.file_id}).json()["records"]
    assert [each["id"] for each in listed] == [evaluation]


def test_the_first_log_of_a_run_without_a_version_says_it(
    api: TestClient, committed_team: factories.Team
) -> None:
    judge, flow = _version(committed_team, factories.evaluator), _version(committed_team, factories.flow)
    evaluation = _created(api, judge)
    run = api.post(f"/v5/evaluations/{evaluation}/runs").json()["id"]
    assert _file_of(api, evaluation) is None
    log = {"id": flow.file_id, "run_id": run, "output": "x", "log_status": "complete"}
    api.post("/v5/flows/log", json=log).raise_for_status()
    assert _file_of(api, evaluation) == flow.file_id


def test_a_name_that_the_file_has_already_gets_a_number(
    api: TestClient, committed_team: factories.Team
) -> None:
    judge, flow = _version(committed_team, factories.evaluator), _version(committed_team, factories.flow)
    api.post("/v5/evaluations", json={"name": "nightly", "file": {"id": flow.file_id}, "evaluators": []})
    evaluation = _created(api, judge, name="nightly")
    assert (
        api.post(
            "/v5/evaluations", json={"name": "nightly", "evaluators": [{"id": judge.file_id}]}
        ).status_code
        == 409
    )
    run = {"version": {"version_id": flow.id}, "orchestrated": False}
    api.post(f"/v5/evaluations/{evaluation}/runs", json=run).raise_for_status()
    shown = api.get(f"/v5/evaluations/{evaluation}").json()
    assert (shown["name"], shown["file_id"]) == ("nightly (2)", flow.file_id)


def test_without_an_evaluator_either_it_is_refused_in_words(api: TestClient) -> None:
    for said in ({}, {"evaluators": []}, {"file": {}}):
        answer = api.post("/v5/evaluations", json=said)
        assert (answer.status_code, "the first run then says" in answer.text) == (422, True)
    assert api.post("/v5/evaluations", json={"file": {"id": "pr_unknown"}}).status_code == 404


def test_its_pages_are_shown_meanwhile(client: TestClient, committed_team: factories.Team) -> None:
    evaluation = _created(
        with_key(client, committed_team.admin), _version(committed_team, factories.evaluator)
    )
    person = signed_in(client, committed_team.admin)
    for page in (
        "",
        f"/{evaluation}",
        f"/{evaluation}/lineage",
        f"/new?evaluation={evaluation}",
    ):
        answer = person.get(f"/w/{committed_team.workspace.slug}/evaluations{page}")
        assert answer.status_code == 200, (page, answer.status_code)
