"""The SQL of files, versions and directories. Everything is asked for within one workspace."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, case, cast, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, distinct_on, insert
from sqlalchemy.orm import Session, joinedload

from app.accounts.models import User
from app.core import ids
from app.files.models import (
    FILE_PREFIX,
    Deployment,
    Directory,
    Environment,
    File,
    FileKind,
    Version,
    VersionEvent,
)


def _files(workspace_id: str) -> Select[File]:
    return select(File).where(File.workspace_id == workspace_id, File.deleted_at.is_(None))


def find_file(session: Session, workspace_id: str, file_id: str, kind: FileKind | None = None) -> File | None:
    query = _files(workspace_id).where(File.id == file_id)
    return session.scalar(query.where(File.kind == kind) if kind else query)


def find_file_by_path(session: Session, workspace_id: str, path: str) -> File | None:
    return session.scalar(_files(workspace_id).where(File.path == path))


def find_files_by_path(session: Session, workspace_id: str, paths: Sequence[str]) -> list[File]:
    return list(session.scalars(_files(workspace_id).where(File.path.in_(paths)).order_by(File.path)))


def has_tool_called(session: Session, workspace_id: str, name: str) -> bool:
    """Whether there is a tool whose path ends in this name."""
    called = _files(workspace_id).where(
        File.kind == FileKind.TOOL, func.split_part(File.path, "/", -1) == name
    )
    return session.scalar(select(called.exists())) is True


def lock_file(session: Session, file: File) -> None:
    """Hold the file until the transaction ends, so that versions are numbered one at a time."""
    session.execute(select(File.id).where(File.id == file.id).with_for_update())


def delete_secrets(session: Session, file_id: str) -> None:
    """Delete the variables of a tool, by the name of their table: its package stands above this one."""
    session.execute(text("delete from tool_variable where file_id = :file"), {"file": file_id})


def take_number(session: Session, file_id: str) -> int:
    """The number of the next version of a file; no other version ever gets it."""
    taken = update(File).where(File.id == file_id).values(last_number=File.last_number + 1)
    return session.scalars(taken.returning(File.last_number)).one()


def find_uses(session: Session, version_id: str) -> list[str]:
    """What names a version and so keeps it, each in words: environments in which it runs, evaluations, and files whose
    logs it judges. The latter are asked by the names of their tables: their packages stand above this one.
    """
    deployed = select(Environment.name).join(Deployment).where(Deployment.version_id == version_id)
    running = deployed.where(Deployment.ended_at.is_(None)).order_by(Environment.name)
    uses = [f"it runs in {name}" for name in session.scalars(running)]
    evaluations = text("""
        select name from evaluation e where primary_evaluator_id = :version
            or exists (select from run where evaluation_id = e.id and :version in (version_id, dataset_version_id))
            or exists (select from evaluation_evaluator
                       where evaluation_id = e.id and evaluator_version_id = :version)
        order by created_at desc limit 5
    """)
    uses += [
        f"the evaluation “{name}” has it" for name in session.scalars(evaluations, {"version": version_id})
    ]
    watched = text(
        "select f.path from monitor m join file f on f.id = m.file_id where evaluator_version_id = :version"
    )
    uses += [f"it judges the logs of {path}" for path in session.scalars(watched, {"version": version_id})]
    return uses


def insert_file(
    session: Session,
    *,
    workspace_id: str,
    kind: FileKind,
    path: str,
    directory_id: str,
    created_by: str | None,
) -> File:
    """The new file at `path`; the one that is there when somebody was faster."""
    session.execute(
        insert(File)
        .values(
            id=ids.new_id(FILE_PREFIX[kind]),
            workspace_id=workspace_id,
            kind=kind,
            path=path,
            directory_id=directory_id,
            created_by=created_by,
        )
        .on_conflict_do_nothing()
    )
    return session.scalars(_files(workspace_id).where(File.path == path)).one()


_ORDER: dict[str, ColumnElement[object]] = {
    "created_at": File.created_at,  # type: ignore[dict-item]
    "updated_at": File.updated_at,  # type: ignore[dict-item]
    "path": func.lower(File.path),
    "name": func.lower(func.regexp_replace(File.path, "^.*/", "")),
}


def list_files(
    session: Session,
    workspace_id: str,
    *,
    kinds: Sequence[FileKind] = (),
    name: str | None = None,
    under: str | None = None,
    made_by: str | None = None,
    deployed_in: str | None = None,
    versioned: bool = False,
    sort_by: str = "created_at",
    descending: bool = True,
    offset: int = 0,
    limit: int | None = 50,
) -> tuple[list[File], int]:
    """Files that match, in order, and how many there are in all. `under` is a directory, taken with all below it;
    `made_by` a part of somebody's name or address, `deployed_in` the id of an environment; `versioned` leaves out
    files without any version."""
    query = matching(workspace_id, kinds, name, under)
    if made_by:
        said = (column.icontains(made_by, autoescape=True) for column in (User.email, User.full_name))
        query = query.where(File.created_by.in_(select(User.id).where(or_(*said))))
    if deployed_in:
        here = (Deployment.environment_id == deployed_in) & Deployment.ended_at.is_(None)
        query = query.where(File.id.in_(select(Deployment.file_id).where(here)))
    if versioned:
        query = query.where(select(Version.id).where(Version.file_id == File.id).exists())
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    order = _ORDER[sort_by]
    query = query.order_by(order.desc() if descending else order.asc(), File.id).offset(offset).limit(limit)
    return list(session.scalars(query)), total


def find_files(session: Session, workspace_id: str, file_ids: Sequence[str]) -> list[File]:
    """Files by their ids, in no order."""
    return list(session.scalars(_files(workspace_id).where(File.id.in_(file_ids)))) if file_ids else []


def find_files_ever(session: Session, workspace_id: str, file_ids: Collection[str]) -> dict[str, File]:
    """Files by their ids, deleted ones, too."""
    query = select(File).where(File.workspace_id == workspace_id, File.id.in_(file_ids))
    return {file.id: file for file in session.scalars(query)} if file_ids else {}


class Entry(NamedTuple):
    """A file in the tree: enough for a tree of thousands."""

    id: str
    path: str
    kind: str


def list_entries(session: Session, workspace_id: str) -> list[Entry]:
    """Every file, by its path."""
    query = _files(workspace_id).with_only_columns(File.id, File.path, File.kind).order_by(File.path)
    return [Entry(*row) for row in session.execute(query)]


def matching(
    workspace_id: str, kinds: Sequence[FileKind] = (), name: str | None = None, under: str | None = None
) -> Select[File]:
    """The query for the files of these kinds, with `name` in theirs, in the directory `under` and below."""
    query = _files(workspace_id)
    if kinds:
        query = query.where(File.kind.in_(kinds))
    if name:
        query = query.where(func.regexp_replace(File.path, "^.*/", "").icontains(name, autoescape=True))
    if under:
        query = query.where(File.path.startswith(f"{under}/", autoescape=True))
    return query


def find_version(session: Session, file_id: str, version_id: str) -> Version | None:
    return session.scalar(select(Version).where(Version.file_id == file_id, Version.id == version_id))


def find_version_anywhere(session: Session, workspace_id: str, version_id: str) -> Version | None:
    """A version by its id alone, with its file."""
    query = select(Version).join(File).where(Version.workspace_id == workspace_id, Version.id == version_id)
    return session.scalar(query.where(File.deleted_at.is_(None)).options(joinedload(Version.file)))


def find_versions(session: Session, workspace_id: str, version_ids: Collection[str]) -> list[Version]:
    """Versions by their ids, each with its file."""
    query = select(Version).where(Version.workspace_id == workspace_id, Version.id.in_(version_ids))
    return list(session.scalars(query.options(joinedload(Version.file)))) if version_ids else []


def find_version_by_number(session: Session, file_id: str, number: int) -> Version | None:
    return session.scalar(select(Version).where(Version.file_id == file_id, Version.number == number))


def find_version_by_content(session: Session, file_id: str, hashes: Sequence[str]) -> Version | None:
    """The version with the first of these hashes that the file has."""
    query = select(Version).where(Version.file_id == file_id, Version.content_hash.in_(hashes))
    return min(session.scalars(query), key=lambda found: hashes.index(found.content_hash), default=None)


def find_version_in_another_order(session: Session, version: Version) -> Version | None:
    """The oldest other version of the file that says the same but for the order of what it says."""
    same = cast(Version.spec, JSONB) == cast(version.spec, JSONB)
    query = select(Version).where(Version.file_id == version.file_id, Version.id != version.id, same)
    return session.scalar(query.order_by(Version.number).limit(1))


def find_version_by_name(session: Session, file_id: str, name: str) -> Version | None:
    return session.scalar(select(Version).where(Version.file_id == file_id, Version.name == name))


def newest_version(session: Session, file_id: str) -> Version | None:
    query = select(Version).where(Version.file_id == file_id).order_by(Version.number.desc()).limit(1)
    return session.scalar(query)


def list_versions(
    session: Session, file_id: str, *, before: int | None = None, limit: int | None = None
) -> list[Version]:
    """The versions of a file, newest first: every one, or those that came `before` a number, and `limit` at most."""
    query = select(Version).where(Version.file_id == file_id).order_by(Version.number.desc())
    if before is not None:
        query = query.where(Version.number < before)
    return list(session.scalars(query.limit(limit)))


def list_version_numbers(session: Session, file_id: str, limit: int) -> list[int]:
    """The numbers of a file's newest versions, newest first: those that were deleted have none any more."""
    query = (
        select(Version.number).where(Version.file_id == file_id).order_by(Version.number.desc()).limit(limit)
    )
    return list(session.scalars(query))


