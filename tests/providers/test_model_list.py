"""The models that an endpoint lists: fetched, kept and offered; and a clear word where it has no list."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

from tests import factories
from tests.fault_provider import FaultProvider, _reply, running_fault_provider
from tests.web import csrf_of, signed_in, with_key

KEY = "sk-a-key-that-comes-back-0123456789"


@dataclass
class Listing(FaultProvider):
    """Answers every request with `reply`, and remembers what was asked for."""

    reply: bytes = b""
    asked_for: str = ""

    async def _reply_to(self, head, reader, writer) -> bool:
        self.asked_for = head.decode().splitlines()[0]
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
