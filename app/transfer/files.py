"""Importing files with their versions and deployments: ids, numbers, times and authors are kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import clock, ids
from app.core.access import Principal
from app.core.errors import DomainError
from app.core.property_order import property_order
from app.files import repository as files
from app.files.models import Deployment, File, FileKind, Version
from app.files.paths import clean_path, parent_of
from app.files.places import refuse_file_above
from app.transfer import repository
from app.transfer.layout import is_name
from app.transfer.reading import Folder, Json, Unreadable
from app.transfer.report import Report
from app.transfer.said import Said

_MOST_TRIES = 20
_CREATED = ("version_created_at", "committed_at", "created_at")
_AUTHOR = ("version_created_by", "committed_by", "created_by")


@dataclass(frozen=True, slots=True)
class SaidVersion:
    """What the export says of a version."""

    id: str
    said: Said
    where: str


@dataclass(frozen=True, slots=True)
class SaidFile:
    """What the export says of a file, and of its versions from the first to the last."""

    id: str
    kind: FileKind
    said: Said
    versions: Sequence[SaidVersion]
    folder: Folder


def read_file(folder: Folder, report: Report) -> SaidFile | None:
    """A file of the export; None where it is left out."""
    where = f"{folder.name}/file.json"
    try:
        said = Said(folder.read("file.json"))
    except Unreadable as error:
        report.leave_out("files", "its file.json cannot be read", f"{where} ({error})")
        return None
    problem = said.problem
    if problem is None and said.values.get("id") != folder.id:
        problem = "its id is not the name of its folder"
    kind = said.text("type") or ""
    if problem is None and kind not in list(FileKind):
        problem = "it is of no known type"
    if problem:
        report.leave_out("files", problem, where)
        return None
    return SaidFile(folder.id, FileKind(kind), said, _read_versions(folder, report), folder)


def _read_versions(folder: Folder, report: Report) -> list[SaidVersion]:
    versions = []
    place = folder.folder("versions")
    for name in place.names("versions", report):
        where = f"{place.name}/{name}"
        try:
            said = Said(place.read(name))
        except Unreadable as error:
            report.leave_out("versions", "it cannot be read", f"{where} ({error})")
            continue
        if problem := said.problem or _misnamed(said, name):
            report.leave_out("versions", problem, where)
        else:
            versions.append(SaidVersion(name, said, where))
    numbered = all(each.said.count("version_number") for each in versions)
    return sorted(versions, key=lambda each: _order(each, numbered=numbered))


def _misnamed(said: Said, name: str) -> str | None:
    return None if said.values.get("version_id") == name else "its version_id is not its name"


def _order(version: SaidVersion, *, numbered: bool) -> tuple[int, str, str]:
    number = version.said.count("version_number") if numbered else None
    return number or 0, version.said.time(*_CREATED) or "", version.id


def write_file(session: Session, principal: Principal, file: SaidFile, report: Report) -> File | None:
    """The file with the id of the export, made where it is missing; None where it is left out.

    A file that is there already stays as it is. A path that is taken is not: the file gets a free one.
    """
    there = repository.find_file_ever(session, principal.workspace_id, file.id)
    if there:
        if there.deleted_at or there.kind != file.kind:
            reason = "it was deleted here" if there.deleted_at else f"here it is a {there.kind}"
            report.leave_out("files", reason, file.folder.name)
            return None
        report.there["files"] += 1
        return there
    path = _free_path(session, principal.workspace_id, file)
    if path != file.said.text("path"):
        report.notes.add(
            f"{file.folder.name}: its path “{file.said.text('path')}” is taken, or none: it is at “{path}”"
        )
    created = file.said.moment("created_at")
    moments = [moment for each in file.versions if (moment := each.said.moment(*_CREATED))]
    created = min([*([created] if created else []), *moments], default=clock.now())
    made = File(
        id=file.id,
        workspace_id=principal.workspace_id,
        directory_id=_directory(session, principal.workspace_id, path, file.said.text("directory_id")),
        kind=file.kind,
        path=path,
        description=file.said.text("description"),
        tags=file.said.texts("tags"),
        readme=file.said.text("readme"),
        created_by=file.said.person("created_by")[0],
        created_at=created,
        updated_at=file.said.moment("updated_at") or created,
        last_used_at=file.said.moment("last_used_at", "updated_at") or created,
        last_number=0,
    )
    session.add(made)
    session.flush()
    report.written["files"] += 1
    return made


def _free_path(session: Session, workspace_id: str, file: SaidFile) -> str:
    """The path of the export, or one like it; by the file's id where there is none like it."""
    wanted = file.said.text("path", "name") or ""
    others = [f"{wanted} (imported)", *(f"{wanted} (imported {n})" for n in range(2, _MOST_TRIES))]
    for tried in (wanted, *others):
        try:
            path = clean_path(tried)
            refuse_file_above(session, workspace_id, path)
        except DomainError:
            break
        if not repository.paths_taken(session, workspace_id, [path]):
            return path
    return f"imported/{file.id}"


