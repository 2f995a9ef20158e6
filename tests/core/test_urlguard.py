"""Users' URLs reach the public internet and what the operator allows: at saving, at connecting, however spelled."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from fastapi.testclient import TestClient

from app.core.settings import get_settings
from app.core.urlguard import Allowed, RefusedAddress, check_url, guarded_sockets
from app.providers.answers import ProviderError
from app.providers.client import Endpoint, ModelClient
from tests import factories
from tests.asynchronous import run as run_coroutine
from tests.web import csrf_of, signed_in, with_key

INSIDE = [
    "http://127.0.0.1",
    "http://localhost",
    "http://LOCALHOST",
    "http://localhost.",
    "http://127.1",
    "http://0",
    "http://0.0.0.0",
    "http://2130706433",
    "http://0x7f000001",
    "http://0x7f.1",
    "http://0177.0.0.1",
    "http://017700000001",
    "http://127.0.0.1.",
    "http://127.255.255.254",
    "http://10.0.0.1",
    "http://172.16.0.1",
    "http://172.31.255.255",
    "http://192.168.1.1",
    "http://0300.0250.1.1",
    "http://169.254.169.254",
    "http://100.64.0.1",
    "http://192.0.0.1",
    "http://192.0.0.8",
    "http://192.88.99.1",
    "http://[3fff::1]",
    "http://[2001:2::1]",
    "http://192.0.2.1",
    "http://198.18.0.1",
    "http://203.0.113.1",
    "http://224.0.0.1",
    "http://240.0.0.1",
    "http://255.255.255.255",
    "http://[::1]",
    "http://[::]",
    "http://[0:0:0:0:0:0:0:1]",
    "http://[::ffff:127.0.0.1]",
    "http://[::ffff:7f00:1]",
    "http://[::ffff:10.0.0.1]",
    "http://[::ffff:0:127.0.0.1]",
    "http://[::127.0.0.1]",
    "http://[fe80::1]",
    "http://[fec0::1]",
    "http://[fc00::1]",
    "http://[fd00:ec2::254]",
    "http://[ff02::1]",
    "http://[2001:db8::1]",
    "http://[64:ff9b::7f00:1]",
    "http://[64:ff9b::a9fe:a9fe]",
    "http://[2002:7f00:1::]",
    "http://[2002:a9fe:a9fe::1]",
    "http://[2001:0:7f00:1::]",
    "http://①②⑦.⓪.⓪.①",
    "http://127。0。0。1",
    "https://127.0.0.1:8443/v1",
    "http://127.0.0.1:6379/",
    "https://[::1]:5432",
    "http://127.0.1",
    "http://0x7f.0x0.0x0.0x1",
    "http://0x7f.0.0.1",
    "http://0000177.0.0.1",
    "http://10.1",
    "http://192.168.257",
    "http://0xa9fea9fe",
    "http://2852039166",
    "http://169.254.43518",
    "http://[::ffff:a9fe:a9fe]",
    "http://[::ffff:192.168.0.1]",
    "http://[0000:0000:0000:0000:0000:ffff:7f00:0001]",
    "http://[64:ff9b:1::7f00:1]",
    "http://169。254。169。254/latest/meta-data",
]
NO_ADDRESS = [
    "http://a..b",
    f"http://{'a' * 300}.example",
    "http://８.８.８.８",
    "https://api.example/v1?x=",
    "https://api.example/v1#",
    "file:///etc/passwd",
    "gopher://127.0.0.1",
    "ftp://example.com",
    "javascript:alert(1)",
    "//127.0.0.1",
    "http:///v1",
    "http://",
    "http://user@127.0.0.1",
    "http://example.com@127.0.0.1",
    "http://127.0.0.1@example.com",
    "http://127.0.0.1%00.example.com",
    "http://[::1%25lo]",
    "http://127.0.0.1:0",
    "http://example.com\\@127.0.0.1",
    "http://[::1]:99999",
    "example.com",
]


@pytest.fixture
def nothing_allowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An operator who allows nothing beside the public internet, as when installed."""
    monkeypatch.setenv("WHETSTONE_PRIVATE_HOSTS", "")
    get_settings.cache_clear()
    yield
    monkeypatch.undo()
    get_settings.cache_clear()


def test_there_are_sixty_spellings_of_what_is_inside() -> None:
    assert len(set(INSIDE)) >= 60


@pytest.mark.usefixtures("nothing_allowed")
@pytest.mark.parametrize("url", INSIDE)
def test_what_leads_inside_is_refused_with_the_way_to_allow_it(url: str) -> None:
    with pytest.raises(RefusedAddress, match="WHETSTONE_PRIVATE_HOSTS="):
        check_url(url)


