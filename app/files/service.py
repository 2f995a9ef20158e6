"""Files and versions: writing content to a path, reading which version answers, moving and deleting."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core import clock, ids
from app.core.access import Principal
from app.core.errors import Conflict, Invalid, NotFound
from app.core.property_order import property_order
from app.files import deployments, environment_repository, repository, trash
from app.files.models import VERSION_PREFIX, Deletion, File, FileKind, Version, VersionEvent
from app.files.paths import clean_path, parent_of, plain_path
from app.files.places import refuse_folder
from app.files.schemas import FileProperties
from app.workspaces import audit

LONGEST_NOTE = 10_000


@dataclass(frozen=True, slots=True)
class Commit:
    """What to write: where, what, and why."""

    kind: FileKind
    spec: dict[str, Any]
    file_id: str | None = None
    path: str | None = None
    name: str | None = None
    note: str | None = None
    parent_id: str | None = None
    """The version it was edited from; the newest one when not given."""
    content: bytes | None = None
    """What the hash is taken over, where that is not `spec` itself."""
    may_return: bool = False
    """Whether content that an older version had becomes a new version: people who put something back want it to be the newest."""
    newest_id: str | None = None
    """The newest version as the caller has seen it: after another one, nothing is written."""
    order_counts: bool = False
    """Whether another order of a schema's properties is other content. Where it is not, versions that differ in nothing else
    still answer for their own order first."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What came of a commit."""

    file: File
    version: Version
    created: bool
    """False when the content was there already: the existing version answers."""


def commit(
    session: Session, principal: Principal, change: Commit, *, fill: Callable[[Version], None] | None = None
) -> Committed:
    """Write content to a file: the same content is the same version, new content a new one.

    The first version of a file is deployed to the default environment; later ones do not move it. `fill` is
    called with a new version before the transaction goes on, for kinds that store rows beside it.

    Raises:
        NotFound: no file with this id.
        Conflict: the path holds another kind of file or a folder, or the version name names other content.
    """
    file = _file_for(session, principal, change)
    repository.lock_file(session, file)
    existing, content = _find_answering(session, file, change)
    if change.name:
        _refuse_taken_name(session, file, change.name, existing)
    if existing:
        _note_again(session, principal, existing, change)
        return Committed(file, existing, created=False)
    newest = repository.newest_version(session, file.id)
    if change.newest_id is not None and (newest is None or newest.id != change.newest_id):
        now = f"its newest version is v{newest.number} by now" if newest else "it has no version"
        raise Conflict(f"{file.path}: {now}. Nothing was written.")
    file.last_number = repository.take_number(session, file.id)
    version_id = ids.content_id(VERSION_PREFIX[change.kind], file.id, *content)
    content_hash = ids.content_hash(*content)
    if repository.find_version_by_content(session, file.id, [content_hash]):
        version_id = ids.content_id(VERSION_PREFIX[change.kind], file.id, *content, str(file.last_number))
        content_hash = ids.content_hash(*content, version_id)
    version = Version(
        id=version_id,
        workspace_id=file.workspace_id,
        file_id=file.id,
        number=file.last_number,
        content_hash=content_hash,
        spec=change.spec,
        name=change.name,
        note=change.note,
        author_id=principal.user_id,
        author_name=principal.name,
        parent_id=change.parent_id or (newest.id if newest else None),
        file=file,
    )
    session.add(version)
    file.updated_at = clock.now()
    session.flush()
    if fill:
        fill(version)
    if newest is None:
        deployments.deploy_first(session, principal, version)
    return Committed(file, version, created=True)


def find_committed(session: Session, principal: Principal, change: Commit) -> Version | None:
    """The version that holds this content already, with its file; None where it is not there yet. Locks nothing."""
    if change.file_id:
        file = repository.find_file(session, principal.workspace_id, change.file_id, change.kind)
    else:
        file = repository.find_file_by_path(session, principal.workspace_id, plain_path(change.path or ""))
    if file is None or file.kind != change.kind:
        return None
    version, _ = _find_answering(session, file, change)
    if version:
        version.file = file
    return version


def id_to_be(session: Session, file: File | None, change: Commit) -> str:
    """The id of the version that would answer for a commit to this file, were it made now; of a file that is not there yet,
    one that no version has."""
    found, content = (
        _find_answering(session, file, change) if file else (None, (ids.canonical_json(change.spec),))
    )
    return (
        found.id if found else ids.content_id(VERSION_PREFIX[change.kind], file.id if file else "", *content)
    )


