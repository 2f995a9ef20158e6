"""The SQL of importing rows of datasets, whose ids are given."""

from collections.abc import Iterable
from typing import Any, NamedTuple, cast

import orjson
import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import ids
from app.datasets.schemas import DatapointContent

_STAGE = """
create temp table given_row (
    seq int not null, id text not null, content_hash text not null, split text,
    inputs jsonb not null, messages jsonb, target jsonb, context jsonb, cluster text, metadata jsonb
) on commit drop
"""
_COLUMNS = "seq, id, content_hash, split, inputs, messages, target, context, cluster, metadata"


class GivenRow(NamedTuple):
    """A row with the id that it has elsewhere."""

    id: str
    content: DatapointContent


def stage(session: Session, given: Iterable[GivenRow]) -> int:
    """Copy rows into a table that lives as long as the transaction; how many there were. Memory stays flat."""
    session.execute(text(_STAGE))
    connection = cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)
    count = 0
    with connection.cursor().copy(f"copy given_row ({_COLUMNS}) from stdin") as copy:
        for row_id, row in given:
            hashed = ids.content_hash(ids.canonical_json(row.content()))
            values = (row.inputs, row.messages, row.target, row.context)
            copy.write_row(
                (count, row_id, hashed, row.split, *map(_json, values), row.cluster, _json(row.metadata))
            )
            count += 1
    session.execute(text("analyze given_row"))
    return count


def _json(value: object) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def store_staged(session: Session, workspace_id: str) -> list[str]:
    """Store rows whose ids are new; the ids of those that another workspace has, which are not stored.

    Content that is there under another id stays two rows, so that what names either of them finds it: the hash of the
    second is taken over its id as well.
    """
    session.execute(
        text("""
        update given_row g set content_hash = encode(sha256(convert_to(g.content_hash || ':' || g.id, 'UTF8')), 'hex')
        where exists (select from datapoint d
                      where d.workspace_id = :workspace and d.content_hash = g.content_hash and d.id <> g.id)
           or exists (select from given_row o where o.content_hash = g.content_hash and o.seq < g.seq and o.id <> g.id)
        """),
        {"workspace": workspace_id},
    )
    session.execute(
        text("""
        insert into datapoint (id, workspace_id, content_hash, inputs, messages, target, context, cluster, metadata)
        select distinct on (id) id, :workspace, content_hash, inputs, messages, target, context, cluster, metadata
        from given_row order by id, seq
        on conflict do nothing
        """),
        {"workspace": workspace_id},
    )
    query = text("""
        select distinct id from given_row g
        where not exists (select from datapoint d where d.id = g.id and d.workspace_id = :workspace)
    """)
    return sorted(session.scalars(query, {"workspace": workspace_id}))


def want_staged(session: Session, workspace_id: str) -> None:
    """Make the rows, each once, those that the next version shall have: see `datasets.repository`."""
    session.execute(
        text("""
        create temp table wanted_row on commit drop as
        with incoming as (
            select distinct on (d.id) d.id as datapoint_id, g.split, g.seq
            from given_row g join datapoint d on d.id = g.id and d.workspace_id = :workspace
            order by d.id, g.seq
        )
        select datapoint_id, split, (row_number() over (order by seq) - 1)::int as position from incoming
        """),
        {"workspace": workspace_id},
    )
    session.execute(text("analyze wanted_row"))
