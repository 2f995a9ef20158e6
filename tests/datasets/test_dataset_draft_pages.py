"""The pages of a dataset's draft, without a browser: what they refuse, and what they cost."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.core.access import Role
from app.core.database import get_engine, unit_of_work
from app.datasets import drafts
from app.datasets.cells import seen
from app.datasets.models import DraftChange
from app.datasets.pasting import read_cells
from app.datasets.rows import Destination
from app.files import service as files
from app.files.models import File, Version
from tests import factories
from tests.statements import recorded
from tests.web import csrf_of, signed_in, with_key


@pytest.fixture
def dataset(committed_team: factories.Team) -> Version:
    with unit_of_work() as session:
        return factories.dataset(session, committed_team.admin, 3, "grid/rows")


@pytest.fixture
def post(client: TestClient, committed_team: factories.Team, dataset: Version) -> Callable:
    """Sends a form of the grid, as its script does."""
    signed_in(client, committed_team.admin)
    base = f"/w/{committed_team.admin.workspace_slug}/datasets/{dataset.file_id}"

    def send(path: str, method: str = "POST", status: int = 200, **form: object) -> str:
        headers = {"hx-request": "true", "x-csrf-token": csrf_of(client)}
        answer = client.request(method, f"{base}{path}", data=form, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.text

    send.base = base
    return send


def _ids(page: str) -> list[str]:
    return re.findall(r'data-row="([^"]+)"', page)


def test_a_cell_says_what_is_wrong_with_what_was_typed_and_keeps_it(
    post: Callable, client: TestClient
) -> None:
    row = _ids(client.get(post.base).text)[0]
    cell = {"row": row, "place": "inputs.question", "was": seen("question 0")}
    said = post("/draft/cell", "PATCH", 422, **cell, value="a\x00b")
    assert 'role="alert"' in said
    assert "NUL" in said
    post("/draft/cell", "PATCH", **cell, value="mine")
    said = post("/draft/cell", "PATCH", 409, **cell, value="theirs")
    assert "Another tab wrote" in said
    assert ">\ntheirs</textarea>" in said
    assert "“mine”" in said


def test_what_was_typed_into_a_row_that_was_committed_meanwhile_stays(
    post: Callable, client: TestClient
) -> None:
    row = _ids(client.get(post.base).text)[0]
    other = {"row": row, "place": "target.answer", "was": seen("answer 0"), "value": "another tab"}
    post("/draft/cell", "PATCH", **other)
    post("/draft/commit", status=303, note="")
    cell = {"row": row, "place": "inputs.question", "was": seen("question 0"), "value": "long words"}
    said = post("/draft/cell", "PATCH", 404, **cell)
    assert ">\nlong words</textarea>" in said
    assert "copy what you typed" in said
    form = {"value.inputs.question": "long words", "was.inputs.question": seen("question 0")}
    said = post(f"/draft/rows/{row}", status=404, **form)
    assert ">\nlong words</textarea>" in said
    assert "copy what you typed" in said


def test_a_paste_over_rows_that_were_changed_elsewhere_changes_nothing(
    post: Callable, client: TestClient
) -> None:
    row = _ids(client.get(post.base).text)[0]
    post("/draft/bulk", one=f"remove:{row}")
    said = post("/draft/paste", status=422, row=row, place="inputs.question", text="pasted", saved="")
    assert "Nothing was pasted" in said
    saved = re.search(r'id="saved" value="([^"]+)"', said)
    assert saved
    assert "pasted" in post(
        "/draft/paste", row=row, place="inputs.question", text="pasted", saved=saved[1].replace("&#43;", "+")
    )


def test_an_empty_cell_in_a_pasted_column_keeps_its_place(post: Callable, client: TestClient) -> None:
    rows = _ids(client.get(post.base).text)
    said = post("/draft/paste", row=rows, place=["target.answer"], text="A0\n\nA2\n", saved="")
    assert re.findall(r"<(del|ins)>([^<]+)<", said) == [
        ("del", "answer 0"), ("ins", "A0"), ("del", "answer 1"), ("del", "answer 2"), ("ins", "A2"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ('"5 inch disk\nnext row', [['"5 inch disk'], ["next row"]]),
        ('"Two\nlines"\t"a ""b"""\n', [["Two\nlines", 'a "b"']]),
        ('"Hello" he said\r\nb\t', [['"Hello" he said'], ["b", ""]]),
        ('\n""\n', [[""], [""]]),
        ("", []),
    ],
)
def test_a_quote_opens_a_cell_only_where_one_closes_it(text: str, cells: list[list[str]]) -> None:
    assert read_cells(text) == cells


