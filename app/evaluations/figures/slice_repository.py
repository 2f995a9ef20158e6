"""The SQL of slices: what the rows of a dataset version can be grouped by, and who is in each group."""

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

FEWEST_ROWS = 20
"""A group of fewer is shown in no slice: its change would be noise."""
_LONGEST = 80
"""Characters: what is longer names no group."""
_MOST_FIELDS = 40


class FieldCounts(NamedTuple):
    """A field of rows that forms groups."""

    name: str
    groups: int
    """With enough rows."""
    rows: int
    """In these groups."""


_CELLS = f"""
with rows as (
    select r.datapoint_id, r.position, r.split, d.cluster, d.inputs, d.target, d.metadata
    from dataset_row r join datapoint d on d.id = r.datapoint_id
    where r.file_id = :file and r.from_number <= :number and (r.until_number is null or r.until_number > :number)
), cells as (
    select 'metadata.' || e.key as name, e.value #>> '{{}}' as value, datapoint_id, position
    from rows cross join lateral jsonb_each(case jsonb_typeof(metadata) when 'object' then metadata end) e
    where jsonb_typeof(e.value) in ('string', 'number', 'boolean')
    union all
    select 'target.' || e.key, e.value #>> '{{}}', datapoint_id, position
    from rows cross join lateral jsonb_each(case jsonb_typeof(target) when 'object' then target end) e
    where jsonb_typeof(e.value) in ('string', 'number', 'boolean')
    union all
    select 'inputs.' || e.key, e.value #>> '{{}}', datapoint_id, position
    from rows cross join lateral jsonb_each(case jsonb_typeof(inputs) when 'object' then inputs end) e
    where jsonb_typeof(e.value) in ('string', 'number', 'boolean')
    union all
    select 'cluster', cluster, datapoint_id, position from rows where cluster is not null
    union all
    select 'split', split, datapoint_id, position from rows where split is not null
), short as (
    select * from cells where char_length(value) between 1 and {_LONGEST}
)
"""  # noqa: S608 - a constant
_FIELDS = f"""{_CELLS}
select name, count(*) filter (where n >= :fewest), sum(n) filter (where n >= :fewest)
from (select name, value, count(*) as n from short group by 1, 2) found
group by 1 having count(*) filter (where n >= :fewest) >= 2
order by 3 desc, 2, 1 limit :most
"""  # noqa: S608 - the statement above
_GROUPS = f"""{_CELLS}
select value, array_agg(datapoint_id order by position) from short where name = :field
group by 1 having count(*) >= :fewest order by count(*) desc, 1
"""  # noqa: S608 - the statement above


def list_fields(session: Session, file_id: str, number: int) -> list[FieldCounts]:
    """What the rows of a dataset version can be grouped by: fields with two groups or more of enough rows.

    Those that say most of the rows come first.
    """
    given = {"file": file_id, "number": number, "fewest": FEWEST_ROWS, "most": _MOST_FIELDS}
    rows = session.execute(text(_FIELDS), given)
    return [FieldCounts(row[0], row[1], int(row[2])) for row in rows]


def load_groups(session: Session, file_id: str, number: int, field: str) -> dict[str, list[str]]:
    """The datapoints of each group of a field, in the dataset's order; groups with most rows first."""
    given = {"file": file_id, "number": number, "field": field, "fewest": FEWEST_ROWS}
    rows = session.execute(text(_GROUPS), given)
    return {row[0]: row[1] for row in rows}
