"""Importing the export of a workspace, from here or from Humanloop: whole, again, or on from where it was broken off.

Everything keeps its id, and what is there already is left as it is: doing it twice is the same as once. Files with their
versions come first, then what judges their logs, logs in batches, the judgments on them, and evaluations; each step is a transaction of its own.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from sqlalchemy.orm import Session

from app.core import ids
from app.core.access import Principal
from app.core.database import unit_of_work
from app.core.errors import Conflict
from app.files.models import FILE_PREFIX, File, FileKind
from app.prompts.linked_tools import find_linked
from app.transfer import repository
from app.transfer.contents import NotKept, content_of, linked_by
from app.transfer.datasets import write_dataset_version
from app.transfer.evaluations import read_evaluations
from app.transfer.executions import JUDGMENTS, LOGS
from app.transfer.files import SaidFile, SaidVersion, read_file, write_deployments, write_file, write_version
from app.transfer.layout import FILES
from app.transfer.logs import LogWriter, read_logs
from app.transfer.monitors import write_monitors
from app.transfer.reading import Folder, Json, Unreadable
from app.transfer.report import Report
from app.transfer.said import Said
from app.workspaces import audit

_IDS_AT_ONCE = 1_000
_NAMED_TAKEN = 5


def import_export(
    principal: Principal, path: Path, tell: Callable[[str], None] = lambda _line: None
) -> Report:
    """Import the export in the folder `path` into the principal's workspace; `tell` is told how far it is.

    Raises:
        Invalid: the folder is no export.
        Conflict: another workspace has one of its files, versions, evaluations or runs. Nothing was imported.
    """
    export, report = Folder.open(path), Report()
    # Tools first: prompts stay linked to those that are here.
    folders = sorted(export.folder(FILES).folders("files", report), key=lambda folder: not _is_tool(folder))
    _refuse_taken(principal.workspace_id, folders)
    kinds: dict[str, FileKind] = {}
    watched: list[SaidFile] = []
    for number, folder in enumerate(folders, start=1):
        if not folder.is_done:
            report.gaps.add(f"{folder.name}: it has no .done, so its export did not come to its end")
        file = read_file(folder, report)
        if file and _import_file(principal, file, report):
            kinds[folder.id] = file.kind
            if file.said.objects("evaluators"):
                watched.append(replace(file, versions=()))  # there may be thousands
        if number % 100 == 0:
            tell(f"{number:,} of {len(folders):,} files")
    for file in watched:  # by evaluators that may have come after them
        with unit_of_work() as session:
            repository.one_at_a_time(session, principal.workspace_id)
            write_monitors(session, principal.workspace_id, file, report)
    _import_logs(principal, [folder for folder in folders if folder.id in kinds], kinds, report, tell)
    if any(report.written.values()):
        with unit_of_work() as session:
            counts = {what: count for what, count in report.written.items() if count}
            audit.record(
                session, principal, "workspace.imported", "workspace", principal.workspace_id, **counts
            )
    return report


def _is_tool(folder: Folder) -> bool:
    return folder.id.startswith(f"{FILE_PREFIX[FileKind.TOOL]}_")


def _refuse_taken(workspace_id: str, folders: list[Folder]) -> None:
    taken: list[str] = []
    for what, found in (
        ("file", (folder.id for folder in folders)),
        ("version", _listed(folders, "versions")),
        ("evaluation", (each.id for folder in folders for each in _evaluations(folder))),
        ("run", _listed((each for folder in folders for each in _evaluations(folder)), "runs")),
    ):
        ids_of = iter(found)
        while some := list(islice(ids_of, _IDS_AT_ONCE)):
            with unit_of_work() as session:
                taken += repository.taken_elsewhere(session, workspace_id, what, some)
    if taken:
        named = ", ".join(taken[:_NAMED_TAKEN]) + (" …" if len(taken) > _NAMED_TAKEN else "")
        raise Conflict(
            f"Another workspace has {len(taken):,} of these ids already ({named}), and an id is in one workspace only."
            " Nothing was imported."
        )


def _listed(folders: Iterable[Folder], name: str) -> Iterator[str]:
    ignored = Report()
    for folder in folders:
        yield from folder.folder(name).names(name, ignored)


def _evaluations(folder: Folder) -> list[Folder]:
    return folder.folder("evaluations").folders("evaluations", Report())


def _import_file(principal: Principal, said: SaidFile, report: Report) -> bool:
    """Import a file with its versions and deployments; whether it is here now."""
    with unit_of_work() as session:
        repository.one_at_a_time(session, principal.workspace_id)
        file = write_file(session, principal, said, report)
        if file is None:
            return False
        there = repository.version_ids(session, said.id)
        if said.kind != FileKind.DATASET:
            for version in said.versions:
                if version.id not in there:
                    _write_version(session, file, said, version, report)
            write_deployments(session, principal, said, report)
    report.there["versions"] += sum(version.id in there for version in said.versions)
    if said.kind == FileKind.DATASET:
        for version in said.versions:
            if version.id not in there:
                with unit_of_work() as session:  # its rows may be a million
                    repository.one_at_a_time(session, principal.workspace_id)
                    held = repository.find_file_ever(session, principal.workspace_id, said.id)
                    if held:
                        _write_version(session, held, said, version, report)
        with unit_of_work() as session:
            repository.one_at_a_time(session, principal.workspace_id)
            write_deployments(session, principal, said, report)
    return True


def _write_version(
    session: Session, file: File, said: SaidFile, version: SaidVersion, report: Report
) -> None:
    values = version.said.values
    linked = linked_by(values) if said.kind == FileKind.PROMPT else []
    tools = find_linked(session, file.workspace_id, linked) if linked else {}
    try:
        spec = content_of(said.kind, values, lambda note: report.notes.add(f"{version.where}: {note}"), tools)
    except NotKept as problem:
        report.leave_out("versions", str(problem), version.where)
        return
    if said.kind == FileKind.DATASET:
        write_dataset_version(session, file, version, spec, said.folder, report)
    else:
        write_version(session, file, version, spec, report, ids.canonical_json(spec))


def _import_logs(
    principal: Principal,
    folders: list[Folder],
    kinds: dict[str, FileKind],
    report: Report,
    tell: Callable[[str], None],
) -> None:
    """Import logs; those of evaluators after those that they are about."""
    workspace_id = principal.workspace_id
    with unit_of_work() as session:
        writer = LogWriter(workspace_id, repository.files_of(session, workspace_id), report)
    for folder in sorted(folders, key=lambda folder: kinds[folder.id] == FileKind.EVALUATOR):
        read_logs(folder, writer, report)
        tell(f"{folder.name}: {report.written[LOGS]:,} logs, {report.written[JUDGMENTS]:,} judgments so far")
    for folder in folders:
        read_evaluations(workspace_id, folder, kinds[folder.id], writer, report)
    stored = 0
    for folder in folders:
        is_evaluator = kinds[folder.id] == FileKind.EVALUATOR
        with unit_of_work() as session:
            found = repository.count_stored(session, workspace_id, folder.id, judgments=is_evaluator)
        stored += 0 if is_evaluator else found
        _tell_gap(folder, found, report)
    if there := stored - report.written[LOGS]:
        report.there[LOGS] = max(0, there)


def _tell_gap(folder: Folder, found: int, report: Report) -> None:
    """Tell where fewer logs came than the file's versions count."""
    versions, expected = folder.folder("versions"), 0
    for name in versions.names("versions", Report()):
        try:
            said: Json = versions.read(name)
        except Unreadable:
            continue
        expected += Said(said).count("version_logs_count") or 0
    if found < expected:
        why = "" if folder.has("logs") else " (logs were not exported)"
        report.gaps.add(f"{folder.name}: {found:,} of {expected:,} logs{why}")
