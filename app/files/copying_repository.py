"""The SQL of copying a file: one with its properties, and its versions without reading what they say."""

from collections.abc import Mapping
from typing import NamedTuple

import orjson
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import ids
from app.files.models import FILE_PREFIX, File, FileKind, Version, VersionEvent


class Original(NamedTuple):
    """A version that is to be copied."""

    id: str
    number: int
    content_hash: str


def insert_copy(
    session: Session, source: File, *, path: str, directory_id: str, created_by: str
) -> File | None:
    """A new file of the same kind and properties, without versions; None where another file has the path."""
    new = insert(File).values(
        id=ids.new_id(FILE_PREFIX[FileKind(source.kind)]),
        workspace_id=source.workspace_id,
        kind=source.kind,
        path=path,
        directory_id=directory_id,
        created_by=created_by,
        description=source.description,
        tags=source.tags,
        readme=source.readme,
    )
    made = session.scalar(new.on_conflict_do_nothing().returning(File.id))
    return session.get(File, made) if made else None


def list_originals(session: Session, file_id: str) -> list[Original]:
    """Every version of a file, newest last."""
    query = select(Version.id, Version.number, Version.content_hash).where(Version.file_id == file_id)
    return [Original(*row) for row in session.execute(query.order_by(Version.number))]


def insert_versions(session: Session, file_id: str, copies: Mapping[str, str]) -> None:
    """Copy versions into another file, by their ids, each to the id that its copy gets: with their numbers, names, notes,
    authors, times and parents."""
    pairs = "json_to_recordset(cast(:pairs as json)) as {}(id text, copy text)"
    session.execute(
        text(f"""
        insert into version (id, workspace_id, file_id, number, content_hash, spec, name, note, author_id, author_name,
                             parent_id, created_at, rows_count, summary)
        select given.copy, v.workspace_id, :file, v.number, v.content_hash, v.spec, v.name, v.note, v.author_id,
               v.author_name, parent.copy, v.created_at, v.rows_count, v.summary
        from {pairs.format("given")} join version v on v.id = given.id
        left join {pairs.format("parent")} on parent.id = v.parent_id
        """),  # noqa: S608 - our own words
        {
            "file": file_id,
            "pairs": orjson.dumps([{"id": each, "copy": copy} for each, copy in copies.items()]).decode(),
        },
    )
    for event in session.scalars(
        select(VersionEvent).where(VersionEvent.version_id.in_(copies)).order_by(VersionEvent.id)
    ).all():
        session.add(
            VersionEvent(
                id=ids.new_id("vev"),
                version_id=copies[event.version_id],
                at=event.at,
                author_id=event.author_id,
                author_name=event.author_name,
                note=event.note,
            )
        )
    session.flush()
