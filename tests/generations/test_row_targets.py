"""An output of the editor becomes the target of its row, in the draft of the dataset; messages are moved to a place."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.access import Principal
from app.core.database import unit_of_work
from app.core.errors import Conflict, Invalid, NotFound
from app.datasets import drafts
from app.datasets import repository as datasets
from app.datasets.models import Datapoint
from app.generations.draft import Draft, apply
from app.generations.editing import ChosenRow
from app.generations.row_targets import save_output
from tests import factories
from tests.generations.draft_tab import Tab, base, words
from tests.web import signed_in


def _row(session: Any, admin: Principal, target: dict[str, Any] | None) -> ChosenRow:
    made = factories.dataset(session, admin, [{"inputs": {"question": "q"}, "target": target}], "tests/rows")
    row: Datapoint = datasets.list_rows(session, made, limit=1)[0][1]
    return ChosenRow(made.file, made, 1, row)


def _said(
    session: Any, team: factories.Team, row: ChosenRow, output: str, *, elsewhere: bool = False
) -> dict[str, Any]:
    """What the row's target is in the draft, once such an output was saved."""
    prompt = factories.prompt(session, team.admin, "tests/asked", provider="practice")
    log = factories.logged(
        session,
        team.admin,
        prompt,
        output=output,
        source_datapoint_id=None if elsewhere else row.datapoint.id,
    )
    save_output(session, team.admin, row, log)
    draft = drafts.read(session, team.admin, row.file)
    return dict(drafts.get_row(session, draft, row.datapoint.id).content.get("target") or {})


@pytest.mark.parametrize(
    ("before", "output", "after"),
    [
        (None, "yes", {"output": "yes"}),
        ({"label": "no"}, "yes", {"label": "yes"}),
        ({"label": ["no", "never"]}, "yes", {"label": ["yes"]}),
        ({"label": "no"}, '{"label": "yes", "why": "so"}', {"label": "yes"}),
        ({"label": "no", "sure": 1}, '{"label": "yes", "sure": 2}', {"label": "yes", "sure": 2}),
    ],
)
def test_an_output_is_written_where_the_target_has_its_answer(
    session: Any, before: dict[str, Any] | None, output: str, after: dict[str, Any]
) -> None:
    team = factories.team(session)
    assert _said(session, team, _row(session, team.admin, before), output) == after


def test_what_does_not_fit_is_refused_and_changes_nothing(session: Any) -> None:
    team = factories.team(session)
    row = _row(session, team.admin, {"label": "no", "sure": 1})
    with pytest.raises(Invalid, match="several members"):
        _said(session, team, row, "yes")
    with pytest.raises(Conflict, match="another row"):
        _said(session, team, row, '{"label": "yes", "sure": 2}', elsewhere=True)
    with pytest.raises(NotFound):
        save_output(session, team.admin, row, "log_none")


def test_the_editor_says_what_became_of_it(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        row = _row(session, committed_team.admin, {"label": "no"})
        prompt = factories.prompt(session, committed_team.admin, "tests/asked", provider="practice")
        log = factories.logged(
            session, committed_team.admin, prompt, output="yes", source_datapoint_id=row.datapoint.id
        )
    signed_in(client, committed_team.admin)
    tab = Tab(client, base(committed_team, prompt.file_id))
    said = words(tab.presses(f"target:{log}", "Say it.", dataset=row.file.id, row="1"))
    assert "The target of row 1 is yes , no more no , in your draft of rows." in said
    said = words(tab.presses(f"target:{log}", "Say it.", dataset=row.file.id, row="1"))
    assert "was this output already" in said


def test_a_message_is_put_where_another_stands_and_a_new_one_is_typed_into() -> None:
    draft = Draft([{"role": "user", "content": str(number)} for number in range(3)])
    apply(draft, "move:2:0")
    assert [message["content"] for message in draft.messages] == ["2", "0", "1"]
    for nonsense in ("move:0:9", "move:x:1", "move:1", "move::"):
        apply(draft, nonsense)
    assert [message["content"] for message in draft.messages] == ["2", "0", "1"]
    apply(draft, "add:user")
    assert draft.fresh == 3
