"""The first row of a dataset that has none, with and without a script."""

import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.core.database import unit_of_work
from app.datasets.models import DraftChange
from tests import factories
from tests.web import csrf_of, signed_in

ROW = {
    "first.0.name": "question",
    "first.0.value": "Where is\r\nmy card?",
    "first.1.name": "",
    "first.1.value": "",
    "first.2.name": "answer",
    "first.2.value": "card_arrival",
}


@pytest.fixture
def empty(client: TestClient, committed_team: factories.Team) -> str:
    """Where the pages of a dataset without rows lie."""
    with unit_of_work() as session:
        dataset = factories.dataset(session, committed_team.admin, 0, "grid/empty")
    signed_in(client, committed_team.admin)
    return f"/w/{committed_team.workspace.slug}/datasets/{dataset.file_id}"


def _added() -> list[dict]:
    with unit_of_work() as session:
        return list(session.scalars(select(DraftChange.content).order_by(DraftChange.added)))


def test_a_first_row_is_written_and_committed_without_a_script(client: TestClient, empty: str) -> None:
    assert 'aria-label="The first row"' in client.get(empty).text
    form = {"_csrf": csrf_of(client)}
    answer = client.post(f"{empty}/draft/rows", data=form | ROW, follow_redirects=False)
    assert answer.status_code == 303
    assert _added() == [{"inputs": {"question": "Where is\nmy card?"}, "target": {"answer": "card_arrival"}}]
    page = client.get(answer.headers["location"]).text
    assert 'name="value.inputs.question"' in page
    assert 'name="value.target.answer"' in page

    client.post(f"{empty}/draft/rows", data=form)
    assert _added()[1:] == [{"inputs": {"question": ""}}], "the next one has the columns of the first"
    assert client.post(f"{empty}/draft/commit", data=form, follow_redirects=False).status_code == 303
    page = client.get(empty).text
    assert len(re.findall(r'data-row="', page)) == 1
    assert 'aria-label="The first row"' not in page


def test_the_script_shows_the_row_in_the_grid_with_its_columns(client: TestClient, empty: str) -> None:
    headers = {"hx-request": "true", "x-csrf-token": csrf_of(client)}
    form = ROW | {"first.1.name": "language", "first.2.name": "", "first.2.value": ""}
    page = client.post(f"{empty}/draft/rows", data=form, headers=headers)
    assert page.status_code == 200
    assert 'data-place="inputs.question"' in page.text
    assert 'data-place="inputs.language"' in page.text, "a column that is to be typed into"
    assert "1 added" in page.text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"first.0.name": " "}, "Name the input that says"),
        ({"first.0.name": "", "first.0.value": ""}, "Name an input"),
        ({"first.1.name": "question"}, "Two inputs are named question"),
        ({"first.2.value": ""}, "Say what the target answer is"),
        ({"first.0.value": "a\x00b"}, "NUL"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"hx-request": "true"}])
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    client: TestClient, empty: str, changes: dict[str, str], says: str, headers: dict[str, str]
) -> None:
    form = ROW | changes | {"_csrf": csrf_of(client)}
    answer = client.post(f"{empty}/draft/rows", data=form, headers=headers)
    assert answer.status_code == 422
    assert says in answer.text
    assert 'role="alert"' in answer.text
    for name in ("first.0.name", "first.1.name", "first.2.name"):
        assert f'name="{name}" value="{form[name]}"' in answer.text
    assert (form["first.2.value"] + "</textarea>") in answer.text
    assert _added() == []


def test_a_dataset_is_made_without_a_file_as_browsers_send_none(client: TestClient, empty: str) -> None:
    fields = {"_csrf": csrf_of(client), "path": "grid/new"}
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}' for name, text in fields.items()]
    parts.append(
        'Content-Disposition: form-data; name="file"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n'
    )
    body = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n"
    answer = client.post(
        f"{empty.rpartition('/')[0]}/new",
        content=body,
        headers={"content-type": "multipart/form-data; boundary=b"},
        follow_redirects=False,
    )
    assert answer.status_code == 303, answer.text
    assert 'aria-label="The first row"' in client.get(answer.headers["location"]).text


def test_an_empty_dataset_asks_for_names_where_none_are_sent(client: TestClient, empty: str) -> None:
    answer = client.post(f"{empty}/draft/rows", data={"_csrf": csrf_of(client)})
    assert answer.status_code == 422
    assert "The dataset has none yet." in answer.text
