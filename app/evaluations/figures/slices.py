"""Slices: the primary score of groups of rows that share a value, each compared on its own. They are exploratory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.evaluations.figures import slice_repository
from app.evaluations.figures.memory import kept
from app.evaluations.figures.numbers import Change
from app.evaluations.figures.scores import Pairs, ScoreTable
from app.evaluations.figures.slice_repository import FEWEST_ROWS, FieldCounts
from app.evaluations.models import Run
from app.evaluators.describing import EvaluatorInfo, describe
from app.files.models import Version
from app.statistics.comparisons import benjamini_hochberg
from app.statistics.intervals import Interval, mean_interval
from app.statistics.paired import PairedTest, count_changes, paired_difference, paired_test
from app.statistics.verdict import NO_CLEAR_CHANGE, Verdict, verdict

LEVEL = 0.05
"""The share of false findings among those that are called better or worse, by Benjamini and Hochberg."""
_MANY = 12
"""Groups of a field that people can look over; of those that have fewer, more tell more."""
_ORDER = ("metadata", "target", "split", "cluster", "inputs")
"""What people mean to group by comes first, where nobody says by what."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows of one group."""

    value: str
    scores: Mapping[str, Interval | None]
    """By run id, over the group's rows that the run has a score for."""
    change: Change | None
    """Its test's p is adjusted for all groups of the field; None without a candidate, or with too few rows in both."""


@dataclass(frozen=True, slots=True)
class Slices:
    """The groups of one field."""

    field: str
    groups: Sequence[Slice]
    """Those with most rows first."""
    left_out: int
    """Rows of the dataset version in no group: without a value, or in a group of fewer than `FEWEST_ROWS`."""


def list_fields(session: Session, dataset: Version) -> list[FieldCounts]:
    """What the rows of a dataset version can be grouped by, the likeliest first."""
    found = kept.once(
        ("fields", dataset.id),
        lambda: slice_repository.list_fields(session, dataset.file_id, dataset.number),
    )
    return sorted(
        found,
        key=lambda field: (
            _ORDER.index(field.name.partition(".")[0]),
            field.groups > _MANY,
            -field.groups,
        ),
    )


def slice_scores(
    session: Session,
    table: ScoreTable,
    evaluator: Version,
    dataset: Version,
    field: str,
    runs: Sequence[Run],
) -> Slices:
    """The scores of `runs` (the candidate last; the baseline before it, where there is one) by the groups of a field."""
    states = [table.column(run.id, evaluator.id).state for run in runs]
    key = None if None in states else ("slices", dataset.id, field, *states)
    return kept.once(
        key,
        lambda: _slice(session, table, evaluator, dataset, field, runs),
        lambda found: len(found.groups),
    )


def _slice(
    session: Session, table: ScoreTable, evaluator: Version, dataset: Version, field: str, runs: Sequence[Run]
) -> Slices:
    groups = kept.once(
        ("groups", dataset.id, field),
        lambda: slice_repository.load_groups(session, dataset.file_id, dataset.number, field),
        lambda found: 1 + sum(map(len, found.values())),
    )
    info = describe(evaluator.spec)
    columns = {run.id: table.column(run.id, evaluator.id).by_row() for run in runs}
    found = []
    for value, rows in groups.items():
        scores = {run_id: _score(table, by_row, rows, info) for run_id, by_row in columns.items()}
        before, after = columns[runs[0].id], columns[runs[-1].id]
        change = _change(table.paired(before, after, rows), info) if runs[1:] else None
        found.append(Slice(value, scores, change))
    judged = set().union(*columns.values())
    grouped = {row for rows in groups.values() for row in rows}
    return Slices(field, _adjusted(found), len(judged - grouped))


def _score(
    table: ScoreTable, by_row: Mapping[str, float], rows: Sequence[str], info: EvaluatorInfo
) -> Interval | None:
    own = [row for row in rows if row in by_row]
    return mean_interval([by_row[row] for row in own], table.clusters_of(own), share=info.is_share)


def _change(pairs: Pairs, info: EvaluatorInfo) -> Change | None:
    if len(pairs.rows) < FEWEST_ROWS:
        return None
    delta = paired_difference(pairs.baseline, pairs.candidate, pairs.clusters, share=info.is_share)
    test = paired_test(pairs.baseline, pairs.candidate, pairs.clusters, share=info.is_share)
    word = verdict(delta, n=len(pairs.rows), wanted=info.wanted, share=info.is_share, neutral=info.is_neutral)
    return Change(delta, test, word, count_changes(pairs.baseline, pairs.candidate), unpaired=0)


def _adjusted(found: Sequence[Slice]) -> list[Slice]:
    """With the p of each test adjusted for all of them, and no word that it does not bear."""
    tests = [one.change.test for one in found if one.change and one.change.test]
    adjusted = iter(benjamini_hochberg([test.p for test in tests]))
    return [
        replace(one, change=_with_p(one.change, one.change.test, float(next(adjusted))))
        if one.change and one.change.test
        else one
        for one in found
    ]


def _with_p(change: Change, test: PairedTest, p: float) -> Change:
    named = replace(test, name=f"{test.name}, Benjamini-Hochberg adjusted", p=p)
    return replace(change, test=named, verdict=_word(change.verdict, p))


def _word(found: Verdict, p: float) -> Verdict:
    return NO_CLEAR_CHANGE if found.name in ("better", "worse") and p >= LEVEL else found
