"""What there is to say of an evaluation that stops as soon as it is clear: when it was, and what that saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.core import formats
from app.evaluations.models import ENDED, Evaluation, Run

_SEQUENCE = (
    "The interval of the primary change is a confidence sequence: it holds at every look, and is 1.4 to 2 times as wide as"
    " one that is looked at once."
)
_OTHERS = (
    "Every other interval, of other scores and of each version alone, is for one look, on a number of rows that depended on the"
    " primary score."
)


@dataclass(frozen=True, slots=True)
class EarlyEnd:
    """How a sequential evaluation ended, or that it goes on."""

    rows: int
    """Rows that there are for each version."""
    clear_after: int | None
    """After how many it was clear; None where it was not, or not yet."""
    ran: Sequence[tuple[Run, int]]
    """How many rows of each run are done."""
    rows_saved: int
    """Over all runs, repeats included."""
    calls_saved: int
    """As often as the rows that ran were asked, retries and judges included."""
    usd_saved: Decimal | None
    """None where the price of a call is not known."""
    seconds_saved: float
    """At the pace of the slowest run."""
    going: bool

    @property
    def sentence(self) -> str:
        """What happened."""
        if self.clear_after is None:
            if self.going:
                return "It stops as soon as it is clear. Rows come in random order, and the primary score is looked at as they do."
            whole = all(done >= self.rows for _, done in self.ran)
            return (
                "It never became clear, so every row was run."
                if whole
                else "It was not clear yet when it ended."
            )
        when = f"after {self.clear_after:,} of {self.rows:,} rows"
        if not self.rows_saved:
            return f"It was clear {when}; the rest was run all the same."
        (first, done), *others = self.ran
        each = "".join(f" and {run.name} {count:,}" for run, count in others)
        ends = "It ends now" if self.going else "Stopped"
        return f"{ends} {when}, because it was clear. With what was in flight, {first.name} had run {done:,}{each} by then."

    @property
    def saved(self) -> str:
        """What it saved, estimated at the mean of the rows that ran; empty where it saved nothing."""
        if not self.rows_saved:
            return ""
        parts = [f"{self.rows_saved:,} answers", f"about {self.calls_saved:,} calls"]
        if self.usd_saved is not None:
            parts.append(f"{formats.money(self.usd_saved)}")
        if self.seconds_saved >= 1:
            parts.append(f"{formats.estimate(self.seconds_saved)}")
        return f"Saved: {', '.join(parts)}, at the mean of the rows that ran."

    @property
    def caveat(self) -> str:
        """How to read the intervals."""
        return _SEQUENCE + (f" {_OTHERS}" if self.rows_saved else "")


def early_end(evaluation: Evaluation, runs: Sequence[Run]) -> EarlyEnd | None:
    """What to say of the compared runs of an evaluation; None where it runs every row."""
    runs = [run for run in runs if run.stops_by]
    if not evaluation.stops_when_clear or not runs:
        return None
    left = [run for run in runs if run.clear_after is not None and run.is_unfinished and run.status in ENDED]
    usd = [_usd(run) for run in left]
    return EarlyEnd(
        rows=max(run.rows_count for run in runs),
        clear_after=max((run.clear_after for run in runs if run.clear_after is not None), default=None),
        ran=[(run, run.done_count // run.repeats) for run in runs],
        rows_saved=sum(_left(run) for run in left),
        calls_saved=round(sum(_left(run) * run.calls_count / _fresh(run) for run in left)),
        usd_saved=sum((each for each in usd if each is not None), Decimal(0))
        if left and None not in usd
        else None,
        seconds_saved=max((_seconds(run) for run in left), default=0.0),
        going=any(run.status not in ENDED for run in runs),
    )


def _left(run: Run) -> int:
    return run.items_count - run.done_count


def _fresh(run: Run) -> int:
    """Rows that were asked about; at least one, to divide by."""
    return max(1, run.done_count - run.reused_count)


def _usd(run: Run) -> Decimal | None:
    return run.spent_usd / _fresh(run) * _left(run) if run.spent_usd else None


def _seconds(run: Run) -> float:
    if run.started_at is None or run.finished_at is None:
        return 0.0
    return (run.finished_at - run.started_at).total_seconds() / _fresh(run) * _left(run)
