"""Two who type in the same prompt, or one person in two tabs: nobody loses a word."""

import html
import re

from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Role
from app.core.database import unit_of_work
from app.files.models import Version
from tests import factories
from tests.generations.draft_tab import TYPED, Tab, typed_in, words
from tests.web import csrf_of, signed_in


def _history(tab: Tab) -> list[str]:
    """What the states of the history say, newest first."""
    with unit_of_work() as session:
        found = session.scalars(
            text(
                "select content->'messages'->0->>'content' from prompt_draft_state order by at desc, id desc"
            )
        )
        return list(found)


def test_two_tabs_and_what_one_typed_is_kept_until_somebody_chooses(tab: Tab) -> None:
    tab.types("First tab.")
    other = Tab(tab.client, tab.base)
    assert other.types("Second tab.").status_code == 200
    lost = tab.types("First tab, more.")
    assert lost.status_code == 409
    assert "You changed this draft elsewhere" in words(lost.text)
    assert tab.types("First tab, more still.").status_code == 409
    assert _history(tab) == ["First tab, more still.", "First tab."], (
        "its last words, once; and what it had saved"
    )
    link = html.unescape(re.search(r'href="([^"]+/draft/diff[^"]+from=draft[^"]+)"', lost.text)[1])
    shown = words(tab.client.get(link).text)
    assert "Second tab." in shown
    assert "First tab, more still." in shown

    page = tab.presses("mine", "First tab, chosen.")
    assert "This is your draft now." in words(page)
    assert typed_in(Tab(tab.client, tab.base).page) == "First tab, chosen."
    assert "Second tab." in _history(tab)
    assert other.types("Second tab, on.").status_code == 409


def test_the_other_tabs_draft_can_be_taken_and_this_one_stays_in_the_history(tab: Tab) -> None:
    tab.types("First tab.")
    other = Tab(tab.client, tab.base)
    other.types("Second tab.")
    tab.types("First tab, more.")
    page = tab.presses("other", "First tab, at last.")
    assert typed_in(page) == "Second tab."
    assert _history(tab)[0] == "First tab, at last."
    assert tab.types("Second tab, by the first.").status_code == 200


def test_a_tab_that_was_closed_takes_nothing_over(tab: Tab) -> None:
    """The page of before a crash is gone: who opens the draft again has seen all of it."""
    tab.types(TYPED)
    assert Tab(tab.client, tab.base).types("After the crash.").status_code == 200


def test_somebody_elses_version_is_told_of_and_mine_goes_on_top(
    tab: Tab,
    client: TestClient,
    committed_team: factories.Team,
    drafted: Version,
) -> None:
    tab.types(TYPED)
    with unit_of_work() as session:
        bob = factories.member(session, committed_team.workspace, Role.MEMBER, "Bob Builder")
        template = [
            {"role": "system", "content": "Answer shortly."},
            {"role": "user", "content": "Asked: {{question}}"},
        ]
        factories.prompt(session, bob, "tests/asked", template=template, temperature=0.5)
    said = tab.types(f"{TYPED} More.")
    assert said.status_code == 200, "the draft is kept"
    assert "Bob Builder committed v2" in words(said.text)
    assert "Your draft stands on v1." in words(said.text)
    assert "Bob Builder committed v2" in words(Tab(client, tab.base).page), (
        "also to who opens the editor then"
    )
    theirs = client.get(f"{tab.base}/draft/diff?base=1&from=v2&to=draft").text
    assert "<ins>, in {{style}}. More</ins>" in theirs

    page = tab.presses("rebase", f"{TYPED} More.")
    assert "Your draft stands on v2 now" in words(page)
    assert "Both changed" not in words(page)
    assert typed_in(page) == f"{TYPED} More."
    assert "Asked: {{question}}" in page, "what only Bob changed is his"
    assert 'name="temperature" value="0.5"' in page
    assert 'name="base" value="2"' in page
    assert f"{TYPED} More." in _history(tab)
    assert typed_in(Tab(client, tab.base).page) == f"{TYPED} More."


