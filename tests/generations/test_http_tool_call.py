"""Tools that ask a service over real HTTP: what it is sent, what is made of its answers, and that secrets stay secret."""

import asyncio
import base64
import gzip
import json
import time
import tracemalloc
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from app.providers.answers import secret_forms
from app.tools import http_calls
from tests.asynchronous import run as run_coroutine
from tests.generations.calls import log_of
from tests.generations.http_service import Answer, HttpService, running_service

SECRET = 's3cret "t0ken" of/the+service'


@pytest.fixture
def service() -> Iterator[HttpService]:
    with running_service() as running:
        yield running


def setup_of(service: HttpService, url: str = "/hours/{{city}}", **headers: str) -> dict[str, Any]:
    return {"tool_type": "get_api_call", "setup_values": {"url": service.url + url, "headers": headers}}


def written(api: TestClient, tool: dict[str, Any], path: str = "support/hours") -> str:
    answer = api.post("/v5/tools", json={"path": path} | tool)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def give(api: TestClient, tool_id: str, name: str = "TOKEN", value: str = SECRET, **more: str) -> None:
    given = [{"name": name, "value": value, **more}]
    answer = api.post(f"/v5/tools/{tool_id}/environment-variables", json=given)
    assert answer.status_code == 200, answer.text


def called(api: TestClient, **body: Any) -> dict[str, Any]:
    answer = api.post("/v5/tools/call", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(api: TestClient, **body: Any) -> str:
    answer = api.post("/v5/tools/call", json=body)
    assert answer.status_code == 422, answer.text
    return answer.text


def test_inputs_fill_in_the_address_and_the_rest_is_its_query(api: TestClient, service: HttpService) -> None:
    tool = written(api, setup_of(service, "/hours/{{city}}?of={{ day }}", **{"X-Customer": "{{customer}}"}))
    inputs = {
        "city": "a/b?c=d&é", "day": "1 & 2", "customer": "c-1", "open": True, "tags": ["a b"], "none": None,
    }  # fmt: skip
    answer = called(api, id=tool, inputs=inputs)

    assert (answer["output"], answer["error"]) == ("open", None)
    ((path, headers),) = service.heard
    where, _, query = path.partition("?")
    assert where == "/hours/" + urllib.parse.quote(inputs["city"], safe="&=")
    assert urllib.parse.parse_qsl(query) == [("of", "1 & 2"), ("open", "true"), ("tags", '["a b"]')]
    assert headers["x-customer"] == "c-1"
    assert headers["user-agent"] == "Whetstone"
    assert log_of(api, answer["id"])["inputs"] == inputs


def test_a_secret_is_sent_and_stands_nowhere_else(
    api: TestClient, service: HttpService, capfd: pytest.CaptureFixture[str]
) -> None:
    def echo(path: str, headers: dict[str, str]) -> Answer:
        token = headers["authorization"].removeprefix("Bearer ")
        coded = base64.b64encode(b"x:" + token.encode()).decode()
        return 200, json.dumps({"you": token, "path": path, "coded": coded, "plain": "kept"}).encode(), {}

    service.answer = echo
    tool = written(api, setup_of(service, "/hours?key={{TOKEN}}", Authorization="Bearer {{TOKEN}}"))
    give(api, tool)
    answer = called(api, id=tool, inputs={})

    ((path, headers),) = service.heard
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert "s3cret" in path
    assert "kept" in answer["output"]
    _is_nowhere(api, answer)
    service.answer = lambda path, headers: (403, f"no: {headers['authorization']}".encode(), {})
    failed = called(api, id=tool, inputs={})
    assert failed["error"] == "The service said 403."
    assert failed["provider_response"]["body"].startswith("no: Bearer ")
    _is_nowhere(api, failed)
    assert "s3cret" not in "".join(capfd.readouterr()), "nor in the server's own lines"


def _is_nowhere(api: TestClient, answer: dict[str, Any]) -> None:
    shown = json.dumps([answer, log_of(api, answer["id"])])
    with unit_of_work() as session:
        rows = session.scalars(text("select l::text from log l union all select a::text from audit_entry a"))
        shown += "".join(rows)
    assert "s3cret" not in shown
    assert not any(form in shown for form in secret_forms(SECRET))


def test_a_secret_goes_only_where_it_was_meant_to(api: TestClient, service: HttpService) -> None:
    """Who may write versions cannot have it sent to a server of theirs."""
    with running_service() as theirs:
        tool = written(api, setup_of(service, Authorization="{{TOKEN}}"))
        give(api, tool)
        moved = setup_of(theirs, Authorization="{{TOKEN}}")
        said = refused(api, id=tool, tool=moved, inputs={"city": "x"})
        assert "TOKEN was set for http://127.0.0.1:" in said
        assert theirs.heard == []
        called(api, id=tool, inputs={"city": "x"})
        assert len(service.heard) == 1, "the deployed version goes where it went"

        newer = api.post("/v5/tools", json={"id": tool} | moved).json()
        production = next(
            each["id"]
            for each in api.get(f"/v5/tools/{tool}/environments").json()
            if each["tag"] == "default"
        )
        api.post(
            f"/v5/tools/{tool}/environments/{production}", params={"version_id": newer["version_id"]}
        ).raise_for_status()
        refused(api, id=tool, inputs={"city": "x"})
        give(api, tool, origin=theirs.url)
        called(api, id=tool, inputs={"city": "x"})
        assert len(theirs.heard) == 1, "set again by who may"


def test_a_secret_that_comes_back_in_other_letters_is_not_kept(api: TestClient, service: HttpService) -> None:
    tool = written(api, setup_of(service, "/", Authorization="{{TOKEN}}"))
    give(api, tool)
    service.answer = lambda path, headers: (200, headers["authorization"].encode("utf-16-le"), {})
    said = called(api, id=tool, inputs={})
    assert (said["output"], said["error"]) == (None, "The service's answer is no text in UTF-8.")


@pytest.mark.parametrize("where", ["url", "headers"])
def test_an_input_that_is_named_many_times_does_not_fill_the_memory(
    api: TestClient, service: HttpService, where: str
) -> None:
    many = "{{x}}" * 300
    tool = setup_of(service, f"/{many}") if where == "url" else setup_of(service, "/", **{"X-Many": many})
    tracemalloc.start()
    try:
        refused(api, path="tools/many", tool=tool, inputs={"x": "y" * 1_000_000})
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    assert service.heard == []


def test_a_secret_that_was_set_for_no_service_is_sent_nowhere(api: TestClient, service: HttpService) -> None:
    tool = written(api, {"function": {"name": "f"}})
    give(api, tool)
    said = refused(api, id=tool, tool=setup_of(service, "/", Authorization="{{TOKEN}}"), inputs={})
    assert "set for no service" in said
    assert service.heard == []


@pytest.mark.parametrize(
    ("setup", "says"),
    [
        ({}, "url"),
        ({"url": "ftp://example.com/"}, "http"),
        ({"url": "https://{{host}}/"}, "written out"),
        ({"url": "https://api.{{host}}/"}, "written out"),
        ({"url": "https://example.com{{path}}"}, "written out"),
        ({"url": "https://user@example.com/"}, "written out"),
        ({"url": "https://example.com:x/"}, "written out"),
        ({"url": "http://10.0.0.1/"}, "not on the public internet"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "not on the public internet"),
        ({"url": "http://127.0.0.1/", "headers": {"Host": "other.example"}}, "Host"),
        ({"url": "http://127.0.0.1/", "headers": {"Content-Length": "9"}}, "Content-Length"),
        ({"url": "http://127.0.0.1/", "headers": {"Range": "bytes=0-9"}}, "Range"),
        ({"url": "http://127.0.0.1/", "headers": {"a b": "x"}}, "a b"),
        ({"url": "http://127.0.0.1/", "headers": "x"}, "headers"),
    ],
)
def test_a_setup_that_cannot_be_is_refused_when_it_is_written(
    api: TestClient, setup: dict[str, Any], says: str
) -> None:
    answer = api.post(
        "/v5/tools", json={"path": "tools/bad", "tool_type": "get_api_call", "setup_values": setup}
    )
    assert answer.status_code == 422
    assert says in answer.text


def test_an_address_is_guarded_when_it_is_connected_to(api: TestClient) -> None:
    tool = {"tool_type": "get_api_call", "setup_values": {"url": "http://169.254.169.254/latest"}}
    api.post("/v5/tools/log", json={"path": "tools/meta", "tool": tool}).raise_for_status()
    answer = called(api, path="tools/meta", inputs={})
    assert answer["output"] is None
    assert "169.254.169.254 is not on the public internet" in answer["error"]


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({}, "city"),
        ({"city": None}, "city"),
        ({"city": ".."}, "as a step"),
        ({"city": "x" * 9_000}, "8,000"),
        ({"city": "x", "customer": "a\r\nX-More: 1"}, "x-customer"),
        ({"city": "x", "customer": "é"}, "x-customer"),
    ],
)
def test_inputs_that_cannot_be_sent_are_refused(
    api: TestClient, service: HttpService, inputs: dict[str, Any], says: str
) -> None:
    headers = {"X-Customer": "{{customer}}"} if "customer" in inputs else {}
    tool = written(api, setup_of(service, **headers))
    assert says in refused(api, id=tool, inputs=inputs)
    assert service.heard == []


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((500, b"broken", {}), "said 500"),
        ((302, b"", {"location": "http://127.0.0.1:1/"}), "redirects are not followed"),
        ((200, b"x" * (http_calls.MOST_BYTES + 1), {}), "over 1 MiB"),
        ((200, b"x", {"content-length": "5000"}), "failed"),
        ((200, gzip.compress(b"x" * 30_000_000), {"content-encoding": "gzip"}), "does not end"),
        ((200, gzip.compress(b"x" * 30_000_000), {"content-encoding": "gzip, identity"}), "does not end"),
        ((200, gzip.compress(gzip.compress(b"x")), {"content-encoding": "gzip, gzip"}), "failed"),
        ((200, b"x", {"content-encoding": "br"}), "failed"),
        ((200, b"no gzip at all", {"content-encoding": "gzip"}), "failed"),
    ],
)
def test_a_service_that_fails_is_an_error_of_the_call(
    api: TestClient, service: HttpService, answer: Answer, says: str
) -> None:
    service.answer = lambda path, headers: answer
    said = called(api, id=written(api, setup_of(service, "/")), inputs={})
    assert said["output"] is None
    assert says in said["error"]
    log = log_of(api, said["id"])
    assert (log["error"], log["output"]) == (said["error"], None)


