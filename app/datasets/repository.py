"""The SQL of datasets: staging rows in bulk, telling versions apart, and reading them page by page."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, cast

import orjson
import psycopg
from sqlalchemy import ARRAY, Select, String, Text, func, or_, select, text, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session, aliased

from app.core import ids
from app.datasets.models import Datapoint, DatasetRow
from app.datasets.schemas import DatapointContent
from app.datasets.synthetic import IS_SYNTHETIC
from app.files.models import File, Version

_STAGE = """
create temp table staged_row (
    seq int not null, id text not null, content_hash text not null, split text,
    inputs jsonb not null, messages jsonb, target jsonb, context jsonb, cluster text, metadata jsonb
) on commit drop
"""
_COLUMNS = "seq, id, content_hash, split, inputs, messages, target, context, cluster, metadata"


def _json(value: object) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def stage(session: Session, workspace_id: str, rows: Iterable[DatapointContent]) -> int:
    """Copy rows into a table that lives as long as the transaction; how many there were. Memory stays flat."""
    session.execute(text("drop table if exists staged_row"))
    session.execute(text(_STAGE))
    connection = cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)
    count = 0
    with connection.cursor().copy(f"copy staged_row ({_COLUMNS}) from stdin") as copy:
        for row in rows:
            content = ids.canonical_json(row.content())
            copy.write_row((
                count,
                ids.content_id("dp", workspace_id, content),
                ids.content_hash(content),
                row.split,
                _json(row.inputs),
                _json(row.messages),
                _json(row.target),
                _json(row.context),
                row.cluster,
                _json(row.metadata),
            ))  # fmt: skip
            count += 1
    session.execute(text("analyze staged_row"))
    return count


def store_staged(session: Session, workspace_id: str) -> None:
    """Store staged content that is new to the workspace; content that is there keeps its id."""
    session.execute(
        text("""
        insert into datapoint (id, workspace_id, content_hash, inputs, messages, target, context, cluster, metadata)
        select distinct on (content_hash) id, :workspace, content_hash, inputs, messages, target, context, cluster, metadata
        from staged_row order by content_hash, seq
        on conflict do nothing
        """),
        {"workspace": workspace_id},
    )


_WANTED = {
    "set": """
        select datapoint_id, split, (row_number() over (order by seq) - 1)::int as position from incoming
    """,
    "add": """
        select base.datapoint_id, coalesce(incoming.split, base.split) as split, base.position
        from base left join incoming using (datapoint_id)
        union all
        select datapoint_id, split,
            (coalesce((select max(position) from base), -1) + row_number() over (order by seq))::int
        from incoming where not exists (select from base where base.datapoint_id = incoming.datapoint_id)
    """,
    "remove": """
        select datapoint_id, split, position from base
        where not exists (select from incoming where incoming.datapoint_id = base.datapoint_id)
    """,
}


def want(
    session: Session, workspace_id: str, file_id: str, base_number: int, action: str
) -> tuple[str, int, int]:
    """Work out the rows that the new version shall have, from those of version `base_number` and the staged ones.

    Returns a hash of them (their order does not count), how many they are, and how many are new to the base.
    """
    session.execute(text("drop table if exists wanted_row"))
    session.execute(
        text(f"""
        create temp table wanted_row on commit drop as
        with base as (
            select datapoint_id, split, position from dataset_row
            where file_id = :file and from_number <= :base and (until_number is null or until_number > :base)
        ), incoming as (
            select distinct on (d.id) d.id as datapoint_id, s.split, s.seq
            from staged_row s join datapoint d on d.workspace_id = :workspace and d.content_hash = s.content_hash
            order by d.id, s.seq
        )
        {_WANTED[action]}
        """),  # noqa: S608 - the three statements above
        {"file": file_id, "base": base_number, "workspace": workspace_id},
    )
    session.execute(text("analyze wanted_row"))
    return measure_wanted(session, file_id, base_number)


def measure_wanted(session: Session, file_id: str, base_number: int) -> tuple[str, int, int]:
    """A hash of the wanted rows (their order does not count), how many they are, and how many are new to the base."""
    row = session.execute(
        text("""
        with base as (
            select datapoint_id from dataset_row
            where file_id = :file and from_number <= :base and (until_number is null or until_number > :base)
        )
        select encode(sha256(convert_to(coalesce(
                   string_agg(wanted_row.datapoint_id || ':' || coalesce(split, ''), ',' order by wanted_row.datapoint_id), ''), 'UTF8')), 'hex'),
               count(*),
               count(*) filter (where base.datapoint_id is null)
        from wanted_row left join base using (datapoint_id)
        """),
        {"file": file_id, "base": base_number},
    ).one()
    return row[0], row[1], row[2]


def store_wanted(session: Session, file_id: str, number: int) -> None:
    """Make the wanted rows those of version `number`, the newest: only what differs from the one before is written."""
    same = "c.split is not distinct from w.split and c.position = w.position"
    session.execute(
        text(f"""
        update dataset_row c set until_number = :number
        where c.file_id = :file and c.until_number is null
          and not exists (select from wanted_row w where w.datapoint_id = c.datapoint_id and {same})
        """),  # noqa: S608 - the condition above
        {"file": file_id, "number": number},
    )
    session.execute(
        text("""
        insert into dataset_row (file_id, datapoint_id, from_number, position, split)
        select :file, w.datapoint_id, :number, w.position, w.split from wanted_row w
        where not exists (
            select from dataset_row c
            where c.file_id = :file and c.datapoint_id = w.datapoint_id and c.until_number is null)
        """),
        {"file": file_id, "number": number},
    )


def copy_rows(session: Session, file_id: str, number: int, copy_id: str, as_number: int | None) -> None:
    """Give another dataset the rows that version `number` has, as those of its only version `as_number`; without that, the rows of
    every version up to `number`, as they are."""
    one = """
        insert into dataset_row (file_id, datapoint_id, from_number, position, split)
        select :copy, datapoint_id, :as_number, position, split from dataset_row
        where file_id = :file and from_number <= :number and (until_number is null or until_number > :number)
    """
    every = """
        insert into dataset_row (file_id, datapoint_id, from_number, until_number, position, split)
        select :copy, datapoint_id, from_number, case when until_number <= :number then until_number end, position, split
        from dataset_row where file_id = :file and from_number <= :number
    """
    given = {"file": file_id, "number": number, "copy": copy_id}
    if as_number is None:
        session.execute(text(every), given)
    else:
        session.execute(text(one), given | {"as_number": as_number})


def _rows(
    version: Version,
    query: str | None,
    split: str | None,
    row_ids: Sequence[str] | None = None,
    *,
    synthetic: bool = False,
) -> Select[DatasetRow, Datapoint]:
    statement = (
        select(DatasetRow, Datapoint)
        .join(Datapoint, Datapoint.id == DatasetRow.datapoint_id)
        .where(
            DatasetRow.file_id == version.file_id,
            DatasetRow.from_number <= version.number,
            or_(DatasetRow.until_number.is_(None), DatasetRow.until_number > version.number),
        )
    )
    if split:
        statement = statement.where(DatasetRow.split == split)
    if row_ids is not None:
        statement = statement.where(DatasetRow.datapoint_id.in_(row_ids))
    if synthetic:
        statement = statement.where(text(IS_SYNTHETIC.format("datapoint.metadata")))
    if query:
        found = [
            sql_cast(column, String).icontains(query, autoescape=True)
            for column in (Datapoint.inputs, Datapoint.target)
        ]
        statement = statement.where(or_(*found))
    return statement


def list_rows(
    session: Session,
    version: Version,
    *,
    query: str | None = None,
    split: str | None = None,
    row_ids: Sequence[str] | None = None,
    synthetic: bool = False,
    offset: int = 0,
    limit: int | None = 50,
) -> list[tuple[DatasetRow, Datapoint]]:
    """Rows of a version in their order, or in that of `row_ids`; `query` looks for text in inputs and targets, `synthetic`
    leaves those that a model wrote."""
    order = (
        DatasetRow.position
        if row_ids is None
        else func.array_position(sql_cast(row_ids, ARRAY(String)), DatasetRow.datapoint_id)
    )
    found = _rows(version, query, split, row_ids, synthetic=synthetic)
    statement = found.order_by(order).offset(offset).limit(limit)
    return list(session.execute(statement))


def count_rows(
    session: Session,
    version: Version,
    *,
    query: str | None = None,
    split: str | None = None,
    row_ids: Sequence[str] | None = None,
    synthetic: bool = False,
) -> int:
    statement = _rows(version, query, split, row_ids, synthetic=synthetic).with_only_columns(func.count())
    return session.scalar(statement) or 0


def find_row(session: Session, version: Version, datapoint_id: str) -> tuple[DatasetRow, Datapoint] | None:
    row = session.execute(_rows(version, None, None).where(Datapoint.id == datapoint_id)).one_or_none()
    return row or None


def list_holding_files(session: Session, datapoint_id: str) -> list[str]:
    """The ids of the datasets whose newest version holds a row, those that got it last first."""
    query = select(DatasetRow.file_id).where(
        DatasetRow.datapoint_id == datapoint_id, DatasetRow.until_number.is_(None)
    )
    return list(session.scalars(query.order_by(DatasetRow.from_number.desc(), DatasetRow.file_id)))


def list_datasets_of(
    session: Session, workspace_id: str, datapoint_ids: Select[str | None]
) -> list[tuple[File, int]]:
    """The datasets that have rows with the ids that a query finds, or had them, with how many: most first."""
    rows = (
        select(DatasetRow.file_id, func.count(func.distinct(DatasetRow.datapoint_id)).label("n"))
        .where(DatasetRow.datapoint_id.in_(datapoint_ids))
        .group_by(DatasetRow.file_id)
        .subquery()
    )
    query = select(File, rows.c.n).join(rows, rows.c.file_id == File.id)
    query = query.where(File.workspace_id == workspace_id, File.deleted_at.is_(None))
    return [(row[0], row[1]) for row in session.execute(query.order_by(rows.c.n.desc(), File.path, File.id))]


def list_had(session: Session, file_id: str, datapoint_ids: Sequence[str]) -> set[str]:
    """Those of the rows that some version of a dataset has, or had."""
    query = select(DatasetRow.datapoint_id).where(
        DatasetRow.file_id == file_id, DatasetRow.datapoint_id.in_(datapoint_ids)
    )
    return set(session.scalars(query))


def list_successors(session: Session, file_id: str, datapoint_ids: Sequence[str]) -> dict[str, str]:
    """Of rows that a dataset had and has not any more, those that stand in their places in its newest version."""
    now = aliased(DatasetRow)
    query = (
        select(DatasetRow.datapoint_id, now.datapoint_id)
        .join(now, (now.file_id == DatasetRow.file_id) & (now.position == DatasetRow.position))
        .where(
            DatasetRow.file_id == file_id,
            DatasetRow.datapoint_id.in_(datapoint_ids),
            DatasetRow.until_number.is_not(None),
            now.until_number.is_(None),
            now.datapoint_id != DatasetRow.datapoint_id,
        )
        .order_by(DatasetRow.from_number)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def sizes_of(session: Session, datapoint_ids: Collection[str], *, packed: bool) -> dict[str, int]:
    """How many bytes each datapoint has; `packed`, as they are stored."""
    columns = Datapoint.inputs, Datapoint.messages, Datapoint.target, Datapoint.context, Datapoint.details
    sizes = [
        func.coalesce(func.pg_column_size(each) if packed else func.octet_length(sql_cast(each, Text)), 0)
        for each in columns
    ]
    query = select(Datapoint.id, sum(sizes[1:], sizes[0])).where(Datapoint.id.in_(datapoint_ids))
    return {datapoint_id: int(size) for datapoint_id, size in session.execute(query)}


def find_datapoints(
    session: Session, workspace_id: str, datapoint_ids: Sequence[str]
) -> dict[str, Datapoint]:
    """Datapoints by their ids."""
    statement = select(Datapoint).where(
        Datapoint.workspace_id == workspace_id, Datapoint.id.in_(datapoint_ids)
    )
    return {datapoint.id: datapoint for datapoint in session.scalars(statement)}


def count_groups(session: Session, version: Version) -> dict[str, Any]:
    """Rows per split, clusters, and rows without a target."""
    rows = session.execute(
        text("""
        select coalesce(r.split, ''), count(*)::int, count(*) filter (where d.target is null)::int
        from dataset_row r join datapoint d on d.id = r.datapoint_id
        where r.file_id = :file and r.from_number <= :number and (r.until_number is null or r.until_number > :number)
        group by 1
        """),
        {"file": version.file_id, "number": version.number},
    ).all()
    clusters = _rows(version, None, None).with_only_columns(func.count(func.distinct(Datapoint.cluster)))
    return {
        "splits": {split: count for split, count, _ in rows},
        "clusters": session.scalar(clusters) or 0,
        "without_target": sum(without for _, _, without in rows),
    }


def count_synthetic(session: Session, version: Version) -> dict[str, int]:
    """Rows per split that a model wrote; splits without any are left out."""
    rows = session.execute(
        text(f"""
        select coalesce(r.split, ''), count(*)::int from dataset_row r join datapoint d on d.id = r.datapoint_id
        where r.file_id = :file and r.from_number <= :number and (r.until_number is null or r.until_number > :number)
          and {IS_SYNTHETIC.format("d.metadata")}
        group by 1
        """),  # noqa: S608 - the condition above
        {"file": version.file_id, "number": version.number},
    )
    return {row[0]: row[1] for row in rows}


def target_values(session: Session, version: Version) -> list[tuple[str, int]]:
    """How often each target occurs in a version that has one member in its targets, most frequent first."""
    rows = session.execute(
        text("""
        select left(t.value, 200), count(*)::int from dataset_row r join datapoint d on d.id = r.datapoint_id
        cross join lateral jsonb_each(d.target) as m(name, held)
        cross join lateral jsonb_array_elements_text(
            case jsonb_typeof(m.held) when 'array' then m.held else jsonb_build_array(m.held) end) as t(value)
        where r.file_id = :file and r.from_number <= :number and (r.until_number is null or r.until_number > :number)
          and jsonb_typeof(d.target) = 'object'
        group by 1 order by 2 desc, 1 limit 1000
        """),
        {"file": version.file_id, "number": version.number},
    )
    return [(row[0], row[1]) for row in rows]


class Asked(NamedTuple):
    """What a row asks, and what is wanted of it, as texts."""

    datapoint_id: str
    split: str | None
    inputs: str
    messages: str
    target: str


def stream_asked(session: Session, version: Version) -> Iterator[Asked]:
    """All rows of a version in their order, a thousand at a time."""
    rows = session.execute(
        text("""
        select r.datapoint_id, r.split, d.inputs::text, coalesce(d.messages::text, ''), coalesce(d.target::text, '')
        from dataset_row r join datapoint d on d.id = r.datapoint_id
        where r.file_id = :file and r.from_number <= :number and (r.until_number is null or r.until_number > :number)
        order by r.position
        """),
        {"file": version.file_id, "number": version.number},
        execution_options={"yield_per": 1_000},
    )
    return (Asked(*row) for row in rows)


def keep_summary(session: Session, version: Version, summary: dict[str, Any]) -> None:
    session.execute(update(Version).where(Version.id == version.id).values(summary=summary))
