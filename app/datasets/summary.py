"""What the rows of a dataset version come to: worked out once, for a version never changes, and kept with it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy.orm import Session

from app.datasets import alike, repository
from app.datasets.alike import Alike
from app.files.models import Version

_MOST_VALUES = 10
_MOST_COMPARED = 200_000
"""Rows of a version up to which near-duplicates are looked for: that takes three seconds for each hundred thousand."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of the rows of a version."""

    splits: Mapping[str, int]
    """Rows by split; those of no split under the empty name."""
    clusters: int
    without_target: int
    distinct: int
    """Different targets, counted up to a thousand."""
    values: Sequence[tuple[str, int]]
    """The most frequent targets with their rows."""
    rare: int
    """Targets with fewer than four rows."""
    alike: Alike | None
    """None where there are too many rows to look."""
    synthetic: Mapping[str, int]
    """Rows that a model wrote, by split."""


def summarise(session: Session, version: Version) -> Summary:
    """The summary of a version. That of 100,000 rows takes a second or two, once."""
    if (
        version.summary and "alike" in version.summary
    ):  # one that was kept before near-duplicates were counted is made anew
        kept = version.summary
        if "synthetic" not in kept:  # it was kept before these were counted
            kept = {**kept, "synthetic": repository.count_synthetic(session, version)}
            repository.keep_summary(session, version, kept)
        return Summary(**{**kept, "alike": kept["alike"] and Alike(**kept["alike"])})
    values = repository.target_values(session, version)
    found = Summary(
        **repository.count_groups(session, version),
        distinct=len(values),
        values=values[:_MOST_VALUES],
        rare=sum(count < 4 for _, count in values),
        alike=_alike(session, version),
        synthetic=repository.count_synthetic(session, version),
    )
    repository.keep_summary(session, version, asdict(found))
    return found


def _alike(session: Session, version: Version) -> Alike | None:
    if (version.rows_count or 0) > _MOST_COMPARED:
        return None
    return alike.find(lambda: repository.stream_asked(session, version))
