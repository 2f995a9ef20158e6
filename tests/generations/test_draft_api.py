"""Drafts by the API: those of the key's maker, as the editor has them."""

from typing import Any

from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from app.files.models import Version
from tests import factories
from tests.generations.draft_tab import TYPED, Tab, base, typed_in
from tests.web import signed_in, with_key

CONTENT: dict[str, Any] = {
    "model": "practice-1",
    "provider": "practice",
    "template": [{"role": "system", "content": "By the API."}, {"role": "user", "content": "{{question}}"}],
}


def test_a_key_reads_what_its_maker_typed_and_writes_what_they_see(
    tab: Tab, client: TestClient, committed_team: factories.Team, drafted: Version
) -> None:
    url = f"/v5/prompts/{drafted.file_id}/draft"
    with_key(client, committed_team.admin)
    assert client.get(url).status_code == 404
    tab.types(TYPED, temperature="warm")
    read = client.get(url).json()
    assert read["content"]["template"][0]["content"] == TYPED
    assert read["content"]["temperature"] == "warm"
    assert set(read["problems"]) == {"temperature"}
    assert (read["base_version_id"], read["base_number"]) == (drafted.id, 1)

    stale = client.put(url, json={"content": CONTENT, "revision": "rev_of_before"})
    assert stale.status_code == 409
    written = client.put(url, json={"content": CONTENT, "revision": read["revision"]})
    assert written.status_code == 200, written.text
    assert written.json()["problems"] == {}
    assert typed_in(Tab(client, tab.base).page) == "By the API."
    assert tab.types(f"{TYPED} More.").status_code == 409, "the open page has not seen it"

    history = client.get(f"{url}/history").json()["records"]
    assert [state["reason"] for state in history] == ["elsewhere", "replaced"]
    (state,) = client.get(f"{url}/history", params={"state_id": history[1]["id"]}).json()["records"]
    assert state["content"]["template"][0]["content"] == TYPED
    back = client.post(f"{url}/history/{history[1]['id']}/restore")
    assert back.json()["content"]["template"][0]["content"] == TYPED
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404
    assert client.delete(url).status_code == 404
    assert client.get(f"{url}/history").json()["records"][0]["reason"] == "discarded"


def test_drafts_on_versions_and_of_a_prompt_that_is_not_saved_yet(
    client: TestClient, committed_team: factories.Team, drafted: Version
) -> None:
    with unit_of_work() as session:
        newer = factories.prompt(session, committed_team.admin, "tests/asked", temperature=1)
    with_key(client, committed_team.admin)
    url = f"/v5/prompts/{drafted.file_id}/draft"
    old = client.put(url, json={"content": CONTENT}, params={"base_version_id": drafted.id}).json()
    assert (old["base_version_id"], old["newest_version_id"]) == (drafted.id, newer.id)
    assert client.get(url, params={"base_version_id": newer.id}).status_code == 404
    assert client.get(url).json()["id"] == old["id"], "the one touched last"
    assert client.get(url, params={"base_version_id": "prv_none"}).status_code == 404
    assert client.put(url, json={"content": {"template": "no model"}}).status_code == 422
    large = CONTENT | {"template": "long " * 900_000}
    assert client.put(url, json={"content": large}).status_code == 413
    made = client.put("/v5/prompts/new/draft", json={"content": CONTENT, "path": "tests/made"})
    assert made.json()["path"] == "tests/made"
    assert made.json()["prompt_id"] is None
    page = signed_in(client, committed_team.admin).get(base(committed_team, "new")).text
    assert typed_in(page) == "By the API."


def test_a_key_of_somebody_else_sees_nothing_and_of_a_viewer_writes_nothing(
    tab: Tab, client: TestClient, committed_team: factories.Team, drafted: Version
) -> None:
    tab.types(TYPED)
    url = f"/v5/prompts/{drafted.file_id}/draft"
    with_key(client, committed_team.admin)
    client.delete(url)
    (state,) = client.get(f"{url}/history").json()["records"]
    with unit_of_work() as session:
        others = [
            factories.member(session, committed_team.workspace, role) for role in (Role.MEMBER, Role.VIEWER)
        ]
        stranger = factories.team(session).admin
        lesser = factories.key(session, committed_team.admin, Role.VIEWER)
    for other, status in zip((*others, stranger), (200, 403, 404), strict=True):
        with_key(client, other)
        answer = client.get(f"{url}/history")
        assert answer.status_code == status
        assert state["id"] not in answer.text
        named = client.get(f"{url}/history", params={"state_id": state["id"]})
        assert named.status_code in (403, 404)
        assert client.post(f"{url}/history/{state['id']}/restore").status_code in (403, 404)
    client.headers["x-api-key"] = lesser
    assert client.get(f"{url}/history").status_code == 403, "a key that only reads is often many people's"
    assert client.put(url, json={"content": CONTENT}).status_code == 403
