"""Prompts by pages: downloaded as `.prompt` files, and imported from them."""

from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from app.core.errors import NotFound
from app.files import repository, service
from app.files.models import FileKind, Version
from tests import factories
from tests.web import csrf_of, signed_in

GOOD = b"---\nmodel: practice-1\nprovider: practice\n---\n\n<user>\n  Say it: {{question}}\n</user>\n"
AGENT = b"---\nmodel: practice-1\nprovider: practice\nmax_iterations: 2\n---\n"


def _import(client: TestClient, team: factories.Team, *files: tuple[str, bytes], **form: str) -> Any:
    return client.post(
        f"/w/{team.workspace.slug}/import-prompts",
        data={"_csrf": csrf_of(client), **form},
        files=[("file", file) for file in files],
    )


def _versions(team: factories.Team, path: str) -> list[Version]:
    with unit_of_work() as session:
        return repository.list_versions(session, service.get_file_by_path(session, team.admin, path).id)


def test_what_was_downloaded_is_imported_as_the_same(
    client: TestClient, committed_team: factories.Team
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        first = factories.prompt(session, admin, "support/“Grüße”; a=1", temperature=0.1)
        factories.prompt(session, admin, "support/“Grüße”; a=1", temperature=0.2)
    signed_in(client, admin)
    base = f"/w/{committed_team.workspace.slug}/prompts/{first.file_id}"
    assert f'{base}/versions/2/file" download' in client.get(base).text
    assert f'{base}/versions/1/file" download' in client.get(f"{base}/versions/1").text

    got = client.get(f"{base}/versions/1/file")
    name = "“Grüße”; a=1.prompt"
    assert got.headers["content-disposition"] == f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    assert got.headers["content-type"].startswith("text/plain")
    assert "temperature: 0.1" in got.text
    assert client.get(f"{base}/versions/3/file").status_code == 404

    answer = _import(client, committed_team, (name, got.content), folder="/support/")
    assert (answer.status_code, answer.headers["location"]) == (303, base)
    assert len(_versions(committed_team, "support/“Grüße”; a=1")) == 2, "the same content is no version"
    changed = got.content.replace(b"0.1", b"0.3")
    _import(client, committed_team, (name, changed), folder="support", note="Warmer")
    newest = _versions(committed_team, "support/“Grüße”; a=1")[0]
    assert (newest.number, newest.note, newest.spec["temperature"]) == (3, "Warmer", 0.3)


def test_several_files_are_imported_at_once(client: TestClient, committed_team: factories.Team) -> None:
    signed_in(client, committed_team.admin)
    slug = committed_team.workspace.slug
    assert f"/w/{slug}/import-prompts?folder=a/b" in client.get(f"/w/{slug}/create?folder=a/b").text
    assert 'value="a/b"' in client.get(f"/w/{slug}/import-prompts?folder=a/b").text
    answer = _import(
        client, committed_team, ("one.prompt", GOOD), ("C:\\kept\\two.agent", AGENT), folder="a/b"
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"/w/{slug}/files/a/b")
    assert _versions(committed_team, "a/b/one")[0].note == "Imported from one.prompt"
    with unit_of_work() as session:
        assert service.get_file_by_path(session, committed_team.admin, "a/b/two").kind == FileKind.AGENT
    first = b'---\nmodel: practice-1\n---\n\n<user>\n  {{ include("z") }}\n</user>\n'
    made = _import(client, committed_team, ("first.prompt", first), ("z.prompt", GOOD))
    assert made.status_code == 303, made.text
    first = first.replace(b'"z"', b'"none"')
    refused = _import(client, committed_team, ("b.prompt", first), ("y.prompt", GOOD))
    assert (refused.status_code, "nothing is at this path" in refused.text) == (422, True)
    assert "y.prompt: " not in refused.text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bad.prompt", b"---\nmodel: practice-1\n---\n\n<user>\n  Hello\n", "bad.prompt: Line 5: "),
        ("bad.prompt", b"model: x\n", "bad.prompt: Line 1: begin with the line ---"),
        ("bad.prompt", b"---\nmodel: x\n---\n\n\xff\n", "bad.prompt: Line 5: this is not UTF-8"),
        ("bad.prompt", b"---\nmodel: x\ntemperature: hot\n---\n", "bad.prompt: "),
        ("bad.txt", GOOD, "bad.txt: A prompt&#39;s file ends in .prompt"),
        (".prompt", GOOD, ".prompt: Name the file for the prompt"),
        ("rows.prompt", GOOD, "rows.prompt: `rows` is a dataset, not a prompt"),
        ("<img data-xss src=x>.txt", GOOD, "&lt;img data-xss src=x&gt;.txt: A prompt"),
    ],
)
def test_one_file_that_cannot_be_read_is_named_and_none_is_imported(
    client: TestClient, committed_team: factories.Team, name: str, content: bytes, said: str
) -> None:
    with unit_of_work() as session:
        factories.dataset(session, committed_team.admin, path="rows")
    signed_in(client, committed_team.admin)
    answer = _import(client, committed_team, ("good.prompt", GOOD), (name, content), note="Kept words")
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="Kept words"' in answer.text
    assert "<img data-xss" not in answer.text
    with pytest.raises(NotFound):
        _versions(committed_team, "good")


def test_nothing_chosen_and_too_many_are_told(client: TestClient, committed_team: factories.Team) -> None:
    signed_in(client, committed_team.admin)
    many = [(f"{number}.prompt", GOOD) for number in range(101)]
    answer = _import(client, committed_team, *many)
    assert (answer.status_code, "number of files is 100" in answer.text) == (400, True)
    assert _import(client, committed_team).status_code == 422


def test_who_may_not_edit_imports_nothing(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
    signed_in(client, viewer)
    assert _import(client, committed_team, ("one.prompt", GOOD)).status_code == 403
