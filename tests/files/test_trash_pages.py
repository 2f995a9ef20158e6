"""The pages that delete, undo, restore and copy, without any script."""

import html
import re

import pytest
from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from app.files import directories, service
from app.tools import variables
from app.tools.schemas import VariableGiven
from tests import factories
from tests.web import csrf_of, signed_in


def _main(page: str) -> str:
    said = page.split("<main")[1] if "<main" in page else page
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", said)).split())


def _post(client: TestClient, url: str, **form: str) -> str:
    """Where the answer leads."""
    answer = client.post(url, data={"_csrf": csrf_of(client), **form})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


@pytest.fixture
def url(client: TestClient, committed_team: factories.Team) -> str:
    """A workspace that its admin looks at."""
    signed_in(client, committed_team.admin)
    return f"/w/{committed_team.workspace.slug}"


@pytest.fixture
def file_id(committed_team: factories.Team) -> str:
    with unit_of_work() as session:
        return factories.prompt(session, committed_team.admin, "support/answer").file_id


def test_deleting_leads_to_what_was_deleted_and_undo_brings_it_back(
    client: TestClient, url: str, file_id: str
) -> None:
    asked = _main(client.get(f"{url}/files-at/{file_id}/delete").text)
    assert "It goes to the trash , from which it can be restored as it is." in asked
    landed = _post(client, f"{url}/files-at/{file_id}/delete")
    assert landed.startswith(f"{url}/files/support?deleted=del_")
    page = client.get(landed).text
    assert "support/answer is in the trash ." in _main(page)
    undo = re.search(r'action="([^"]*/deletions/[^"]*/restore)"', page)
    assert undo
    back = _post(client, undo[1])
    assert back.startswith(f"{url}/files/support?restored=")
    assert "support/answer is back." in _main(client.get(back).text)
    assert client.get(f"{url}/prompts/{file_id}").status_code == 200
    assert "Undo" not in _main(client.get(landed).text), "the address from before says nothing that is not so"
    again = client.post(undo[1], data={"_csrf": csrf_of(client)})
    assert again.status_code == 404
    assert "somebody brought it back" in again.text


def test_a_folder_is_deleted_with_what_lies_in_it_and_comes_back(
    client: TestClient, committed_team: factories.Team, url: str, file_id: str
) -> None:
    with unit_of_work() as session:
        factories.dataset(session, committed_team.admin, 1, "support/deep/rows")
        factories.prompt(session, committed_team.admin, "support/deep/more")
        folder = directories.get_directory_by_path(session, committed_team.admin, "support").id
    way = f"{url}/folders/{folder}/delete"
    assert way in client.get(f"{url}/files/support").text
    assert way in client.get(f"{url}/files").text
    asked = _main(client.get(way).text)
    assert "2 prompts and 1 dataset lie in it and below." in asked
    assert "production : callers there will get “not found”" in asked
    landed = _post(client, way)
    page = client.get(landed).text
    assert "The folder support is deleted; 3 files of it are in the trash ." in _main(page)
    listed = _main(client.get(f"{url}/trash").text)
    assert "with the folder support , and 2 more" in listed
    together = client.get(f"{url}/trash?deletion={landed.rpartition('=')[2]}").text
    assert "Deleted with the folder support" in _main(together)
    assert "Restore all 3 files" in _main(together)
    with unit_of_work() as session:
        factories.prompt(session, committed_team.admin, "support/answer")
    undo = re.search(r'action="([^"]*/deletions/[^"]*/restore)"', page)
    assert undo
    back = _post(client, undo[1])
    words = _main(client.get(back).text)
    assert "3 files are back." in words
    assert "support/answer (restored) is back: something else lies at support/answer now." in words
    assert "support/deep/more is back" not in words, "those that lie where they lay are not named"


def test_an_empty_folder_can_be_undone_too(
    client: TestClient, committed_team: factories.Team, url: str
) -> None:
    with unit_of_work() as session:
        folder = directories.create_directory(session, committed_team.admin, "only/this").id
    assert "No file lies in it" in _main(client.get(f"{url}/folders/{folder}/delete").text)
    landed = _post(client, f"{url}/folders/{folder}/delete")
    page = client.get(landed).text
    assert "The folder only/this is deleted." in _main(page)
    undo = re.search(r'action="([^"]*/deletions/[^"]*/restore)"', page)
    assert undo
    assert client.get(_post(client, undo[1])).status_code == 200
    with unit_of_work() as session:
        assert directories.get_directory_by_path(session, committed_team.admin, "only/this")


def test_the_trash_lists_searches_and_restores(
    client: TestClient, committed_team: factories.Team, url: str, file_id: str
) -> None:
    empty = client.get(f"{url}/trash").text
    assert "The trash is empty" in _main(empty)
    assert f'href="{url}/trash"' in client.get(url).text, "the sidebar leads there"
    assert "Trash" in client.get(f"{url}/search?q=trash").text
    with unit_of_work() as session:
        admin = committed_team.admin
        version = factories.prompt(session, admin, "support/answer", temperature=0.5)
        factories.logged(session, admin, version, output="x")
        service.delete_file(session, admin, version.file)
        other = factories.tool(session, admin, "docs/search").file
        service.delete_file(session, admin, other)
    words = _main(client.get(f"{url}/trash").text)
    assert words.index("docs/search") < words.index("support/answer"), "what was deleted last comes first"
    assert re.search(r"support/answer .*Ada Admin 2 1 ", words)
    assert "docs/search" not in _main(client.get(f"{url}/trash?q=ANSW").text)
    assert "No file with “nothing” in its path is in the trash." in _main(
        client.get(f"{url}/trash?q=nothing").text
    )
    assert "Nothing matches" in _main(client.get(f"{url}/trash?deletion=del_x").text)
    way = f"{url}/trash/{file_id}/restore"
    assert 'value="support/answer"' in client.get(way).text
    refused = client.post(way, data={"_csrf": csrf_of(client), "path": "a/.."})
    assert refused.status_code == 422
    assert "only dots" in refused.text
    assert 'value="a/.."' in refused.text
    assert _post(client, way, path="else/where").startswith(f"{url}/files/else?restored=")
    assert _post(client, f"{url}/trash/{other.id}/restore").startswith(f"{url}/files/docs?restored=")
    assert client.get(way).status_code == 404


