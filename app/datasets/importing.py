"""Importing a file into a dataset: everything or nothing, with a line for each row that could not be read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO, Literal

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import DomainError
from app.datasets import service
from app.datasets.parsing import read_rows
from app.datasets.rows import LineError
from app.datasets.schemas import DatapointContent
from app.datasets.service import DatasetChange, DatasetWritten

MOST_ERRORS = 100
"""Further errors are counted, not listed: a file with the wrong delimiter has one in every line."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """A file to import, and what happens to the rows that are there."""

    file: BinaryIO
    filename: str | None
    action: Literal["set", "add"]
    mapping: Mapping[str, str] | None = None
    note: str | None = None
    name: str | None = None
    """Of the new version."""
    base_version_id: str | None = None
    """The version whose rows `add` keeps; the newest one when not given."""
    environment: str | None = None
    """Take the base from what is deployed there instead."""


class ImportFailed(DomainError):
    """Some lines could not be read, so nothing was imported. `errors` says what to do about each."""

    status = 422
    title = "Nothing was imported"

    def __init__(self, errors: list[LineError], count: int, warnings: list[str]) -> None:
        what = "One line" if count == 1 else f"{count:,} lines"
        super().__init__(
            f"{what} could not be read. Nothing was imported: correct the file and import it again."
        )
        self.errors = errors
        self.count = count
        self.warnings = warnings


def import_rows(
    session: Session,
    principal: Principal,
    request: ImportRequest,
    *,
    file_id: str | None = None,
    path: str | None = None,
) -> DatasetWritten:
    """Import a CSV or JSONL file into a dataset, as a new version; one that is not there is made at `path`.

    Memory stays flat.

    Raises:
        ImportFailed: lines that cannot be read; nothing is stored, the transaction is to be rolled back.
        Invalid: the mapping names a place or a column that does not exist.
        NotFound: there is no dataset with this id, or none of what was named as its base.
        Conflict: the version name is taken.
    """
    reader = _Reader(request)
    change = DatasetChange(
        rows=reader.rows(),
        action=request.action,
        file_id=file_id,
        path=path,
        base_version_id=request.base_version_id,
        environment=request.environment,
        name=request.name,
        note=request.note or reader.note,
    )
    written = service.write(session, principal, change)
    return replace(written, warnings=reader.warnings)


class _Reader:
    """Reads rows and keeps the errors; after the last row it raises if there were any."""

    def __init__(self, request: ImportRequest) -> None:
        self._source = read_rows(request.file, request.filename, request.mapping)
        self._errors: list[LineError] = []
        self._count = 0
        self.note = f"Import {request.filename}" if request.filename else "Import"

    @property
    def warnings(self) -> list[str]:
        """What was read in a way that somebody should know of; whole after the last row."""
        return self._source.warnings

    def rows(self) -> Iterator[DatapointContent]:
        """The rows of the file, in order."""
        any_row = False
        for found in self._source.rows:
            if isinstance(found, LineError):
                self._keep(found)
            elif not self._count:  # once a line is wrong, the rest is only looked at for its errors
                any_row = True
                yield DatapointContent.of(found)
        if not (any_row or self._count):
            self._keep(LineError(1, "the file names columns and has no rows: nothing can be made of it"))
        if self._count:
            raise ImportFailed(self._errors, self._count, self.warnings)

    def _keep(self, error: LineError) -> None:
        self._count += 1
        if len(self._errors) < MOST_ERRORS:
            self._errors.append(error)
