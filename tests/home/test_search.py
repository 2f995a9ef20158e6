"""The search over everything: what is found by which words, in which order, and for whom."""

import html
import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text, update

from app.core.access import Role
from app.core.database import get_engine, unit_of_work
from app.files import repository as files
from app.files.models import File
from app.home.search_words import marked, words_of
from app.home.searching import Found, search
from tests import factories
from tests.statements import recorded
from tests.web import signed_in, with_key


@pytest.fixture
def team(committed_team: factories.Team) -> factories.Team:
    """A workspace with files of every kind."""
    with unit_of_work() as session:
        admin = committed_team.admin
        factories.prompt(session, admin, "Support/Intent classifier")
        factories.prompt(session, admin, "Support/Intent classifier", temperature=0.5)
        factories.dataset(session, admin, 2, "Support/Banking intents")
        factories.evaluator(session, admin, "exact", "Docs/Right answer")
        factories.tool(session, admin, "Docs/search_docs")
        factories.flow(session, admin, "Support/Triage flow", commit="1")
        factories.agent(session, admin, "Support/agent-smith")
    return committed_team


def _search(team: factories.Team, words: str, principal=None, most: int = 8) -> Found:
    with unit_of_work() as session:
        return search(session, principal or team.admin, words, most=most)


def _titles(found: Found, group: str) -> list[str]:
    return [hit.title for each in found.groups if each.title == group for hit in each.hits]


def test_words_are_found_in_any_order_by_their_beginnings(team: factories.Team) -> None:
    for words in (
        "intent class",
        "class intent",
        "sup inte cla",
        "SUPPORT/intent",
        "  intent   classifier  ",
    ):
        assert _titles(_search(team, words), "Files")[0] == "Intent classifier", words
    assert _titles(_search(team, "docs search"), "Files") == ["search_docs"], "underscores divide words"
    assert _titles(_search(team, "smith"), "Files") == ["agent-smith"]
    assert _titles(_search(team, "lassifier"), "Files") == [], "not from the middle of a word"


def test_every_kind_of_file_leads_somewhere(client: TestClient, team: factories.Team) -> None:
    signed_in(client, team.admin)
    kinds = set()
    for words in ("classifier", "banking", "right", "search_docs", "triage", "smith"):
        (group, *_) = _search(team, words).groups
        hit = group.hits[0]
        kinds.add(hit.type)
        assert client.get(hit.url).status_code == 200, hit
    assert kinds == {"prompt", "dataset", "evaluator", "tool", "flow", "agent"}


