"""Traces: logs nested under each other, whichever of them arrives first."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.errors import Conflict, Invalid
from app.logs.models import Log
from app.logs.records import LogRecord
from app.logs.trace_repository import Parent
from app.logs.traces import DEEPEST, below, join
from tests import factories
from tests.web import with_key


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def _sent(api: TestClient, kind: str, **said: Any) -> str:
    content = {"prompt": {"model": "m"}, "tool": {"function": {"name": "f"}}, "flow": {}}[kind]
    answer = api.post(f"/v5/{kind}s/log", json={"path": f"traced/{kind}", kind: content} | said)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def _log(api: TestClient, log_id: str) -> dict[str, Any]:
    return api.get(f"/v5/logs/{log_id}").json()


def _tree(log: dict[str, Any]) -> Any:
    return (
        {log["id"]: [_tree(child) for child in log["trace_children"]]} if log["trace_children"] else log["id"]
    )


def test_a_trace_is_a_tree_below_its_flow(api: TestClient) -> None:
    root = _sent(api, "flow")
    call = _sent(api, "prompt", trace_parent_id=root)
    tools = [_sent(api, "tool", trace_parent_id=call, output=str(n)) for n in range(2)]
    inner = _sent(api, "flow", trace_parent_id=root)
    _sent(api, "tool")

    assert _tree(_log(api, root)) == {root: [{call: tools}, inner]}
    assert _tree(_log(api, call)) == {call: tools}
    flow_id = _log(api, root)["flow"]["id"]
    for log_id in (root, call, *tools, inner):
        log = _log(api, log_id)
        assert (log["trace_id"], log["trace_flow_id"]) == (root, flow_id)
    assert _log(api, tools[1])["trace_parent_id"] == call
    nested = _log(api, root)["trace_children"][0]["trace_children"][1]
    assert nested["tool"]["path"] == "traced/tool", "each carries its own file"
    assert nested["output"] == "1"


def test_a_prompt_log_is_the_root_once_something_is_nested_under_it(api: TestClient) -> None:
    call = _sent(api, "prompt")
    assert _log(api, call)["trace_id"] is None
    tool = _sent(api, "tool", trace_parent_id=call)
    assert _log(api, call)["trace_id"] == call
    assert _log(api, tool)["trace_id"] == call
    assert _log(api, call)["trace_flow_id"] == _log(api, call)["prompt"]["id"]


def test_children_may_arrive_before_their_parents(api: TestClient) -> None:
    """Clients that choose ids need not wait for the answer."""
    leaf = _sent(api, "tool", trace_parent_id="my-call")
    assert _log(api, leaf)["trace_id"] == "my-call"
    call = _sent(api, "prompt", log_id="my-call", trace_parent_id="my-flow")
    root = _sent(api, "flow", log_id="my-flow")

    assert _tree(_log(api, root)) == {root: [{call: [leaf]}]}
    assert {_log(api, log_id)["trace_id"] for log_id in (root, call, leaf)} == {"my-flow"}


def test_a_log_that_was_waited_for_is_a_root(api: TestClient) -> None:
    leaf = _sent(api, "tool", trace_parent_id="late")
    _sent(api, "prompt", log_id="late")
    assert _log(api, "late")["trace_id"] == "late"
    assert _tree(_log(api, "late")) == {"late": [leaf]}


def test_the_trace_of_another_workspace_is_nobodys(api: TestClient, committed_team: factories.Team) -> None:
    from app.core.database import unit_of_work

    with unit_of_work() as session:
        other = factories.team(session).admin
        theirs = factories.logged(session, other, factories.flow(session, other), output="canary")
        factories.logged(session, other, factories.flow(session, other), trace_parent_id="shared-id")
    mine = _sent(api, "tool", trace_parent_id=theirs)
    log = _log(api, mine)
    assert log["trace_flow_id"] is None
    _sent(api, "flow", log_id="shared-id")
    assert _log(api, "shared-id")["trace_children"] == []
    listed = api.get(f"/v5/logs?file_id={log['tool']['id']}&include_trace_children=true")
    assert "canary" not in listed.text


def test_nested_in_a_circle_each_log_is_shown_once(api: TestClient) -> None:
    _sent(api, "tool", log_id="a", trace_parent_id="b")
    _sent(api, "tool", log_id="b", trace_parent_id="a")
    assert _tree(_log(api, "a")) == {"a": ["b"]}
    itself = api.post("/v5/flows/log", json={"path": "x", "log_id": "c", "trace_parent_id": "c"})
    assert itself.status_code == 422


def test_a_very_deep_trace_is_shown_with_all_its_logs(api: TestClient) -> None:
    levels = DEEPEST + 30
    logs = [{"type": "flow", "path": "deep", "log_id": "level-0"}]
    logs += [
        {"type": "flow", "path": "deep", "log_id": f"level-{n}", "trace_parent_id": f"level-{n - 1}"}
        for n in range(1, levels)
    ]
    assert api.post("/v5/logs/batch", json={"logs": logs}).status_code == 200
    text = api.get("/v5/logs/level-0").text
    assert text.count('"trace_parent_id":"level-') == levels - 1


def _record(log_id: str, parent: str | None = None) -> LogRecord:
    return LogRecord(log_id, "ws", "f", "v", None, None, None, parent_id=parent)


def test_joining_is_by_the_uppermost_log_that_is_known() -> None:
    records = [
        _record("a"),
        _record("b", "a"),
        _record("c", "b"),
        _record("d", "there"),
        _record("e", "d"),
        _record("f"),
    ]
    parents = {"there": Parent("there", None, None)}

    joined = join(records, parents, roots=[], awaited=[])

    assert [one.trace_id for one in records] == ["a", "a", "a", "there", "there", None]
    assert (joined.begun, joined.moved) == ({"there"}, {})


def test_joining_a_trace_that_is_part_of_another() -> None:
    records = [_record("late", "there")]
    joined = join(records, {"there": Parent("there", "root", None)}, roots=["late"], awaited=["late"])
    assert records[0].trace_id == "root"
    assert (joined.begun, joined.moved) == (set(), {"late": "root"})


def test_joining_refuses_what_cannot_be() -> None:
    with pytest.raises(Conflict, match="root is complete"):
        join([_record("a", "there")], {"there": Parent("there", "root", "root")}, [], [])
    with pytest.raises(Invalid):
        join([_record("a", "a")], {}, [], [])
    join([_record("a", "b"), _record("b", "a")], {}, [], [])  # a circle: it ends


def test_a_tree_of_thousands_is_built_at_once() -> None:
    logs = [Log(id=f"n{n}", parent_id=f"n{n - 1}" if n else None) for n in range(5_000)]
    placed = below("n0", logs)
    assert len(placed) == 4_999
    assert placed[-1].above == placed[-2].above, "below the deepest level, all are shown at it"
