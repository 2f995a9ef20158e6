"""What must not be lost, however somebody types, discards, goes on elsewhere, or is overtaken."""

import html
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.files.models import Version
from app.generations import draft_repository, drafts
from app.generations.draft import draft_of
from app.generations.draft_content import stored
from app.prompts.spec import parse_spec
from tests import factories
from tests.generations.draft_tab import TYPED, Tab, base, form_of, typed_in, words
from tests.web import csrf_of, signed_in, with_key

LONG = "A long paragraph, typed with care. " * 10
DAY = timedelta(days=1)


def _history(value: str = "content->'messages'->0->>'content'") -> list[Any]:
    """Of each state of the history, the last added first: what it says, or something else of it."""
    with unit_of_work() as session:
        return list(session.scalars(text(f"select {value} from prompt_draft_state order by added_at desc")))


def _drafts() -> list[str]:
    with unit_of_work() as session:
        return list(session.scalars(text("select content->'messages'->0->>'content' from prompt_draft")))


def _age(column: str, by: timedelta) -> None:
    table, column = column.split(".")
    with unit_of_work() as session:
        session.execute(text(f"update {table} set {column} = {column} - :by"), {"by": by})


def _said(version: Version, said: str) -> dict[str, Any]:
    draft = draft_of(version.spec)
    draft.messages[0]["content"] = said
    return stored(draft)


def _desk(team: factories.Team, version: Version) -> drafts.Desk:
    return drafts.desk_of(team.admin, version.file, version, version)


def _commit(tab: Tab, content: str) -> None:
    review = tab.client.post(f"{tab.base}/review", data=form_of(tab.client, tab.marks, content)).text
    spec = html.unescape(re.search(r'name="spec" value="([^"]*)"', review)[1])
    form = {"_csrf": csrf_of(tab.client), "base": "1", "spec": spec, "note": "better"}
    assert tab.client.post(f"{tab.base}/commit", data=form).status_code == 303


@contextmanager
def _meanwhile() -> Iterator[Callable[[Callable[[], Any]], Future[Any]]]:
    """Start something that is held up by what this thread has locked, and go on once it is."""
    with ThreadPoolExecutor(1) as other:

        def start(work: Callable[[], Any]) -> Future[Any]:
            doing = other.submit(work)
            waits = text(
                "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' limit 1"
            )
            for _ in range(200):
                with unit_of_work() as session:
                    if doing.done() or session.scalar(waits):
                        break
                time.sleep(0.05)
            assert not doing.done(), "it waits"
            return doing

        yield start


@pytest.mark.parametrize("way", ["typed over", "discarded"])
def test_an_old_draft_that_goes_today_is_kept_however_much_was_typed_since(
    tab: Tab, client: TestClient, committed_team: factories.Team, drafted: Version, way: str
) -> None:
    tab.types(LONG)
    _age("prompt_draft.saved_at", 89 * DAY)
    with unit_of_work() as session:
        for n in range(draft_repository.MOST_STATES):
            drafts.remember(session, _desk(committed_team, drafted), _said(drafted, f"{n}"), drafts.REPLACED)
    if way == "typed over":
        assert Tab(client, tab.base).types("new").status_code == 200
    else:
        with_key(client, committed_team.admin)
        assert client.delete(f"/v5/prompts/{drafted.file_id}/draft").status_code == 204
    assert LONG in _history()
    assert len(_history()) == draft_repository.MOST_STATES
    _age("prompt_draft_state.at", 5 * DAY)
    _age("prompt_draft_state.added_at", 5 * DAY)
    with unit_of_work() as session:
        drafts.delete_old(session)
    assert LONG in _history()


def test_typing_pushes_nothing_out_that_was_discarded(
    committed_team: factories.Team, drafted: Version
) -> None:
    with unit_of_work() as session:
        desk = _desk(committed_team, drafted)
        drafts.remember(session, desk, _said(drafted, LONG), drafts.DISCARDED)
        for n in range(draft_repository.MOST_STATES + 5):
            drafts.remember(session, desk, _said(drafted, f"typed {n}"), drafts.TYPED)
    assert LONG in _history()


