"""The span endpoint as the SDK's exporter uses it: whatever comes with a valid key is answered with 200, and kept."""

import gzip
import json
import os
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.core import key_rates
from app.core.access import Principal, Role
from app.core.database import unit_of_work
from app.logs import retention
from app.logs.quarantine_repository import SHOWN_BYTES
from tests import factories
from tests.asynchronous import run
from tests.fault_proxy import FaultProxy, running_proxy
from tests.logs.test_spans import NEWER, OLDER, TOOL, request
from tests.web import signed_in, with_key
from tests.web_process import WebProcess, running_web

SPANS = "/v5/import/otel/v1/traces"
MIB = 1 << 20


def _sent(client: TestClient, body: bytes, **headers: str) -> list[str]:
    answer = client.post(SPANS, content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["records"])


def _set_aside(principal: Principal) -> list[tuple[str, str, int]]:
    with unit_of_work() as session:
        rows = session.execute(
            text(
                "select id, problem, length(body) from quarantined_span where workspace_id = :id order by id"
            ),
            {"id": principal.workspace_id},
        )
        return [(row[0], row[1], row[2]) for row in rows]


def test_spans_become_logs_of_versions_that_are_made_on_the_way(
    client: TestClient, committed_team: factories.Team
) -> None:
    client = with_key(client, committed_team.admin)
    tool, first, second = _sent(client, request(TOOL, OLDER, NEWER))
    tool_log, call = (client.get(f"/v5/logs/{log_id}").json() for log_id in (tool, first))
    again = client.get(f"/v5/logs/{second}").json()

    assert tool_log["tool"]["path"] == "tools/Calculator"
    assert tool_log["tool"]["function"]["parameters"]["required"] == ["a", "op"]
    assert (tool_log["output"], tool_log["inputs"], tool_log["trace_parent_id"]) == (
        "2", {"a": "1", "op": "+"}, "log_parent",
    )  # fmt: skip
    assert (call["prompt"]["model"], call["prompt_tokens"]) == ("gpt-4o", 11)
    assert call["output_message"]["tool_calls"][0]["function"]["name"] == "find"
    assert call["prompt"]["version_id"] == again["prompt"]["version_id"], "both generations say the same"
    assert _set_aside(committed_team.admin) == []


def test_a_flow_is_logged_at_its_beginning_and_completed_by_its_span(
    client: TestClient, committed_team: factories.Team
) -> None:
    client = with_key(client, committed_team.admin)
    begun = client.post(
        "/v5/flows/log",
        json={"path": "flows/Answer", "flow": {"attributes": {"n": 1}}, "log_status": "incomplete"},
    ).json()
    flow = {
        "file": {"path": "flows/Answer", "type": "flow", "attributes": {"n": 1}},
        "log": {"id": begun["id"], "inputs": {"question": "Why?"}, "output": "So."},
    }
    assert _sent(client, request({"humanloop": flow})) == [begun["id"]]
    shown = client.get(f"/v5/logs/{begun['id']}").json()

    assert (shown["log_status"], shown["output"], shown["inputs"]) == (
        "complete", "So.", {"question": "Why?"},
    )  # fmt: skip
    assert shown["flow"]["version_id"] == begun["version_id"]


def test_a_span_that_is_sent_again_is_one_log(client: TestClient, committed_team: factories.Team) -> None:
    client = with_key(client, committed_team.admin)
    body = request(TOOL, traceId="dHJhY2U=", spanId="c3Bhbg==")
    first, again = _sent(client, body), _sent(client, body)

    assert first == again
    assert client.get(f"/v5/logs/{first[0]}").status_code == 200


def test_ids_in_hexadecimal_and_in_base64_are_the_same_span(
    client: TestClient, committed_team: factories.Team
) -> None:
    client = with_key(client, committed_team.admin)
    trace, span = bytes(range(16)), bytes(range(8))
    ids = [(trace.hex(), span.hex()), (b64encode(trace).decode(), b64encode(span).decode())]
    sent = [_sent(client, request(TOOL, traceId=one, spanId=other)) for one, other in ids]

    assert sent[0] == sent[1]
    assert _sent(client, request(TOOL, traceId="x" * 32, spanId="y" * 16)) != sent[0]


