"""A report with answers and retrieval judged says which of the two the wrong answers come from."""

import html
import re
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.evaluations.figures.report import build_report
from app.evaluations.models import Evaluation
from app.evaluations.reports.retrieval_view import cross
from app.files.models import Version
from tests import factories
from tests.web import signed_in

HIT = {"measure": "hit", "k": 2, "retrieved": "testcase.metadata.found", "target_field": "titles"}


def _rows(found: list[bool | None]) -> list[dict[str, Any]]:
    """Rows with their relevant passage found, or not; None for one that says of no passage that it is relevant."""
    return [
        {
            "inputs": {"question": f"question {number}"},
            "target": {"answer": "yes"} | ({} if one is None else {"titles": ["relevant"]}),
            "metadata": {"found": ["other", "relevant" if one else "another"]},
        }
        for number, one in enumerate(found)
    ]


def _evaluation(
    session: Session, team: factories.Team, *evaluators: Version, before: str, after: str
) -> Evaluation:
    """Two finished runs on ten rows, of which the first six have their passage, and more without any; each letter is an answer, y is right."""
    admin = team.admin
    old = factories.prompt(session, admin, "tests/asked")
    new = factories.prompt(session, admin, "tests/asked", temperature=0.5)
    rows = factories.dataset(session, admin, _rows([True] * 6 + [False] * 4 + [None] * (len(after) - 10)))
    found = factories.evaluation(session, admin, old, *evaluators)
    for version, outputs in ((old, before), (new, after)):
        run = factories.started_run(session, admin, found, version, rows)
        factories.finish_run(session, run, ["yes" if one == "y" else "no" for one in outputs])
    return found


def test_the_four_cases_are_counted_with_what_to_do(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        right = factories.evaluator(session, admin, "exact", "tests/Right", target_field="answer")
        hit = factories.evaluator(session, admin, "retrieval", "tests/Found", **HIT)
        evaluation = _evaluation(session, committed_team, right, hit, before="yynnnnynnn", after="yyyynnynnn")
        report = build_report(session, evaluation)
        counted = cross(report, report.candidates[0])
    page = (
        signed_in(client, admin).get(f"/w/{committed_team.workspace.slug}/evaluations/{evaluation.id}").text
    )
    words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())

    assert counted is not None
    assert [(cell.found, cell.right, cell.before, cell.after) for cell in counted.cells] == [
        (True, True, 2, 4),
        (True, False, 4, 2),
        (False, True, 1, 1),
        (False, False, 3, 3),
    ]
    assert (counted.rows, counted.left_out) == (10, 0)
    assert "Where wrong answers come from v2, 10 rows: right by Right, found by Found" in words
    assert "4 rows, 40% +2 It works." in words
    assert "2 rows, 20% −2 It had the passage and did not use it" in words
    assert "3 rows, 30% It could not know: improve the search before the prompt." in words
    assert "Most wrong answers had no relevant passage: the search is what to work on." in words


def test_any_measure_above_0_is_a_hit_and_what_was_not_judged_is_left_out(session: Session) -> None:
    team = factories.team(session)
    admin = team.admin
    right = factories.evaluator(session, admin, "exact", target_field="answer")
    recall = factories.evaluator(session, admin, "retrieval", **HIT | {"measure": "mrr"})
    evaluation = _evaluation(session, team, recall, right, before="y" * 12, after="y" * 12)
    counted = cross(build_report(session, evaluation), None)

    assert counted is not None
    assert [cell.after for cell in counted.cells] == [6, 0, 4, 0]
    assert [cell.before for cell in counted.cells] == [None] * 4
    assert counted.worst is None
    assert (counted.rows, counted.left_out) == (10, 2)


def test_without_either_there_is_no_table(session: Session) -> None:
    team = factories.team(session)
    admin = team.admin
    hit = factories.evaluator(session, admin, "retrieval", **HIT)
    speed = factories.evaluator(session, admin, "latency")
    polite = factories.evaluator(session, admin, "contains", text="please", want="none")
    length = factories.evaluator(session, admin, "length", longest=3)

    alone = _evaluation(session, team, hit, speed, length, before="y" * 10, after="y" * 10)
    answers = _evaluation(session, team, polite, speed, before="y" * 10, after="y" * 10)

    for evaluation in (alone, answers):
        report = build_report(session, evaluation)
        assert cross(report, report.candidates[0]) is None
