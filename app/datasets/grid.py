"""What the dataset page shows: columns found in the rows, a page of them, and whether they can tell versions apart."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.core.template import as_text
from app.datasets import repository
from app.datasets.models import Datapoint
from app.datasets.summary import summarise
from app.files import repository as files_repository
from app.files import service as files
from app.files.models import File, Version
from app.statistics.power import rows_needed, smallest_detectable_difference

PAGE_ROWS = 50
_MOST_COLUMNS = 5
_WANTED_DIFFERENCE = 0.02


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the grid: texts under the columns, in their order."""

    number: int
    """From 1 by its place in the dataset, whatever the filter."""
    datapoint: Datapoint
    split: str | None
    inputs: Sequence[str]
    targets: Sequence[str]


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


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows page."""

    file: File
    version: Version | None
    newest: int
    input_names: Sequence[str]
    target_names: Sequence[str]
    rows: Sequence[Row]
    matching: int
    query: str
    split: str
    page: int
    pages: int
    health: Health | None


def build_rows(
    session: Session, file: File, *, number: int | None, query: str, split: str, page: int
) -> Rows:
    """A page of the rows of a version that match.

    Raises:
        NotFound: the dataset has no such version.
    """
    newest = files_repository.newest_version(session, file.id)
    version = files.get_version_number(session, file, number) if number else newest
    if version is None:
        return Rows(file, None, 0, (), (), (), 0, query, split, 1, 1, None)
    filtered = {"query": query or None, "split": split or None}
    matching = (
        repository.count_rows(session, version, **filtered) if query or split else version.rows_count or 0
    )
    pages = max(1, -(-matching // PAGE_ROWS))
    page = min(max(1, page), pages)
    found = repository.list_rows(session, version, **filtered, offset=(page - 1) * PAGE_ROWS, limit=PAGE_ROWS)
    inputs = _names(datapoint.inputs for _, datapoint in found)
    targets = _names(datapoint.target or {} for _, datapoint in found)
    rows = [
        Row(
            number=row.position + 1,
            datapoint=datapoint,
            split=row.split,
            inputs=[as_text(datapoint.inputs.get(name, "")) for name in inputs],
            targets=[_target(datapoint.target, name) for name in targets],
        )
        for row, datapoint in found
    ]
    health = _health(session, version)
    return Rows(
        file,
        version,
        newest.number if newest else 0,
        inputs,
        targets,
        rows,
        matching,
        query,
        split,
        page,
        pages,
        health,
    )


def _names(objects: Iterable[dict[str, Any]]) -> list[str]:
    """The names that occur in most rows, those with short values first: a question before its passage."""
    counts: Counter[str] = Counter()
    lengths: Counter[str] = Counter()
    for each in objects:
        for name, value in each.items():
            counts[name] += 1
            lengths[name] += len(as_text(value))
    chosen = [name for name, _ in counts.most_common(_MOST_COLUMNS)]
    return sorted(chosen, key=lambda name: lengths[name] / counts[name])


def _target(target: dict[str, Any] | None, name: str) -> str:
    if not target or target.get(name) is None:
        return ""
    value = target[name]
    return " | ".join(as_text(one) for one in value) if isinstance(value, list) else as_text(value)


def _health(session: Session, version: Version) -> Health | None:
    n = version.rows_count or 0
    if not n:
        return None
    summary = summarise(session, version)
    are_classes = summary.distinct <= n / 2
    return Health(
        detectable=smallest_detectable_difference(n),
        needed=rows_needed(_WANTED_DIFFERENCE),
        clusters=summary.clusters,
        without_target=summary.without_target,
        splits=summary.splits,
        values=summary.values if are_classes else (),
        rare=summary.rare if are_classes else 0,
        distinct=summary.distinct,
    )


@dataclass(frozen=True, slots=True)
class RowDetail:
    """The row page."""

    file: File
    version: Version
    datapoint: Datapoint
    split: str | None
    inputs: Sequence[tuple[str, str]]
    targets: Sequence[tuple[str, str]]
    number: int
    """From 1 by its place in the dataset."""


def build_row(session: Session, file: File, number: int | None, datapoint_id: str) -> RowDetail:
    """Everything about one row.

    Raises:
        NotFound: the version does not have it.
    """
    version = (
        files.get_version_number(session, file, number)
        if number
        else files_repository.newest_version(session, file.id)
    )
    found = repository.find_row(session, version, datapoint_id) if version else None
    if version is None or found is None:
        raise NotFound("This version of the dataset has no such row.")
    row, datapoint = found
    return RowDetail(
        file,
        version,
        datapoint,
        row.split,
        [(name, as_text(value)) for name, value in datapoint.inputs.items()],
        [(name, _target(datapoint.target, name)) for name in datapoint.target or {}],
        row.position + 1,
    )
