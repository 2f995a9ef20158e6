"""What a report says beside its sentence: groups of rows, missing rows, repeats, more rows, and what a score costs."""

import html
import re
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from scipy.stats import binomtest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint

from app.core.database import unit_of_work
from app.evaluations.models import Evaluation
from app.evaluations.reports.tradeoff import list_tradeoffs
from app.evaluations.reports.view import ReportView, build_view
from tests import factories
from tests.web import signed_in

TOPICS = {"cards": 40, "travel": 30, "loans": 25, "rare": 5}
RIGHT_BEFORE = {"cards": 10, "travel": 15, "loans": 12, "rare": 0}
RIGHT_AFTER = {"cards": 35, "travel": 19, "loans": 11, "rare": 5}


def _rows() -> list[dict[str, Any]]:
    return [
        {
            "inputs": {"question": f"{topic} {number}"},
            "target": {"answer": "yes"},
            "metadata": {"topic": topic, "id": f"{topic}-{number}", "is_long": number % 2 == 0},
        }
        for topic, size in TOPICS.items()
        for number in range(size)
    ]


def _outputs(right: dict[str, int]) -> list[str | None]:
    return [
        "yes" if number < right[topic] else "no" for topic, size in TOPICS.items() for number in range(size)
    ]


def _compared(
    team: factories.Team, before: list[str | None], after: list[str | None], rows: Any, **options: Any
) -> Evaluation:
    with unit_of_work() as session:
        admin = team.admin
        old = factories.prompt(session, admin, "tests/sliced")
        new = factories.prompt(session, admin, "tests/sliced", temperature=0.5)
        data = factories.dataset(session, admin, rows)
        right = factories.evaluator(session, admin, "exact", "tests/Right", target_field="answer")
        found = factories.evaluation(session, admin, old, right)
        for version, outputs in ((old, before), (new, after)):
            run = factories.started_run(session, admin, found, version, data, **options)
            factories.finish_run(session, run, outputs)
        return found


def _view(evaluation: Evaluation, by: str = "") -> ReportView:
    with unit_of_work() as session:
        session.add(evaluation)
        return build_view(session, evaluation, None, by)


def _words(client: TestClient, team: factories.Team, evaluation: Evaluation, query: str = "") -> str:
    page = signed_in(client, team.admin).get(f"/w/{team.workspace.slug}/evaluations/{evaluation.id}{query}")
    assert page.status_code == 200
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def test_groups_of_rows_are_compared_on_their_own_with_p_adjusted_for_all(
    client: TestClient, committed_team: factories.Team
) -> None:
    evaluation = _compared(committed_team, _outputs(RIGHT_BEFORE), _outputs(RIGHT_AFTER), _rows())
    table = _view(evaluation, "metadata.topic").slices

    assert table is not None
    assert (table.title, [line.value for line in table.lines]) == ("topic", ["cards", "travel", "loans"])
    assert table.left_out == 5, "five rows of a rare topic are in no group, and are counted"
    moved = [abs(RIGHT_AFTER[topic] - RIGHT_BEFORE[topic]) for topic in ("cards", "travel", "loans")]
    raw = [binomtest(0, count).pvalue for count in moved]  # each topic moved one way only
    adjusted = multipletests(raw, method="fdr_bh")[1]
    changes = [line.change for line in table.lines if line.change]
    assert [change.p for change in changes] == [
        "p < 0.001" if p < 0.001 else f"p = {p:.2f}" for p in adjusted
    ]
    assert [change.verdict.name for change in changes] == ["better", "too_few", "too_few"]
    assert [change.n for change in changes] == [40, 30, 25]
    words = _words(client, committed_team, evaluation, "?by=metadata.topic")
    assert "Right by topic exploratory, groups of 20 rows or more; p adjusted for 3 groups" in words
    lo, hi = proportion_confint(35, 40, method="wilson")
    assert f"87.5% {lo * 100:.1f}–{hi * 100:.1f} +62.5" in words
    assert "5 rows are in no group" in words


