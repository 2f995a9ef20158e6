"""What to do about what a report found: the step itself, and what to know before it is taken."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.core import formats
from app.evaluations.figures.headline import Headline, add_rows
from app.evaluations.figures.numbers import Change
from app.evaluations.figures.report import Report
from app.evaluations.models import Run
from app.evaluations.reports.doubts import MissingRows, MoreRows
from app.evaluations.reports.scoreboard import Operation
from app.statistics.verdict import FEWEST_ROWS


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do next."""

    do: str
    why: str
    """What speaks for it, and what to look at before; may be empty."""
    takes_rows: bool
    """Whether more rows are what it takes."""
    rows: int | None = None
    """About how many; None where they are not what it takes, or nobody can say."""
    read: str = ""
    """The words of `why` that name the rows that got worse, which are to be read; empty where none are."""


def next_step(
    report: Report,
    candidate: Run | None,
    found: Headline,
    *,
    missing: MissingRows | None,
    more: MoreRows | None,
    operations: Sequence[Operation],
    deployed: Collection[str],
) -> NextStep | None:
    """The step for the verdict on `candidate`; None where there is no verdict yet.

    `operations` are its cost and latency beside the baseline's, `deployed` the ids of the versions that answer everybody.
    """
    row, baseline = report.primary, report.baseline
    if not found.next or row is None or baseline is None or candidate is None:
        return None
    change = row.changes[candidate.id]
    name = change.verdict.name
    if name == "better":
        parts = [
            _live(candidate, deployed, "answers already"),
            _lost(report, candidate),
            _worse_rows(change, row.info.wanted),
        ]
    elif name == "worse":
        parts = [
            _live(candidate, deployed, f"is what answers now: deploy {baseline.name} again"),
            _tell_why(change, row.info.wanted),
        ]
    elif name == "no_relevant_difference":
        parts = [_costs(candidate, operations), _lost(report, candidate)]
    else:
        parts = [_least(change) if name == "too_few" else "", more.sentence if more else ""]
    if missing and missing.decides:
        parts.insert(0, "But first run the rows that have no score: the verdict rests on them.")
    takes_rows = name in ("no_clear_change", "too_few")
    needed = _needed(change, more) if takes_rows else None
    step = found.next
    if name == "too_few" and needed:
        step = add_rows(f"about {formats.about(needed)} rows", baseline.name, row.info)
    why = " ".join(filter(None, parts))
    read = _named_worse(change, row.info.wanted) if name in ("better", "worse") else ""
    return NextStep(step, why, takes_rows, needed, read)


def _needed(change: Change, more: MoreRows | None) -> int | None:
    """How many rows it takes: enough to say anything, and to tell what was seen."""
    needed = max((more.rows if more else None) or 0, FEWEST_ROWS - change.n)
    return needed if needed > 0 else None


def _live(run: Run, deployed: Collection[str], said: str) -> str:
    return f"{run.name} {said}." if run.version_id in deployed else ""


def _lost(report: Report, candidate: Run) -> str:
    """The other scores that are clearly worse."""
    names = [
        row.version.file.name
        for row in report.rows
        if not row.primary
        and not row.info.is_neutral
        and candidate.id in row.changes
        and row.changes[candidate.id].verdict.name == "worse"
    ]
    return f"See first whether that is worth it: {_listed(names)} got worse." if names else ""


def _worse(change: Change, wanted: str) -> int:
    """How many rows got worse, as the evaluator wants it."""
    if change.changes is None:
        return 0
    return change.changes.lower if wanted == "higher" else change.changes.higher


def _named_worse(change: Change, wanted: str) -> str:
    worse = _worse(change, wanted)
    return f"{f'{worse:,} rows' if worse > 1 else 'one row'} that got worse" if worse else ""


def _tell_why(change: Change, wanted: str) -> str:
    named = _named_worse(change, wanted)
    return f"The {named} tell{'s' if _worse(change, wanted) == 1 else ''} why." if named else ""


def _worse_rows(change: Change, wanted: str) -> str:
    """What there is to read before a better version is used."""
    if change.changes is None:
        return ""
    named = _named_worse(change, wanted)
    return f"Read the {named} first." if named else "No row got worse."


def _costs(run: Run, operations: Sequence[Operation]) -> str:
    """Which way cost and latency point; they are estimates without an interval."""
    said = [
        f"{one.name[:1].lower()}{one.name[1:]} is {one.word}{' by ' + one.change.lstrip('+−') if one.tone else ''}"
        for one in operations
        if one.judged and one.word
    ]
    return f"Of {run.name}, {_listed(said)}." if said else ""


def _least(change: Change) -> str:
    """Why nothing can be said."""
    delta = change.delta
    if change.n < FEWEST_ROWS:
        return f"Fewer than {FEWEST_ROWS} rows tell nothing."
    if delta and delta.lo is None:
        return "More clusters are needed: rows of one are not independent."
    return "The interval is wider than 20 points, and includes 0."


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