def test_a_workspace_whose_services_are_slow_keeps_nobody_else_waiting(
    api: TestClient, service: HttpService
) -> None:
    def slow(path: str, _: dict[str, str]) -> Answer:
        time.sleep(1 if path == "/slow" else 0)
        return 200, path.encode(), {}

    service.answer = slow

    async def asked(path: str, workspace_id: str) -> tuple[str, float]:
        request = http_calls.HttpRequest(service.url + path, {}, ())
        outcome = await http_calls.ask(request, workspace_id, deadline_s=1.5)
        return outcome.output or outcome.error or "", time.monotonic()

    async def both() -> list[tuple[str, float]]:
        await asked("/quick", "another")  # the first takes time to load the client
        calls = [asked("/slow", "one") for _ in range(50)] + [asked("/quick", "another")]
        return await asyncio.gather(*calls)

    *slow_ones, (quick, quick_at) = run_coroutine(both())
    said = Counter(text for text, _ in slow_ones)
    done = sorted(at for text, at in slow_ones if text == "/slow")
    assert quick == "/quick"
    assert quick_at < done[8], "before the second round of the others"
    assert said["/slow"] > 8, "more than one round: waiting for a turn is not the service's doing"
    refused = said["The service was not asked: for 1.5 s, other calls of tools took every turn."]
    assert refused > 8
    assert len(service.heard) == 52 - refused