def _directory(session: Session, workspace_id: str, path: str, directory_id: str | None) -> str:
    folder = parent_of(path)
    if folder and is_name(directory_id):
        above = files.ensure_directory(session, workspace_id, parent_of(folder))
        repository.name_directory(session, workspace_id, folder, str(directory_id), above.id)
    return files.ensure_directory(session, workspace_id, folder).id


def write_version(
    session: Session, file: File, version: SaidVersion, spec: Json, report: Report, content: bytes
) -> Version:
    """A new version with the id of the export, the newest of its file. `content` is what its hash is taken over.

    Two versions whose content is the same here, though it was not there, stay two: the hash of the second is taken over
    its id as well.
    """
    said = version.said
    number = said.count("version_number") or 0
    file.last_number = number if number > file.last_number else file.last_number + 1
    content_hash = ids.content_hash(content)
    order = property_order(spec)
    if order and files.find_version_by_content(session, file.id, [content_hash]):
        content_hash = ids.content_hash(content, order)  # as one that was made here for another order
    if files.find_version_by_content(session, file.id, [content_hash]):
        content_hash = ids.content_hash(content, version.id)
    name = said.text("version_name")
    if name and files.find_version_by_name(session, file.id, name):
        report.notes.add(f"{version.where}: its name “{name}” is another version's")
        name = None
    newest = files.newest_version(session, file.id)
    author_id, author_name = said.person(*_AUTHOR)
    made = Version(
        id=version.id,
        workspace_id=file.workspace_id,
        file_id=file.id,
        number=file.last_number,
        content_hash=content_hash,
        spec=spec,
        name=name,
        note=said.text("version_description", "commit_message"),
        author_id=author_id,
        author_name=author_name,
        parent_id=newest.id if newest else None,
        created_at=said.moment(*_CREATED) or file.created_at,
    )
    session.add(made)
    session.flush()
    report.written["versions"] += 1
    return made


def write_deployments(session: Session, principal: Principal, file: SaidFile, report: Report) -> None:
    """Deploy what the export says, where nothing of the file runs or ran yet. Environments are found by their names."""
    where = f"{file.folder.name}/deployments.json"
    try:
        said = file.folder.read_list("deployments.json")
    except Unreadable as problem:
        report.leave_out("deployments", "the file cannot be read", f"{where} ({problem})")
        return
    versions = repository.version_ids(session, file.id)
    used = repository.environments_used(session, file.id)
    for each in said:
        one = Said(each if isinstance(each, dict) else {})
        name, version_id = (one.text("environment_name") or "").strip(), one.text("version_id")
        if not name or len(name) > 60 or not name.isprintable() or version_id not in versions:
            report.leave_out("deployments", "its environment has no name, or its version is not here", where)
            continue
        given = one.text("environment_id")
        there = {known.name for known in files.list_environments(session, principal.workspace_id)}
        environment = repository.environment_named(
            session, principal.workspace_id, name, given if given and is_name(given) else ids.new_id("env")
        )
        if name not in there:
            report.written["environments"] += 1
            if one.text("environment_tag") == "default":
                report.notes.add(
                    f"the environment {name} was the default one, and is not here: see Settings, Environments"
                )
        if environment.id in used:
            report.there["deployments"] += 1
            continue
        used.add(environment.id)
        session.add(
            Deployment(
                id=ids.new_id("dep"),
                workspace_id=principal.workspace_id,
                file_id=file.id,
                environment_id=environment.id,
                version_id=version_id,
                by_id=principal.user_id,
                by_name=principal.name,
            )
        )
        report.written["deployments"] += 1
    session.flush()
