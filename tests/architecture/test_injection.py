"""SQL in whatever is searched, sorted, filtered by or sent as a key is text: no row more, no second longer, no error."""

import time
from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app.core.access import Role
from app.core.database import unit_of_work
from app.tables import ALL_TABLES
from tests.architecture.world import World, build_world
from tests.web import signed_in, with_key

PAYLOADS = [
    "' or '1'='1", "' or 1=1 --", "') or ('1'='1", "'; drop table prompt; --", "'; select pg_sleep(3); --",
    "' || pg_sleep(3) || '", "1) union select secret_hash from api_key --", "' and 1=cast(version() as int) --",
    "\\' or 1=1 --", "%' or '%'='", "_%", "$$; select pg_sleep(3); $$", "/**/or/**/1=1", "name; select 1",
    "name desc, (select pg_sleep(3))", "{\"qzx\": \"'\"}", "'::text", "%(x)s", ":x", "?", "\x1a", "＇ or 1=1", "a'b\"c`d",
]  # fmt: skip
BENIGN = "zz-benign-zz"
API = [
    "/v5/files?name={}", "/v5/search?q={}", "/v5/files?path={}", "/v5/files?environment={}", "/v5/files?sort_by={}", "/v5/files?order={}", "/v5/files?type={}", "/v5/files?newest={}",
    "/v5/prompts?name={}", "/v5/prompts?user_filter={}", "/v5/prompts?sort_by={}", "/v5/datasets?name={}",
    "/v5/audit?action={}", "/v5/audit?actor={}", "/v5/audit?before={}", "/v5/audit?since={}", "/v5/audit?page={}",
    "/v5/logs?file_id={}", "/v5/logs?file_id={prompt}&id={}", "/v5/logs?file_id={prompt}&version_id={}",
    "/v5/logs?file_id={prompt}&search={}", "/v5/logs?file_id={prompt}&metadata_search={}",
    "/v5/logs?file_id={prompt}&start_date={}", "/v5/logs?file_id={prompt}&sample={}",
    "/v5/logs?file_id={evaluator}&id={}", "/v5/logs?file_id={evaluator}&search={}",
    "/v5/logs?file_id={evaluator}&metadata_search={}", "/v5/tools?name={}", "/v5/flows?user_filter={}",
    "/v5/evaluations?file_id={}", "/v5/evaluations?name={}", "/v5/evaluations/{compared}/lineage?evaluator={}", "/v5/evaluations/{compared}/lineage?to={}", "/v5/review-queues/{}", "/v5/review-queues/{disputed}/targets?dataset_id={}", "/v5/review-queues/{disputed}/targets?of={}", "/v5/review-queues/{disputed}/targets?member={}", "/v5/comments?log_id={}", "/v5/comments?datapoint_id={}", "/v5/mentionable-people?name={}", "/v5/datasets/{dataset}/generations/{}", "/v5/prompts/{}", "/v5/prompts/{prompt}/draft?base_version_id={}", "/v5/prompts/{prompt}/draft/history?state_id={}", "/v5/log-histogram?q={}", "/v5/log-histogram?environment={}", "/v5/log-histogram?user={}", "/v5/log-histogram?metadata={}", "/v5/log-histogram?since={}", "/v5/logs/{}",
]  # fmt: skip
PAGES = [
    "files?q={}", "search?q={}", "evaluations/{compared}/lineage?evaluator={}", "evaluations/{compared}/lineage?older=1&newer={}", "files?kind={}", "evaluations?q={}", "review/new?evaluation={}", "review/new?rows={}", "review/new?evaluation={compared}&judge={}", "review/new?evaluation={compared}&versions={}", "review/new?evaluation={compared}&shown={}&q={}", "review/{}", "review/{disputed}/targets?dataset={}", "review/{disputed}/targets?of={}", "review/{disputed}/targets?member={}", "review/from-logs?log={}", "review/from-logs?q={}", "review/from-logs?file={}", "review/from-logs?source=nowhere&metadata={}", "comments?on=log&id={}", "comments?on=version&id={}", "comments/{}", "mentionable-people?q={}", "evaluators?q={}", "evaluators/new?q={}", "audit?action={}", "audit?actor={}", "audit?before={}",
    "audit?from={}", "prompts/{}", "prompts/{prompt}/draft/diff?from={}", "prompts/{prompt}/examples?dataset={}", "prompts/{prompt}/examples?dataset={dataset}&q={}", "prompts/{prompt}/draft/diff?from=v1&to={}", "settings/members/{}", "logs?source=nowhere&q={}", "logs?file={}", "logs?environment={}", "logs?source={}", "logs?user={}",
    "logs?metadata={}", "logs?since={}", "logs?slower={}", "logs?before={}", "log-histogram?q={}", "log-histogram?file={}", "log-histogram?environment={}", "log-histogram?user={}", "log-histogram?metadata={}", "log-histogram?since={}", "log-histogram?until={}", "newer-logs?seen=-1&after={}", "logs/{}", "datasets/{dataset}?q={}", "datasets/{dataset}?split={}", "datasets/{dataset}/draft/cell?row={}&place=split", "datasets/{dataset}/draft/cell?row=x&place={}", "datasets/{dataset}/draft/rows/{}", "datasets/{dataset}?only={}", "datasets/{dataset}/generate?prompt={}", "datasets/{dataset}/generate?version={}", "datasets/{dataset}/generate?column={}", "datasets/{dataset}/generate?more={}", "datasets/{dataset}/generate?sent=1&split={}", "datasets/{dataset}/generate/{}", "datasets/{dataset}?version={}",
]  # fmt: skip