@pytest.mark.usefixtures("nothing_allowed")
@pytest.mark.parametrize("url", [*NO_ADDRESS, "http://127.0.0.1\n", "http://exa mple.com", "http://a\tb"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_url(url)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "0x7f000001"])
def test_an_address_that_clients_would_not_call_is_refused_wherever_it_leads(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("WHETSTONE_PRIVATE_HOSTS", "127.0.0.0/8")
    get_settings.cache_clear()
    check_url("http://127.0.0.1:8080/")
    with pytest.raises(ValueError, match="four numbers"):
        check_url(f"http://{host}:8080/")
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.mark.usefixtures("nothing_allowed")
@pytest.mark.parametrize(
    "url",
    [
        "https://93.184.216.34/v1",
        "http://[2606:2800:220:1:248:1893:25c8:1946]",
        "https://no-such-name.invalid",
    ],
)
def test_the_public_internet_is_open(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    ("entries", "host", "port"),
    [
        ("127.0.0.1:11434", "127.0.0.1", 11434),
        ("gpu.local, other", "gpu.local", 80),
        ("gpu.local:8000", "gpu.local", 8000),
        ("[::1]:8080", "::1", 8080),
        ("::1", "::1", 1),
    ],
)
def test_hosts_are_allowed_by_name_and_port(entries: str, host: str, port: int) -> None:
    assert Allowed.parse(entries).names(host, port)
    assert not Allowed.parse(entries).names("elsewhere", port)


def test_a_port_that_is_not_allowed_stays_closed_and_networks_are_open() -> None:
    import ipaddress

    allowed = Allowed.parse("127.0.0.1:11434 10.1.0.0/16")
    assert not allowed.names("127.0.0.1", 5432)
    assert allowed.holds(ipaddress.ip_address("10.1.2.3"), 80)
    assert not allowed.holds(ipaddress.ip_address("10.2.2.3"), 80)
    with pytest.raises(ValueError, match="300"):
        Allowed.parse("300.0.0.0/8")


def _call(port: int, host: str) -> ProviderError:
    async def ask() -> ProviderError:
        client = ModelClient(Endpoint("p", "acme", f"http://{host}:{port}/v1", "secret", deadline_s=1))
        try:
            await client.chat({"model": "m", "messages": []})
        except ProviderError as error:
            return error
        finally:
            await client.aclose()
        raise AssertionError("it answered")

    return run_coroutine(ask())


@pytest.mark.usefixtures("nothing_allowed")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_a_saved_address_is_checked_again_when_it_is_connected_to(host: str) -> None:
    """As when a name pointed elsewhere while it was saved: the listener inside hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.2)
        error = _call(canary.getsockname()[1], host)
        with pytest.raises(TimeoutError):
            canary.accept()
    assert "is not on the public internet" in error.message
    assert error.attempts == 1, "a refusal is not tried again"


@pytest.mark.usefixtures("nothing_allowed")
def test_the_address_that_is_connected_to_is_the_one_that_is_checked() -> None:
    make = guarded_sockets("https://rebinds.example.com/v1")
    assert make
    with pytest.raises(RefusedAddress):
        make((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 443)))
    make((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443))).close()


def test_a_redirect_is_not_followed() -> None:
    """Neither to a host inside nor with the key to a host outside."""

    async def run() -> tuple[ProviderError | None, int]:
        asked = 0

        async def elsewhere(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal asked
            asked += 1
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

        async def provider(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            to = canary.sockets[0].getsockname()[1]
            head = f"HTTP/1.1 307 X\r\nlocation: http://127.0.0.1:{to}/\r\ncontent-length: 0\r\n\r\n"
            writer.write(head.encode())
            await writer.drain()
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

        canary = await asyncio.start_server(elsewhere, "127.0.0.1", 0)
        server = await asyncio.start_server(provider, "127.0.0.1", 0)
        client = ModelClient(
            Endpoint("p", "acme", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", "secret")
        )
        failure = None
        try:
            await client.chat({"model": "m", "messages": []})
        except ProviderError as error:
            failure = error
        await client.aclose()
        for each in (server, canary):
            each.close()
            await each.wait_closed()
        return failure, asked

    failure, asked = run_coroutine(run())
    assert failure is not None
    assert "307" in failure.message
    assert asked == 0


@pytest.mark.usefixtures("nothing_allowed")
def test_an_address_inside_is_not_saved(client: TestClient, committed_team: factories.Team) -> None:
    with_key(client, committed_team.admin)
    inside = {"name": "inside", "base_url": "http://169.254.169.254/v1"}
    refused = client.post("/v5/providers", json=inside)
    assert refused.status_code == 422
    assert "WHETSTONE_PRIVATE_HOSTS=169.254.169.254:80" in refused.text
    made = client.post("/v5/providers", json={"name": "public", "base_url": "http://93.184.216.34/v1"}).json()
    assert client.patch(f"/v5/providers/{made['id']}", json=inside).status_code == 422
    signed_in(client, committed_team.admin)
    form = inside | {"_csrf": csrf_of(client)}
    by_form = client.post(f"/w/{committed_team.workspace.slug}/settings/providers", data=form)
    assert by_form.status_code == 422
    assert {each["base_url"] for each in client.get("/v5/providers").json()} <= {None, made["base_url"]}
