"""Review queues over the API: sending, what is hidden, answering and taking back."""

from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from tests import factories
from tests.review.staged import Staged, queue, score, stage
from tests.web import with_key

BASE = "/v5/review-queues"


def _staged() -> Staged:
    with unit_of_work() as session:
        return stage(session)


def test_a_queue_is_sent_answered_and_tells_how_far_people_agree(client: TestClient) -> None:
    staged = _staged()
    first, second = staged.people
    with_key(client, staged.team.admin)
    body = {
        "evaluation_id": staged.evaluation.id,
        "evaluators": [{"version_id": staged.asked.id}],
        "reviewers": [first.user_id, second.user_id],
        "run_ids": [staged.old.id, staged.new.id],
        "rows": "worse",
        "per_item": 2,
    }
    made = client.post(BASE, json=body)
    assert made.status_code == 201, made.text
    url = f"{BASE}/{made.json()['id']}"
    assert (made.json()["asked_count"], made.json()["waiting_count"]) == (4, 0)
    assert client.get(f"{url}/items").json()["records"] == [], "the admin is not asked"

    for person, said in ((first, True), (second, False)):
        with_key(client, person)
        items = client.get(f"{url}/items").json()
        assert items["total"] == 2
        assert {(one["log_id"], one["version_id"]) for one in items["records"]} == {(None, None)}
        for place in (1, 2):
            answers = [{"evaluator_version_id": staged.asked.id, "judgment": said}]
            kept = client.post(f"{url}/items/{place}", json={"answers": answers, "note": "So."})
            assert kept.status_code == 200, kept.text
            assert kept.json()["answers"] == answers
        assert kept.json()["next_place"] is None
        assert all(one["log_id"] for one in client.get(f"{url}/items").json()["records"])
    (found,) = client.get(url).json()["agreement"]
    assert (found["items"], found["people"], found["same"]["estimate"]) == (2, 2, 0)
    assert [one["settled"] for one in found["disputed"]] == [False, False]

    assert client.post(f"{url}/undo").json() == {"place": 2}
    assert [one["answered_at"] is None for one in client.get(f"{url}/items").json()["records"]] == [
        False,
        True,
    ]
    with unit_of_work() as session:
        assert score(session, staged.new, staged.asked)[1] == 1


def test_items_have_the_target_where_the_queue_shows_it(client: TestClient) -> None:
    staged = _staged()
    with unit_of_work() as session:
        shown, hidden = (queue(session, staged, shows_target=shows) for shows in (True, False))
    with_key(client, staged.people[0])
    targets = [one["target"] for one in client.get(f"{BASE}/{shown.id}/items").json()["records"]]
    assert sorted(one["answer"] for one in targets) == [f"answer {n}" for n in range(4)]
    targets = [one["target"] for one in client.get(f"{BASE}/{hidden.id}/items").json()["records"]]
    assert targets == [None] * 4


def test_wrong_answers_places_and_evaluators_are_refused(client: TestClient) -> None:
    staged = _staged()
    with unit_of_work() as session:
        made = queue(session, staged)
        other = factories.evaluator(session, staged.team.admin, "human")
    with_key(client, staged.people[0])
    url = f"{BASE}/{made.id}/items"

    def status(place: int, judgment: object, version_id: str = staged.asked.id) -> int:
        body = {"answers": [{"evaluator_version_id": version_id, "judgment": judgment}]}
        return client.post(f"{url}/{place}", json=body).status_code

    assert status(1, "perhaps") == 422
    assert status(1, True, other.id) == 404
    assert status(5, True) == 404
    assert status(0, True) == 422
    assert status(1, None) == 200
    with_key(client, staged.team.admin)
    assert client.patch(f"{BASE}/{made.id}", json={"closed": True}).json()["closed_at"]
    with_key(client, staged.people[0])
    assert status(2, True) == 409
    assert client.patch(f"{BASE}/{made.id}", json={"closed": False}).status_code == 403
