"""Drafts over their real doors: what somebody types is kept, comes back, and is nobody else's."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Role
from app.core.database import unit_of_work
from app.evaluations.engine import recovery
from app.files import service as files
from app.files import trash
from app.files.models import Version
from app.generations import draft_repository, drafts
from app.workspaces import erasing, members
from tests import factories
from tests.generations.draft_tab import TYPED, Tab, base, form_of, typed_in, words
from tests.web import csrf_of, signed_in


def _count(table: str = "prompt_draft") -> int:
    with unit_of_work() as session:
        return session.scalar(text(f"select count(*) from {table}"))


def _age(table: str, column: str, by: timedelta) -> None:
    with unit_of_work() as session:
        session.execute(text(f"update {table} set {column} = {column} - :by"), {"by": by})


def test_what_was_typed_comes_back_and_says_so(tab: Tab) -> None:
    assert "Your draft of" not in words(tab.page)
    answer = tab.types(TYPED)
    assert answer.status_code == 200
    assert "saved just now" in words(answer.text)
    assert 'hx-swap-oob="true"' in answer.text

    again = Tab(tab.client, tab.base)
    assert typed_in(again.page) == TYPED
    assert "Your draft of" in words(again.page)
    assert ", on v1." in words(again.page)
    assert again.marks["tab"] != tab.marks["tab"]
    differs = tab.client.get(f"{tab.base}/draft/diff?base=1&from=v1&to=draft").text
    assert "<ins>, in {{style}}</ins>" in differs


def test_a_draft_that_says_what_its_version_says_is_none(tab: Tab) -> None:
    tab.types(TYPED)
    assert _count() == 1
    tab.types("Answer shortly.")
    assert _count() == 0
    assert "Your draft of" not in words(Tab(tab.client, tab.base).page)


def test_inputs_that_were_typed_come_back_with_their_row(tab: Tab) -> None:
    with unit_of_work() as session:
        rows = session.scalar(text("select id from file where path = 'tests/rows'"))
    chosen = {"dataset": rows, "row": "2"}
    tab.types("Answer shortly.", **chosen, **{"input.question": "question 1"})
    assert _count() == 0, "the row says that already"
    tab.types("Answer shortly.", **chosen, **{"input.question": "typed by hand"})
    page = Tab(tab.client, tab.base).page
    assert "row 2 of 3" in page
    assert "typed by hand" in page
    other = Tab(tab.client, tab.base, dataset=rows, row=3).page
    assert "typed by hand" not in other
    assert "question 2" in other


PANES = {
    "panes": "both",
    "pane.version": ["1"],
    "pane.model": ["practice-1"],
    "pane.provider": [""],
    "pane.temperature": ["0.7"],
}


def test_panes_alone_come_back_to_whoever_put_them_there_and_are_no_draft(
    tab: Tab, committed_team: factories.Team
) -> None:
    tab.types("Answer shortly.", **PANES)
    tab.types("Answer shortly.", **PANES | {"pane.temperature": ["0.9"]})
    page = Tab(tab.client, tab.base).page
    assert page.count("data-pane") == 1
    assert 'value="0.9"' in page
    assert '<option value="both" selected' in page
    assert "Your draft of" not in words(page)
    assert _count() == 0

    tab.types(TYPED, **PANES)
    page = tab.presses("discard", TYPED, **PANES)
    assert page.count("data-pane") == 1, "they stay where the draft goes"
    assert Tab(tab.client, tab.base).page.count("data-pane") == 1
    tab.types("Answer shortly.")
    assert "data-pane" not in Tab(tab.client, tab.base).page, "taken away, they stay away"

    tab.types("Answer shortly.", **PANES)
    with unit_of_work() as session:
        other = factories.member(session, committed_team.workspace, Role.DEVELOPER)
    signed_in(tab.client, other)
    assert "data-pane" not in Tab(tab.client, tab.base).page


def test_panes_are_kept_with_the_draft_and_make_none_by_themselves(tab: Tab) -> None:
    panes = dict(PANES)
    tab.types("Answer shortly.", **panes)
    assert _count() == 0, "the version says that already"
    tab.types(TYPED)
    assert "data-pane" not in Tab(tab.client, tab.base).page
    tab.types(TYPED, **panes)
    page = Tab(tab.client, tab.base).page
    assert page.count("data-pane") == 1
    assert 'value="0.7"' in page
    assert '<option value="both" selected' in page


def test_buttons_keep_what_they_change_without_a_script(tab: Tab) -> None:
    tab.presses("add:assistant", TYPED)
    page = Tab(tab.client, tab.base).page
    assert page.count('<textarea name="content"') == 3
    saved = tab.client.post(f"{tab.base}/draft", data=form_of(tab.client, tab.marks, "Typed by hand"))
    assert saved.status_code == 303
    assert saved.headers["location"].endswith("/edit?base=1")
    assert typed_in(tab.client.get(saved.headers["location"]).text) == "Typed by hand"


def test_discarding_is_undone_by_a_button(tab: Tab) -> None:
    tab.types(TYPED)
    page = tab.presses("discard", f"{TYPED} And more.")
    assert typed_in(page) == "Answer shortly."
    assert "Your draft is discarded" in words(page)
    assert _count() == 0
    undo = re.search(r'value="(restore:[^"]+)"', page)[1]
    page = tab.presses(undo, "Answer shortly.")
    assert typed_in(page) == f"{TYPED} And more.", "what stood in the form, not what was saved before"
    assert typed_in(Tab(tab.client, tab.base).page) == f"{TYPED} And more."


def test_committing_ends_the_draft(tab: Tab) -> None:
    tab.types("Once.")
    _age("prompt_draft", "began_at", timedelta(minutes=5))
    tab.types(TYPED)
    assert _count("prompt_draft_state") == 1
    review = tab.client.post(f"{tab.base}/review", data=form_of(tab.client, tab.marks)).text
    spec = html.unescape(re.search(r'name="spec" value="([^"]*)"', review)[1])
    form = {"_csrf": csrf_of(tab.client), "base": "1", "spec": spec, "note": "styled"}
    assert tab.client.post(f"{tab.base}/commit", data=form).status_code == 303
    assert (_count(), _count("prompt_draft_state")) == (0, 0)
    late = tab.types(TYPED)
    assert late.status_code == 200
    assert _count() == 0, "a saving that comes after the commit says what the newest version says"


def test_a_new_prompt_has_its_draft_and_its_commit_ends_it(
    client: TestClient, committed_team: factories.Team, drafted: Version
) -> None:
    signed_in(client, committed_team.admin)
    new = base(committed_team, "new")
    tab = Tab(client, new)
    tab.types(TYPED, base="", path="tests/made")
    page = Tab(client, new).page
    assert typed_in(page) == TYPED
    assert 'value="tests/made"' in page
    assert "Your draft of" in words(page)
    review = client.post(f"{new}/review", data=form_of(client, tab.marks, base="", path="tests/made")).text
    spec = html.unescape(re.search(r'name="spec" value="([^"]*)"', review)[1])
    form = {"_csrf": csrf_of(client), "base": "", "spec": spec, "note": "first", "path": "tests/made"}
    assert client.post(f"{new}/commit", data=form).status_code == 303
    assert _count() == 0


def test_a_draft_is_nobody_elses(
    tab: Tab, client: TestClient, committed_team: factories.Team, drafted: Version
) -> None:
    tab.types(TYPED)
    page = tab.presses("discard", TYPED)
    undo = re.search(r'value="restore:([^"]+)"', page)[1]
    tab.types(TYPED)
    with unit_of_work() as session:
        member = factories.member(session, committed_team.workspace, Role.MEMBER)
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
        stranger = factories.team(session).admin
    client.cookies.clear()
    theirs = Tab(signed_in(client, member), tab.base)
    assert typed_in(theirs.page) == "Answer shortly."
    assert undo not in client.get(f"{tab.base}/draft/history").text
    assert client.get(f"{tab.base}/draft/diff?from={undo}").status_code == 404
    answer = client.post(f"{tab.base}/draft/history/{undo}", data={"_csrf": csrf_of(client)})
    assert answer.status_code == 404
    assert theirs.presses("discard", "Answer shortly.")
    assert _count() == 1
    client.cookies.clear()
    page = signed_in(client, viewer).get(f"{tab.base}/edit").text
    assert "draft-keeper" not in page
    answer = client.patch(f"{tab.base}/draft", data=form_of(client, {"tab": "x", "revision": ""}))
    assert answer.status_code == 403
    client.cookies.clear()
    signed_in(client, stranger)
    assert client.get(f"{tab.base}/draft/history").status_code == 404


def test_what_cannot_be_kept_says_so_and_keeps_what_was(tab: Tab) -> None:
    tab.types(TYPED)
    answer = tab.types("long " * 900_000)
    assert answer.status_code == 422
    assert "This draft is not kept." in words(answer.text)
    assert "up to 4 MiB are kept" in words(answer.text)
    assert tab.types("nul \0 byte").status_code == 422
    assert typed_in(Tab(tab.client, tab.base).page) == TYPED


def test_a_mark_that_is_none_of_ours_keeps_nothing_under_it(tab: Tab) -> None:
    tab.marks = {"tab": "nul \0", "revision": "'; --"}
    answer = tab.types(TYPED)
    assert answer.status_code == 200
    assert 'name="tab" value=""' in answer.text


def test_no_token_of_the_page_is_kept(tab: Tab) -> None:
    tab.types(TYPED)
    with unit_of_work() as session:
        kept = session.scalar(text("select content::text from prompt_draft"))
    assert csrf_of(tab.client) not in kept
    assert set(tab.client.cookies.values()).isdisjoint(re.findall(r'"([^"]*)"', kept))


def test_states_are_bounded(committed_team: factories.Team, drafted: Version) -> None:
    with unit_of_work() as session:
        desk = drafts.desk_of(committed_team.admin, drafted.file, drafted, drafted)
        for n in range(draft_repository.MOST_STATES + 5):
            drafts.remember(session, desk, _content(f"state {n}"), drafts.TYPED)
    with unit_of_work() as session:
        states = draft_repository.list_states(session, desk.place)
        assert len(states) == draft_repository.MOST_STATES
        assert states[0].content["messages"][0]["content"] == f"state {draft_repository.MOST_STATES + 4}"


def _content(said: str) -> dict[str, Any]:
    return {
        "messages": [{"role": "user", "content": said}], "values": {"model": "m"}, "rest": {}, "is_text": False,
        "path": "", "inputs": {}, "dataset": None, "row": 1,
    }  # fmt: skip


def test_drafts_come_back_with_the_prompt(tab: Tab, committed_team: factories.Team, drafted: Version) -> None:
    tab.types(TYPED)
    tab.presses("discard", TYPED)
    tab.types(TYPED)
    with unit_of_work() as session:
        file = files.get_file(session, committed_team.admin, drafted.file_id)
        files.delete_file(session, committed_team.admin, file)
    with unit_of_work() as session:
        gone = trash.get_trashed(session, committed_team.admin, drafted.file_id)
        trash.restore(session, committed_team.admin, gone)
    assert (_count(), _count("prompt_draft_state")) == (1, 1)
    assert typed_in(Tab(tab.client, tab.base).page) == TYPED


@pytest.mark.parametrize("way", ["removed", "erased"])
def test_drafts_go_with_the_person(
    client: TestClient, committed_team: factories.Team, drafted: Version, way: str
) -> None:
    with unit_of_work() as session:
        member = factories.member(session, committed_team.workspace, Role.MEMBER)
    tab = Tab(signed_in(client, member), base(committed_team, drafted.file_id))
    tab.types(TYPED)
    tab.presses("discard", TYPED)
    tab.types(TYPED)
    with unit_of_work() as session:
        if way == "removed":
            members.remove_member(session, committed_team.admin, member.user_id)
        else:
            erasing.erase_member(session, committed_team.admin, member.user_id)
    assert (_count(), _count("prompt_draft_state")) == (0, 0)


def test_old_drafts_go_by_themselves(tab: Tab, committed_team: factories.Team) -> None:
    tab.types(TYPED)
    tab.presses("discard", TYPED)
    tab.types(TYPED)
    for table, column in (("prompt_draft", "saved_at"), ("prompt_draft_state", "added_at")):
        _age(table, column, timedelta(days=20))
    recovery._not_before.clear()
    recovery.recover()
    assert (_count(), _count("prompt_draft_state")) == (1, 1)
    with unit_of_work() as session:
        session.execute(
            text("insert into retention (workspace_id, payload_days) values (:w, 10)"),
            {"w": committed_team.workspace.id},
        )
    recovery._not_before.clear()
    recovery.recover()
    assert (_count(), _count("prompt_draft_state")) == (0, 0)


def test_a_draft_outlives_its_version(tab: Tab, committed_team: factories.Team, drafted: Version) -> None:
    with unit_of_work() as session:
        second = factories.prompt(session, committed_team.admin, "tests/asked", temperature=1)
    tab = Tab(tab.client, tab.base)
    tab.types(TYPED, base="2")
    with unit_of_work() as session:
        version = files.get_version(session, session.merge(second.file), second.id)
        version.file = session.merge(second.file)
        files.delete_version(session, committed_team.admin, version)
    page = Tab(tab.client, tab.base).page
    assert typed_in(page) == TYPED
    assert ", on v1." in words(page)
    assert tab.types(f"{TYPED} More.", base="2").status_code in (200, 409)