def test_a_long_trash_comes_in_pages(client: TestClient, committed_team: factories.Team, url: str) -> None:
    with unit_of_work() as session:
        for n in range(52):
            service.delete_file(session, committed_team.admin, factories.flow(session, committed_team.admin, f"f/{n:02}").file)  # fmt: skip
    first = client.get(f"{url}/trash").text
    assert len(first) < 90_000
    assert "2 older of 2" in _main(first)
    assert first.count('/restore"') > 50
    second = _main(client.get(f"{url}/trash?page=2").text)
    assert "f/00" in second
    assert "f/02" not in second
    assert "Newer" in second
    assert client.get(f"{url}/trash?page=99").status_code == 200


def test_who_may_not_delete_sees_the_trash_and_why(
    client: TestClient, committed_team: factories.Team, url: str, file_id: str
) -> None:
    with unit_of_work() as session:
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
        member = factories.member(session, committed_team.workspace, Role.MEMBER)
    landed = _post(client, f"{url}/files-at/{file_id}/delete")
    client.cookies.clear()
    signed_in(client, viewer)
    page = client.get(f"{url}/trash").text
    assert "support/answer" in page
    assert "This needs the role admin or developer or member" in page
    assert '/restore"' not in page
    assert "Undo" not in _main(client.get(landed).text)
    client.cookies.clear()
    signed_in(client, member)
    refused = client.post(f"{url}/trash/{file_id}/restore", data={"_csrf": csrf_of(client)})
    assert refused.status_code == 403
    assert "Members bring back only what they made" in refused.text


def test_a_page_of_another_workspace_tells_nothing(
    client: TestClient, committed_team: factories.Team, url: str, file_id: str
) -> None:
    landed = _post(client, f"{url}/files-at/{file_id}/delete")
    with unit_of_work() as session:
        other = factories.team(session)
        own = factories.prompt(session, other.admin, "mine").file
    client.cookies.clear()
    signed_in(client, other.admin)
    theirs = f"/w/{other.workspace.slug}"
    deletion = landed.rpartition("=")[2]
    assert "support/answer" not in client.get(f"{theirs}/files?deleted={deletion}").text
    assert "support/answer" not in client.get(f"{theirs}/files?restored={file_id}").text
    assert "support/answer" not in client.get(f"{theirs}/trash?deletion={deletion}").text
    for way in (f"trash/{file_id}/restore", f"deletions/{deletion}/restore", f"files-at/{file_id}/copy"):
        assert client.post(f"{theirs}/{way}", data={"_csrf": csrf_of(client), "path": "x"}).status_code == 404
    assert client.get(f"{theirs}/files?restored={own.id}").status_code == 200


def test_copying_opens_the_copy(
    client: TestClient, committed_team: factories.Team, url: str, file_id: str
) -> None:
    with unit_of_work() as session:
        factories.prompt(session, committed_team.admin, "support/answer", temperature=0.5)
        factories.prompt(session, committed_team.admin, "support/answer (copy)")
    way = f"{url}/files-at/{file_id}/copy"
    assert way in client.get(f"{url}/files-at/{file_id}/move").text
    page = client.get(way).text
    assert 'value="support/answer (copy 2)"' in page
    assert "v1 (the one that answer shows)" in _main(page)
    assert "All 2 versions" in _main(page)
    assert "what the copy shows is deployed to production" in _main(page)
    taken = client.post(way, data={"_csrf": csrf_of(client), "path": "support/answer", "of": "all"})
    assert taken.status_code == 409
    assert "is taken. Choose another path." in taken.text
    assert '<option value="all" selected>' in taken.text
    opened = _post(client, way, path="copies/all", of="all")
    assert re.fullmatch(rf"{url}/prompts/pr_\w+", opened)
    assert opened != f"{url}/prompts/{file_id}"
    assert client.get(f"{opened}/versions/2").status_code == 200
    single = _post(client, way, path="copies/two", of="2")
    assert "Copied from support/answer v2" in client.get(f"{single}/versions/1").text
    gone = client.post(way, data={"_csrf": csrf_of(client), "path": "copies/x", "of": "99"})
    assert gone.status_code == 404


def test_the_copy_of_a_tool_says_that_secrets_stay_behind(
    client: TestClient, committed_team: factories.Team, url: str
) -> None:
    with unit_of_work() as session:
        tool = factories.tool(session, committed_team.admin, "t")
        given = VariableGiven.model_validate({"name": "TOKEN", "value": "canary"})
        variables.set_variables(session, committed_team.admin, tool.file, [given])
    said = _main(client.get(f"{url}/files-at/{tool.file_id}/copy").text)
    assert "Its 1 variable is a secret and is not copied" in said
    said = _main(client.get(f"{url}/files-at/{tool.file_id}/delete").text)
    assert "Its 1 variable is a secret and is forgotten for good." in said
