"""A workspace as an export in the layout of Humanloop's export tool, with what the API answers in it.

It is read a page at a time, each in a transaction of its own, so that memory stays flat and nobody waits. A log that is
written meanwhile may be in it or not.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from pydantic_core import to_json
from sqlalchemy.orm import Session

from app.core import clock, waiting
from app.core.database import unit_of_work
from app.datasets.presentation import present_datapoint
from app.evaluations import presentation as evaluations
from app.evaluations import repository as evaluation_rows
from app.evaluations.figures.stats import evaluation_stats
from app.evaluations.models import Evaluation
from app.files import repository as files
from app.files.models import FileKind, Version
from app.files.presentation import present
from app.logs.showing import show_judgments, show_logs
from app.transfer import export_repository
from app.transfer.export_repository import Place
from app.transfer.layout import DONE, FILES, part_name

_A_PAGE = 100
_A_PART = 1_000
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the export. Its content is read to the end before the next member is asked for."""

    name: str
    content: Iterator[bytes]


def export_members(workspace_id: str) -> Iterator[Member]:
    """Every file of the export of a workspace, the marks of completeness after what they speak of."""
    with _reading() as session:
        file_ids = export_repository.file_ids(session, workspace_id)
    for file_id in file_ids:
        yield from _file(workspace_id, file_id)
    yield _whole("export.log", f"{clock.now().isoformat()} {len(file_ids)} files exported\n".encode())


@contextmanager
def _reading() -> Iterator[Session]:
    """A short transaction of its own. Nothing is yielded to the reader of the export within it."""
    with waiting.at_most(waiting.BULK_S), unit_of_work() as session:
        yield session


def _whole(name: str, content: bytes) -> Member:
    return Member(name, iter([content]))


def _json(name: str, value: Any) -> Member:
    return _whole(name, _as_json(value))


def _as_json(value: Any) -> bytes:
    return to_json(value, inf_nan_mode="null")


def _lines(records: Sequence[Any]) -> bytes:
    return b"".join(_as_json(record) + b"\n" for record in records)


def _parts(folder: str, pages: Iterator[bytes]) -> Iterator[Member]:
    """The numbered parts of a list, from its pages."""
    for number, first in enumerate(pages, start=1):
        rest = islice(pages, _A_PART // _A_PAGE - 1)
        yield Member(f"{folder}/{part_name(number)}", chain([first], rest))


def _file(workspace_id: str, file_id: str) -> Iterator[Member]:
    folder = f"{FILES}/{file_id}"
    with _reading() as session:
        file = files.find_file(session, workspace_id, file_id)
        if file is None:
            return  # it was deleted meanwhile
        versions = files.list_versions(session, file_id)
        for version in versions:
            version.file = file
        shown = files.shown_versions(session, [file_id]).get(file_id)
        presented = present(session, versions)
    if shown is None:
        return  # so were its versions
    yield _json(f"{folder}/file.json", next(each for each in presented if each["version_id"] == shown.id))
    for each in presented:
        yield _json(f"{folder}/versions/{each['version_id']}", each)
    yield _json(f"{folder}/deployments.json", _deployments(presented))
    if file.kind == FileKind.DATASET:
        for version in versions:
            yield from _parts(f"{folder}/datapoints/{version.id}", _rows(version))
    else:
        is_evaluator = file.kind == FileKind.EVALUATOR
        logs = _judgments(workspace_id, versions) if is_evaluator else _logs(workspace_id, file_id)
        yield from _parts(f"{folder}/logs", logs)
        yield from _evaluations(workspace_id, file_id, folder)
    yield _whole(f"{folder}/{DONE}", b"")


def _deployments(versions: Sequence[Json]) -> list[Json]:
    return [
        {
            "version_id": version["version_id"],
            "environment_id": environment["id"],
            "environment_name": environment["name"],
            "environment_tag": environment["tag"],
        }
        for version in versions
        for environment in version["environments"]
    ]


def _rows(version: Version) -> Iterator[bytes]:
    position = -1
    while True:
        with _reading() as session:
            rows = export_repository.list_rows(session, version, position, _A_PAGE)
        if not rows:
            return
        position = rows[-1][0].position
        yield _lines([present_datapoint(datapoint, row.split) for row, datapoint in rows])


def _logs(workspace_id: str, file_id: str) -> Iterator[bytes]:
    """The logs of a file. What is nested under a log stands under its own file only."""
    after: Place | None = None
    while True:
        with _reading() as session:
            found = export_repository.list_logs(session, workspace_id, file_id, after, _A_PAGE)
            records = show_logs(session, workspace_id, found)
        if not found:
            return
        after = Place(found[-1].created_at, found[-1].id)
        yield _lines(records)


def _judgments(workspace_id: str, versions: Sequence[Version]) -> Iterator[bytes]:
    """The judgments by an evaluator, version by version: so that each page is found by an index."""
    for version in versions:
        after: Place | None = None
        while True:
            with _reading() as session:
                found = export_repository.list_judgments(session, workspace_id, version.id, after, _A_PAGE)
                records = show_judgments(session, workspace_id, found)
            if not found:
                break
            after = Place(found[-1].created_at, found[-1].id)
            yield _lines(records)


def _evaluations(workspace_id: str, file_id: str, folder: str) -> Iterator[Member]:
    with _reading() as session:
        found = export_repository.evaluation_ids(session, file_id)
    for evaluation_id in found:
        with _reading() as session:
            evaluation = evaluation_rows.find_evaluation(session, workspace_id, evaluation_id)
            if evaluation is None:
                continue
            shown = evaluations.present_evaluation(session, evaluation)
            stats = evaluation_stats(session, evaluation)
            runs = evaluations.present_runs(
                session, evaluation_id, evaluation_rows.list_runs(session, [evaluation_id])
            )
        place = f"{folder}/evaluations/{evaluation_id}"
        yield _json(f"{place}/evaluation.json", shown)
        yield _json(f"{place}/stats.json", stats)
        for run in runs:
            yield _json(f"{place}/runs/{run['id']}", run)
        yield from _parts(f"{place}/logs", _outputs(evaluation, [run["id"] for run in runs]))


def _outputs(evaluation: Evaluation, run_ids: Sequence[str]) -> Iterator[bytes]:
    for run_id in run_ids:
        offset = 0
        while True:
            with _reading() as session:
                items, _ = evaluations.list_logged(
                    session, evaluation, [run_id], offset=offset, limit=_A_PAGE
                )
                records = evaluations.present_logs(session, evaluation.workspace_id, items)
            if not items:
                break
            offset += _A_PAGE
            yield _lines(records)