def test_the_best_comes_first(committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        for path in ("z/reply", "reply/other", "a/reply drafter", "a/the reply", "b/reply drafter two"):
            factories.prompt(session, committed_team.admin, path)
        session.execute(text("update file set updated_at = now() - interval '1 day'"))
        newest = update(File).where(File.path == "b/reply drafter two").values(updated_at=text("now()"))
        session.execute(newest)
    found = _search(committed_team, "reply")
    assert _titles(found, "Files") == ["reply", "reply drafter two", "reply drafter", "the reply", "other"]
    assert [hit.path for hit in found.groups[0].hits][-1] == "reply/other"


def test_actions_on_files_are_found_by_what_is_to_be_done(team: factories.Team) -> None:
    assert _titles(_search(team, "deploy intent"), "Actions on files") == ["Deploy Intent classifier"]
    assert _titles(_search(team, "logs triage"), "Actions on files") == ["Logs of Triage flow"]
    assert "Deploy Intent classifier" in _titles(_search(team, "deploy"), "Actions on files")
    assert "Edit Intent classifier" in _titles(_search(team, "classifier"), "Actions on Intent classifier"), (
        "without a verb: what can be done with the first"
    )


def test_a_version_is_found_by_its_number(client: TestClient, team: factories.Team) -> None:
    found = _search(team, "intent v2")
    assert _titles(found, "Versions") == ["Intent classifier v2", "Compare v2 with v1"]
    signed_in(client, team.admin)
    for hit in found.groups[0].hits:
        assert client.get(hit.url).status_code == 200
    assert _titles(_search(team, "intent v9"), "Versions") == []


def test_pages_actions_evaluations_and_workspaces_are_found(team: factories.Team) -> None:
    with unit_of_work() as session:
        prompt = factories.prompt(session, team.admin, "Support/Intent classifier")
        exact = factories.evaluator(session, team.admin, "exact", "Docs/Right answer")
        factories.evaluation(session, team.admin, prompt, exact, name="Did the greeting help?")
    assert _titles(_search(team, "did greet"), "Evaluations") == ["Did the greeting help?"]
    assert _titles(_search(team, "set spen"), "Go to") == ["Spend"]
    assert _titles(_search(team, "import csv"), "Actions") == ["New dataset"]
    assert _titles(_search(team, "sign"), "Actions") == ["Sign out"]
    assert _search(team, "no such thing").groups == []


def test_only_what_the_role_may_do_is_offered(team: factories.Team) -> None:
    with unit_of_work() as session:
        viewer = factories.member(session, team.workspace, Role.VIEWER)
        member = factories.member(session, team.workspace, Role.MEMBER)
    assert _titles(_search(team, "new", viewer), "Actions") == []
    for person in (viewer, member):
        seen = _titles(_search(team, "deploy intent", person), "Actions on files")
        assert seen == ["Deployments of Intent classifier"], "which they may read"
    assert "New prompt" in _titles(_search(team, "new", member), "Actions")
    assert "Invite a person" not in _titles(_search(team, "invite", member), "Actions")
    seen = _titles(_search(team, "classifier", viewer), "Actions on Intent classifier")
    assert "Logs of Intent classifier" in seen
    assert not any(title.startswith(("Edit", "Delete", "Move")) for title in seen)


def test_nothing_of_another_workspace_nor_deleted_is_found(client: TestClient, team: factories.Team) -> None:
    with unit_of_work() as session:
        other = factories.team(session, "Elsewhere")
        gone = files.find_file_by_path(session, team.workspace.id, "Support/Banking intents")
        assert gone
        session.execute(update(File).where(File.id == gone.id).values(deleted_at=text("now()")))
    assert _titles(_search(team, "banking"), "Files") == []
    assert _titles(_search(other, "intent", other.admin), "Files") == []
    signed_in(client, other.admin)
    assert client.get(f"/w/{team.workspace.slug}/search?q=intent").status_code == 404


@pytest.mark.parametrize(
    "words", ["%", "_", "\\", "' or 1=1", "(", "[a-z]*", "\x00", "ß", "İ", "＇", "a" * 5_000, "x " * 2_000]
)
def test_whatever_is_asked_is_text(client: TestClient, team: factories.Team, words: str) -> None:
    signed_in(client, team.admin)
    answer = client.get(f"/w/{team.workspace.slug}/search", params={"q": words})
    assert answer.status_code == 200
    assert _titles(_search(team, words), "Files") == [] or not words_of(words)


def test_the_page_says_what_was_found_and_what_not(client: TestClient, team: factories.Team) -> None:
    signed_in(client, team.admin)
    url = f"/w/{team.workspace.slug}/search"
    page = client.get(url, params={"q": "intent"}).text
    assert "<mark>Intent</mark> classifier" in page
    assert "Banking <mark>intent</mark>s" in page
    assert 'role="option"' not in page
    assert "Nothing matches" in client.get(url, params={"q": "no such thing"}).text
    bare = client.get(url).text
    assert "Changed last" in bare
    assert "Sign out" in bare
    hostile = client.get(url, params={"q": '"><script>x</script>'}).text
    assert "<script>x" not in hostile


def test_the_palette_gets_options(client: TestClient, team: factories.Team) -> None:
    signed_in(client, team.admin)
    url = f"/w/{team.workspace.slug}/search"
    headers = {"hx-request": "true", "hx-target": "palette-results"}
    part = client.get(url, params={"q": "intent"}, headers=headers).text
    assert "<html" not in part
    ids = re.findall(r'role="option"[^>]* id="(palette-\d+)"', part)
    assert len(ids) == len(set(ids)) > 3
    assert 'data-said="intent"' in part
    assert html.escape("Search logs for “intent”") in part
    none = client.get(url, params={"q": "no such thing"}, headers=headers).text
    assert "Nothing here is called" in none
    assert "No results" in none


def test_the_api_finds_the_same(client: TestClient, team: factories.Team) -> None:
    with_key(client, team.admin)
    found = client.get("/v5/search", params={"q": "intent class"}).json()
    assert (found[0]["type"], found[0]["path"]) == ("prompt", "Support/Intent classifier")
    assert found[0]["url"].endswith(f"/prompts/{found[0]['id']}")
    assert all(each["url"] for each in client.get("/v5/search").json())
    assert client.get("/v5/search", params={"q": "x" * 201}).status_code == 422
    assert client.get("/v5/search", params={"size": 0}).status_code == 422


def test_two_thousand_files_take_the_same_few_statements(committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        one = factories.prompt(session, committed_team.admin, "many/first of all")
        session.execute(
            text("""
                insert into file (id, workspace_id, directory_id, kind, path)
                select 'pr_' || n, f.workspace_id, f.directory_id, 'prompt', 'many/' || (n % 50) || '/answer ' || n
                from file f, generate_series(1, 2000) n where f.id = :one
            """),
            {"one": one.file_id},
        )
    for words in ("", "answer", "answer 19", "deploy answer 7", "many v1", "nowhere"):
        with recorded(get_engine()) as statements:
            _search(committed_team, words)
        assert len(statements) <= 7, (words, statements)
    assert _search(committed_team, "answer 19").more


def test_what_was_searched_for_is_marked_where_words_begin() -> None:
    assert marked("Banking intents", ["intent"]) == [("Banking ", False), ("intent", True), ("s", False)]
    assert marked("search_docs", ["docs", "do"]) == [("search_", False), ("docs", True)]
    assert marked("pointintent", ["intent"]) == [("pointintent", False)]
    assert marked("İstanbul", ["stanbul"]) == [("İstanbul", False)]
    assert marked("", ["x"]) == []
