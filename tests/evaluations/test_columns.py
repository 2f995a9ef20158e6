"""Scores of runs as columns: what the judgments of the outputs of a row come to."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluations.figures.score_repository import Judged
from app.evaluations.figures.scores import Column, RowsOfRun, ScoreTable
from app.statistics.paired import count_changes

said = st.lists(st.tuples(st.integers(0, 11), st.sampled_from(["score", "failed", "answered", "silent"])))


def _column(rows: list[str], *, scored: list[tuple[int, float]], **other: list[int]) -> Column:
    positions, scores = [one for one, _ in scored], [score for _, score in scored]
    judged = Judged(
        "run", "judge", positions, scores, *(other.get(name, []) for name in ("failed", "answered", "silent"))
    )
    return RowsOfRun(range(len(rows)), rows).column(judged, None)


@given(said, st.sampled_from([1, 2, 3]), st.randoms())
def test_a_column_is_what_a_plain_count_says(
    judgments: list[tuple[int, str]], repeats: int, random: Random
) -> None:
    rows = [f"row {number}" for number in range(12 // repeats)]
    random.shuffle(rows)
    of = [row for row in rows for _ in range(repeats)]
    scored = [(at, random.random()) for at, kind in judgments if kind == "score"]
    other = {kind: [at for at, one in judgments if one == kind] for kind in ("failed", "answered", "silent")}
    column = _column(of, scored=scored, **other)

    by_row: dict[str, list[float]] = {}
    for at, score in scored:
        by_row.setdefault(of[at], []).append(score)
    means = {row: sum(scores) / len(scores) for row, scores in by_row.items()}
    assert column.by_row() == pytest.approx(means)
    assert list(column.rows) == [row for row in rows if row in means], "in the order of the run"
    failed = {of[at] for at in other["failed"]} - means.keys()
    told = {of[at] for at in other["answered"] + other["silent"]} - means.keys() - failed
    answered = {of[at] for at in other["answered"]} & told
    assert (column.errors, column.without_score, column.answered) == (len(failed), len(told), len(answered))


def test_repeats_with_the_same_scores_in_another_order_are_the_same() -> None:
    scores = [0.1, 0.2, 0.3]
    columns = {
        (run, "judge"): _column(["a"] * 3, scored=list(enumerate(order)))
        for run, order in (("one", scores), ("other", scores[::-1]), ("alike", [0.2, 0.2, 0.2]))
    }
    table = ScoreTable(columns, {})
    for run in ("other", "alike"):
        pairs = table.pairs("one", run, "judge")
        assert count_changes(pairs.baseline, pairs.candidate).same == 1


def test_rows_that_only_one_run_has_are_in_no_pair() -> None:
    one = _column(["a", "b", "c"], scored=[(0, 1.0), (1, 0.0), (2, 1.0)])
    other = _column(["c", "d", "a"], scored=[(0, 0.0), (1, 1.0), (2, 1.0)])
    pairs = ScoreTable({("one", "j"): one, ("other", "j"): other}, {"a": "x"}).pairs("one", "other", "j")
    assert (list(pairs.rows), pairs.baseline.tolist(), pairs.candidate.tolist()) == (
        ["a", "c"],
        [1, 1],
        [1, 0],
    )
    assert pairs.clusters == ["x", "c"]
