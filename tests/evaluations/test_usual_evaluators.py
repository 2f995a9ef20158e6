"""Evaluators that clients of the API take for granted."""

from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from tests import factories
from tests.web import with_key

LOG = "/v5/evaluators/log"


def test_the_two_evaluators_that_clients_take_for_granted_are_there_when_they_are_needed(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        prompt = factories.prompt(session, committed_team.admin)
        logs = [factories.logged(session, committed_team.admin, prompt) for _ in range(2)]
        reviewer = factories.member(session, committed_team.workspace, Role.REVIEWER)
    refused = with_key(client, reviewer).post(
        LOG, json={"parent_id": logs[0], "path": "Rating", "judgment": "good"}
    )
    assert refused.status_code == 404, "who may not make files does not make this one"
    client = with_key(client, committed_team.admin)
    for said in ("good", "bad"):
        answer = client.post(
            LOG, json={"parent_id": logs[0], "path": "Rating", "judgment": said, "user": "customer-17"}
        )
        assert answer.status_code == 200, answer.text
    assert (
        client.post(LOG, json={"parent_id": logs[1], "path": "Correction", "judgment": "Paris."}).status_code
        == 200
    )
    assert (
        client.post(LOG, json={"parent_id": logs[1], "path": "Rating", "judgment": "odd"}).status_code == 422
    )
    assert (
        client.post(LOG, json={"parent_id": logs[1], "path": "Other", "judgment": "good"}).status_code == 404
    )
    (rating,) = (one for one in client.get("/v5/evaluators").json()["records"] if one["path"] == "Rating")
    assert [(one["name"], one["valence"]) for one in rating["spec"]["options"]] == [
        ("good", "positive"),
        ("bad", "negative"),
    ]
