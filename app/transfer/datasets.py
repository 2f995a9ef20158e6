"""Importing the rows of dataset versions, with their ids. Memory stays flat."""

from collections.abc import Iterator

from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.core import ids
from app.datasets import repository as rows
from app.datasets.schemas import DatapointContent
from app.datasets.summary import summarise
from app.files.models import File, Version
from app.transfer import dataset_repository
from app.transfer.dataset_repository import GivenRow
from app.transfer.files import SaidVersion, write_version
from app.transfer.reading import Folder, Json
from app.transfer.report import Report
from app.transfer.said import Said

ROWS = "rows of datasets"


def write_dataset_version(
    session: Session, file: File, version: SaidVersion, spec: Json, folder: Folder, report: Report
) -> Version:
    """A new version of a dataset with its rows, in the order of the export."""
    place = folder.folder("datapoints").folder(version.id)
    lines = dataset_repository.stage(session, _read(place, report))
    for row_id in dataset_repository.store_staged(session, file.workspace_id):
        report.leave_out(ROWS, "another workspace has its id", f"{place.name}, {row_id}")
    dataset_repository.want_staged(session, file.workspace_id)
    digest, count, _ = rows.measure_wanted(session, file.id, file.last_number)
    content = ids.canonical_json({"rows": digest, **spec})
    made = write_version(session, file, version, spec, report, content)
    rows.store_wanted(session, file.id, made.number)
    made.rows_count = count
    session.flush()
    summarise(session, made)
    report.written[ROWS] += count
    expected = version.said.count("datapoints_count")
    if expected is not None and lines < expected:
        report.gaps.add(f"{place.name}: {lines:,} of {expected:,} rows")
    return made


def _read(place: Folder, report: Report) -> Iterator[GivenRow]:
    for line in place.lines(ROWS, report):
        said = Said(line.value)
        row_id = said.text("id")
        if row_id is None or len(row_id) > 200:
            report.leave_out(ROWS, "it has no id of up to 200 characters", line.where)
            continue
        try:
            content = DatapointContent.model_validate(line.value)
        except ValidationError as error:
            report.leave_out(ROWS, error.errors()[0]["msg"].removeprefix("Value error, "), line.where)
            continue
        yield GivenRow(row_id, content)
