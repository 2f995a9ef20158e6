"""Moving and renaming a folder by its page: what goes along, who is warned, what is refused, and the way back."""

import html
import re

import pytest
from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from app.files import repository
from tests import factories
from tests.web import csrf_of, signed_in


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.split("<main")[1])).split())


@pytest.fixture
def url(client: TestClient, committed_team: factories.Team) -> str:
    """A workspace with a folder `Support`, whose prompts include each other and are included from elsewhere."""
    signed_in(client, committed_team.admin)
    admin = committed_team.admin
    with unit_of_work() as session:
        factories.prompt(session, admin, "Support/Deep/Tone", template="Be kind.")
        factories.prompt(session, admin, "Support/Reply", template='{{ include("Support/Deep/Tone") }}')
        factories.prompt(session, admin, "Sales/Reply", template="{{ include('Support/Deep/Tone') }}")
        factories.prompt(session, admin, "Sales/Other", template='{{ include("Supports/Tone") }}')
    return f"/w/{committed_team.workspace.slug}"


def _folder(team: factories.Team, path: str) -> str:
    with unit_of_work() as session:
        found = repository.find_directory_by_path(session, team.workspace.id, path)
        assert found, path
        return found.id


def _paths(team: factories.Team) -> list[str]:
    with unit_of_work() as session:
        found, _ = repository.list_files(
            session, team.workspace.id, kinds=[], sort_by="path", descending=False, limit=50
        )
        return [file.path for file in found]


def test_a_folder_moves_with_all_below_it_and_back(
    client: TestClient, committed_team: factories.Team, url: str
) -> None:
    folder = _folder(committed_team, "Support")
    asked = client.get(f"{url}/folders/{folder}/move")
    words = _words(asked.text)
    assert "2 files move with it" in words
    assert "some of it runs in production" in words
    assert "2 prompts include files of it by their paths" in words
    assert "Sales/Reply, Support/Reply" in words
    form = {"_csrf": csrf_of(client), "path": "Care/Customers"}
    shown = client.post(f"{url}/folders/{folder}/move", data=form)
    assert "Support is Care/Customers now" in _words(client.get(shown.headers["location"]).text)
    assert _paths(committed_team) == [
        "Care/Customers/Deep/Tone",
        "Care/Customers/Reply",
        "Sales/Other",
        "Sales/Reply",
    ]
    back = client.post(f"{url}/folders/{folder}/move", data=form | {"path": "Support"})
    assert "Care/Customers is Support now" in _words(client.get(back.headers["location"]).text)
    assert "Support/Deep/Tone" in _paths(committed_team)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("Sales", "There is a folder `Sales` already, and two are not made into one. Choose another name."),
        ("Sales/Reply", "There is a file `Sales/Reply` already. Choose another name."),
        ("Support/Deep/Inner", "A folder cannot be moved into itself."),
        ("Sales/Reply/Below", "`Sales/Reply` is a prompt, and nothing can lie in it."),
        (" ", "Give the file a path"),
    ],
)
def test_a_collision_is_refused_in_the_dialog_and_changes_nothing(
    client: TestClient, committed_team: factories.Team, url: str, path: str, said: str
) -> None:
    before = _paths(committed_team)
    folder = _folder(committed_team, "Support")
    form = {"_csrf": csrf_of(client), "path": path}
    refused = client.post(f"{url}/folders/{folder}/move", data=form)
    assert refused.status_code == 422
    assert said in _words(refused.text)
    assert 'aria-invalid="true"' in refused.text
    assert "Move or rename the folder Support" in _words(refused.text)
    assert _paths(committed_team) == before


def test_a_reader_is_told_why_they_may_not(
    client: TestClient, committed_team: factories.Team, url: str
) -> None:
    with unit_of_work() as session:
        reader = factories.member(session, committed_team.workspace, Role.VIEWER)
    signed_in(client, reader)
    folder = _folder(committed_team, "Support")
    assert 'aria-disabled="true"' in client.get(f"{url}/folders/{folder}/move").text
    form = {"_csrf": csrf_of(client), "path": "Care"}
    assert client.post(f"{url}/folders/{folder}/move", data=form).status_code == 403
