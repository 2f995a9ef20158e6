"""A stored key goes where its owner sent it, and nowhere else: who changes the address must enter it again."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.core.database import unit_of_work
from app.providers import service
from app.providers.service import ProviderChange
from tests import factories
from tests.asynchronous import run
from tests.providers.scripted import calling, reply
from tests.web import csrf_of, signed_in, with_key

KEY = "sk-canary-of-the-owner-1234"


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A provider's address, and all headers of every request that came to it."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            heard.append(str(self.headers))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", "12")
            self.end_headers()
            self.wfile.write(b'{"data": []}')

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1", heard
        server.shutdown()


def _made(client: TestClient, base_url: str) -> str:
    """The path of a new provider with a key."""
    answer = client.post("/v5/providers", json={"name": "own", "base_url": base_url, "api_key": KEY})
    assert answer.json()["has_key"] is True
    return f"/v5/providers/{answer.json()['id']}"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://93.184.216.35/v1", False),
        ("https://93.184.216.34.example.com/v1", False),
        ("http://93.184.216.34/v1", False),
        ("https://93.184.216.34:8443/v1", False),
        ("https://93.184.216.34:443/v1/", True),
        ("https://93.184.216.34/v2", True),
    ],
    ids=["host", "longer host", "scheme", "port", "the usual port", "path"],
)
def test_a_new_address_takes_the_key_away(
    client: TestClient, committed_team: factories.Team, url: str, kept: bool
) -> None:
    with_key(client, committed_team.admin)
    provider = _made(client, "https://93.184.216.34/v1")
    with unit_of_work() as session:
        session.execute(text("update provider set models = '{of-the-old-host}'"))
    changed = client.patch(provider, json={"base_url": url})
    assert (changed.status_code, changed.json()["has_key"]) == (200, kept)
    assert changed.json()["key_hint"] == ("1234" if kept else None)
    with unit_of_work() as session:
        models = session.scalar(text("select models from provider where name = 'own'"))
    assert models == (["of-the-old-host"] if kept else [])


def test_who_is_named_by_a_new_address_hears_no_key(
    client: TestClient, committed_team: factories.Team
) -> None:
    with_key(client, committed_team.admin)
    with listening() as (owners, known), listening() as (others, heard):
        provider = _made(client, owners)
        assert client.post(f"{provider}/test").json()["ok"]
        assert KEY in known[-1], "the owner's own provider gets it"

        client.patch(provider, json={"base_url": others})
        assert client.post(f"{provider}/test").json()["ok"]

        client.patch(provider, json={"base_url": owners, "api_key": KEY})
        signed_in(client, committed_team.admin)
        page = f"/w/{committed_team.workspace.slug}/settings/providers/{provider.rpartition('/')[2]}"
        form = {"name": "own", "base_url": others, "api_key": "", "_csrf": csrf_of(client)}
        assert client.post(page, data=form).status_code == 303
        assert client.post(f"{provider}/test").json()["ok"]
    assert len(heard) == 2
    assert KEY not in "".join(heard)


def test_a_key_that_comes_with_the_address_is_the_key(
    client: TestClient, committed_team: factories.Team
) -> None:
    with_key(client, committed_team.admin)
    with listening() as (others, heard):
        provider = _made(client, "https://93.184.216.34/v1")
        client.patch(provider, json={"base_url": others, "api_key": "sk-another-key-5678"})
        assert client.post(f"{provider}/test").json()["ok"]
    assert "sk-another-key-5678" in heard[-1]
    assert KEY not in "".join(heard)


def test_a_key_that_is_stored_while_the_address_changes_goes_with_the_old_address(
    committed_team: factories.Team, database: Engine
) -> None:
    """Who changes the address has read a provider without a key; the key is stored before they write."""
    admin = committed_team.admin
    with unit_of_work() as session:
        made = ProviderChange(name="own", base_url="https://93.184.216.34/v1")
        provider_id = service.create_provider(session, admin, made).id
    with unit_of_work() as session:
        moving = service.get_provider(session, admin, provider_id)
        with unit_of_work() as other:
            keyed = service.get_provider(other, admin, provider_id)
            service.change_provider(other, admin, keyed, ProviderChange(api_key=KEY))
        service.change_provider(session, admin, moving, ProviderChange(base_url="https://93.184.216.35/v1"))
    with unit_of_work() as session:
        provider = service.get_provider(session, admin, provider_id)
        assert (provider.base_url, provider.sealed_key) == ("https://93.184.216.35/v1", None)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_hears_no_key(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    good = {"choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]}

    async def ask() -> int:
        async with calling(reply(200, good)) as (client, provider):
            assert (await client.chat({"model": "m", "messages": []})).content == "hi"
            return len(provider.asked)

    with listening() as (url, heard):
        monkeypatch.setenv(name, url.removesuffix("/v1"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert run(ask()) == 1
    assert heard == []