@pytest.fixture
def world(client: TestClient) -> Iterator[World]:
    """A workspace with one of everything, whose admin calls and browses; its tables are whole at the end."""
    with unit_of_work() as session:
        made = build_world(session, Role.ADMIN)
    signed_in(with_key(client, made.team.admin), made.team.admin)
    before = _counts()
    yield made
    assert _counts() == before


def _counts() -> dict[str, int]:
    with unit_of_work() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in ALL_TABLES
            if table.name != "throttle"
        }


def _shape(client: TestClient, url: str, payload: str) -> tuple[int, int]:
    """Status, and how many rows came; a second at most."""
    address, _, name = url.partition("?")
    began = time.monotonic()
    if name:
        *fixed, (searched, _) = parse_qsl(name, keep_blank_values=True)
        answer = client.get(address, params=[*fixed, (searched, payload)])
    else:
        answer = client.get(address.replace("{}", "".join(f"%{byte:02x}" for byte in payload.encode())))
    assert time.monotonic() - began < 2.5, f"{url} {payload}"
    assert answer.status_code < 500, f"{url} {payload}: {answer.text[:300]}"
    body = answer.text
    if answer.headers["content-type"].startswith("application/json"):
        found = answer.json()
        records = found.get("records", found) if isinstance(found, dict) else found
        return answer.status_code, len(records) if isinstance(records, list) else 1
    return answer.status_code, body.count("<tr")


@pytest.mark.parametrize("url", API)
def test_the_api_takes_sql_for_text(client: TestClient, world: World, url: str) -> None:
    url = url.replace("{prompt}", world.prompt.file_id).replace("{evaluator}", world.evaluator.file_id)
    url = url.replace("{compared}", world.compared_evaluation.id)
    url = url.replace("{disputed}", world.disputed_queue.id).replace("{dataset}", world.dataset.file_id)
    benign = _shape(client, url, BENIGN)
    for payload in PAYLOADS:
        assert _shape(client, url, payload) == benign, payload


@pytest.mark.parametrize("url", PAGES)
def test_pages_take_sql_for_text(client: TestClient, world: World, url: str) -> None:
    url = f"/w/{world.slug}/{url}".replace("{dataset}", world.dataset.file_id)
    url = url.replace("{prompt}", world.prompt.file_id)
    url = url.replace("{compared}", world.compared_evaluation.id)
    url = url.replace("{disputed}", world.disputed_queue.id)
    benign = _shape(client, url, BENIGN)
    for payload in PAYLOADS:
        assert _shape(client, url, payload) == benign, payload


def test_sql_as_a_key_is_no_key(client: TestClient, world: World) -> None:
    client.headers.pop("x-api-key")
    for payload in PAYLOADS:
        for header in (f"whet_{payload}", payload):
            answer = client.get("/v5/files", headers={"x-api-key": header.encode()})
            assert answer.status_code in (401, 429)


def test_sql_as_an_address_signs_nobody_in(client: TestClient, world: World) -> None:
    client.cookies.clear()
    for payload in PAYLOADS:
        answer = client.post("/signin", data={"email": payload, "password": payload})
        assert answer.status_code in (401, 429)