def _find_answering(session: Session, file: File, change: Commit) -> tuple[Version | None, tuple[bytes, ...]]:
    """The version that answers for content that is there: of a dataset the newest where it has it, or else an older one, unless the
    file may return to what that one had. And what the hash of a new one is taken over.
    """
    content = change.content if change.content is not None else ids.canonical_json(change.spec)
    plain = ids.content_hash(content)
    if file.kind == FileKind.DATASET:  # of nothing else is there the same content twice
        newest = repository.newest_version(session, file.id)
        if newest and newest.content_hash in (plain, ids.content_hash(content, newest.id)):
            return newest, (content,)
    if change.may_return:
        return None, (content,)
    order = property_order(change.spec)
    hashes = [ids.content_hash(content, order), plain] if order else [plain]
    found = repository.find_version_by_content(session, file.id, hashes)
    if found and change.order_counts and property_order(found.spec) != order:
        return None, (content, order)
    return found, (content,)


def upsert(
    session: Session, principal: Principal, kind: FileKind, spec: dict[str, Any], about: FileProperties
) -> Version:
    """Write content where a caller of the API says, and what it says of the file. The version has its file.

    Raises:
        NotFound: no file with this id.
        Conflict: the path holds another kind of file or a folder, or the version name names other content.
    """
    change = Commit(
        kind, spec, file_id=about.id, path=about.path, name=about.version_name, note=about.note,
        newest_id=about.newest_version_id, order_counts=about.property_order_counts,
    )  # fmt: skip
    committed = commit(session, principal, change)
    describe_file(committed.file, description=about.description, tags=about.tags, readme=about.readme)
    committed.version.file = committed.file
    return committed.version


def _file_for(session: Session, principal: Principal, change: Commit) -> File:
    if change.note and len(change.note) > LONGEST_NOTE:
        raise Invalid(
            f"Keep the note under {LONGEST_NOTE:,} characters.", fields={"note": "This is too long."}
        )
    if change.file_id:
        return get_file(session, principal, change.file_id, change.kind)
    if not change.path:
        raise Invalid(
            "Give the id or the path of the file.", fields={"path": "Give the id or the path of the file."}
        )
    path = clean_path(change.path)
    file = repository.find_file_by_path(session, principal.workspace_id, path)
    if file is None:
        refuse_folder(session, principal.workspace_id, path)
        directory = repository.ensure_directory(session, principal.workspace_id, parent_of(path))
        file = repository.insert_file(
            session,
            workspace_id=principal.workspace_id,
            kind=change.kind,
            path=path,
            directory_id=directory.id,
            created_by=principal.user_id,
        )
    if file.kind != change.kind:
        raise Conflict(f"`{path}` is a {file.kind}, not a {change.kind}. Choose another path.")
    return file


def _refuse_taken_name(session: Session, file: File, name: str, version: Version | None) -> None:
    holder = repository.find_version_by_name(session, file.id, name)
    if holder and (version is None or holder.id != version.id):
        raise Conflict(f"The version name `{name}` is taken by v{holder.number}. Choose another name.")


def _note_again(session: Session, principal: Principal, version: Version, change: Commit) -> None:
    if change.name:
        version.name = change.name
    if change.note and change.note != version.note:
        if version.note and not repository.list_version_events(session, version.id):
            session.add(
                _event(version, version.author_id, version.author_name, version.note, version.created_at)
            )
        session.add(_event(version, principal.user_id, principal.name, change.note, clock.now()))
        version.note = change.note


def _event(
    version: Version, author_id: str | None, author_name: str | None, note: str, at: datetime
) -> VersionEvent:
    return VersionEvent(
        id=ids.new_id("vev"),
        version_id=version.id,
        author_id=author_id,
        author_name=author_name,
        note=note,
        at=at,
    )


def get_file(session: Session, principal: Principal, file_id: str, kind: FileKind | None = None) -> File:
    """The file with this id.

    Raises:
        NotFound: there is none in the workspace, or it is of another kind.
    """
    file = repository.find_file(session, principal.workspace_id, file_id, kind)
    if file is None:
        raise NotFound(f"There is no {kind or 'file'} with the id {file_id}.")
    return file


def get_file_by_path(session: Session, principal: Principal, path: str, kind: FileKind | None = None) -> File:
    """The file at `path`.

    Raises:
        NotFound: there is none in the workspace, or it is of another kind.
    """
    file = repository.find_file_by_path(session, principal.workspace_id, plain_path(path))
    if file is None or (kind and file.kind != kind):
        raise NotFound(f"There is no {kind or 'file'} at `{path}`.")
    return file