def test_what_both_changed_is_named_and_theirs_can_be_taken(
    tab: Tab,
    client: TestClient,
    committed_team: factories.Team,
) -> None:
    tab.types(TYPED, temperature="0.2")
    with unit_of_work() as session:
        template = [
            {"role": "system", "content": "Answer in a word."},
            {"role": "user", "content": "{{question}}"},
        ]
        factories.prompt(session, committed_team.admin, "tests/asked", template=template, temperature=0.5)
    assert "You committed v2" in words(tab.types(TYPED, temperature="0.3").text)
    page = tab.presses("theirs", TYPED, temperature="0.3")
    assert typed_in(page) == "Answer in a word."
    assert 'name="base" value="2"' in page
    undo = re.search(r'value="(restore:[^"]+)"', page)[1]
    page = tab.presses(undo, "Answer in a word.", base="2", temperature="0.5")
    assert typed_in(page) == TYPED
    page = tab.presses("rebase", TYPED, base="1", temperature="0.3")
    assert "Both changed the system message, temperature: yours stands here" in words(page)
    assert typed_in(page) == TYPED
    assert 'name="temperature" value="0.3"' in page


def test_who_else_is_at_a_draft_is_said_while_they_are(
    tab: Tab,
    client: TestClient,
    committed_team: factories.Team,
) -> None:
    tab.types(TYPED)
    with unit_of_work() as session:
        bob = factories.member(session, committed_team.workspace, Role.MEMBER, "Bob Builder")
    client.cookies.clear()
    theirs = Tab(signed_in(client, bob), tab.base)
    assert "Ada Admin has a draft of this open, too" in words(theirs.page)
    assert TYPED not in theirs.page
    with unit_of_work() as session:
        session.execute(text("update prompt_draft set saved_at = now() - interval '6 minutes'"))
    assert "Ada Admin" not in words(theirs.types("Bob's.").text)


def test_a_commit_that_was_overtaken_asks_once_more(
    tab: Tab,
    client: TestClient,
    committed_team: factories.Team,
    drafted: Version,
) -> None:
    form = {
        "_csrf": csrf_of(client), "base": "1", "newest": "1", "note": "mine",
        "spec": '{"model": "practice-1", "provider": "practice", "template": [{"role": "user", "content": "Hi"}]}',
    }  # fmt: skip
    with unit_of_work() as session:
        bob = factories.member(session, committed_team.workspace, Role.MEMBER, "Bob Builder")
        factories.prompt(session, bob, "tests/asked", temperature=0.5)
    overtaken = client.post(f"{tab.base}/commit", data=form)
    assert overtaken.status_code == 409
    assert "Bob Builder committed v2 while you looked. Nothing was committed." in words(overtaken.text)
    assert 'value="mine"' in overtaken.text, "the reason is still there"
    assert client.post(f"{tab.base}/commit", data=form | {"newest": "2"}).status_code == 303
    again = client.post(f"{tab.base}/review", data={"base": "1", "model": "m", "_csrf": csrf_of(client)})
    assert "v3 is the newest, by Ada Admin" in words(again.text)


def test_the_history_has_a_state_a_minute_and_what_goes_away_at_once(tab: Tab, client: TestClient) -> None:
    tab.types("one")
    tab.types("one two")
    assert _history(tab) == [], "it has hardly changed"
    with unit_of_work() as session:
        session.execute(text("update prompt_draft set began_at = now() - interval '2 minutes'"))
    tab.types("one two three")
    assert _history(tab) == ["one two"]
    tab.types("word " * 100)
    tab.types("gone")
    assert _history(tab) == ["word " * 100, "one two"]

    page = client.get(f"{tab.base}/draft/history").text
    assert "your draft now" in words(page)
    assert page.count("+1 −1") == 2
    state = re.findall(r"/draft/history/(dst_\w+)", page)[-1]
    looked = client.get(f"{tab.base}/draft/diff?base=1&from={state}&to=draft").text
    assert "gone" in looked
    back = client.post(f"{tab.base}/draft/history/{state}", data={"_csrf": csrf_of(client)})
    assert back.status_code == 303
    assert typed_in(client.get(back.headers["location"]).text) == "one two"
    assert _history(tab)[0] == "gone", "what it said just before is there, too"
