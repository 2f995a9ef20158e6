"""What the grid shows of single rows beside their scores: people against a judge, repeats that differ, reasons, passages, targets."""

import html
import re
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import ids
from app.core.access import Role
from app.core.database import unit_of_work
from app.evaluations import repository
from app.evaluations.grid import row_signs
from app.evaluations.grid.comparison import GridRequest, build_grid
from app.evaluations.models import Evaluation, Run
from app.files.models import Version
from app.logs.models import Judgment
from tests import factories
from tests.web import signed_in, with_key


@dataclass
class Shown:
    """An evaluation of six rows with two versions; people have judged some outputs of both."""

    evaluation: Evaluation
    runs: list[Run]
    judge: Version
    people: Version
    url: str


def _say(session: Session, team: factories.Team, run: Run, by: Version, row: int, *said: bool) -> None:
    """Verdicts of so many people on a version's first answer to a row, from 0; the run is scored again."""
    log_id = session.scalar(
        text("select log_id from run_item where run_id = :run and position = :at"),
        {"run": run.id, "at": row * run.repeats},
    )
    for verdict in said:
        person = factories.member(session, team.workspace, Role.REVIEWER)
        session.add(
            Judgment(
                id=ids.new_id("jdg"), workspace_id=team.workspace.id, log_id=log_id, evaluator_version_id=by.id,
                author=person.user_id, boolean_value=verdict, rationale="as I see it",
            )
        )  # fmt: skip
    session.execute(text("update run set scored_at = clock_timestamp() where id = :run"), {"run": run.id})


def _shown(team: factories.Team, repeats: int = 1) -> Shown:
    with unit_of_work() as session:
        admin = team.admin
        old = factories.prompt(session, admin, "tests/asked")
        new = factories.prompt(session, admin, "tests/asked", temperature=0.5)
        rows = factories.dataset(
            session, admin,
            [
                {"inputs": {"question": f"question {n}"}, "target": {"answer": f"answer {n}"}, "context": [f"passage {n}", "b"]}
                for n in range(6)
            ],
        )  # fmt: skip
        judge = factories.evaluator(session, admin, "exact", "tests/Exact")
        people = factories.evaluator(session, admin, "human", "tests/People")
        found = factories.evaluation(session, admin, old, judge, people)
        right = [f"answer {n}" for n in range(6)]
        runs = []
        for version, answers in ((old, right), (new, ["no", *right[1:]])):
            run = factories.started_run(session, admin, found, version, rows, repeats=repeats)
            outputs = [
                answer if repeat < repeats - row else "no"
                for row, answer in enumerate(answers)
                for repeat in range(repeats)
            ]
            runs.append(factories.finish_run(session, run, outputs if repeats > 1 else answers))
        _say(session, team, runs[0], people, 2, False, False)  # the judge says yes
        _say(session, team, runs[0], people, 3, True, False, True)
        _say(session, team, runs[1], people, 4, True)
    return Shown(found, runs, judge, people, f"/w/{team.workspace.slug}/evaluations/{found.id}/rows")


def _rows(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'data-row="(\d+)"', page)]


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_rows_on_which_people_and_the_judge_differ_come_first_and_are_filtered(
    client: TestClient, committed_team: factories.Team
) -> None:
    shown = _shown(committed_team)
    client = signed_in(client, committed_team.admin)
    page = client.get(f"{shown.url}?sort=disagreement").text
    assert _rows(page) == [3, 4, 5, 1, 2, 6], (
        "apart by 1, by a third, by 0; then those that people did not judge"
    )
    assert '<option value="disagreement" selected>' in page
    assert re.search(r"Disputed <b>1</b>", page)
    assert _rows(client.get(f"{shown.url}?only=disputed").text) == [3]
    row = _words(page.split('id="row-3"')[1].split("</tr>")[0])
    assert "Disputed" in row
    assert "people fail by 2" in row
    divided = _words(page.split('id="row-4"')[1].split("</tr>")[0])
    assert "people 2 pass, 1 fail" in divided


def test_the_api_sorts_and_tells_of_disagreement(client: TestClient, committed_team: factories.Team) -> None:
    shown = _shown(committed_team)
    client = with_key(client, committed_team.admin)
    url = f"/v5/evaluations/{shown.evaluation.id}/comparison"
    found = client.get(url, params={"sort": "disagreement", "only": "disputed"}).json()
    (record,) = found["records"]
    assert record["datapoint"]["number"] == 3
    assert (record["disagreement"], record["flip_rate"]) == (1.0, None)
    said = [one["judgment"] for one in record["baseline"]["judgments"]]
    assert said == [True, False, False], "the evaluator, and each person"


def test_the_gap_is_the_widest_of_the_versions_and_a_persons_word_is_no_gap_to_itself(
    committed_team: factories.Team,
) -> None:
    shown = _shown(committed_team)
    with unit_of_work() as session:
        _say(session, committed_team, shown.runs[1], shown.people, 0, True)  # the judge says no
        grid = build_grid(session, shown.evaluation, GridRequest())
        assert [row.gap for row in grid.rows] == [1.0, None, 1.0, pytest.approx(1 / 3), 0.0, None]
        by_people = build_grid(session, shown.evaluation, GridRequest(evaluator_id=shown.people.id))
        assert by_people.signs.people is None
        assert by_people.counts["disputed"] == 0


