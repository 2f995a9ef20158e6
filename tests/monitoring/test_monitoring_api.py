"""Setting evaluators on a file's logs, as a client of the API does it."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from app.files import deployments
from app.files import service as files
from app.files.models import Version
from app.monitoring.schemas import MonitorActivation, MonitoringChange
from app.monitoring.service import change_monitoring
from tests import factories
from tests.web import with_key


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


@pytest.fixture
def prompt(committed_team: factories.Team) -> Version:
    with unit_of_work() as session:
        return factories.prompt(session, committed_team.admin)


@pytest.fixture
def polite(committed_team: factories.Team) -> Version:
    with unit_of_work() as session:
        return factories.evaluator(session, committed_team.admin, "json_valid")


def change(api: TestClient, prompt: Version, **body):
    return api.post(f"/v5/prompts/{prompt.file_id}/evaluators", json=body)


def monitors(api: TestClient, prompt: Version) -> list[dict]:
    return api.get(f"/v5/prompts/{prompt.file_id}").json()["evaluators"]


def test_a_version_is_activated_once_and_deactivated(
    api: TestClient, prompt: Version, polite: Version
) -> None:
    assert monitors(api, prompt) == []
    reference = {"evaluator_version_id": polite.id}
    answer = change(api, prompt, activate=[reference], deactivate=None)
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == prompt.file_id
    (item,) = answer.json()["evaluators"]
    assert item.keys() == {"version_reference", "version", "state", "sampling", "created_at", "updated_at"}
    assert item["version_reference"]["type"] == "version"
    assert item["version_reference"]["version"]["version_id"] == polite.id
    assert (item["version"]["version_id"], item["version"]["type"]) == (polite.id, "evaluator")
    assert item["version"].keys() >= {
        "spec",
        "inputs",
        "last_used_at",
        "version_logs_count",
        "total_logs_count",
    }
    assert (item["state"], item["sampling"]) == ("active", 1)

    change(api, prompt, activate=[{**reference, "sampling": 0.25}])
    (item,) = monitors(api, prompt)
    assert (item["state"], item["sampling"]) == ("active", 0.25)
    (item,) = change(api, prompt, deactivate=[reference]).json()["evaluators"]
    assert item["state"] == "inactive"
    listed = api.get("/v5/files", params={"type": "prompt"}).json()["records"]
    assert [len(file["evaluators"]) for file in listed] == [1]


def test_what_runs_in_an_environment_is_activated(
    api: TestClient, committed_team: factories.Team, prompt: Version, polite: Version
) -> None:
    with unit_of_work() as session:
        staging = deployments.get_environment(session, committed_team.admin, "staging")
        newer = factories.evaluator(
            session, committed_team.admin, "json_valid", polite.file.path, in_fence=True
        )
    reference = {"evaluator_id": polite.file_id, "environment_id": staging.id, "evaluator_version_id": None}
    (item,) = change(api, prompt, activate=[reference]).json()["evaluators"]
    assert item["version"] is None, "nothing runs there yet"
    assert item["version_reference"]["type"] == "environment"
    assert item["version_reference"]["environment"]["name"] == "staging"
    assert item["version_reference"]["file"]["id"] == polite.file_id
    url = f"/v5/evaluators/{polite.file_id}/environments/{staging.id}"
    assert api.post(url, params={"version_id": newer.id}).status_code == 200
    (item,) = monitors(api, prompt)
    assert item["version"]["version_id"] == newer.id
    assert change(api, prompt, deactivate=[reference]).json()["evaluators"][0]["state"] == "inactive"


def test_an_evaluator_that_needs_a_target_cannot_monitor(
    api: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    with unit_of_work() as session:
        exact = factories.evaluator(session, committed_team.admin, "exact", "judges/exact")
    refused = change(api, prompt, activate=[{"evaluator_version_id": exact.id}])
    assert refused.status_code == 422
    (said,) = refused.json()["detail"]
    assert said["loc"] == ["body", "activate"]
    assert said["msg"].startswith("judges/exact compares with a target")
    assert monitors(api, prompt) == []


@pytest.mark.parametrize(
    ("reference", "status"),
    [
        ({"evaluator_version_id": "evv_unknown"}, 404),
        ({"evaluator_id": "ev_unknown", "environment_id": "production"}, 404),
        ({}, 422),
        ({"evaluator_id": "ev_unknown"}, 422),
        ({"evaluator_version_id": "evv_unknown", "environment_id": "production"}, 422),
    ],
)
def test_what_is_not_there_is_refused(api: TestClient, prompt: Version, reference, status) -> None:
    for action in ("activate", "deactivate"):
        refused = change(api, prompt, **{action: [reference]})
        assert refused.status_code == status, refused.text


@pytest.mark.parametrize("sampling", [-0.1, 1.1, "half"])
def test_sampling_is_a_share(api: TestClient, prompt: Version, polite: Version, sampling) -> None:
    reference = {"evaluator_version_id": polite.id, "sampling": sampling}
    assert change(api, prompt, activate=[reference]).status_code == 422


def test_a_prompts_version_is_no_evaluator_and_others_things_are_not_there(
    api: TestClient, prompt: Version, polite: Version
) -> None:
    assert change(api, prompt, activate=[{"evaluator_version_id": prompt.id}]).status_code == 404
    with unit_of_work() as session:
        other = factories.team(session)
        theirs = factories.evaluator(session, other.admin, "json_valid")
    assert change(api, prompt, activate=[{"evaluator_version_id": theirs.id}]).status_code == 404
    with_key(api, other.admin)
    assert change(api, prompt, activate=[]).status_code == 404


def test_a_version_that_judges_logs_stays_and_people_may_be_asked(
    api: TestClient, committed_team: factories.Team, prompt: Version, polite: Version
) -> None:
    with unit_of_work() as session:
        human = factories.evaluator(session, committed_team.admin, "human")
        newer = factories.evaluator(
            session, committed_team.admin, "json_valid", polite.file.path, in_fence=True
        )
    both = [{"evaluator_version_id": newer.id}, {"evaluator_version_id": human.id}]
    assert len(change(api, prompt, activate=both).json()["evaluators"]) == 2
    kept = api.delete(f"/v5/evaluators/{newer.file_id}/versions/{newer.id}")
    assert kept.status_code == 409
    assert f"it judges the logs of {prompt.file.path}" in kept.json()["detail"]
    assert api.delete(f"/v5/evaluators/{newer.file_id}").status_code == 204
    assert len(monitors(api, prompt)) == 1, "a deleted evaluator is left out"


def test_reviewers_may_not(api: TestClient, committed_team: factories.Team, prompt: Version) -> None:
    with unit_of_work() as session:
        reviewer = factories.member(session, committed_team.workspace, Role.REVIEWER)
    assert change(with_key(api, reviewer), prompt, activate=[]).status_code == 403
    assert api.post(f"/v5/datasets/{prompt.file_id}/evaluators", json={}).status_code in (404, 405)


def test_two_who_activate_the_same_evaluator_at_once_both_succeed(
    api: TestClient, committed_team: factories.Team, prompt: Version, polite: Version
) -> None:
    wanted = MonitoringChange(activate=[MonitorActivation(evaluator_version_id=polite.id)])
    with ThreadPoolExecutor(1) as pool:
        with unit_of_work() as session:
            file = files.get_file(session, committed_team.admin, prompt.file_id)
            change_monitoring(session, committed_team.admin, file, wanted)
            second = pool.submit(change, api, prompt, activate=[{"evaluator_version_id": polite.id}])
            assert not wait([second], timeout=0.5).done, "it waits for the first"
        assert second.result(timeout=10).status_code == 200
    assert len(monitors(api, prompt)) == 1