def list_version_events(session: Session, version_id: str) -> list[VersionEvent]:
    query = select(VersionEvent).where(VersionEvent.version_id == version_id).order_by(VersionEvent.id)
    return list(session.scalars(query))


def shown_versions(session: Session, file_ids: Sequence[str]) -> dict[str, Version]:
    """What each file shows when no version is asked for: deployed to the default environment, else the newest."""
    is_default = case((Environment.tag == "default", 1), else_=0)
    deployed = (
        select(Deployment.version_id)
        .join(Environment, Environment.id == Deployment.environment_id)
        .where(Deployment.file_id.in_(file_ids), Deployment.ended_at.is_(None), is_default == 1)
    )
    rank = case((Version.id.in_(deployed), 0), else_=1)
    query = (
        select(Version)
        .where(Version.file_id.in_(file_ids))
        .ext(distinct_on(Version.file_id))
        .order_by(Version.file_id, rank, Version.number.desc())
    )
    return {version.file_id: version for version in session.scalars(query)}


def newest_versions(session: Session, file_ids: Sequence[str]) -> dict[str, Version]:
    """The newest version of each file."""
    query = select(Version).where(Version.file_id.in_(file_ids))
    query = query.ext(distinct_on(Version.file_id)).order_by(Version.file_id, Version.number.desc())
    return {version.file_id: version for version in session.scalars(query)}


