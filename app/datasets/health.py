"""What the rows of a dataset are good for: which change they can show, what they leave out, and which of them are the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.database import Json
from app.datasets import suspects
from app.datasets.alike import TESTS, Alike
from app.datasets.summary import summarise
from app.datasets.suspects import Suspect
from app.files.models import Version
from app.statistics.power import rows_needed, smallest_detectable_difference

_WANTED_DIFFERENCE = 0.02


@dataclass(frozen=True, slots=True)
class Health:
    """What the rows are good for."""

    detectable: float | None
    """The smallest change in a share that this many rows show with 80 % power."""
    needed: int
    """Rows that would show a change of two points."""
    clusters: int
    without_target: int
    splits: Mapping[str, int]
    """Rows by split; those of no split under the empty name."""
    values: Sequence[tuple[str, int]]
    """The most frequent targets, where targets repeat."""
    rare: int
    """Target values with fewer than four rows."""
    distinct: int
    suspects: Sequence[Suspect]
    """Rows whose targets several versions speak against."""
    alike: Alike | None
    """None where there are too many rows to look for near-duplicates."""
    synthetic: int
    """Rows that a model wrote."""
    synthetic_tests: int
    """Of those, the ones in validation, test or sealed."""


def build_health(session: Session, version: Version) -> Health:
    """What a version's rows are good for."""
    rows = version.rows_count or 0
    summary = summarise(session, version)
    are_classes = summary.distinct <= rows / 2
    return Health(
        detectable=smallest_detectable_difference(rows) if rows else None,
        needed=rows_needed(_WANTED_DIFFERENCE),
        clusters=summary.clusters,
        without_target=summary.without_target,
        splits=summary.splits,
        values=summary.values if are_classes else (),
        rare=summary.rare if are_classes else 0,
        distinct=summary.distinct,
        suspects=suspects.of(session, version),
        alike=summary.alike,
        synthetic=sum(summary.synthetic.values()),
        synthetic_tests=sum(count for split, count in summary.synthetic.items() if split in TESTS),
    )


def present(version: Version, health: Health) -> Json:
    """Health as the API shows it."""
    alike = health.alike
    return {
        "version_id": version.id,
        "rows": version.rows_count or 0,
        "splits": dict(health.splits),
        "clusters": health.clusters,
        "without_target": health.without_target,
        "smallest_detectable_change": health.detectable,
        "rows_for_two_points": health.needed,
        "distinct_targets": health.distinct,
        "rare_targets": health.rare,
        "frequent_targets": [{"value": value, "rows": rows} for value, rows in health.values],
        "synthetic": {"rows": health.synthetic, "in_validation_and_test": health.synthetic_tests},
        "suspect_targets": [
            {"datapoint_id": one.datapoint_id, "answer": one.answer, "versions": list(one.versions)}
            for one in health.suspects
        ],
        "near_duplicates": alike
        and {
            "rows": alike.rows,
            "questions": alike.groups,
            "with_different_targets": alike.torn,
            "in_training_and_test": alike.leaking,
            "datapoint_ids": list(alike.ids),
        },
    }
