"""The library of starting prompts: what is in it, beginning with one, and what the practice model reaches."""

import re

import pytest
from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from app.library import catalogue
from tests import factories
from tests.library.practice import practice_client, scores
from tests.web import csrf_of, signed_in, with_key


@pytest.mark.parametrize("name", catalogue.ORDER)
def test_the_practice_model_reaches_what_the_library_says(name: str) -> None:
    start = catalogue.get_start(name)
    assert scores(practice_client(), start) == {
        one.name: (one.practice_score, list(one.practice_interval)) for one in start.evaluators
    }


def test_each_has_enough_to_begin_with() -> None:
    starts = catalogue.list_starts()
    assert len(starts) == 10
    for start in starts.values():
        assert len(start.rows) >= 20, start.name
        assert start.evaluators, start.name
        asked = [tuple(sorted(row["inputs"].items())) for row in start.rows]
        assert len(set(asked)) == len(asked), f"{start.name}: a row stands twice"
        shown = [m["content"] for m in start.content["template"] if m.get("name") == "example"]
        assert not [
            row for row in start.rows for text in row["inputs"].values() if any(text in one for one in shown)
        ]


def test_one_is_begun_by_the_api(client: TestClient, committed_team: factories.Team) -> None:
    with_key(client, committed_team.admin)
    listed = client.get("/v5/library").json()["records"]
    assert [one["name"] for one in listed] == list(catalogue.ORDER)
    made = client.post(
        "/v5/library/classify", json={"folder": "Support/Triage", "model": "gpt-4o", "provider": "openai"}
    )
    assert made.status_code == 201, made.text
    begun = made.json()
    assert begun["prompt"]["path"] == "Support/Triage/Classify a message"
    assert (begun["prompt"]["model"], begun["prompt"]["provider"]) == ("gpt-4o", "openai")
    assert begun["prompt"]["inputs"] == [{"name": "message"}]
    assert (begun["dataset"]["path"], begun["dataset"]["datapoints_count"]) == ("Support/Triage/Rows", 25)
    assert [one["path"] for one in begun["evaluators"]] == ["Support/Triage/Right label"]
    again = client.post("/v5/library/classify", json={"folder": "Support/Triage"})
    assert again.status_code == 409
    assert "Support/Triage/Classify a message" in again.json()["detail"]
    assert client.post("/v5/library/classify").json()["prompt"]["model"] == "practice-1"
    assert client.post("/v5/library/haiku").status_code == 404
    assert client.post("/v5/library/classify", json={"folder": "a/../b"}).status_code == 422


@pytest.mark.parametrize("name", catalogue.ORDER)
def test_one_is_begun_by_the_page_and_opens_in_the_editor(
    client: TestClient, committed_team: factories.Team, name: str
) -> None:
    signed_in(client, committed_team.admin)
    page = f"/w/{committed_team.workspace.slug}/library"
    shown = client.get(page)
    assert shown.status_code == 200
    assert shown.text.count("Start from it") == 10
    begun = client.post(
        f"{page}/{name}", data={"folder": "", "_csrf": csrf_of(client)}, follow_redirects=False
    )
    assert begun.status_code == 303, begun.text
    editor = client.get(begun.headers["location"])
    assert editor.status_code == 200
    first = next(iter(catalogue.get_start(name).rows[0]["inputs"].values()))
    assert first.splitlines()[0][:40].replace("'", "&#39;") in editor.text, "the first row is in the inputs"
    again = client.post(f"{page}/{name}", data={"folder": "", "_csrf": csrf_of(client)})
    assert again.status_code == 409
    assert re.search(r"is there already", again.text)


def test_readers_see_it_and_make_nothing(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
    signed_in(client, viewer)
    page = f"/w/{committed_team.workspace.slug}/library"
    assert 'aria-disabled="true"' in client.get(page).text
    assert client.post(f"{page}/classify", data={"_csrf": csrf_of(client)}).status_code == 403
