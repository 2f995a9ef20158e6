"""The tree of files, and making, moving and deleting what is in it."""

import html
import re

import pytest
from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from tests import factories
from tests.web import csrf_of, signed_in

KINDS = ("prompts", "datasets", "evaluators")


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture
def url(client: TestClient, committed_team: factories.Team) -> str:
    """The files of a workspace that its admin looks at."""
    signed_in(client, committed_team.admin)
    return f"/w/{committed_team.workspace.slug}"


def test_an_empty_workspace_says_what_files_are(client: TestClient, url: str) -> None:
    assert "No file yet" in client.get(f"{url}/files").text


def test_the_tree_shows_folders_versions_rows_and_scores(
    client: TestClient, committed_team: factories.Team, url: str
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        prompt = factories.prompt(session, admin, "Support/Deep/Classifier")
        rows = factories.dataset(session, admin, 40, "Support/Rows")
        exact = factories.evaluator(session, admin, "exact", "Judges/Exact")
        evaluation = factories.evaluation(session, admin, prompt, exact)
        run = factories.started_run(session, admin, evaluation, prompt, rows)
        factories.finish_run(session, run, [f"answer {n}" if n < 30 else "no" for n in range(40)])
    words = _words(client.get(f"{url}/files").text.split("<main")[1])
    assert (
        words.index("Judges 1") < words.index("Support 2") < words.index("Deep 1") < words.index("Classifier")
    )
    assert "75.0% 59.8–85.8 Exact, v1, 40 rows" in words
    assert "40 rows" in words
    assert "production v1" in words
    assert "Classifier" not in _words(client.get(f"{url}/files/Judges").text.split("<main")[1])
    only = _words(client.get(f"{url}/files?kind=dataset").text.split("<main")[1])
    assert "Rows" in only
    assert "Classifier" not in only
    closed = _words(client.get(f"{url}/files?closed=Support").text.split("<main")[1])
    assert "Support 2" in closed
    assert "Deep" not in closed
    assert "Classifier" not in closed
    assert "Classifier" in _words(client.get(f"{url}/files?closed=Support&q=class").text.split("<main")[1])
    nothing = _words(client.get(f"{url}/files?q=zzz").text)
    assert "Nothing matches" in nothing
    assert "Clear" in nothing


def test_a_file_path_leads_to_its_page_and_an_unknown_one_nowhere(
    client: TestClient, committed_team: factories.Team, url: str
) -> None:
    with unit_of_work() as session:
        prompt = factories.prompt(session, committed_team.admin, "here/prompt")
    answer = client.get(f"{url}/files/here/prompt")
    assert answer.headers["location"] == f"{url}/prompts/{prompt.file_id}"
    assert client.get(f"{url}/files/nowhere").status_code == 404


def test_folders_are_made_and_a_bad_name_is_said(client: TestClient, url: str) -> None:
    done = client.post(f"{url}/folders", data={"_csrf": csrf_of(client), "path": "a/b"})
    assert done.headers["location"] == f"{url}/files/a/b"
    assert "This folder is empty" in client.get(f"{url}/files/a/b").text
    refused = client.post(f"{url}/folders", data={"_csrf": csrf_of(client), "path": "..", "folder": "a"})
    assert refused.status_code == 422
    assert "only dots" in refused.text


def test_moving_keeps_the_file_and_refuses_a_taken_path(
    client: TestClient, committed_team: factories.Team, url: str
) -> None:
    with unit_of_work() as session:
        prompt = factories.prompt(session, committed_team.admin, "one")
        factories.prompt(session, committed_team.admin, "two")
    at = f"{url}/files-at/{prompt.file_id}/move"
    taken = client.post(at, data={"_csrf": csrf_of(client), "path": "two"})
    assert taken.status_code == 422
    assert "is taken" in taken.text
    assert 'value="two"' in taken.text
    done = client.post(at, data={"_csrf": csrf_of(client), "path": "new/place"})
    assert done.headers["location"] == f"{url}/files/new"
    assert f"{url}/prompts/{prompt.file_id}" in client.get(f"{url}/files/new").text


def test_deleting_names_the_consequence_and_needs_the_right_person(
    client: TestClient, committed_team: factories.Team, url: str
) -> None:
    with unit_of_work() as session:
        prompt = factories.prompt(session, committed_team.admin, "live one")
        member = factories.member(session, committed_team.workspace, Role.MEMBER)
    at = f"{url}/files-at/{prompt.file_id}/delete"
    words = _words(client.get(at).text)
    assert "It runs in production : callers there will get “not found”" in words
    client.cookies.clear()
    signed_in(client, member)
    refused = client.post(at, data={"_csrf": csrf_of(client)})
    assert refused.status_code == 403
    assert "Members delete only what they made" in refused.text
    client.cookies.clear()
    signed_in(client, committed_team.admin)
    assert client.post(at, data={"_csrf": csrf_of(client)}).status_code == 303
    assert client.get(f"{url}/prompts/{prompt.file_id}").status_code == 404


def test_a_page_stays_small_however_many_files_there_are(
    client: TestClient, committed_team: factories.Team, url: str
) -> None:
    with unit_of_work() as session:
        for n in range(420):
            factories.prompt(
                session, committed_team.admin, f"Team {n // 20:02}/Prompt that does something {n:03}"
            )
    first = client.get(f"{url}/files")
    assert len(first.content) < 60_000
    words = _words(first.text.split("<main")[1])
    assert "20 more of 421" in words, "420 files in 21 folders"
    seen = set(re.findall(r"something (\d{3})</a>", first.text.split("<main")[1]))
    page = 1
    while match := re.search(r'href="([^"]*page=(\d+))" hx-get', html.unescape(first.text)):
        page = int(match[2])
        first = client.get(match[1])
        seen |= set(re.findall(r"something (\d{3})</a>", first.text.split("<main")[1]))
    assert page == 23
    assert len(seen) == 420
    assert "Nothing matches" not in client.get(f"{url}/files?page=99").text


@pytest.mark.parametrize("folder", ["100% sure", "a/b?", "ümlaut #1", "a+b & c"])
def test_every_link_to_a_folder_leads_there_whatever_its_name(
    client: TestClient, committed_team: factories.Team, url: str, folder: str
) -> None:
    made = client.post(f"{url}/folders", data={"_csrf": csrf_of(client), "path": folder})
    with unit_of_work() as session:
        admin, inside = committed_team.admin, f"{folder}/inside"
        files = [
            factories.prompt(session, admin, f"{inside}/prompt"),
            factories.dataset(session, admin, 1, f"{inside}/rows"),
            factories.evaluator(session, admin, "exact", f"{inside}/exact"),
        ]
    pages = [f"{url}/{kind}/{version.file_id}" for kind, version in zip(KINDS, files, strict=True)]
    seen = set()
    for page in (f"{url}/files", made.headers["location"], *pages):
        links = {
            html.unescape(each)
            for each in re.findall(r'(?:href|hx-get|action)="([^"]*/files/[^"]*)"', client.get(page).text)
        }
        assert links, page
        seen |= links
    shown = {re.search(r"<h1>(.*?)</h1>", client.get(link).text).group(1) for link in seen}
    parts = {html.escape(part, quote=False) for part in [*folder.split("/"), "inside"]}
    assert shown == parts
    assert all(client.get(link).status_code == 200 for link in seen)


def test_a_large_tree_comes_in_pages_in_one_order_and_counts_what_is_left(
    client: TestClient, committed_team: factories.Team, url: str
) -> None:
    with unit_of_work() as session:
        names = ["b", "B2", "a_b", "a-b", "A/z", "A/Y", "é", "A%c", *(f"n{n:02}" for n in range(30))]
        for name in names:
            factories.prompt(session, committed_team.admin, f"T/{name}")
    pages = [client.get(f"{url}/files/T?page={page}").text.split("<main")[1] for page in (1, 2, 3)]
    seen = [re.findall(r'<a class="plain truncate"[^>]*>([^<]+)</a>', page) for page in pages]
    assert [len(each) for each in seen] == [20, 19, 0]
    assert seen[0] + seen[1] == [
        "A", "Y", "z", "A%c", "a-b", "a_b", "b", "B2", *(f"n{n:02}" for n in range(30)), "é",
    ]  # fmt: skip
    assert "19 more of 19" in pages[0]
    assert "more of" not in pages[1]
    assert "Nothing matches" in _words(client.get(f"{url}/files?kind=nonsense").text)