def test_of_too_much_at_all_typing_goes_first(committed_team: factories.Team, drafted: Version) -> None:
    with unit_of_work() as session:
        desk = _desk(committed_team, drafted)
        drafts.remember(session, desk, _said(drafted, LONG), drafts.DISCARDED)
        drafts.remember(session, desk, _said(drafted, "typed"), drafts.TYPED)
        session.execute(
            text("update prompt_draft_state set size_bytes = :all"),
            {"all": draft_repository.MOST_STATE_BYTES // 2},
        )
        drafts.remember(session, desk, _said(drafted, "typed on"), drafts.TYPED)
    assert _history() == ["typed on", LONG]


def test_the_draft_that_is_one_too_many_goes_into_its_history(
    committed_team: factories.Team, drafted: Version
) -> None:
    with unit_of_work() as session:
        desk = _desk(committed_team, drafted)
        for n in range(draft_repository.MOST_DRAFTS + 2):
            there = drafts.Desk(
                draft_repository.Place(desk.place.workspace_id, desk.place.user_id, drafted.file_id, n + 10)
            )
            drafts.keep(session, there, _said(drafted, f"draft {n}"), drafts.Mark("tab"))
            session.execute(text("update prompt_draft set saved_at = saved_at - interval '1 minute'"))
    assert len(_drafts()) == draft_repository.MOST_DRAFTS
    assert _history() == ["draft 1", "draft 0"]
    assert _history("base_number") == [11, 10]


def test_who_goes_on_where_another_tab_saved_loses_nothing_that_goes_at_once(tab: Tab) -> None:
    tab.types("First tab.")
    Tab(tab.client, tab.base).types("Second tab.")
    for more in (LONG[:-5], LONG, LONG[:-3]):
        assert tab.types(more).status_code == 409
    assert _history() == [LONG[:-3], "First tab."], "one state, while it hardly changes"
    assert tab.types("y").status_code == 409
    assert _history() == ["y", LONG[:-3], "First tab."]
    _age("prompt_draft_state.added_at", timedelta(minutes=2))
    assert tab.types("yes").status_code == 409
    assert _history() == ["yes", "y", LONG[:-3], "First tab."], "a state a minute"
    assert _history("why") == ["elsewhere", "typed", "elsewhere", "replaced"]
    assert _history("added")[0] == 1


def test_what_was_put_aside_is_not_written_over_by_what_is_typed_next(tab: Tab) -> None:
    tab.types("First tab.")
    other = Tab(tab.client, tab.base)
    other.types("Second tab.")
    tab.types("First tab, more.")
    tab.presses("other", "First tab, more.")
    other.presses("mine", "Second tab, more.")
    assert tab.types("Something else.").status_code == 409
    assert "First tab, more." in _history()


def test_two_tabs_that_both_go_on_keep_a_state_each(tab: Tab) -> None:
    third, second = Tab(tab.client, tab.base), Tab(tab.client, tab.base)
    second.types("Second tab.")
    for n in range(5):
        tab.types(f"First tab. {n}")
        third.types(f"Third tab. {n}")
    assert _history() == ["Third tab. 4", "First tab. 4"]
    _age("prompt_draft.began_at", timedelta(minutes=2))
    second.types("Second tab, more.")
    assert "Second tab." in _history(), "what the others type does not put it off"


def test_what_was_discarded_outlives_a_commit_though_it_was_there_as_typed(tab: Tab) -> None:
    tab.types(LONG)
    tab.types("x")
    tab.types(LONG)
    assert _history() == [LONG]
    tab.presses("discard", LONG)
    assert _history("why") == ["discarded"]
    tab.types(TYPED)
    _commit(tab, TYPED)
    assert _history() == [LONG]
    assert _drafts() == []


def test_a_commit_leaves_what_another_tab_typed(tab: Tab) -> None:
    tab.types(LONG)
    tab.types("short")
    other = Tab(tab.client, tab.base)
    other.types(TYPED)
    _commit(other, TYPED)
    assert _history() == ["short", LONG]


def test_of_two_who_begin_at_one_moment_both_stay(committed_team: factories.Team, drafted: Version) -> None:
    desk = _desk(committed_team, drafted)

    def second() -> None:
        with unit_of_work() as session:
            drafts.replace_with(session, desk, _said(drafted, "second"), drafts.Mark())

    with _meanwhile() as start, unit_of_work() as session:
        drafts.keep(session, desk, _said(drafted, "first"), drafts.Mark("tab"))
        session.flush()
        doing = start(second)
        session.commit()
        doing.result(20)
    assert (_drafts(), _history()) == (["second"], ["first"])


def test_a_key_that_was_overtaken_at_this_moment_is_told(
    tab: Tab, client: TestClient, committed_team: factories.Team, drafted: Version
) -> None:
    tab.types(TYPED)
    with_key(client, committed_team.admin)
    url = f"/v5/prompts/{drafted.file_id}/draft"
    body = {"content": drafted.spec | {"temperature": 0.5}, "revision": client.get(url).json()["revision"]}
    with _meanwhile() as start, unit_of_work() as session:
        _keeps(session, _desk(committed_team, drafted), _said(drafted, "Typed meanwhile."), tab)
        doing = start(lambda: client.put(url, json=body).status_code)
        session.commit()
        assert doing.result(20) == 409
    assert _drafts() == ["Typed meanwhile."]


def _keeps(session: Session, desk: drafts.Desk, content: dict[str, Any], tab: Tab) -> None:
    drafts.keep(session, desk, content, drafts.Mark(tab.marks["tab"]))
    session.flush()


def test_a_commit_while_a_saving_waits_leaves_no_draft(
    tab: Tab, committed_team: factories.Team, drafted: Version
) -> None:
    tab.types("Before.")
    spec = parse_spec(
        drafted.spec | {"template": [{"role": "system", "content": TYPED}, drafted.spec["template"][1]]}
    )
    with _meanwhile() as start, unit_of_work() as session:
        factories.prompt(session, committed_team.admin, "tests/asked", template=spec.content()["template"])
        drafts.settle(session, _desk(committed_team, drafted), spec)
        doing = start(lambda: tab.types(TYPED).status_code)
        session.commit()
        assert doing.result(20) == 200
    assert _drafts() == []


def test_an_older_saving_of_the_same_page_does_not_come_over_a_newer_one(tab: Tab) -> None:
    before = dict(tab.marks)
    tab.types("one", turn="1000")
    tab.types("one two three", turn="3000")
    tab.marks = before
    late = tab.types("one two", turn="2000")
    assert late.status_code == 409
    assert _drafts() == ["one two three"]
    assert "one two" in _history(), "it is not lost either"
    assert tab.types("one two three four", turn="3001").status_code == 200
    assert tab.types("one two three four five").status_code == 200, "a page without a script counts nothing"


def test_inputs_that_were_typed_go_into_the_history_with_the_next_row(tab: Tab) -> None:
    with unit_of_work() as session:
        rows = session.scalar(text("select id from file where path = 'tests/rows'"))
    chosen = {"dataset": rows, "row": "2", "input.question": "typed by hand"}
    tab.types("Answer shortly.", **chosen)
    page = tab.presses("row:3", "Answer shortly.", **chosen)
    assert "typed by hand" not in page
    assert _history("content->'inputs'->>'question'") == ["typed by hand"]


@pytest.mark.parametrize(
    ("change", "kept"), [({"path": "support/a long path"}, 1), ({"model": "practice-2"}, 1), ({}, 0)]
)
def test_a_new_prompts_path_and_model_are_kept_alone(
    client: TestClient, committed_team: factories.Team, drafted: Version, change: dict[str, str], kept: int
) -> None:
    new = Tab(signed_in(client, committed_team.admin), base(committed_team, "new"))
    shown = {
        name: re.search(rf'name="{name}"[^>]*? value="([^"]*)"', new.page)[1] for name in ("model", "path")
    }
    provider = re.search(r'<option value="([^"]*)" selected', new.page.split('name="provider"')[1])[1]
    form = shown | {"base": "", "provider": provider, "output": "text"} | change
    assert new.types("Answer in one sentence.", **form).status_code == 200
    assert len(_drafts()) == kept
    for name, value in change.items():
        assert f'name="{name}"' in (page := Tab(client, new.base).page)
        assert f'value="{value}"' in page


@pytest.mark.parametrize("inputs", [{"input.question": "Why?", "input.style": "short"}, {}])
def test_what_cannot_be_kept_takes_nothing_away(tab: Tab, inputs: dict[str, str]) -> None:
    tab.types(TYPED)
    page = tab.presses("discard", "long " * 900_000, **inputs)
    assert "up to 4 MiB are kept" in words(page)
    assert _drafts() == [TYPED]
    assert typed_in(Tab(tab.client, tab.base).page) == TYPED


def test_what_stood_on_another_version_is_put_aside_on_that(
    tab: Tab, client: TestClient, committed_team: factories.Team
) -> None:
    tab.types(LONG)
    page = tab.presses("discard", LONG)
    undo = re.search(r'value="(restore:[^"]+)"', page)[1]
    with unit_of_work() as session:
        factories.prompt(session, committed_team.admin, "tests/asked", temperature=0.5)
    second = Tab(client, tab.base)
    assert typed_in(second.presses(undo, "On v2.", base="2", temperature="0.5")) == LONG
    assert (_history()[0], _history("base_number")[0]) == ("On v2.", 2)
