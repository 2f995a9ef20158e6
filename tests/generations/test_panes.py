"""Panes of the editor: other versions, models and temperatures on the inputs of the draft."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from app.files.models import Version
from tests import factories
from tests.web import csrf_of, signed_in, with_key


@pytest.fixture
def prompt(committed_team: factories.Team) -> Version:
    with unit_of_work() as session:
        return factories.prompt(session, committed_team.admin, "tests/beside")


def _base(team: factories.Team, prompt: Version) -> str:
    return f"/w/{team.workspace.slug}/prompts/{prompt.file_id}"


def _form(client: TestClient, **changes: Any) -> dict[str, Any]:
    form = {
        "_csrf": csrf_of(client), "base": "1", "model": "practice-1", "provider": "practice", "role": "user",
        "name": "", "content": "{{question}}", "extra": "", "input.question": "What is the capital of France?",
    }  # fmt: skip
    return form | changes


PANES = {
    "pane.version": ["1", ""],
    "pane.model": ["", "practice-1"],
    "pane.provider": ["", ""],
    "pane.temperature": ["0.7", ""],
}


def test_up_to_four_answers_stand_beside_each_other_on_the_same_inputs(
    client: TestClient, committed_team: factories.Team, prompt: Version, practice: str
) -> None:
    signed_in(client, committed_team.admin)
    base = _base(committed_team, prompt)
    answer = client.post(f"{base}/run", data=_form(client, panes="both") | PANES)
    names = ["v1", "Draft", "v1, temperature 0.7", "Draft, practice-1"]
    assert re.findall(r'data-finished="done" data-log="[^"]+" data-name="([^"]+)"', answer.text) == names
    assert 'value="pane:add"' not in answer.text, "there is no room for a fifth"
    with unit_of_work() as session:
        asked = session.scalars(text("select inputs->>'question' from log where source = 'editor'"))
        assert list(asked) == ["What is the capital of France?"] * 4
    streamed = client.post(
        f"{base}/run", data=_form(client, side="0") | PANES, headers={"accept": "text/event-stream"}
    )
    assert 'data-name=\\"v1, temperature 0.7\\"' in streamed.text


def test_each_side_is_asked_as_often_as_the_form_says(
    client: TestClient, committed_team: factories.Team, prompt: Version, practice: str
) -> None:
    signed_in(client, committed_team.admin)
    base = _base(committed_team, prompt)
    form = _form(client, panes="both", samples="3")
    answer = client.post(f"{base}/run", data=form).text
    names = [f"{side}, answer {number}" for side in ("v1", "Draft") for number in (1, 2, 3)]
    found = re.findall(r'data-finished="done" data-log="([^"]+)" data-name="([^"]+)"', answer)
    assert [name for _, name in found] == names
    assert len({log for log, _ in found}) == 6
    assert re.search(r'<option value="3" selected>', answer), "it is asked so again"
    streamed = client.post(
        f"{base}/run", data=form | {"side": "base", "sample": "2"}, headers={"accept": "text/event-stream"}
    )
    assert 'data-name=\\"v1, answer 2\\"' in streamed.text
    with unit_of_work() as session:
        assert session.scalar(text("select count(*) from log where source = 'editor'")) == 7
    for odd in ("4", "1000000", "-1", "x"):
        shown = client.post(f"{base}/edit", data=_form(client, samples=odd)).text
        assert re.search(r'<option value="1" selected>1 ×', shown)


def test_what_is_wrong_with_a_pane_is_said_of_the_pane(
    client: TestClient, committed_team: factories.Team, prompt: Version, practice: str
) -> None:
    signed_in(client, committed_team.admin)
    base = _base(committed_team, prompt)
    wrong = client.post(f"{base}/run", data=_form(client) | PANES | {"pane.temperature": ["warm", ""]})
    assert wrong.status_code == 422
    assert "v1, temperature warm: Enter a number, or nothing." in wrong.text
    gone = client.post(f"{base}/run", data=_form(client) | PANES | {"pane.version": ["9", ""]})
    assert gone.status_code == 404
    assert "has no v9" in gone.text


def test_a_pane_answers_though_another_names_a_version_that_is_gone(
    client: TestClient, committed_team: factories.Team, prompt: Version, practice: str
) -> None:
    signed_in(client, committed_team.admin)
    wrong = PANES | {"pane.version": ["99", ""]}

    def streamed(side: str) -> int:
        form = _form(client, side=side) | wrong
        url = f"{_base(committed_team, prompt)}/run"
        return client.post(url, data=form, headers={"accept": "text/event-stream"}).status_code

    assert [streamed(side) for side in ("draft", "1", "0")] == [200, 200, 404]


def test_panes_are_added_and_removed(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    signed_in(client, committed_team.admin)
    base = _base(committed_team, prompt)
    page = client.post(f"{base}/edit", data=_form(client, action="pane:add") | PANES).text
    assert page.count("data-pane") == 3
    page = client.post(f"{base}/edit", data=_form(client, action="pane:0") | PANES).text
    assert page.count("data-pane") == 1
    assert '"practice-1" list="pane-models"' in page


def test_a_version_that_was_deleted_is_not_offered_and_said_to_be_gone_where_it_was_chosen(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    with unit_of_work() as session:
        second = factories.prompt(
            session, committed_team.admin, "tests/beside", template="In short: {{question}}"
        )
        third = factories.prompt(
            session, committed_team.admin, "tests/beside", template="At length: {{question}}"
        )
    assert (second.number, third.number) == (2, 3)
    api = with_key(client, committed_team.admin)
    api.delete(f"/v5/prompts/{prompt.file_id}/versions/{second.id}").raise_for_status()
    signed_in(client, committed_team.admin)
    base = _base(committed_team, prompt)
    chosen = PANES | {"pane.version": ["3", "2"]}
    page = client.post(f"{base}/edit", data=_form(client, action="pane:add") | chosen).text
    offered = re.findall(r'<select class="input" name="pane.version">(.*?)</select>', page)
    told = [re.findall(r">([^<]+)</option>", each) for each in offered]
    assert told == [["Draft", "v3", "v1"], ["Draft", "v3", "v1", "v2, deleted"], ["Draft", "v3", "v1"]]
