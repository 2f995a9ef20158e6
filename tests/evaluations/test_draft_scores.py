"""Answers in the prompt editor are judged at once by the evaluators of the prompt's newest evaluation."""

import html
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Role
from app.core.database import unit_of_work
from app.evaluations.prompt_editor.draft_scores import _NO_EVALUATORS as NO_EVALUATORS
from app.files.models import Version
from tests import factories
from tests.web import csrf_of, signed_in

QUESTION = "question 1"


@pytest.fixture
def prompt(committed_team: factories.Team) -> Version:
    """A prompt with rows of which one has a target."""
    with unit_of_work() as session:
        factories.dataset(session, committed_team.admin, 3, "tests/rows")
        return factories.prompt(session, committed_team.admin, "tests/asked", provider="practice")


def _base(team: factories.Team, prompt: Version) -> str:
    return f"/w/{team.workspace.slug}/prompts/{prompt.file_id}"


def _logged(team: factories.Team, prompt: Version, output: str, datapoint_id: str | None = None) -> str:
    with unit_of_work() as session:
        return factories.logged(
            session,
            team.admin,
            prompt,
            output=output,
            inputs={"question": QUESTION},
            source_datapoint_id=datapoint_id,
        )


def _datapoint() -> str:
    with unit_of_work() as session:
        query = text("select id from datapoint where inputs->>'question' = :question")
        return str(session.scalar(query, {"question": QUESTION}))


def _scores(client: TestClient, base: str, logs: list[str], names: list[str], **more: str) -> Any:
    data = {"_csrf": csrf_of(client), "log": logs, "label": names, **more}
    return client.post(f"{base}/scores", data=data)


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def _evaluation(team: factories.Team, prompt: Version, *kinds: tuple[str, dict[str, Any]]) -> None:
    with unit_of_work() as session:
        judges = [
            factories.evaluator(session, team.admin, kind, f"tests/{number} {kind}", **settings)
            for number, (kind, settings) in enumerate(kinds)
        ]
        factories.evaluation(session, team.admin, prompt, *judges, name="Asked before")


def test_each_answer_is_judged_on_its_row_by_every_evaluator_that_needs_nobody(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    length = ("length", {"unit": "characters"})
    _evaluation(committed_team, prompt, ("exact", {}), length, ("human", {}))
    datapoint = _datapoint()
    logs = [_logged(committed_team, prompt, output, datapoint) for output in ("something else", "answer 1")]
    signed_in(client, committed_team.admin)
    answer = _scores(client, _base(committed_team, prompt), logs, ["v1", "Draft"])

    assert answer.status_code == 200
    assert _words(answer.text) == (
        "Evaluators on this row those of Asked before Evaluator v1 Draft 0 exact Fail Pass 1 length 14.00 8.00"
    )


def test_an_answer_to_typed_inputs_has_no_target(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    _evaluation(committed_team, prompt, ("exact", {}))
    log = _logged(committed_team, prompt, "answer 1")
    signed_in(client, committed_team.admin)
    words = _words(_scores(client, _base(committed_team, prompt), [log], ["Draft"]).text)
    assert "Pass" not in words
    assert "Fail" not in words
    assert "target" in words


def test_judges_are_asked_on_purpose_and_one_that_cannot_be_costs_the_others_nothing(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    judge = ("llm_judge", {"model": "m", "provider": "gone", "rubric": "Right? {{log.output}}", "votes": 3})
    _evaluation(committed_team, prompt, ("exact", {}), judge)
    log = _logged(committed_team, prompt, "answer 1", _datapoint())
    signed_in(client, committed_team.admin)
    base = _base(committed_team, prompt)
    words = _words(_scores(client, base, [log], ["Draft"]).text)
    assert words.endswith("0 exact Pass Ask the judge, too up to 3 calls of models")
    words = _words(_scores(client, base, [log], ["Draft"], asking="true").text)
    assert "0 exact Pass" in words
    assert "1 llm_judge No verdict There is no provider `gone`" in words
    assert "Ask the judge" not in words


def test_without_an_evaluation_it_says_what_to_do(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    log = _logged(committed_team, prompt, "answer 1")
    signed_in(client, committed_team.admin)
    page = _scores(client, _base(committed_team, prompt), [log], ["Draft"]).text
    assert NO_EVALUATORS in _words(page)
    assert f"/evaluations/new?prompt={prompt.file_id}" in page


def test_without_an_evaluation_those_in_the_folder_of_the_prompt_judge(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    with unit_of_work() as session:
        for path in ("tests/Right", "elsewhere/Right", "tests/deeper/Right"):
            factories.evaluator(session, committed_team.admin, "exact", path)
    log = _logged(committed_team, prompt, "answer 1", _datapoint())
    signed_in(client, committed_team.admin)
    words = _words(_scores(client, _base(committed_team, prompt), [log], ["Draft"]).text)
    assert words == "Evaluators on this row those beside this prompt Evaluator Draft Right Pass"


def test_of_many_in_the_folder_those_that_were_used_before_judge(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        for number in range(60):
            factories.evaluator(session, admin, "exact", f"tests/a deep one/{number:02}")
        for number in range(20):
            factories.evaluator(session, admin, "exact", f"tests/Beside {number:02}")
        often = factories.evaluator(session, admin, "exact", "tests/Used elsewhere")
        other = factories.prompt(session, admin, "tests/other")
        factories.evaluation(session, admin, other, often)
        ours = factories.evaluator(session, admin, "exact", "tests/Used here")
        by_hand = factories.evaluator(session, admin, "human", "tests/By hand")
        for judge in (ours, *[by_hand] * 11):  # those that people judge by are the newest ten
            factories.evaluation(session, admin, prompt, judge)
    log = _logged(committed_team, prompt, "answer 1", _datapoint())
    signed_in(client, admin)
    words = _words(_scores(client, _base(committed_team, prompt), [log], ["Draft"]).text)
    judges = re.findall(r"(Used \w+|Beside \d+) Pass", words)
    assert judges == ["Used here", "Used elsewhere", *[f"Beside {number:02}" for number in range(6)]]
    assert "those beside this prompt, but for 14 more Choose others" in words


def test_answers_of_others_and_people_who_only_read_are_refused(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    _evaluation(committed_team, prompt, ("exact", {}))
    with unit_of_work() as session:
        other = factories.prompt(session, committed_team.admin, "tests/other")
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
    log = _logged(committed_team, other, "answer 1")
    signed_in(client, committed_team.admin)
    assert "run the draft again" in _scores(client, _base(committed_team, prompt), [log], ["Draft"]).text
    assert "run the draft again" in _scores(client, _base(committed_team, prompt), ["log_x"], ["Draft"]).text
    client.cookies.clear()
    signed_in(client, viewer)
    assert _scores(client, _base(committed_team, prompt), [log], ["Draft"]).status_code == 403
