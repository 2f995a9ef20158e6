"""Drafts of datasets at `/v5`: changes over a version, committed on top of what others committed meanwhile."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Role
from app.core.database import unit_of_work
from app.datasets import drafts
from tests import factories
from tests.web import with_key


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def made(api: TestClient, count: int = 4, **more: object) -> str:
    rows = [{"inputs": {"question": f"q{n}"}, "target": {"answer": f"a{n}"}, **more} for n in range(count)]
    answer = api.post("/v5/datasets", json={"path": "rows", "datapoints": rows})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def asked(api: TestClient, method: str, url: str, status: int = 200, **more: object) -> dict:
    answer = api.request(method, f"/v5/datasets/{url}".rstrip("/"), **more)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else {}


def rows(api: TestClient, file_id: str, **query: object) -> list[dict]:
    return asked(api, "GET", f"{file_id}/draft/datapoints", params=query)["records"]


def newest(api: TestClient, file_id: str, **query: object) -> list[dict]:
    """The rows of the newest version, which is not the one that is deployed."""
    version = asked(api, "GET", f"{file_id}/versions")["records"][0]["version_id"]
    return asked(api, "GET", f"{file_id}/datapoints", params={"version_id": version, **query})["records"]


def committed(api: TestClient, file_id: str) -> list[tuple[str, str, str | None]]:
    found = newest(api, file_id)
    return [(row["inputs"]["question"], (row["target"] or {}).get("answer"), row["split"]) for row in found]


def points(api: TestClient, file_id: str) -> list[str]:
    return [row["id"] for row in asked(api, "GET", f"{file_id}/datapoints")["records"]]


def edit(api: TestClient, file_id: str, row_id: str, status: int = 200, seen: dict | None = None, **values):
    named = {name.replace("__", "."): value for name, value in values.items()}
    given = {"id": row_id, "values": named, "seen": seen or {}}
    return asked(api, "PATCH", f"{file_id}/draft/datapoints", status, json={"rows": [given]})


def bulk(api: TestClient, file_id: str, action: str, **more: object) -> dict:
    return asked(api, "POST", f"{file_id}/draft/bulk", json={"action": action, **more})


def test_changes_are_kept_apart_until_they_are_committed(api: TestClient) -> None:
    file_id = made(api)
    first, second, third, _ = points(api, file_id)
    asked(api, "GET", f"{file_id}/draft", 404)
    edit(api, file_id, first, target__answer="better", split="test")
    bulk(api, file_id, "remove", ids=[second])
    bulk(api, file_id, "split", ids=[third], split="train")
    added = asked(
        api,
        "POST",
        f"{file_id}/draft/datapoints",
        json={"datapoints": [{"inputs": {"question": "new"}}, {"inputs": {"question": ""}}]},
    )
    assert len(added["ids"]) == 2
    counts = {name: added["draft"][name] for name in ("added", "edited", "removed", "empty", "clashes")}
    assert counts == {"added": 1, "edited": 2, "removed": 1, "empty": 1, "clashes": 0}
    assert committed(api, file_id) == [(f"q{n}", f"a{n}", None) for n in range(4)], "nothing is committed yet"
    assert [row["state"] for row in rows(api, file_id)] == [
        "edited", "removed", "edited", "unchanged", "added", "added",
    ]  # fmt: skip
    assert rows(api, file_id)[0]["before"]["target"] == {"answer": "a0"}
    assert len(rows(api, file_id, changed=True)) == 5
    version = asked(api, "POST", f"{file_id}/draft/commit", json={"note": "Corrected"})
    assert version["datapoints_count"] == 4
    assert committed(api, file_id) == [
        ("q0", "better", "test"), ("q2", "a2", "train"), ("q3", "a3", None), ("new", None, None),
    ]  # fmt: skip
    asked(api, "GET", f"{file_id}/draft", 404)


def test_what_is_as_before_is_no_change(api: TestClient) -> None:
    file_id = made(api)
    first, second, *_ = points(api, file_id)
    edit(api, file_id, first, target__answer="other")
    edit(api, file_id, first, target__answer="a0")
    bulk(api, file_id, "remove", ids=[second])
    draft = bulk(api, file_id, "restore")
    assert (draft["edited"], draft["removed"]) == (0, 0)
    asked(api, "POST", f"{file_id}/draft/commit", 404, json={})


def test_a_removed_row_comes_back_with_what_was_typed_into_it(api: TestClient) -> None:
    file_id = made(api)
    first = points(api, file_id)[0]
    edit(api, file_id, first, inputs__question="typed")
    bulk(api, file_id, "remove", ids=[first])
    bulk(api, file_id, "restore", ids=[first])
    assert rows(api, file_id)[0]["inputs"] == {"question": "typed"}
    bulk(api, file_id, "undo", ids=[first])
    asked(api, "GET", f"{file_id}/draft", 404)


def test_a_cell_that_another_tab_wrote_is_not_written_over(api: TestClient) -> None:
    file_id = made(api)
    first = points(api, file_id)[0]
    edit(api, file_id, first, seen={"target.answer": "a0"}, target__answer="mine")
    edit(api, file_id, first, 409, seen={"target.answer": "a0"}, target__answer="theirs")
    edit(api, file_id, first, seen={"inputs.question": "q0"}, inputs__question="another cell")
    row = rows(api, file_id)[0]
    assert (row["inputs"], row["target"]) == ({"question": "another cell"}, {"answer": "mine"})


def test_a_row_that_is_named_twice_is_refused(api: TestClient) -> None:
    file_id = made(api)
    first = points(api, file_id)[0]
    twice = [{"id": first, "values": {place: "x"}} for place in ("inputs.question", "target.answer")]
    answer = asked(api, "PATCH", f"{file_id}/draft/datapoints", 422, json={"rows": twice})
    assert "named more than once" in str(answer)


def test_all_rows_that_match_are_moved_in_a_few_statements(api: TestClient) -> None:
    file_id = made(api, 2_000)
    bulk(api, file_id, "split", split="test")
    bulk(api, file_id, "split", query="q19", split="train")
    bulk(api, file_id, "remove", in_split="train")
    bulk(api, file_id, "split", changed=True, query="a1")
    asked(api, "POST", f"{file_id}/draft/commit", json={})
    now = [row for page in (1, 2) for row in newest(api, file_id, size=1000, page=page)]
    assert len(now) == 2_000 - 111
    assert {row["split"] for row in now if row["target"]["answer"][1] == "1"} == {None}
    assert {row["split"] for row in now if row["target"]["answer"][1] == "3"} == {"test"}


def test_a_draft_goes_on_top_of_what_somebody_committed_meanwhile(api: TestClient) -> None:
    file_id = made(api)
    first = points(api, file_id)[0]
    edit(api, file_id, first, target__answer="mine")
    asked(
        api,
        "POST",
        "",
        json={"id": file_id, "action": "add", "datapoints": [{"inputs": {"question": "theirs"}}]},
    )
    gone = {"inputs": {"question": "q1"}, "target": {"answer": "a1"}}
    asked(api, "POST", "", json={"id": file_id, "action": "remove", "datapoints": [gone]})
    asked(api, "POST", f"{file_id}/draft/commit", json={"note": "mine"})
    assert committed(api, file_id) == [
        ("q0", "mine", None), ("q2", "a2", None), ("q3", "a3", None), ("theirs", None, None),
    ]  # fmt: skip


def test_two_people_who_edit_the_same_row_choose_which_change_stands(
    client: TestClient, committed_team: factories.Team
) -> None:
    mine = with_key(client, committed_team.admin)
    file_id = made(mine)
    first, second, third, fourth = points(mine, file_id)
    for row_id in (first, second, third):
        edit(mine, file_id, row_id, target__answer="mine")
    bulk(mine, file_id, "split", ids=[fourth], split="test")
    kept = mine.headers["X-API-KEY"]
    theirs = other(client, committed_team)
    edit(theirs, file_id, first, target__answer="theirs")
    edit(theirs, file_id, second, target__answer="mine")
    edit(theirs, file_id, fourth, target__answer="theirs")
    bulk(theirs, file_id, "remove", ids=[third])
    asked(theirs, "POST", f"{file_id}/draft/commit", json={})
    client.headers["X-API-KEY"] = kept
    answer = asked(mine, "POST", f"{file_id}/draft/commit", 409, json={})
    assert "2 rows were changed in the newest version, too" in str(answer)
    draft = asked(mine, "POST", f"{file_id}/draft/rebase")
    assert (draft["base_number"], draft["clashes"], draft["edited"], draft["added"]) == (2, 2, 2, 1)
    clashing = [row for row in rows(mine, file_id, changed=True) if row["clash"]]
    assert [(row["target"]["answer"], row["state"]) for row in clashing] == [
        ("mine", "edited"),
        ("mine", "added"),
    ]
    assert clashing[0]["before"]["target"] == {"answer": "theirs"}
    bulk(mine, file_id, "undo", ids=[clashing[0]["id"]])
    bulk(mine, file_id, "settle", ids=[clashing[1]["id"]])
    asked(mine, "POST", f"{file_id}/draft/commit", json={})
    assert committed(mine, file_id) == [
        ("q0", "theirs", None), ("q1", "mine", None), ("q3", "theirs", "test"), ("q2", "mine", None),
    ]  # fmt: skip


def test_an_edit_of_a_row_that_somebody_removed_is_settled_by_removing_it(api: TestClient) -> None:
    file_id = made(api)
    first, second, *_ = points(api, file_id)
    for row_id in (first, second):
        edit(api, file_id, row_id, target__answer="mine")
    gone = {"inputs": {"question": "q0"}, "target": {"answer": "a0"}}
    asked(api, "POST", "", json={"id": file_id, "action": "remove", "datapoints": [gone]})
    assert asked(api, "POST", f"{file_id}/draft/rebase")["clashes"] == 1
    added = [row["id"] for row in rows(api, file_id) if row["clash"]]
    assert bulk(api, file_id, "remove", ids=added)["clashes"] == 0
    asked(api, "POST", f"{file_id}/draft/commit", json={})
    assert [row[:2] for row in committed(api, file_id)] == [("q1", "mine"), ("q2", "a2"), ("q3", "a3")]


def test_a_split_does_not_move_to_an_unrelated_row_unasked(api: TestClient) -> None:
    file_id = made(api)
    last = points(api, file_id)[3]
    bulk(api, file_id, "split", ids=[last], split="test")
    gone = {"inputs": {"question": "q3"}, "target": {"answer": "a3"}}
    for action, row in (("remove", gone), ("add", {"inputs": {"question": "unrelated"}})):
        asked(api, "POST", "", json={"id": file_id, "action": action, "datapoints": [row]})
    asked(api, "POST", f"{file_id}/draft/commit", 409, json={})
    assert asked(api, "POST", f"{file_id}/draft/rebase")["clashes"] == 1
    bulk(api, file_id, "undo", changed=True)
    asked(api, "GET", f"{file_id}/draft", 404)


def test_a_draft_over_a_version_that_was_deleted_brings_none_of_its_rows_back(api: TestClient) -> None:
    file_id = made(api)
    edit(api, file_id, points(api, file_id)[0], target__answer="of v2")
    asked(api, "POST", f"{file_id}/draft/commit", json={})
    deleted = asked(api, "GET", f"{file_id}/versions")["records"][0]["version_id"]
    first, second, *_ = [row["id"] for row in newest(api, file_id)]
    edit(api, file_id, second, target__answer="mine")
    bulk(api, file_id, "split", ids=[first], split="test")
    asked(api, "DELETE", f"{file_id}/versions/{deleted}", 204)
    answer = asked(api, "POST", f"{file_id}/draft/commit", 409, json={})
    assert "v2, which the draft changes, was deleted" in str(answer)
    draft = asked(api, "POST", f"{file_id}/draft/rebase")
    assert (draft["base_number"], draft["edited"], draft["clashes"]) == (1, 2, 0)
    asked(api, "POST", f"{file_id}/draft/commit", json={})
    assert committed(api, file_id) == [
        ("q0", "a0", "test"), ("q1", "mine", None), ("q2", "a2", None), ("q3", "a3", None),
    ]  # fmt: skip


def other(client: TestClient, team: factories.Team) -> TestClient:
    """Somebody else of the workspace."""
    with unit_of_work() as session:
        member = factories.member(session, team.workspace, Role.ADMIN)
        key = factories.key(session, member)
    client.headers["X-API-KEY"] = key
    return client


def test_a_row_of_which_every_input_is_emptied_is_committed_so(api: TestClient) -> None:
    answer = asked(api, "POST", "", json={"path": "rows", "datapoints": [{"inputs": {"q": n}} for n in "ab"]})
    file_id = answer["id"]
    draft = edit(api, file_id, points(api, file_id)[0], inputs__q="")
    assert (draft["edited"], draft["empty"]) == (1, 0)
    asked(api, "POST", f"{file_id}/draft/commit", json={})
    assert [row["inputs"] for row in newest(api, file_id)] == [{"q": ""}, {"q": "b"}]


def test_a_row_without_inputs_is_found_by_its_target(api: TestClient) -> None:
    file_id = made(api)
    edit(api, file_id, points(api, file_id)[0], inputs=None, target__answer="needle")
    bulk(api, file_id, "split", query="needle", split="test")
    assert [row["split"] for row in rows(api, file_id)] == ["test", None, None, None]


def test_rows_that_come_to_say_the_same_are_one(api: TestClient) -> None:
    file_id = made(api)
    second = points(api, file_id)[1]
    edit(api, file_id, second, inputs__question="q0", target__answer="a0")
    asked(api, "POST", f"{file_id}/draft/commit", json={})
    assert [row[0] for row in committed(api, file_id)] == ["q0", "q2", "q3"]


def test_a_dataset_goes_back_to_rows_that_it_had_as_a_new_version(api: TestClient) -> None:
    file_id = made(api)
    edit(api, file_id, points(api, file_id)[0], target__answer="changed")
    asked(api, "POST", f"{file_id}/draft/commit", json={})
    edit(api, file_id, newest(api, file_id)[0]["id"], target__answer="a0")
    back = asked(api, "POST", f"{file_id}/draft/commit", json={"note": "Put back", "version_name": "back"})
    assert (back["version_number"], back["version_name"]) == (3, "back")
    assert committed(api, file_id) == [(f"q{n}", f"a{n}", None) for n in range(4)]
    again = asked(api, "POST", "", json={"id": file_id, "datapoints": newest(api, file_id)})
    assert again["version_number"] == 3, "the newest answers for what it has, though v1 has it, too"


def test_a_draft_that_was_thrown_away_can_be_brought_back(api: TestClient) -> None:
    file_id = made(api)
    edit(api, file_id, points(api, file_id)[0], target__answer="typed")
    asked(api, "DELETE", f"{file_id}/draft", 204)
    asked(api, "GET", f"{file_id}/draft", 404)
    assert asked(api, "POST", f"{file_id}/draft/restore")["edited"] == 1
    asked(api, "POST", f"{file_id}/draft/restore", 404)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"split": "holdout"}, "use train, validation, test or sealed"),
        ({"nowhere.x": "y"}, "no place for a column"),
        ({"messages": "hi"}, "not valid JSON"),
        ({"inputs": None, "target": None}, "neither inputs nor a target"),
        ({"inputs.question": "\x00"}, "NUL"),
    ],
)
def test_what_no_row_can_say_is_refused(api: TestClient, values: dict, said: str) -> None:
    file_id = made(api)
    given = {"id": points(api, file_id)[0], "values": values}
    answer = asked(api, "PATCH", f"{file_id}/draft/datapoints", 422, json={"rows": [given]})
    assert said in str(answer)


def test_drafts_that_nobody_has_touched_go(api: TestClient) -> None:
    file_id = made(api)
    edit(api, file_id, points(api, file_id)[0], target__answer="typed")
    for days, status in ((drafts.KEPT_DAYS - 1, 200), (2, 404)):
        with unit_of_work() as session:
            session.execute(
                text("update dataset_draft set saved_at = saved_at - make_interval(days => :days)"),
                {"days": days},
            )
            drafts.delete_old(session)
        asked(api, "GET", f"{file_id}/draft", status)