def test_a_paste_that_waits_for_another_one_does_not_go_over_it(
    post: Callable, client: TestClient, committed_team: factories.Team, dataset: Version
) -> None:
    row = _ids(client.get(post.base).text)[0]
    with ThreadPoolExecutor(1) as pool:
        with unit_of_work() as session:
            draft = drafts.opened(session, committed_team.admin, session.get_one(File, dataset.file_id))
            drafts.edit(session, draft, [drafts.RowEdit(row, {Destination("inputs", "question"): "first"})])
            session.flush()
            late = {"row": row, "place": "inputs.question", "text": "second", "saved": ""}
            waiting = pool.submit(post, "/draft/paste", status=422, **late)
            with pytest.raises(TimeoutError):
                waiting.result(1)
        assert "Nothing was pasted" in waiting.result(10)
    assert "first" in client.get(post.base).text


def test_what_two_people_changed_is_marked_and_settled_on_the_page(
    post: Callable, client: TestClient, committed_team: factories.Team, dataset: Version
) -> None:
    row = _ids(client.get(post.base).text)[0]
    cell = {"row": row, "place": "target.answer", "was": seen("answer 0")}
    post("/draft/cell", "PATCH", **cell, value="mine")
    with unit_of_work() as session:
        other = factories.member(session, committed_team.workspace, Role.ADMIN, "Bea Other")
    signed_in(client, other)
    post("/draft/cell", "PATCH", **cell, value="theirs")
    client.post(f"{post.base}/draft/commit", data={"note": "theirs", "_csrf": csrf_of(client)})
    signed_in(client, committed_team.admin)
    assert "Bea Other committed v2" in client.get(post.base).text
    refused = post("/draft/commit", status=409, note="my reason")
    assert "Nothing was committed" in refused
    assert 'value="my reason"' in refused
    client.post(f"{post.base}/draft/rebase", data={"_csrf": csrf_of(client)})
    page = client.get(f"{post.base}?changed=1").text
    assert "changed twice" in page
    assert "<del>theirs</del> <ins>mine</ins>" in page
    page = post("/draft/bulk", one=f"settle:{_ids(page)[0]}")
    assert "changed twice" not in page
    post("/draft/commit", status=303, note="")
    assert "mine" in client.get(f"{post.base}?version=3").text


def test_the_commit_says_how_many_rows_come_to_say_the_same(post: Callable, client: TestClient) -> None:
    first, _, third = _ids(client.get(post.base).text)
    assert "the same as another one" not in client.get(f"{post.base}/draft/commit").text
    for row in (first, third):
        for place, was in (("inputs.question", "question"), ("target.answer", "answer")):
            number = 0 if row == first else 2
            cell = {"row": row, "place": place, "was": seen(f"{was} {number}"), "value": f"{was} 1"}
            post("/draft/cell", "PATCH", **cell)
    assert "2 rows say the same as another one now" in client.get(f"{post.base}/draft/commit").text
    post("/draft/commit", status=303, note="")
    assert len(_ids(client.get(post.base).text)) == 1


def test_saving_a_row_leaves_the_line_ends_of_other_members_alone(
    client: TestClient, committed_team: factories.Team
) -> None:
    given = [{"inputs": {"question": "one\r\ntwo\rthree"}, "target": {"answer": "x"}}]
    with unit_of_work() as session:
        dataset = factories.dataset(session, committed_team.admin, given, "grid/ends")
    signed_in(client, committed_team.admin)
    base = f"/w/{committed_team.admin.workspace_slug}/datasets/{dataset.file_id}"
    address = f"{base}/draft/rows/{_ids(client.get(base).text)[0]}"
    form = {
        f"was.{name}": mark
        for name, mark in re.findall(r'name="was\.([^"]+)" value="([^"]+)"', client.get(address).text)
    }
    form |= {"value.inputs.question": "one\r\ntwo\r\nthree", "value.split": "test", "_csrf": csrf_of(client)}
    assert client.post(address, data=form, follow_redirects=False).status_code == 303
    with unit_of_work() as session:
        assert session.execute(select(DraftChange.content, DraftChange.split)).all() == [(None, "test")]


