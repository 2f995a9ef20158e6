"""The SQL of the tree: how many files lie where, and one page of its lines, whatever its size."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Label, Select, collate, func, literal, select, union_all
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import SQLCoreOperations

from app.files.models import Directory, File, FileKind
from app.files.repository import matching


class Held(NamedTuple):
    """How many files of a kind lie in a directory itself."""

    directory_id: str
    kind: str
    files: int


class Line(NamedTuple):
    """A line of the tree: a directory or a file."""

    is_directory: bool
    id: str


def count_files(
    session: Session, workspace_id: str, kinds: Sequence[FileKind], name: str | None, under: str | None
) -> list[Held]:
    """Where how many of the files are that `list_files` would find."""
    query = matching(workspace_id, kinds, name, under).with_only_columns(
        File.directory_id, File.kind, func.count()
    )
    return [Held(*row) for row in session.execute(query.group_by(File.directory_id, File.kind))]


def list_lines(
    session: Session,
    files: Select[File],
    directory_ids: Collection[str],
    *,
    kind: str = "",
    closed: Collection[str] = (),
    offset: int,
    limit: int,
) -> list[Line]:
    """A page of the tree of these directories and of `files` (`repository.matching`), of one `kind` if one is named, and but
    for those below the paths in `closed`: by name, whatever its case, a directory before what lies in it."""
    if kind:
        files = files.where(File.kind == kind)
    for path in closed:
        files = files.where(~File.path.startswith(f"{path}/", autoescape=True))
    directories = select(literal(True), Directory.id, _key(Directory.path + "/"))
    lines = union_all(
        directories.where(Directory.id.in_(directory_ids)),
        files.with_only_columns(literal(False), File.id, _key(File.path)),
    ).subquery()
    is_directory, id_, key = lines.c
    query = select(is_directory, id_).order_by(key, id_).offset(offset).limit(limit)
    return [Line(*row) for row in session.execute(query)]


def _key(path: SQLCoreOperations[str]) -> Label[str]:
    return collate(func.string_to_array(func.lower(path), "/"), "C").label("key")
