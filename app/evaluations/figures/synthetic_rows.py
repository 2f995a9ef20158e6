"""How many of the rows that versions ran on a model wrote: what they do there may not be what they do on people's."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.evaluations.figures import synthetic_repository
from app.evaluations.models import Run


@dataclass(frozen=True, slots=True)
class SyntheticRows:
    """Of the run that has the largest share of them."""

    rows: int
    of: int

    @property
    def sentence(self) -> str:
        """What a report and a gate say."""
        were = "row is" if self.of == 1 else "rows are"
        return f"{self.rows:,} of {self.of:,} {were} synthetic: a model wrote {'it' if self.rows == 1 else 'them'}."


def synthetic_rows(session: Session, runs: Sequence[Run]) -> SyntheticRows | None:
    """Those of the run with the largest share of them; None where no run has any."""
    counts = synthetic_repository.count_synthetic(session, [run.id for run in runs])
    found = [SyntheticRows(counts[run.id], run.rows_count) for run in runs if counts.get(run.id)]
    return max(found, key=lambda one: one.rows / max(1, one.of), default=None)