@pytest.mark.parametrize(
    "attribute",
    [
        {"key": "a", "value": {"arrayValue": {"values": [{"intValue": "9" * 40}]}}},
        {"key": "humanloop.log.inputs." + "1" * 5_000, "value": {"stringValue": "x"}},
        {"key": "gen_ai.input.messages", "value": {"stringValue": '[{"role": "user", "parts": 5}]'}},
        {"key": "gen_ai.output.messages", "value": {"stringValue": '[{"parts": {"a": 1}}]'}},
        {"key": "llm.request.functions", "value": {"intValue": "5"}},
        {"key": "gen_ai.usage", "value": {"stringValue": "x"}},
    ],
    ids=lambda one: one["key"][:30],
)
def test_no_attribute_is_answered_with_an_error(
    client: TestClient, committed_team: factories.Team, attribute: dict
) -> None:
    sent = json.loads(request(OLDER))
    sent["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"].append(attribute)

    assert len(_sent(with_key(client, committed_team.admin), json.dumps(sent).encode())) == 1


@pytest.mark.parametrize(
    ("body", "headers", "problem"),
    [
        (b"", {}, "no JSON"),
        (b"\x0a\x01\x02", {"content-type": "application/x-protobuf"}, "no JSON"),
        (b"{", {"content-type": "application/json"}, "no JSON"),
        (b'{"a": "\\ud800"}', {"content-type": "application/json"}, "no JSON"),
        (b"a=1&" * 5_000, {"content-type": "application/x-www-form-urlencoded"}, "no JSON"),
        (gzip.compress(b"{}", mtime=0), {"content-encoding": "gzip"}, "it is packed (gzip)"),
        (b"[" * (11 * MIB), {}, "longer than 10 MiB"),
        (b'{"resourceSpans": []}', {}, None),
        (
            b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b'{"a":' * 400 + b"1" + b"}" * 400 + b"]}]}]}",
            {},
            "nested too deep",
        ),
    ],
)
def test_whatever_comes_is_answered_and_its_beginning_kept(
    client: TestClient,
    committed_team: factories.Team,
    body: bytes,
    headers: dict[str, str],
    problem: str | None,
) -> None:
    records = _sent(with_key(client, committed_team.admin), body, **headers)
    kept = _set_aside(committed_team.admin)

    assert [one[0] for one in kept] == records
    if problem:
        ((_, said, size),) = kept
        assert problem in said
        assert 0 <= size <= 64 * 1024


def test_a_bad_span_costs_no_other(client: TestClient, committed_team: factories.Team) -> None:
    client = with_key(client, committed_team.admin)
    assert client.post("/v5/datasets", json={"path": "taken", "datapoints": []}).status_code == 200
    taken = {"humanloop": {"file": {"path": "taken", "type": "tool"}, "log": {"output": "x"}}}
    nul = {"humanloop": {"file": {"path": "nul", "type": "tool"}, "log": {"output": "a\0b"}}}
    strange = {
        "humanloop": {"file": {"path": "s", "type": "flow"}, "log": {"id": "log_nowhere", "output": "x"}}
    }
    records = _sent(client, request(taken, TOOL, nul, strange))
    kept = _set_aside(committed_team.admin)

    assert [one.startswith("qua_") for one in records] == [True, False, True, True]
    assert "is a dataset, not a tool" in kept[0][1]
    assert "NUL" in kept[1][1]
    assert "log_nowhere" in kept[2][1]
    assert client.get(f"/v5/logs/{records[1]}").status_code == 200