def deployed_environments(session: Session, file_ids: Sequence[str]) -> list[tuple[Environment, Deployment]]:
    """What runs where now, for each of the files."""
    query = (
        select(Environment, Deployment)
        .join(Deployment, Deployment.environment_id == Environment.id)
        .where(Deployment.file_id.in_(file_ids), Deployment.ended_at.is_(None))
        .order_by(Environment.created_at, Environment.id)
        .options(joinedload(Deployment.version))
    )
    return list(session.execute(query))


def find_directory(session: Session, workspace_id: str, directory_id: str) -> Directory | None:
    query = select(Directory).where(Directory.workspace_id == workspace_id, Directory.id == directory_id)
    return session.scalar(query)


def find_directory_by_path(session: Session, workspace_id: str, path: str) -> Directory | None:
    query = select(Directory).where(Directory.workspace_id == workspace_id, Directory.path == path)
    return session.scalar(query)


def ensure_directory(session: Session, workspace_id: str, path: str) -> Directory:
    """The directory at `path`, made with its parents where they are missing. The empty path is the root."""
    parts = path.split("/") if path else []
    paths = ["", *("/".join(parts[: n + 1]) for n in range(len(parts)))]
    parent: Directory | None = None
    for each in paths:
        session.execute(
            insert(Directory)
            .values(
                id=ids.new_id("dir"),
                workspace_id=workspace_id,
                path=each,
                parent_id=parent.id if parent else None,
            )
            .on_conflict_do_nothing()
        )
        query = select(Directory).where(Directory.workspace_id == workspace_id, Directory.path == each)
        parent = session.scalars(query).one()
    assert parent is not None  # noqa: S101 - `paths` is never empty
    return parent