def get_version(session: Session, file: File, version_id: str) -> Version:
    """The version of `file` with this id.

    Raises:
        NotFound: the file has no such version.
    """
    version = repository.find_version(session, file.id, version_id)
    if version is None:
        raise NotFound(f"{file.path} has no version {version_id}.")
    return version


def get_version_number(session: Session, file: File, number: int) -> Version:
    """The version of `file` that people call v`number`.

    Raises:
        NotFound: the file has no such version.
    """
    version = repository.find_version_by_number(session, file.id, number)
    if version is None:
        raise NotFound(f"{file.path} has no v{number}.")
    return version


def resolve_version(
    session: Session, file: File, *, version_id: str | None = None, environment: str | None = None
) -> Version:
    """Which version answers: the one asked for, else the environment's, else the default one's, else the newest.

    Raises:
        NotFound: no such version or environment, or nothing is deployed there.
    """
    if version_id:
        return get_version(session, file, version_id)
    if environment:
        return deployments.deployed_version(session, file, environment)
    shown = repository.shown_versions(session, [file.id]).get(file.id)
    if shown is None:
        raise NotFound(f"{file.path} has no version yet.")
    return shown


def move_file(session: Session, principal: Principal, file: File, path: str) -> None:
    """Give the file another path. Its id, versions and deployments stay.

    Raises:
        Forbidden: it runs where the principal may not deploy.
        Conflict: something lies there already.
    """
    path = clean_path(path)
    if path == file.path:
        return
    deployments.refuse_to_take_away(session, principal, [file.id])
    if repository.find_file_by_path(session, file.workspace_id, path):
        raise Conflict(f"`{path}` is taken. Choose another name.")
    refuse_folder(session, file.workspace_id, path, file)
    file.directory_id = repository.ensure_directory(session, file.workspace_id, parent_of(path)).id
    audit.record(session, principal, "file.moved", file.kind, file.id, path=path, before=file.path)
    file.path, file.updated_at = path, clock.now()


def describe_file(
    file: File, *, description: str | None = None, tags: list[str] | None = None, readme: str | None = None
) -> None:
    """Change what is said of a file; None leaves a property as it is."""
    before = file.description, file.tags, file.readme
    if description is not None:
        file.description = description or None
    if tags is not None:
        file.tags = list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    if readme is not None:
        file.readme = readme or None
    if before != (file.description, file.tags, file.readme):
        file.updated_at = clock.now()


def delete_file(session: Session, principal: Principal, file: File) -> Deletion:
    """Put the file into the trash: its path is free again, and everything that used it keeps its history. The secrets of
    a tool are gone for good.

    Raises:
        Forbidden: a member deletes what somebody else made, or it runs where the principal may not deploy.
    """
    return trash.throw_away(session, principal, [file])


def describe_version(session: Session, version: Version, *, name: str | None, note: str | None) -> None:
    """Change a version's name or note; None leaves it as it is. Content never changes.

    Raises:
        Conflict: the name is taken by another version of the file.
    """
    before = version.name, version.note
    if name is not None:
        _refuse_taken_name(session, version.file, name, version)
        version.name = name or None
    if note is not None:
        version.note = note or None
    if before != (version.name, version.note):
        version.file.updated_at = clock.now()


def delete_version(session: Session, principal: Principal, version: Version) -> None:
    """Delete a version that nothing names. Its number is not given again. Where it ran, the audit log still says.

    Raises:
        Forbidden: a member deletes what somebody else made.
        Conflict: it runs in an environment, or an evaluation has it.
    """
    principal.refuse_others_work(version.author_id)
    repository.lock_file(session, version.file)
    if uses := repository.find_uses(session, version.id):
        raise Conflict(
            f"v{version.number} stays, because it is in use, or part of what was found: {'; '.join(uses)}. "
            "A version can be deleted while it runs nowhere, and no evaluation names it."
        )
    audit.record(
        session,
        principal,
        "version.deleted",
        "version",
        version.id,
        path=version.file.path,
        number=version.number,
    )
    environment_repository.forget_deployments(session, version.id)
    session.delete(version)
    plain = ids.content_hash(ids.canonical_json(version.spec))
    if version.content_hash == plain and property_order(version.spec):
        session.flush()
        if heir := repository.find_version_in_another_order(session, version):
            heir.content_hash = plain  # it answers from now on for who does not say that the order counts