def test_a_deep_span_costs_no_other(client: TestClient, committed_team: factories.Team) -> None:
    """JSON is read a little deeper than Python writes it."""
    client = with_key(client, committed_team.admin)
    deep = b'{"attributes": [], "marked": "deep", "x": ' + b"[" * 1005 + b"]" * 1005 + b"}"
    sent = request(TOOL, TOOL).decode()
    spans = json.loads(sent)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    good = json.dumps(spans[0] | {"spanId": "a", "traceId": "t"}).encode()
    body = b'{"resourceSpans": [{"scopeSpans": [{"spans": [%s, %s]}]}]}' % (deep, good)
    records = _sent(client, body)

    assert [one.startswith("qua_") for one in records] == [True, False]
    [(kept, problem, _)] = _set_aside(committed_team.admin)
    assert "nested too deep" in problem
    assert "'marked': 'deep'" in client.get(f"/v5/quarantined-spans/{kept}").text
    assert client.get(f"/v5/logs/{records[1]}").status_code == 200


def test_what_could_not_be_read_is_shown_with_its_reason(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        stranger = factories.team(session).admin
    client = with_key(client, committed_team.admin)
    sent = b"\x00\xff no JSON " + b"x" * 70_000
    [older], [newer] = _sent(client, b"<script>"), _sent(client, sent)
    listed = client.get("/v5/quarantined-spans", params={"size": 1}).json()
    whole = client.get(f"/v5/quarantined-spans/{newer}").json()

    assert (listed["total"], [one["id"] for one in listed["records"]]) == (2, [newer])
    assert listed["records"][0]["problem"]
    assert (listed["records"][0]["size"], len(listed["records"][0]["body"])) == (65_536, SHOWN_BYTES)
    assert whole["body"] == sent[:65_536].decode(errors="replace")
    assert client.get("/v5/quarantined-spans/qua_nowhere").status_code == 404
    assert with_key(client, stranger).get("/v5/quarantined-spans").json()["total"] == 0
    assert client.get(f"/v5/quarantined-spans/{newer}").status_code == 404

    del client.headers["x-api-key"]
    client = signed_in(client, committed_team.admin)
    address = f"/w/{committed_team.workspace.slug}/settings/spans"
    page, second = client.get(address).text, client.get(f"{address}?page=2").text
    assert "2 spans made no log" in page
    assert page.index(newer) < page.index(older)
    assert "&lt;script&gt;" in page
    assert "Nothing on this page" in second
    kept = client.get(f"{address}/{newer}")
    assert kept.content == sent[:65_536]
    assert "attachment" in kept.headers["content-disposition"]
    signed_in(client, stranger)
    assert client.get(f"{address}/{newer}").status_code == 404


def test_who_has_no_key_is_told_before_anything_is_read(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
    body = request(TOOL)

    assert client.post(SPANS, content=body).status_code == 401
    assert client.post(SPANS, content=body, headers={"x-api-key": "wrong"}).status_code == 401
    refused = with_key(client, viewer).post(SPANS, content=body)
    assert (refused.status_code, "needs the role" in refused.text) == (403, True)


def test_a_database_that_takes_no_writes_is_waited_for(
    client: TestClient, committed_team: factories.Team, database: Engine
) -> None:
    client = with_key(client, committed_team.admin)
    refuse = "create function refuse_writes() returns trigger language plpgsql as $$ begin raise 'read-only' using errcode = '25006'; end $$"
    with database.begin() as connection:
        connection.exec_driver_sql(refuse)
        for table in ("log", "quarantined_span"):
            connection.exec_driver_sql(
                f"create trigger refuse before insert on {table} execute function refuse_writes()"
            )

    def accept() -> None:
        with database.begin() as connection:
            connection.exec_driver_sql("drop function refuse_writes cascade")

    over = threading.Timer(1.0, accept)
    over.start()
    began = time.monotonic()
    try:
        records = _sent(client, request(TOOL))
    finally:
        over.join()

    assert time.monotonic() - began >= 1
    assert client.get(f"/v5/logs/{records[0]}").json()["output"] == "2"
    assert _set_aside(committed_team.admin) == []


def test_all_that_a_request_with_spans_waits_for_has_one_deadline() -> None:
    scope = {"type": "http", "path": SPANS, "headers": [(b"x-api-key", b"whet_of_nobody")]}
    began = time.monotonic()
    run(key_rates.admit(scope))
    assert began <= scope[key_rates.UNTIL] - key_rates.PATIENCE_S <= time.monotonic()
    other = scope | {"path": "/v5/prompts/log"}
    del other[key_rates.UNTIL]
    run(key_rates.admit(other))
    assert key_rates.UNTIL not in other


def test_what_is_set_aside_goes_after_a_month(client: TestClient, committed_team: factories.Team) -> None:
    client = with_key(client, committed_team.admin)
    (old,), (new,) = _sent(client, b"x"), _sent(client, b"y")
    with unit_of_work() as session:
        session.execute(
            text("update quarantined_span set created_at = now() - interval '31 days' where id = :id"),
            {"id": old},
        )
        retention.delete_old_spans(session)

    assert [one[0] for one in _set_aside(committed_team.admin)] == [new]


def test_what_is_set_aside_is_kept_no_longer_than_payloads(
    client: TestClient, committed_team: factories.Team
) -> None:
    client = with_key(client, committed_team.admin)
    (old,), (new,) = _sent(client, b"x"), _sent(client, b"y")
    with unit_of_work() as session:
        other = factories.team(session)
        retention.set_retention(session, committed_team.admin, 3, None)
    with_key(client, other.admin)
    (elsewhere,) = _sent(client, b"z")
    with unit_of_work() as session:
        session.execute(
            text("update quarantined_span set created_at = now() - interval '4 days' where id = any(:ids)"),
            {"ids": [old, elsewhere]},
        )
        retention.delete_old_spans(session)

    assert [one[0] for one in _set_aside(committed_team.admin)] == [new]
    assert [one[0] for one in _set_aside(other.admin)] == [elsewhere]


def test_what_is_set_aside_goes_with_the_end_user_in_it(
    client: TestClient, committed_team: factories.Team
) -> None:
    client = with_key(client, committed_team.admin)
    for user in ("zoë-7", "ann"):
        for body in (f'{{"user": "{user}", '.encode(), json.dumps({"user": user}).encode()[:-1]):
            _sent(client, body)
    assert len(_set_aside(committed_team.admin)) == 4
    assert client.post("/v5/logs/delete-of-user", json={"user": "zoë-7"}).status_code == 200
    with unit_of_work() as session:
        left = session.scalars(text("select convert_from(body, 'UTF8') from quarantined_span")).all()
    assert len(left) == 2
    assert all("ann" in body for body in left)


@contextmanager
def _through_a_proxy() -> Iterator[tuple[WebProcess, FaultProxy]]:
    direct = os.environ["WHETSTONE_DATABASE_URL"]
    with running_proxy(direct) as proxy:
        os.environ["WHETSTONE_DATABASE_URL"] = proxy.url(direct)
        try:
            with running_web() as web:
                yield web, proxy
        finally:
            os.environ["WHETSTONE_DATABASE_URL"] = direct


@pytest.mark.long
@pytest.mark.parametrize(("away_s", "status"), [(6, 200), (60, 503)])
def test_a_database_that_is_away_is_waited_for(database: Engine, away_s: float, status: int) -> None:
    with unit_of_work() as session:
        key = factories.key(session, factories.team(session).admin)
    with _through_a_proxy() as (web, proxy), httpx2.Client(timeout=40) as client:
        address, headers = f"{web.url}{SPANS}", {"x-api-key": key}
        assert client.post(address, content=request(TOOL), headers=headers).status_code == 200
        over = threading.Event()

        def away() -> None:
            with proxy.failing(refuse=True):
                over.wait(away_s)

        outage = threading.Thread(target=away)
        outage.start()
        time.sleep(0.2)
        started = time.monotonic()
        assert client.post(address, content=request(TOOL)).status_code == 401, "no database says so"
        assert time.monotonic() - started < 2
        answer = client.post(address, content=request(TOOL), headers=headers)
        waited_s = time.monotonic() - started
        over.set()
        outage.join()

    assert answer.status_code == status, answer.text
    assert waited_s > min(away_s - 1, 15)
    assert waited_s < 30