def files_in(session: Session, directory_id: str) -> list[File]:
    """The files that lie in a directory itself, by path."""
    query = select(File).where(File.directory_id == directory_id, File.deleted_at.is_(None))
    return list(session.scalars(query.order_by(File.path)))


def list_directories(session: Session, workspace_id: str) -> list[Directory]:
    """Every directory of a workspace, parents before children."""
    return list(
        session.scalars(
            select(Directory).where(Directory.workspace_id == workspace_id).order_by(Directory.path)
        )
    )


def find_people(session: Session, user_ids: Collection[str]) -> dict[str, User]:
    """The people who made files, by their ids."""
    return (
        {user.id: user for user in session.scalars(select(User).where(User.id.in_(user_ids)))}
        if user_ids
        else {}
    )


def list_environments(session: Session, workspace_id: str) -> list[Environment]:
    """A workspace's environments, the default first, then in the order they were made."""
    is_default = case((Environment.tag == "default", 0), else_=1)
    query = select(Environment).where(Environment.workspace_id == workspace_id)
    return list(session.scalars(query.order_by(is_default, Environment.created_at, Environment.id)))


def find_environment(session: Session, workspace_id: str, key: str) -> Environment | None:
    """An environment by its id or its name."""
    query = select(Environment).where(Environment.workspace_id == workspace_id)
    return session.scalar(query.where((Environment.id == key) | (Environment.name == key)))


def find_deployment(session: Session, file_id: str, environment_id: str) -> Deployment | None:
    """What runs in the environment now, with its version."""
    query = select(Deployment).where(
        Deployment.file_id == file_id,
        Deployment.environment_id == environment_id,
        Deployment.ended_at.is_(None),
    )
    return session.scalar(query.options(joinedload(Deployment.version)))


def end_deployment(session: Session, file_id: str, environment_id: str) -> str | None:
    """End what runs in the environment; the id of the version that did."""
    return session.scalar(
        update(Deployment)
        .where(
            Deployment.file_id == file_id,
            Deployment.environment_id == environment_id,
            Deployment.ended_at.is_(None),
        )
        .values(ended_at=func.now())
        .returning(Deployment.version_id)
    )


def list_deployments(session: Session, file_id: str, limit: int = 100) -> list[Deployment]:
    """The deployments of a file, newest first, with version and environment."""
    query = (
        select(Deployment)
        .where(Deployment.file_id == file_id)
        .order_by(Deployment.at.desc(), Deployment.id.desc())
    )
    options = joinedload(Deployment.version), joinedload(Deployment.environment)
    return list(session.scalars(query.limit(limit).options(*options)))