def test_a_change_that_only_one_of_many_groups_shows_is_not_called_one(
    committed_team: factories.Team,
) -> None:
    """Six rows of a hundred got better, p = .03: of three groups, that is not rare enough."""
    rows = [
        {"inputs": {"question": f"{n}"}, "target": {"answer": "yes"}, "metadata": {"topic": "abc"[n // 100]}}
        for n in range(300)
    ]
    table = _view(_compared(committed_team, ["no"] * 6 + ["yes"] * 294, ["yes"] * 300, rows)).slices

    assert table is not None
    first = table.lines[0].change
    assert first is not None
    assert (first.span, first.p) == ("+0.6 to +11.2", "p = 0.094")
    assert (first.verdict.name, first.tone) == ("no_clear_change", "same")


def test_people_choose_the_field_and_a_field_of_ids_is_none(
    client: TestClient, committed_team: factories.Team
) -> None:
    evaluation = _compared(committed_team, _outputs(RIGHT_BEFORE), _outputs(RIGHT_AFTER), _rows())
    table = _view(evaluation, "metadata.is_long").slices

    assert table is not None
    assert [choice.name for choice in table.choices] == ["metadata.topic", "metadata.is_long"]
    assert sorted(line.value for line in table.lines) == ["false", "true"]
    assert table.left_out == 0
    words = _words(client, committed_team, evaluation, "?by=metadata.is_long")
    assert "Right by is_long" in words
    assert "Right by topic" in _words(client, committed_team, evaluation, "?by=metadata.no such"), (
        "the likeliest"
    )


def test_rows_without_a_group_have_no_slices(committed_team: factories.Team) -> None:
    assert _view(_compared(committed_team, ["no"] * 30, ["yes"] * 30, 30)).slices is None


def test_missing_rows_are_bounded_and_said_to_decide_where_they_do(
    client: TestClient, committed_team: factories.Team
) -> None:
    """Of 60 rows, four have no answer after, one neither before nor after; without them it is clearly better."""
    before: list[str | None] = ["no"] * 8 + ["yes"] * 51 + [None]
    after: list[str | None] = ["yes"] * 8 + ["yes"] * 47 + [None] * 5
    rows = [{"inputs": {"question": f"{n}"}, "target": {"answer": "yes"}} for n in range(60)]
    evaluation = _compared(committed_team, before, after, rows)
    view = _view(evaluation)

    assert view.report.primary
    assert view.candidate
    assert view.report.primary.changes[view.candidate.id].verdict.name == "better"
    assert view.missing is not None
    assert (view.missing.rows, view.missing.decides) == (5, True)
    # Worst: the four are wrong where they were right, and the fifth right before: (8 - 5) / 60. Best: (8 + 1) / 60.
    words = _words(client, committed_team, evaluation)
    assert (
        "The verdict rests on rows that are missing. 5 rows have no score from one version or both." in words
    )
    assert "against v2, the change would be +5.0 points" in words
    assert "for it, +15.0 (" in words
    assert "Next: use v2. But first run the rows that have no score: the verdict rests on them." in words


def test_no_row_missing_is_no_doubt(committed_team: factories.Team) -> None:
    view = _view(_compared(committed_team, _outputs(RIGHT_BEFORE), _outputs(RIGHT_AFTER), _rows()))
    assert view.missing is None
    assert view.next is not None
    assert (view.next.do, view.next.takes_rows) == ("Use v2.", False)


def test_too_little_change_says_how_many_rows_more_would_tell(
    client: TestClient, committed_team: factories.Team
) -> None:
    before: list[str | None] = ["no"] * 20 + ["yes"] * 80
    after: list[str | None] = ["yes"] * 12 + ["no"] * 8 + ["no"] * 8 + ["yes"] * 72
    rows = [{"inputs": {"question": f"{n}"}, "target": {"answer": "yes"}} for n in range(100)]
    evaluation = _compared(committed_team, before, after, rows)
    words = _words(client, committed_team, evaluation)

    assert "No clear change from v1 to v2" in words
    found = re.search(
        r"To tell one of 4\.0 points, as large as this one, about ([\d,]+) more like these", words
    )
    assert found, words
    moved = np.array([1] * 12 + [-1] * 8 + [0] * 80)
    by_t = TTestPower().solve_power(effect_size=0.04 / moved.std(), power=0.8, alpha=0.05) - 100
    assert int(found[1].replace(",", "")) == pytest.approx(by_t, rel=0.02), "the paired t test needs as many"
    assert "Next: keep v1, the baseline, for now: neither is clearly better." in words
    assert "Add rows" in words


def test_repeats_show_how_often_answers_flip_and_how_often_all_are_right(
    client: TestClient, committed_team: factories.Team
) -> None:
    """Thirty rows three times each: ten always right, ten right once, ten never."""
    rows = [{"inputs": {"question": f"{n}"}, "target": {"answer": "yes"}} for n in range(30)]
    steady = ["yes"] * 30 + ["yes", "no", "no"] * 10 + ["no"] * 30
    evaluation = _compared(committed_team, steady, ["yes"] * 90, rows, repeats=3)
    old, new = _view(evaluation).repeats

    assert (old.repeats, old.rows) == (3, 30)
    lo, hi = proportion_confint(10, 30, method="wilson")
    assert (old.flips.value, old.flips.span) == ("33.3%", f"{lo * 100:.1f}–{hi * 100:.1f}")
    assert (old.any_passes.value, old.all_pass.value) == ("66.7%", "33.3%")
    assert (new.flips.value, new.any_passes.value, new.all_pass.value) == ("0%", "100%", "100%")
    words = _words(client, committed_team, evaluation)
    assert "Does it say the same twice?" in words
    assert "All of them right" in words


def test_versions_stand_by_what_they_cost_and_take(
    client: TestClient, committed_team: factories.Team
) -> None:
    evaluation = _compared(committed_team, _outputs(RIGHT_BEFORE), _outputs(RIGHT_AFTER), _rows())
    assert _view(evaluation).tradeoffs == [], "both cost the same: there is nothing to weigh"
    with unit_of_work() as session:
        session.add(evaluation)
        view = build_view(session, evaluation, None)
        dearer = view.report.usage[view.report.runs[1].id]._replace(
            cost_per_1000_usd=0.9, p95_latency_ms=80.0
        )
        view.report.usage[view.report.runs[1].id] = dearer  # type: ignore[index]
        cost, latency = list_tradeoffs(view.report, view.candidate)
    assert (cost.against, latency.against) == ("cost per 1,000 rows", "p95 latency")
    assert [point.beaten_by for point in cost.points] == ["", ""]
    assert {point.run.name: point.beaten_by for point in latency.points} == {"v1": "v2", "v2": ""}
    old, new = sorted(cost.points, key=lambda point: point.run.name)
    assert old.x < new.x
    assert old.y > new.y, "what scores higher stands higher"
