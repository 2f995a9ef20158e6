"""Pages that hold more than a process should read at once: they are whole, and sent while they are read."""

from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from app.core.parts import Shown, Writing
from tests import factories
from tests.web import with_key

Json = dict[str, Any]
_LENGTH = 32 * 270_000
"""Seven of them are more than 50 MiB."""


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def _send(api: TestClient, path: str, /, **said: Any) -> Json:
    answer = api.post(path, json=said)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def _tools(api: TestClient, count: int, **said: Any) -> list[Json]:
    return [
        _send(api, "/v5/tools/log", path="tool", tool={"function": {"name": "f"}}, **said)
        for _ in range(count)
    ]


def _page(api: TestClient, path: str = "/v5/logs", **query: Any) -> Json:
    answer = api.get(path, params=query)
    assert answer.status_code == 200, answer.text[:200]
    assert answer.headers["content-type"] == "application/json"
    return dict(answer.json())


def _run(statement: str, **values: Any) -> None:
    with unit_of_work() as session:
        session.execute(text(statement), values)


def test_a_page_is_whole_however_large(api: TestClient) -> None:
    ids = [log["id"] for log in _tools(api, 7)][::-1]
    file_id = api.get("/v5/tools").json()["records"][0]["id"]
    small = _page(api, file_id=file_id)
    _run("update log set output = repeat(md5(id), 270000) where file_id = :file", file=file_id)
    large = _page(api, file_id=file_id)
    assert {len(log["output"]) for log in large["records"]} == {_LENGTH}
    assert [log["id"] for log in large["records"]] == ids
    assert large == small | {
        "records": [
            log | {"output": read["output"]}
            for log, read in zip(small["records"], large["records"], strict=True)
        ]
    }


def test_so_is_one_with_what_is_nested_under_its_logs(api: TestClient) -> None:
    root = _send(api, "/v5/flows/log", path="flow")
    middle = _tools(api, 2, trace_parent_id=root["id"])
    leaves = _tools(api, 3, trace_parent_id=middle[0]["id"])
    _run("update log set output = repeat(md5(id), 270000) where trace_id = :root", root=root["id"])
    [log] = _page(api, file_id=root["flow_id"], include_trace_children=True)["records"]
    first, second = log["trace_children"]
    assert [each["id"] for each in log["trace_children"]] == [each["id"] for each in middle]
    assert [each["id"] for each in first["trace_children"]] == [each["id"] for each in leaves]
    assert second["trace_children"] == first["trace_children"][0]["trace_children"] == []
    assert {len(each["output"]) for each in (log, first, second, *first["trace_children"])} == {_LENGTH}
    assert "trace_children_cut" not in log
    assert _page(api, f"/v5/logs/{root['id']}") == log
    told = api.patch(f"/v5/flows/logs/{root['id']}", json={"log_status": "complete"}).json()
    assert (told["log_status"], told["trace_children"]) == ("complete", log["trace_children"])


def test_each_log_has_its_tree_and_says_when_a_part_of_it_is_left_out(api: TestClient) -> None:
    first, second = (_send(api, "/v5/flows/log", path="flow") for _ in range(2))
    _tools(api, 1, trace_parent_id=first["id"])
    [one] = _tools(api, 1, trace_parent_id=second["id"])
    _run("""
        insert into log (id, workspace_id, file_id, version_id, parent_id, trace_id, status, attempts, created_at)
        select 'copy' || n, workspace_id, file_id, version_id, parent_id, trace_id, status, attempts, created_at
        from log, generate_series(1, 9999) n where id = :id
    """, id=one["id"])  # fmt: skip
    cut, whole = _page(api, file_id=first["flow_id"], include_trace_children=True)["records"]
    assert (cut["id"], len(cut["trace_children"]), cut["trace_children_cut"]) == (second["id"], 9_999, True)
    assert (len(whole["trace_children"]), "trace_children_cut" in whole) == (1, False)
    assert _page(api, f"/v5/logs/{second['id']}")["trace_children_cut"] is True


def test_so_is_one_of_judgments(api: TestClient) -> None:
    spec = {"evaluator_type": "external", "return_type": "text", "arguments_type": "target_free"}
    logs = _tools(api, 4)
    for log in logs:
        _send(api, "/v5/evaluators/log", path="judge", spec=spec, parent_id=log["id"], judgment="good")
    [evaluator_id] = [one["id"] for one in api.get("/v5/evaluators").json()["records"]]
    _run("update judgment set rationale = repeat(md5(id), 270000)")
    _run("update log set output = repeat(md5(id), 270000)")
    page = _page(api, file_id=evaluator_id, include_parent=True)
    assert (page["total"], page["page"], page["size"]) == (4, 1, 10)
    assert [each["parent"]["id"] for each in page["records"]] == [log["id"] for log in logs][::-1]
    for each in page["records"]:
        [same] = each["parent"]["evaluator_logs"]
        assert {len(each["rationale"]), len(each["parent"]["output"]), len(same["rationale"])} == {_LENGTH}


def test_so_is_one_of_results(api: TestClient) -> None:
    rows = [{"inputs": {"q": str(n)}} for n in range(7)]
    dataset = _send(api, "/v5/datasets", path="rows", datapoints=rows)
    flow = _send(api, "/v5/flows", path="flow", attributes={"n": "1"})
    evaluation = api.post("/v5/evaluations", json={"name": "e", "file": {"id": flow["id"]}}).json()
    made = {
        "dataset": {"version_id": dataset["version_id"]},
        "version": {"version_id": flow["version_id"]},
        "orchestrated": False,
    }
    run = _send(api, f"/v5/evaluations/{evaluation['id']}/runs", **made)
    for row in api.get(f"/v5/datasets/{dataset['id']}/datapoints").json()["records"]:
        said = {"id": flow["id"], "run_id": run["id"], "source_datapoint_id": row["id"], "output": "o"}
        _send(api, "/v5/flows/log", **said, log_status="complete")
    _run("update log set output = repeat(md5(id), 270000)")
    page = _page(api, f"/v5/evaluations/{evaluation['id']}/logs", size=100)
    assert (page["total"], page["size"]) == (7, 100)
    assert sorted(each["datapoint"]["inputs"]["q"] for each in page["records"]) == list("0123456")
    assert {len(each["log"]["output"]) for each in page["records"]} == {_LENGTH}


def test_what_is_nested_in_a_log_that_is_deleted_meanwhile_is_left_out_with_it() -> None:
    writing = Writing.page(1, 10, 2, nested="below")
    said: list[tuple[str | None, int]] = [
        ("a", 0), (None, 1), ("lost", 2), ("b", 1), (None, 2), ("lost", 3), (None, 0), ("lost", 1), ("c", 0),
    ]  # fmt: skip
    writing.add([Shown({"id": each, "below": []} if each else None, depth) for each, depth in said])
    b: Json = {"id": "b", "below": []}
    records = [{"id": "a", "below": [b]}, {"id": "c", "below": []}]
    page = {"records": records, "page": 1, "size": 10, "total": 2}
    assert orjson.loads(writing.take(whole=True)) == page