def test_a_call_of_a_run_waits_for_its_turn_as_long_as_it_takes(
    api: TestClient, service: HttpService
) -> None:
    def slow(path: str, _: dict[str, str]) -> Answer:
        time.sleep(0.4)
        return 200, b"open", {}

    service.answer = slow

    async def asked() -> list[http_calls.Outcome]:
        request = http_calls.HttpRequest(service.url, {}, ())
        calls = (http_calls.ask(request, "one", deadline_s=1.5, patient=True) for _ in range(50))
        return await asyncio.gather(*calls)

    assert [outcome.output for outcome in run_coroutine(asked())] == ["open"] * 50


def test_bytes_that_are_no_text_are_kept_as_far_as_they_can_be(api: TestClient, service: HttpService) -> None:
    service.answer = lambda path, headers: (200, b"a\x00b\xff", {})
    said = called(api, id=written(api, setup_of(service, "/")), inputs={})
    assert said["output"] == "a�b�"
    assert log_of(api, said["id"])["output"] == said["output"]


def test_nobody_there_is_an_error_that_names_no_secret(api: TestClient) -> None:
    with running_service() as gone:
        tool = written(api, setup_of(gone, "/?key={{TOKEN}}"))
    give(api, tool)
    said = called(api, id=tool, inputs={})
    assert "failed" in said["error"]
    _is_nowhere(api, said)
