"""The SQL that finds which versions answer: many at once in one statement, for what production asks all day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Wanted:
    """How somebody names a version. None stands for what is not said."""

    workspace_id: str
    kind: str | None = None
    file_id: str | None = None
    path: str | None = None
    """Asked for where there is no id."""
    version_id: str | None = None
    environment: str | None = None
    """By id or name. Asked for where there is no version."""
    content_hash: str | None = None
    """Asked for where there is neither."""
    ordered_hash: str | None = None
    """That of the same content with its properties in the order that is said: a version made for that order comes first."""


class Resolved(NamedTuple):
    """The version that is meant."""

    file_id: str
    version_id: str
    kind: str
    model: str | None
    provider: str | None
    stamp: str | None = None
    """Changes with every row of these packages that an answer about the version is made of; None where not asked for."""
    steady: str | None = None
    """The same, but for how often it was logged, which changes with every call."""
    version_logs_count: int = 0
    total_logs_count: int = 0
    last_used_at: datetime | None = None

    @property
    def use(self) -> dict[str, Any]:
        """What an answer says of how often it was logged."""
        return {
            "version_logs_count": self.version_logs_count,
            "total_logs_count": self.total_logs_count,
            "last_used_at": self.last_used_at,
        }


_AROUND = """
    (select u.xmin from user_account u where u.id = named.created_by),
    (select string_agg(concat_ws(' ', e.id, e.xmin, d.version_id), ',' order by e.id)
     from deployment d join environment e on e.id = d.environment_id
     where d.file_id = v.file_id and d.ended_at is null)"""
_STAMP = f", concat_ws(' ', named.file_row, v.xmin, {_AROUND})"
"""Postgres gives every new state of a row the number of the transaction that wrote it (`xmin`)."""
_STEADY = f""", null, concat_ws(' ', {_AROUND},
    md5(row(f.directory_id, f.path, f.description, f.tags, f.readme, f.created_by, f.created_at, f.updated_at,
            v.name, v.note, v.author_id, v.author_name)::text)),
    v.logs_count, f.logs_count, f.last_used_at"""
_RESOLVE = """
with wanted as materialized (
    select * from json_to_recordset(cast(:wanted as json)) as w(
        n int, workspace_id text, kind text, file_id text, path text,
        version_id text, environment text, content_hash text, ordered_hash text)
), named as (
    select w.*, f.id as found_id, f.kind as found_kind, f.created_by, f.row as file_row from wanted w
    cross join lateral (
        select id, kind, created_by, xmin as row from file where w.file_id is not null
            and id = w.file_id and workspace_id = w.workspace_id and deleted_at is null
        union all
        select id, kind, created_by, xmin as row from file where w.file_id is null
            and path = w.path and workspace_id = w.workspace_id and deleted_at is null
    ) f where w.kind is null or w.kind = f.kind
)
select named.n, v.file_id, v.id, named.found_kind, v.spec ->> 'model', v.spec ->> 'provider'{stamps}
from named join version v on v.file_id = named.found_id and v.id = case
    when named.version_id is not null then named.version_id
    when named.environment is not null then (
        select d.version_id from environment e
        join deployment d on d.environment_id = e.id and d.file_id = named.found_id and d.ended_at is null
        where e.workspace_id = named.workspace_id and (e.id = named.environment or e.name = named.environment) limit 1)
    when named.content_hash is not null then (
        select c.id from version c where c.file_id = named.found_id
            and c.content_hash in (named.content_hash, named.ordered_hash)
        order by c.content_hash = named.content_hash limit 1)
    else coalesce(
        (select d.version_id from environment e
         join deployment d on d.environment_id = e.id and d.file_id = named.found_id and d.ended_at is null
         where e.workspace_id = named.workspace_id and e.tag = 'default'),
        (select c.id from version c where c.file_id = named.found_id order by c.number desc limit 1))
    end {file}
"""
_STATEMENTS = {
    "": text(_RESOLVE.format(stamps="", file="")),
    "stamp": text(_RESOLVE.format(stamps=_STAMP, file="")),
    "steady": text(_RESOLVE.format(stamps=_STEADY, file="join file f on f.id = v.file_id")),
}


def resolve(
    session: Session, wanted: Sequence[Wanted], *, also: Literal["", "stamp", "steady"] = ""
) -> list[Resolved | None]:
    """The version that each names, in their order; None where there is none, whatever is missing. With `steady`, how often it
    was logged is told, too."""
    if not wanted:
        return []
    asked = [{"n": n, **_members(one)} for n, one in enumerate(wanted)]
    found: list[Resolved | None] = [None] * len(wanted)
    for n, *version in session.execute(_STATEMENTS[also], {"wanted": orjson.dumps(asked).decode()}):
        found[n] = Resolved(*version)
    return found


def _members(one: Wanted) -> dict[str, str | None]:
    return {
        "workspace_id": one.workspace_id,
        "kind": one.kind,
        "file_id": one.file_id,
        "path": one.path,
        "version_id": one.version_id,
        "environment": one.environment,
        "content_hash": one.content_hash,
        "ordered_hash": one.ordered_hash,
    }
