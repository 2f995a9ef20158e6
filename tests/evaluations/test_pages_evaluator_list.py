"""The list of evaluators by purpose, its search, and where an evaluator is used."""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from app.core.database import get_engine, unit_of_work
from app.evaluations.evaluator_editor.listing import PAGE_SIZE, list_by_purpose
from app.evaluators.kinds import all_kinds, kinds_by_purpose
from tests import factories
from tests.web import signed_in


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.split("<main")[1])).split())


@contextmanager
def _statements() -> Iterator[list[str]]:
    said: list[str] = []
    engine = get_engine()

    def note(_connection, _cursor, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_evaluators_stand_under_their_purpose_with_what_they_last_found(
    client: TestClient, committed_team: factories.Team
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        judge = factories.evaluator(session, admin, "exact", "Support/Right intent")
        factories.evaluator(session, admin, "rouge", "Summaries/Overlap")
        factories.evaluator(session, admin, "code", "Mine", code="def f(log): return True")
        version, rows = (
            factories.prompt(session, admin, "Support/Router"),
            factories.dataset(session, admin, 4),
        )
        evaluation = factories.evaluation(session, admin, version, judge)
        run = factories.started_run(session, admin, evaluation, version, rows)
        factories.finish_run(session, run, ["answer 0", "answer 1", "wrong", "answer 3"])
    client = signed_in(client, admin)
    page = client.get(f"/w/{committed_team.workspace.slug}/evaluators").text
    said = _words(page)

    assert re.findall(r'<h2 id="p\d">([^<]+)', page) == [
        "Comparison with a target",
        "Text overlap",
        "Your own code",
    ]
    exact = said.split("Right intent")[1].split("Text overlap")[0]
    assert "v1 Support Exact match 1 evaluation last run" in exact
    assert "75" in exact
    assert "Router v1, 4 rows" in exact
    assert "practice model, not an LLM" in exact
    assert "Overlap v1 Summaries ROUGE nowhere none yet" in said

    own = _words(client.get(f"/w/{committed_team.workspace.slug}/evaluators/{judge.file_id}").text)
    assert f"Used in 1 evaluation Evaluation With Last run {evaluation.name} Support/Router v1" in own


def test_a_search_looks_at_path_kind_and_purpose(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        factories.evaluator(session, committed_team.admin, "exact", "Support/Right intent")
        factories.evaluator(session, committed_team.admin, "rouge", "Summaries/Overlap")
    client = signed_in(client, committed_team.admin)
    url = f"/w/{committed_team.workspace.slug}/evaluators"

    for query, found in (
        ("support", ["Right intent"]),
        ("INTENT exact", ["Right intent"]),
        ("rouge", ["Overlap"]),
        ("comparison", ["Right intent"]),
        ("", ["Right intent", "Overlap"]),
        ("intent rouge", []),
    ):
        page = client.get(url, params={"q": query}).text
        assert [name for name in ("Right intent", "Overlap") if f">{name}</a>" in page] == found, query
    assert "Nothing matches “intent rouge”" in page
    assert 'value="intent rouge"' in page


def test_an_evaluator_that_is_part_of_others_says_so(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        exact = factories.evaluator(session, committed_team.admin, "exact", "Checks/Right")
        parts = [{"path": "Checks/Right", "version_id": exact.id, "spec": exact.spec}]
        whole = factories.evaluator(session, committed_team.admin, "composite", "Checks/All", parts=parts)
        gone = factories.evaluator(session, committed_team.admin, "composite", "Gone", parts=parts)
        session.execute(text("update file set deleted_at = now() where id = :id"), {"id": gone.file_id})
    pages = f"/w/{committed_team.workspace.slug}/evaluators"
    client = signed_in(client, committed_team.admin)
    page = client.get(f"{pages}/{exact.file_id}").text

    assert "part of Checks/All" in _words(client.get(pages).text)
    assert f'Part of <a href="{pages}/{whole.file_id}">Checks/All</a>' in page
    assert gone.file_id not in page


def test_what_is_gone_is_not_listed_and_what_is_unknown_is(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        gone = factories.evaluator(session, committed_team.admin, "exact", "Gone")
        old = factories.evaluator(session, committed_team.admin, "exact", "Old")
        session.execute(text("update file set deleted_at = now() where id = :id"), {"id": gone.file_id})
        session.execute(
            text("update version set spec = jsonb_set(spec::jsonb, '{kind}', '\"retired\"') where id = :id"),
            {"id": old.id},
        )
        other = factories.team(session)
        factories.evaluator(session, other.admin, "exact", "Theirs")
    said = _words(
        signed_in(client, committed_team.admin).get(f"/w/{committed_team.workspace.slug}/evaluators").text
    )

    assert "Not known here" in said
    assert "Old v1 retired" in said
    assert "Gone" not in said
    assert "Theirs" not in said


def test_an_empty_workspace_says_what_an_evaluator_is(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        session.execute(text("delete from file where kind = 'evaluator'"))
    page = signed_in(client, committed_team.admin).get(f"/w/{committed_team.workspace.slug}/evaluators").text

    assert "No evaluator yet" in page


def test_many_evaluators_come_in_pages_and_in_as_many_statements_as_one(
    session: Session, redis_url: str
) -> None:
    team = factories.team(session)
    kinds = [one.name for one in all_kinds() if not one.Options.model_json_schema().get("required")]
    kinds.remove("composite")  # it is made of others
    factories.evaluator(session, team.admin, "exact", "one")
    with _statements() as for_one:
        list_by_purpose(session, team.admin, "")
    for number in range(PAGE_SIZE + 20):
        factories.evaluator(session, team.admin, kinds[number % len(kinds)], f"f{number % 7}/number {number}")
    with _statements() as for_many:
        first = list_by_purpose(session, team.admin, "")
    second = list_by_purpose(session, team.admin, "", 2)

    assert len(for_many) == len(for_one)
    assert (first.found, first.total, first.pages) == (PAGE_SIZE + 21, PAGE_SIZE + 21, 2)
    listed = [line.entry.id for one in (first, second) for lines in one.sections.values() for line in lines]
    assert len(set(listed)) == len(listed) == PAGE_SIZE + 21
    assert list_by_purpose(session, team.admin, "", 3).sections == {}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sql", {"sql_match"}),
        ("ROUGE", {"rouge"}),
        ("card numbers", {"personal_data"}),
        ("zebra", set()),
    ],
)
def test_kinds_are_found_by_what_they_say(
    client: TestClient, committed_team: factories.Team, query: str, found: set[str]
) -> None:
    matching = {one.name for kinds in kinds_by_purpose(query).values() for one in kinds}
    assert found <= matching
    assert len(matching) < len(all_kinds()) / 2
    client = signed_in(client, committed_team.admin)
    page = client.get(
        f"/w/{committed_team.workspace.slug}/evaluators/new", params={"q": query, "path": "A/b"}
    ).text
    shown = set(re.findall(r"new\?kind=(\w+)\"", page))

    assert shown == (matching or {"code"})
    assert ("No kind matches" in page) == (not found)