def test_what_is_typed_where_nothing_stood_is_of_the_kind_of_its_column(
    client: TestClient, committed_team: factories.Team
) -> None:
    given = [{"inputs": {"question": n}, "target": {"answer": 5}} for n in ("one", "two")]
    with unit_of_work() as session:
        dataset = factories.dataset(session, committed_team.admin, given, "grid/numbers")
    base = f"/w/{committed_team.admin.workspace_slug}/datasets/{dataset.file_id}"
    signed_in(client, committed_team.admin)
    form = {"row": [], "place": ["inputs.question", "target.answer"], "_csrf": csrf_of(client)}
    text = "1\t7\nthree\tno number\n"
    client.post(f"{base}/draft/paste", data={**form, "text": text, "saved": ""}, follow_redirects=False)
    client.post(f"{base}/draft/rows", data=form, follow_redirects=False)
    added = _ids(client.get(base).text)[-1]
    headers = {"hx-request": "true", "x-csrf-token": csrf_of(client)}
    cell = {"row": added, "place": "target.answer", "was": seen(None), "value": "8.5"}
    assert client.patch(f"{base}/draft/cell", data=cell, headers=headers).status_code == 200
    member = {"_csrf": csrf_of(client), "new_kind": "target", "new_name": "answer", "new_value": "9"}
    client.post(f"{base}/draft/rows", data=form, follow_redirects=False)
    added = _ids(client.get(base).text)[-1]
    answer = client.post(f"{base}/draft/rows/{added}", data=member, follow_redirects=False)
    assert answer.status_code == 303
    with unit_of_work() as session:
        said = session.scalars(select(DraftChange.content).order_by(DraftChange.added)).all()
    assert [each.get("target") for each in said] == [
        {"answer": 7},
        {"answer": "no number"},
        {"answer": 8.5},
        {"answer": 9},
    ]
    assert [each["inputs"]["question"] for each in said] == ["1", "three", "", ""]


def test_the_page_says_that_the_version_of_a_draft_is_deleted(
    post: Callable, client: TestClient, committed_team: factories.Team, dataset: Version
) -> None:
    for before, value in (("answer 0", "of v2"), ("of v2", "mine")):
        row = _ids(client.get(f"{post.base}?q=question+0").text)[0]
        post("/draft/cell", "PATCH", row=row, place="target.answer", was=seen(before), value=value)
        if value == "of v2":
            post("/draft/commit", status=303, note="")
    with unit_of_work() as session:
        file = session.get_one(File, dataset.file_id)
        version = files.get_version_number(session, file, 2)
        version.file = file
        files.delete_version(session, committed_team.admin, version)
    for page in ("", "/draft/commit"):
        assert "v2, which your draft changes, was deleted" in client.get(post.base + page).text
    assert "Nothing was committed: put the draft on v1" in post("/draft/commit", status=409, note="")
    client.post(f"{post.base}/draft/rebase", data={"_csrf": csrf_of(client)})
    assert "<del>answer 0</del> <ins>mine</ins>" in client.get(post.base).text


def test_who_may_not_edit_reads_the_version(
    client: TestClient, committed_team: factories.Team, dataset: Version
) -> None:
    with unit_of_work() as session:
        factories.dataset_draft(session, committed_team.admin, dataset)
        reader = factories.member(session, committed_team.workspace, Role.VIEWER)
    page = signed_in(client, reader).get(f"/w/{reader.workspace_slug}/datasets/{dataset.file_id}").text
    assert len(_ids(page)) == 3
    assert "data-edit" not in page
    assert "Draft v2" not in page


def test_statements_do_not_grow_with_the_rows(
    client: TestClient, committed_team: factories.Team, post: Callable
) -> None:
    counts = []
    for size in (10, 500):
        with unit_of_work() as session:
            rows = factories.dataset(session, committed_team.admin, size)
        base = f"/w/{committed_team.admin.workspace_slug}/datasets/{rows.file_id}"
        post.base, before = base, post.base
        form = {"all": "1", "to": "test", "_csrf": csrf_of(client)}
        with recorded(get_engine()) as statements:
            for action in ("split", "remove", "restore"):
                client.post(f"{base}/draft/bulk", data=form | {"action": action})
            client.post(f"{base}/draft/commit", data=form)
        post.base = before
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_a_draft_whose_base_was_deleted_has_no_rows_of_a_kind_to_change(
    client: TestClient, committed_team: factories.Team, dataset: Version
) -> None:
    with unit_of_work() as session:
        newer = factories.dataset(session, committed_team.admin, 5, "grid/rows")
    signed_in(client, committed_team.admin)
    base = f"/w/{committed_team.admin.workspace_slug}/datasets/{dataset.file_id}"
    client.post(f"{base}/draft/rows", data={"_csrf": csrf_of(client)})
    deleted = with_key(client, committed_team.admin).delete(
        f"/v5/datasets/{dataset.file_id}/versions/{newer.id}"
    )
    assert deleted.status_code == 204, deleted.text
    signed_in(client, committed_team.admin)
    assert _ids(client.get(f"{base}?only=suspect").text) == []
    form = {"_csrf": csrf_of(client), "all": "1", "action": "remove", "only": "suspect"}
    client.post(f"{base}/draft/bulk", data=form)
    with unit_of_work() as session:
        assert not session.scalar(select(DraftChange).where(DraftChange.removed))
