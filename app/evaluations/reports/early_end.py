"""What there is to say of an evaluation that stops as soon as it is clear: when it was, and what that saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.core import formats
from app.evaluations.figures.report import Report
from app.evaluations.models import ENDED, Run

_SEQUENCE = (
    "The interval of the primary change is a confidence sequence: it holds at every look, and is 1.4 to 2 times as wide as"
    " one that is looked at once."
)
_OTHERS = (
    "Every other interval, of other scores, of groups of rows and of each version alone, is for one look, on a number of rows that"
    " depended on the primary score."
)
_GROUPS = (
    "It stopped when all rows together were clear, and these intervals are for one look: read groups as hints, and run the rest"
    " before you rely on one."
)


@dataclass(frozen=True, slots=True)
class EarlyEnd:
    """How a sequential evaluation ended, or that it goes on."""

    rows: int
    """Rows that there are for each version."""
    clear_after: int | None
    """After how many it was clear; None where it was not, or not yet."""
    left: Sequence[tuple[Run, int]]
    """The runs that left rows for that reason, and how many rows each had run by then."""
    runs: Sequence[Run]
    """All of them."""
    rows_saved: int
    """Rows that were left and would have taken a call, over all runs, repeats included."""
    calls_saved: int
    """As often as the rows that ran were asked, retries and judges included."""
    usd_saved: Decimal | None
    """None where the price of a call is not known."""
    seconds_saved: float
    """At the pace of the slowest run."""

    @property
    def sentence(self) -> str:
        """What happened."""
        if self.clear_after is None:
            if any(run.status not in ENDED for run in self.runs):
                return "It stops as soon as it is clear. Rows come in random order, and the primary score is looked at as they do."
            whole = all(run.done_count >= run.items_count for run in self.runs)
            return (
                "It never became clear, so every row was run."
                if whole
                else "It was not clear yet when it ended."
            )
        when = f"after {self.clear_after:,} of {self.rows:,} rows"
        if any(_ends(run) for run in self.runs):
            return f"It ends now, because it was clear {when}: what is in flight is awaited."
        kept = [run for run, _ in self.left]
        others = [run for run in self.runs if run.clear_after is not None and run not in kept]
        if not self.left:
            return f"It was clear {when}; {_rest(others)}."
        each = " and ".join(
            f"{run.name} {'had run ' if at == 0 else ''}{done:,}" for at, (run, done) in enumerate(self.left)
        )
        said = f"Stopped {when}, because it was clear. With what was in flight, {each} by then."
        return f"{said} Of {_names(others)}, {_rest(others)}." if others else said

    @property
    def saved(self) -> str:
        """What it saved, estimated at the mean of the rows that ran; empty where it saved nothing."""
        if not self.rows_saved:
            return ""
        parts = [f"{self.rows_saved:,} answers"]
        if self.calls_saved:
            parts.append(f"about {self.calls_saved:,} calls")
        if self.usd_saved is not None:
            parts.append(f"{formats.money(self.usd_saved)}")
        if self.seconds_saved >= 1:
            parts.append(f"{formats.estimate(self.seconds_saved)}")
        return f"Saved: {', '.join(parts)}, at the mean of the rows that ran."

    @property
    def caveat(self) -> str:
        """How to read the intervals."""
        return _SEQUENCE + (f" {_OTHERS}" if self.left else "")

    @property
    def of_groups(self) -> str:
        """How to read the intervals of groups of rows; empty where every row was run, as planned."""
        return _GROUPS if self.left else ""


def early_end(report: Report) -> EarlyEnd | None:
    """What to say of the compared runs of an evaluation; None where it runs every row."""
    runs = [run for run in report.runs if run.stops_by]
    if not report.evaluation.stops_when_clear or not runs:
        return None
    left = [run for run in runs if run.left_count and run.status != "cancelled"]
    most = 1 + sum(row.info.model_calls for row in report.rows)
    calls = {run.id: _calls_saved(run, most) for run in left}
    usd = [_share(run, calls[run.id]) * float(run.spent_usd) if run.spent_usd else None for run in left]
    known = [each for each in usd if each is not None]
    return EarlyEnd(
        rows=max(run.rows_count for run in runs),
        clear_after=max((run.clear_after for run in runs if run.clear_after is not None), default=None),
        left=[(run, (run.items_count - run.left_count) // run.repeats) for run in left],
        runs=runs,
        rows_saved=sum(_unanswered(run) for run in left),
        calls_saved=round(sum(calls.values())),
        usd_saved=Decimal(str(sum(known))) if left and len(known) == len(left) else None,
        seconds_saved=max((_share(run, calls[run.id]) * _seconds(run) for run in left), default=0.0),
    )


def _ends(run: Run) -> bool:
    """Whether it only waits for its last calls because it is clear."""
    return run.status not in ENDED and run.clear_after is not None and run.cancel_requested_at is not None


def _rest(runs: Sequence[Run]) -> str:
    """What became of the other rows of runs that were clear, and were told to go on."""
    if any(run.status not in ENDED for run in runs):
        return "the rest is run all the same"
    if any(run.done_count < run.items_count for run in runs):
        return "the rest was begun all the same, until somebody stopped it"
    return "the rest was run all the same"


def _names(runs: Sequence[Run]) -> str:
    return " and ".join(run.name for run in runs)


def _unanswered(run: Run) -> int:
    """Items that were left and have no output of an earlier run."""
    return run.left_count - run.left_reused_count


def _calls_saved(run: Run, most: int) -> float:
    """What the items that were left would have taken: as many calls each as those that were asked about. Outputs that were used
    again may have taken judges' calls; then none takes more than `most`."""
    reused = run.reused_count - run.left_reused_count
    asked = run.items_count - run.left_count - reused
    if asked <= 0:
        return 0.0
    each = run.calls_count / asked
    return _unanswered(run) * (min(each, most) if reused else each)


def _share(run: Run, calls: float) -> float:
    """So many calls, measured in those that the run made."""
    return calls / run.calls_count if run.calls_count else 0.0


def _seconds(run: Run) -> float:
    """How long it took until it left its rows."""
    if run.started_at is None or run.left_at is None:
        return 0.0
    return (run.left_at - run.started_at).total_seconds()
