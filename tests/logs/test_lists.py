"""Lists of logs as a client of the API asks for them: newest first, by every filter; evaluators list judgments."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.database import get_engine, unit_of_work
from tests import factories
from tests.statements import recorded
from tests.web import with_key

JUDGED_LOG = {"id", "evaluator_logs", "evaluator"}
"""What the clients' model of an evaluator's log requires."""
EVALUATOR = {
    "path", "id", "name", "version_id", "type", "created_at", "updated_at", "status", "last_used_at", "spec",
    "version_logs_count", "total_logs_count", "inputs",
}  # fmt: skip


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def _tool(api: TestClient, *logs: dict[str, Any]) -> tuple[str, list[str]]:
    """The id of a tool and those of its logs, from the oldest to the newest."""
    sent = [
        api.post("/v5/tools/log", json={"path": "listed", "tool": {"function": {"name": "f"}}} | said)
        for said in logs
    ]
    assert {answer.status_code for answer in sent} == {200}, [answer.text for answer in sent]
    return sent[0].json()["tool_id"], [answer.json()["id"] for answer in sent]


def _ids(api: TestClient, file_id: str, **query: Any) -> list[str]:
    answer = api.get("/v5/logs", params={"file_id": file_id} | query)
    assert answer.status_code == 200, answer.text
    assert answer.json()["total"] >= len(answer.json()["records"])
    return [log["id"] for log in answer.json()["records"]]


def test_newest_first_by_when_it_took_place_whatever_the_ids(api: TestClient) -> None:
    file_id, (middle, old, new) = _tool(
        api,
        {"log_id": "zzz", "created_at": "2025-06-02T00:00:00Z"},
        {"log_id": "mmm", "created_at": "2025-06-01T00:00:00Z"},
        {"log_id": "aaa", "created_at": "2025-06-03T00:00:00Z"},
    )
    assert _ids(api, file_id) == [new, middle, old]
    assert _ids(api, file_id, size=2, page=2) == [old]
    past = api.get("/v5/logs", params={"file_id": file_id, "page": 9}).json()
    assert past == {"records": [], "page": 9, "size": 10, "total": 3}
    assert _ids(api, file_id, start_date="2025-06-02T00:00:00") == [new, middle]
    assert _ids(api, file_id, end_date="2025-06-02T02:00:00+02:00") == [middle, old]
    assert _ids(api, file_id, start_date="2025-06-01T12:00:00Z", end_date="2025-06-02T12:00:00Z") == [middle]


def test_by_parts_of_ids_and_by_texts(api: TestClient) -> None:
    file_id, (a, b, c) = _tool(
        api,
        {"log_id": "order-1", "inputs": {"q": "Wetter in Köln"}, "metadata": {"plan": "free_50%"}},
        {"log_id": "order-2", "output": "wetter: gut"},
        {"log_id": "other_3", "inputs": {"q": "rain"}, "metadata": {"plan": "paid"}},
    )
    assert _ids(api, file_id, id="order") == [b, a]
    assert _ids(api, file_id, id=["-1", "r_3"]) == [c, a], "one of them is enough"
    assert _ids(api, file_id, id="r%3") == [], "no wildcards"
    assert _ids(api, file_id, search="WETTER") == [b, a]
    assert _ids(api, file_id, search="Köln") == [a]
    assert _ids(api, file_id, search="plan") == [], "metadata have a search of their own"
    assert _ids(api, file_id, metadata_search="free_50%") == [a]
    assert _ids(api, file_id, metadata_search="paid", search="rain") == [c]


def test_by_version(api: TestClient) -> None:
    file_id, (first,) = _tool(api, {})
    other = api.post("/v5/tools/log", json={"id": file_id, "tool": {"function": {"name": "g"}}}).json()
    assert _ids(api, file_id, version_id=other["version_id"]) == [other["id"]]
    assert _ids(api, file_id) == [other["id"], first]
    assert _ids(api, file_id, version_id="tv_unknown") == []


def test_by_trace(api: TestClient) -> None:
    root = api.post("/v5/flows/log", json={"path": "flow"}).json()
    file_id, (inside, alone) = _tool(api, {"trace_parent_id": root["id"]}, {})
    assert _ids(api, file_id, in_trace_filter="true") == [inside]
    assert _ids(api, file_id, in_trace_filter="false") == [alone]
    assert _ids(api, file_id, in_trace_filter=["true", "false"]) == [alone, inside]
    (bare,) = api.get("/v5/logs", params={"file_id": root["flow_id"]}).json()["records"]
    assert bare["trace_children"] == []
    query = {"file_id": root["flow_id"], "include_trace_children": "true"}
    (whole,) = api.get("/v5/logs", params=query).json()["records"]
    assert [child["id"] for child in whole["trace_children"]] == [inside]


def test_a_sample_is_the_same_every_time_and_has_pages(api: TestClient) -> None:
    file_id, every = _tool(api, *({"output": str(n)} for n in range(12)))
    sample = _ids(api, file_id, sample=5)
    assert len(sample) == 5
    assert sample == [one for one in reversed(every) if one in sample], "newest first, too"
    assert _ids(api, file_id, sample=5, size=3) + _ids(api, file_id, sample=5, size=3, page=2) == sample
    assert api.get("/v5/logs", params={"file_id": file_id, "sample": 5}).json()["total"] == 5
    assert len(_ids(api, file_id, sample=50, size=50)) == 12


def test_what_cannot_be_asked_is_refused(api: TestClient) -> None:
    file_id, _ = _tool(api, {})
    for query in (
        "sample=0",
        "sample=x",
        "start_date=yesterday",
        "in_trace_filter=maybe",
        "page=0",
        "size=0",
    ):
        assert api.get(f"/v5/logs?file_id={file_id}&{query}").status_code == 422, query
    assert api.get("/v5/logs").status_code == 422
    assert api.get("/v5/logs?file_id=tl_unknown").status_code == 404


def test_judgments_come_with_their_evaluator(api: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        human = factories.evaluator(session, committed_team.admin, "human", "judges/human")
    file_id, (log_id, _) = _tool(api, {"output": "sunny", "session_id": "s-1"}, {})
    given = api.post(
        "/v5/evaluators/log", json={"parent_id": log_id, "path": "judges/human", "judgment": True}
    ).json()

    for log in (
        api.get(f"/v5/logs/{log_id}").json(),
        api.get("/v5/logs", params={"file_id": file_id}).json()["records"][1],
    ):
        (judged,) = log["evaluator_logs"]
        assert set(judged) >= JUDGED_LOG
        assert set(judged["evaluator"]) >= EVALUATOR
        assert (judged["id"], judged["parent_id"], judged["judgment"]) == (given["id"], log_id, True)
        assert judged["evaluator"]["version_id"] == human.id
        assert {"prompt", "tool", "flow", "agent"}.isdisjoint(judged)


def test_the_logs_of_an_evaluator_are_its_judgments(api: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        human = factories.evaluator(session, committed_team.admin, "human", "judges/text", answers="text")
        other = factories.team(session)
        factories.evaluator(session, other.admin, "human", "judges/text", answers="text")
    _, logs = _tool(api, {"output": "a"}, {"output": "b"}, {"output": "c"})
    given = [
        api.post(
            "/v5/evaluators/log",
            json={
                "parent_id": log_id, "version_id": None, "path": "judges/text", "judgment": f"said {n}",
                "rationale": f"because {n}", "metadata": {"n": f"n{n}"},
            },
        ).json()["id"]
        for n, log_id in enumerate(logs)
    ]  # fmt: skip

    assert _ids(api, human.file_id) == given[::-1]
    assert _ids(api, human.file_id, search="said 1") == [given[1]]
    assert _ids(api, human.file_id, search="BECAUSE 2") == [given[2]]
    assert _ids(api, human.file_id, metadata_search="n0") == [given[0]]
    assert _ids(api, human.file_id, id=given[0][-8:]) == [given[0]]
    assert _ids(api, human.file_id, version_id=human.id, size=1, page=2) == [given[1]]
    assert len(_ids(api, human.file_id, sample=2)) == 2
    (last, *_) = api.get(f"/v5/logs?file_id={human.file_id}").json()["records"]
    assert set(last) >= JUDGED_LOG
    assert "parent" not in last
    (last, *_) = api.get(f"/v5/logs?file_id={human.file_id}&include_parent=true").json()["records"]
    assert (last["parent"]["id"], last["parent"]["output"]) == (logs[2], "c")

    one = api.get(f"/v5/logs/{given[0]}").json()
    assert (one["judgment"], one["parent"]["id"], one["evaluator"]["id"]) == (
        "said 0",
        logs[0],
        human.file_id,
    )
    with unit_of_work() as session:
        stranger = factories.team(session).admin
    assert with_key(api, stranger).get(f"/v5/logs/{given[0]}").status_code == 404


def test_a_list_asks_the_database_as_often_for_many_logs_as_for_few(api: TestClient) -> None:
    root = api.post("/v5/flows/log", json={"path": "flow"}).json()
    file_id, _ = _tool(api, *({"trace_parent_id": root["id"]} for _ in range(3)))
    with recorded(get_engine()) as few:
        api.get("/v5/logs", params={"file_id": file_id, "include_trace_children": "true"})
    _tool(api, *({"trace_parent_id": root["id"]} for _ in range(9)))
    with recorded(get_engine()) as many:
        api.get("/v5/logs", params={"file_id": file_id, "include_trace_children": "true", "size": 50})
    assert len(many) == len(few)