def test_rows_whose_repeats_differ_most_come_first(
    client: TestClient, committed_team: factories.Team
) -> None:
    shown = _shown(committed_team, repeats=4)
    client = signed_in(client, committed_team.admin)
    with unit_of_work() as session:
        grid = build_grid(session, shown.evaluation, GridRequest(sort="flips"))
    # Of four answers to rows 1 to 6, 4, 3, 2, 1, 0 and 0 are right; pairs that differ, of six: 0, 3, 4, 3, 0, 0.
    assert {row.number: row.flips for row in grid.rows} == pytest.approx(
        {3: 4 / 6, 2: 3 / 6, 4: 3 / 6, 1: 0, 5: 0, 6: 0}
    )
    page = client.get(f"{shown.url}?sort=flips").text
    assert _rows(page) == [3, 2, 4, 1, 5, 6]
    assert "flips 67%" in page
    assert "Least steady first" in page


def test_pairs_that_differ_are_counted_by_what_was_said() -> None:
    assert row_signs._differing_pairs([1, 1]) == 0
    assert row_signs._differing_pairs([1, 0]) == 1
    assert row_signs._differing_pairs([1, 2, 3]) == 1
    assert row_signs._differing_pairs([1, 1, 0, 0]) == pytest.approx(4 / 6)


def test_an_output_is_shown_against_the_target(client: TestClient, committed_team: factories.Team) -> None:
    shown = _shown(committed_team)
    with unit_of_work() as session:
        session.execute(
            text("update log set output = 'the answer 2' where output = 'answer 2' and version_id = :old"),
            {"old": shown.runs[0].version_id},
        )
    client = signed_in(client, committed_team.admin)
    page = client.get(f"{shown.url}?output=target").text
    assert "<ins>the </ins>" in page.split('id="row-3"')[1].split("</tr>")[0], "the baseline too"
    assert 'title="What differs from the target"' in page
    assert "output=target" in client.get(f"{shown.url}?output=target&q=question").text, (
        "it stands in the address"
    )


def test_cells_say_why_and_rows_say_from_what(client: TestClient, committed_team: factories.Team) -> None:
    shown = _shown(committed_team)
    client = signed_in(client, committed_team.admin)
    page = client.get(f"{shown.url}?evaluator={shown.people.id}").text
    assert "as I see it" in page
    assert "passage 2" in page
    assert "+1" in page
    assert '<option value="disagreement"' not in page, "people cannot be compared with themselves"
    with unit_of_work() as session:
        session.execute(text("update log set prompt_cost = 0.002, output_cost = 0.001"))
    assert "$0.0030" in client.get(shown.url).text or "$0.003" in client.get(shown.url).text


def test_a_row_shows_the_passages_that_each_version_was_given(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        version = factories.prompt(session, admin)
        rows = factories.dataset(session, admin, 1)
        found = factories.evaluator(
            session, admin, "retrieval", "tests/Found", measure="hit", retrieved="log.metadata.retrieved"
        )
        evaluation = factories.evaluation(session, admin, version, found)
        run = factories.started_run(session, admin, evaluation, version, rows)
        factories.finish_run(session, run, ["answer 0"])
        session.execute(
            text("""update log set metadata = '{"retrieved": [{"id": "a", "text": "Refunds take 30 days."}, "other"]}'""")
        )  # fmt: skip
    page = signed_in(client, admin).get(
        f"/w/{committed_team.workspace.slug}/evaluations/{evaluation.id}/rows/1"
    )
    words = _words(page.text)
    assert "2 passages retrieved" in words
    assert "Refunds take 30 days." in words


def test_repeats_of_a_run_that_goes_on_are_not_compared_yet(committed_team: factories.Team) -> None:
    shown = _shown(committed_team, repeats=4)
    with unit_of_work() as session:
        session.execute(text("update run set status = 'running' where id = :run"), {"run": shown.runs[1].id})
        grid = build_grid(session, shown.evaluation, GridRequest(sort="flips"))
    assert grid.signs.flips == {}
    assert [row.number for row in grid.rows] == [1, 2, 3, 4, 5, 6]


def test_of_repeats_those_that_people_have_judged_are_compared(committed_team: factories.Team) -> None:
    shown = _shown(committed_team, repeats=2)
    with unit_of_work() as session:
        run = next(
            one for one in repository.list_runs(session, [shown.evaluation.id]) if one.id == shown.runs[0].id
        )
        _say(
            session, committed_team, run, shown.people, 0, False, False, True
        )  # of the first of two right answers
        session.execute(
            text("""
            update judgment set boolean_value = false where author = '' and evaluator_version_id = :judge
              and log_id = (select log_id from run_item where run_id = :run and position = 1)
            """),
            {"judge": shown.judge.id, "run": run.id},
        )
        signs = row_signs.load_signs(session, [run], [shown.judge, shown.people], shown.judge)
        first = session.scalar(
            text("select datapoint_id from run_item where run_id = :run and position = 0"), {"run": run.id}
        )
    assert signs.gaps[first] == pytest.approx(2 / 3), "not the 1/6 between two averages"
