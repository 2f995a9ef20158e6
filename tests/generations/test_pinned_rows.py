"""Rows that are pinned beside a prompt: by whom, how many, and what running them says."""

import re

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.datasets import repository as datasets
from app.evaluations.prompt_editor.pinned_rows import RowResult, Smoke, summary
from app.files.models import Version
from app.generations.pins import MOST_PINS
from tests import factories
from tests.web import csrf_of, signed_in, with_key


@pytest.fixture
def rows(committed_team: factories.Team) -> Version:
    with unit_of_work() as session:
        return factories.dataset(session, committed_team.admin, MOST_PINS + 1, "pins/rows")


@pytest.fixture
def prompt(committed_team: factories.Team, rows: Version) -> Version:
    """A prompt with an evaluation that judges by itself."""
    with unit_of_work() as session:
        prompt = factories.prompt(session, committed_team.admin, "pins/prompt")
        judge = factories.evaluator(session, committed_team.admin, "exact", "pins/Right")
        factories.evaluation(session, committed_team.admin, prompt, judge)
        return prompt


def _ids(rows: Version) -> list[str]:
    with unit_of_work() as session:
        return [point.id for _, point in datasets.list_rows(session, rows)]


def _pin(api: TestClient, prompt: Version, rows: Version, ids: list[str]):
    named = [{"dataset_id": rows.file_id, "datapoint_id": each} for each in ids]
    return api.put(f"/v5/prompts/{prompt.file_id}/pinned-rows", json={"rows": named})


def test_rows_are_pinned_by_the_api(
    client: TestClient, committed_team: factories.Team, prompt: Version, rows: Version
) -> None:
    api, ids = with_key(client, committed_team.admin), _ids(rows)
    assert [row["datapoint_id"] for row in _pin(api, prompt, rows, ids[:2]).json()["records"]] == ids[:2]
    assert _pin(api, prompt, rows, ids[1:3]).status_code == 200
    listed = api.get(f"/v5/prompts/{prompt.file_id}/pinned-rows").json()["records"]
    assert [row["datapoint_id"] for row in listed] == ids[1:3]
    assert listed[0]["inputs"] == {"question": "question 1"}
    assert _pin(api, prompt, rows, ids).status_code == 422
    assert _pin(api, prompt, rows, ["dp_nowhere"]).status_code == 404


def test_rows_that_are_there_no_more_are_told_of_and_unpinned(
    client: TestClient, committed_team: factories.Team, prompt: Version, rows: Version
) -> None:
    api, ids = with_key(client, committed_team.admin), _ids(rows)
    _pin(api, prompt, rows, ids[:2])
    kept = [
        {"inputs": {"question": f"question {n}"}, "target": {"answer": f"answer {n}"}} for n in range(1, 3)
    ]
    with unit_of_work() as session:
        factories.dataset(session, committed_team.admin, kept, "pins/rows")
    assert _pin(api, prompt, rows, ids[:2]).status_code == 200, "what is pinned may stay"
    signed_in(client, committed_team.admin)
    edit = f"/w/{committed_team.workspace.slug}/prompts/{prompt.file_id}/edit"
    assert "1 of them is not in the newest version of its dataset any more" in client.get(edit).text
    page = client.post(edit, data=_form(client, rows, action="unpin:outdated")).text
    assert "1 pinned row<" in page
    assert "any more" not in page


def _form(client: TestClient, rows: Version, **more: str) -> dict[str, object]:
    form = {
        "base": "1", "dataset": rows.file_id, "row": "1", "role": "user", "name": "", "extra": "",
        "content": "{{question}}", "model": "practice-1", "provider": "practice", "rest": "{}",
    }  # fmt: skip
    return form | {"_csrf": csrf_of(client)} | more


def test_pinned_rows_run_draft_against_base_and_say_that_they_are_no_evidence(
    client: TestClient, committed_team: factories.Team, prompt: Version, rows: Version, practice: str
) -> None:
    signed_in(client, committed_team.admin)
    base = f"/w/{committed_team.admin.workspace_slug}/prompts/{prompt.file_id}"
    refused = client.post(f"{base}/pinned-rows/run", data=_form(client, rows))
    assert refused.status_code == 422
    assert "No row is pinned" in refused.text
    for row in ("1", "2", "3"):
        page = client.post(f"{base}/edit", data=_form(client, rows, action="pin", row=row)).text
    assert "3 pinned rows" in page
    assert "A smoke test, not evidence." in page
    assert "Unpin this row" in page
    page = client.post(f"{base}/edit", data=_form(client, rows, action="pin", row="3")).text
    assert "2 pinned rows" in page

    page = client.post(f"{base}/pinned-rows/run", data=_form(client, rows)).text
    assert re.findall(r'class="cell (\w+)"', page) == ["samefail", "samefail"]
    assert "v1 0, draft 0 of 2 pass. 0 better, 0 worse." in page
    assert "v1 fails, draft fails by Right" in page
    streamed = client.post(
        f"{base}/pinned-rows/run", data=_form(client, rows), headers={"accept": "text/event-stream"}
    ).text
    assert streamed.count("event: cell") == 2
    assert streamed.rstrip().endswith('0 better, 0 worse."}')
    broken = client.post(f"{base}/pinned-rows/run", data=_form(client, rows, model="no-such-model"))
    assert "The draft gave no answer" in broken.text
    assert re.findall(r'class="cell (\w+)"', broken.text) == ["worse", "worse"]


def test_a_row_to_which_the_base_alone_gave_no_answer_is_compared_with_nothing(
    client: TestClient, committed_team: factories.Team, prompt: Version, rows: Version, practice: str
) -> None:
    with unit_of_work() as session:
        factories.prompt(session, committed_team.admin, "pins/prompt", model="no-such-model")
    _pin(with_key(client, committed_team.admin), prompt, rows, _ids(rows)[:1])
    signed_in(client, committed_team.admin)
    run = f"/w/{committed_team.admin.workspace_slug}/prompts/{prompt.file_id}/pinned-rows/run"
    page = client.post(run, data=_form(client, rows, base="2")).text
    assert 'class="cell "' in page
    assert "v2 gave no answer" in page
    assert "draft gave no answer" not in page
    assert "1 of 1 rows answered, none judged" in page


def test_rows_that_different_evaluators_judge_are_counted_apart() -> None:
    def row(number: int, by: str, base: bool, draft: bool) -> RowResult:
        tone = "same" if base == draft else "better" if draft else "worse"
        return RowResult(f"dp_{number}", tone, "", None, by, (base, draft))

    rows = [row(1, "Exact", True, True), row(2, "Exact", False, True), row(3, "JSON valid", True, False)]
    smoke = Smoke(None, "pr_1", "v3", [()] * 4)
    assert summary(smoke, rows[:2]) == "v3 1, draft 2 of 2 pass. 1 better, 0 worse."
    assert summary(smoke, rows) == (
        "By Exact: v3 1, draft 2 of 2 pass. 1 better, 0 worse."
        " By JSON valid: v3 1, draft 0 of 1 pass. 0 better, 1 worse."
    )
