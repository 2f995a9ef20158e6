"""The models that an endpoint lists: fetched, kept and offered; and a clear word where it has no list."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from tests import factories
from tests.fault_provider import FaultProvider, _reply, running_fault_provider
from tests.web import csrf_of, signed_in, with_key

KEY = "sk-a-key-that-comes-back-0123456789"


@dataclass
class Listing(FaultProvider):
    """Answers every request with `reply`, and remembers what was asked for."""

    reply: bytes = b""
    asked_for: str = ""
    meanwhile: Callable[[], None] | None = None
    """What happens before it answers."""

    async def _reply_to(self, head, reader, writer) -> bool:
        self.asked_for = head.decode().splitlines()[0]
        if self.meanwhile:
            await asyncio.to_thread(self.meanwhile)
        writer.write(self.reply)
        await writer.drain()
        return False


@pytest.fixture
def listing() -> Iterator[Listing]:
    with running_fault_provider(Listing()) as provider:
        assert isinstance(provider, Listing)
        yield provider


@pytest.fixture
def own(client: TestClient, committed_team: factories.Team, listing: Listing) -> str:
    """The address of a provider at the endpoint."""
    with_key(client, committed_team.admin)
    body = {"name": "own", "base_url": listing.url, "api_key": KEY}
    return f"/v5/providers/{client.post('/v5/providers', json=body).json()['id']}"


def _listed(*ids: object) -> bytes:
    return _reply(200, {"object": "list", "data": [{"id": each} for each in ids]})


def _kept(client: TestClient) -> list[str]:
    return next(p["models"] for p in client.get("/v5/providers").json() if p["name"] == "own")


def test_the_editor_offers_what_was_listed(
    client: TestClient, own: str, listing: Listing, committed_team: factories.Team
) -> None:
    listing.reply = _listed("large", "small", "large")
    answer = client.post(f"{own}/test").json()
    assert (answer["ok"], answer["models"], answer["lists_models"]) == (True, ["large", "small"], True)
    assert listing.asked_for.startswith("GET /v1/models ")
    assert _kept(client) == ["large", "small"]

    del client.headers["x-api-key"]
    signed_in(client, committed_team.admin)
    editor = client.get(f"/w/{committed_team.workspace.slug}/prompts/new").text
    assert '<option value="small"></option>' in editor
    assert 'name="model" value="large"' in editor, "the first of the only provider"


@pytest.mark.parametrize(
    "reply",
    [
        _reply(404, {"error": {"message": f"no route, {KEY}"}}),
        _reply(405, b"", "text/plain"),
        _reply(501, b"not made yet", "text/plain"),
        _reply(200, {"models": [KEY]}),
        _reply(200, {"data": {"id": "one"}}),
        _reply(200, b"[]"),
    ],
    ids=["404", "405", "501", "another list", "no list", "a bare list"],
)
def test_without_a_list_it_says_so_and_keeps_what_was_there(
    client: TestClient, own: str, listing: Listing, committed_team: factories.Team, reply: bytes
) -> None:
    listing.reply = _listed("large")
    client.post(f"{own}/test").raise_for_status()
    listing.reply = reply
    answer = client.post(f"{own}/test").json()
    assert (answer["ok"], answer["lists_models"]) == (False, False)
    assert "own has no list of models" in answer["error"]
    assert KEY not in json.dumps(answer)
    assert _kept(client) == ["large"]

    del client.headers["x-api-key"]
    signed_in(client, committed_team.admin)
    page = f"/w/{committed_team.workspace.slug}/settings/providers"
    shown = client.post(f"{page}/{own.rpartition('/')[2]}/test", data={"_csrf": csrf_of(client)}).text
    assert "type the model’s name" in shown
    assert KEY not in shown


def test_a_refusal_is_no_missing_list(client: TestClient, own: str, listing: Listing) -> None:
    listing.reply = _reply(401, {"error": {"message": "wrong key"}})
    answer = client.post(f"{own}/test").json()
    assert (answer["ok"], answer["lists_models"]) == (False, True)
    assert "wrong key" in answer["error"]


def test_names_that_are_none_are_left_out(client: TestClient, own: str, listing: Listing) -> None:
    odd = ["", "x\0y", "line\nbreak", "x" * 201, 7, None, {"id": "deep"}, "\ud800"]
    listing.reply = _listed(*odd, "good", *(f"model {n}" for n in range(2_000)))
    answer = client.post(f"{own}/test")
    assert answer.status_code == 200, answer.text
    assert answer.json()["models"] == _kept(client)
    assert answer.json()["models"][:2] == ["good", "model 0"]
    assert len(_kept(client)) == 1_000


def test_an_empty_list_is_a_list(client: TestClient, own: str, listing: Listing) -> None:
    listing.reply = _listed()
    assert client.post(f"{own}/test").json() | {"ok": True, "models": []} == client.post(f"{own}/test").json()


def test_the_page_tells_of_the_last_test_until_the_address_or_key_changes(
    client: TestClient, own: str, listing: Listing, committed_team: factories.Team
) -> None:
    key = client.headers.pop("x-api-key")
    signed_in(client, committed_team.admin)
    page, api = f"/w/{committed_team.workspace.slug}/settings/providers", {"x-api-key": key}

    def kept() -> tuple[bool, str | None]:
        found = next(p for p in client.get("/v5/providers", headers=api).json() if p["name"] == "own")
        return found["tested_at"] is not None, found["test_error"]

    assert kept() == (False, None)
    assert "not tested: test it" in client.get(page).text
    listing.reply = _listed("large")
    client.post(f"{own}/test", headers=api).raise_for_status()
    assert kept() == (True, None)
    assert re.search(r"Answered in \d.*just now", client.get(page).text, re.DOTALL)
    listing.reply = _reply(401, {"error": {"message": f"wrong <b>key</b> {KEY}"}})
    client.post(f"{own}/test", headers=api).raise_for_status()
    assert "wrong &lt;b&gt;key&lt;/b&gt;" in client.get(page).text
    assert KEY not in client.get(page).text
    client.patch(own, json={"concurrency": 3}, headers=api).raise_for_status()
    assert kept()[0], "other settings leave it"
    client.patch(own, json={"api_key": "another key, 0123456789"}, headers=api).raise_for_status()
    assert kept() == (False, None)


@pytest.mark.parametrize("door", ["page", "api"])
def test_a_provider_that_is_deleted_while_it_is_tested_is_told_in_words(
    client: TestClient, own: str, listing: Listing, committed_team: factories.Team, door: str
) -> None:
    def delete() -> None:
        with unit_of_work() as session:
            session.execute(text("delete from provider where name = 'own'"))

    listing.reply, listing.meanwhile = _listed("large"), delete
    if door == "api":
        answer = client.post(f"{own}/test")
    else:
        del client.headers["x-api-key"]
        signed_in(client, committed_team.admin)
        page = f"/w/{committed_team.workspace.slug}/settings/providers/{own.rpartition('/')[2]}/test"
        answer = client.post(page, data={"_csrf": csrf_of(client)})
        assert "Only the practice model so far" in answer.text, "the list as it is now"
    assert answer.status_code == 404
    assert "own was deleted while it was tested." in answer.text
