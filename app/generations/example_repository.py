"""The SQL of looking for examples among the rows of a dataset."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.files.models import Version

JOINT = "\x1f"
"""Between inputs that are compared together: no text that people type has it."""
_MOST_ROWS = 10_000
_MOST_FOUND = 200


@dataclass(frozen=True, slots=True)
class RowFound:
    """A row that is not for training."""

    number: int
    """Its place among all rows of the version, from 1."""
    split: str | None


def find_test_rows(
    session: Session, version: Version, names: Sequence[str], joint: Sequence[str], alone: Sequence[str]
) -> list[tuple[RowFound, list[str]]]:
    """The rows that are not for training whose inputs of these names are, together, one of `joint`, or one of which is one of
    `alone`; with these inputs. Spaces and the case of letters do not count."""
    rows = session.execute(
        text("""
        with tested as (
            select r.datapoint_id, r.split, r.position
            from dataset_row r
            where r.file_id = :file and r.from_number <= :number
              and (r.until_number is null or r.until_number > :number) and r.split is distinct from 'train'
            order by r.position limit :most
        ), said as (
            select t.datapoint_id, t.position, t.split, array(
                select lower(btrim(regexp_replace(coalesce(d.inputs ->> n.name, ''), '\\s+', ' ', 'g')))
                from unnest(cast(:names as text[])) with ordinality n (name, place) order by n.place) as inputs
            from tested t join datapoint d on d.id = t.datapoint_id
        ), found as (
            select * from said
            where array_to_string(inputs, :between) in (select lower(k) from unnest(cast(:joint as text[])) k)
               or inputs && array(select lower(k) from unnest(cast(:alone as text[])) k)
            order by position limit :found
        ), place as ( -- of none where nothing was found
            select r.datapoint_id, r.position, row_number() over (order by r.position) as number
            from dataset_row r
            where r.file_id = :file and r.from_number <= :number
              and (r.until_number is null or r.until_number > :number)
              and r.position <= (select max(position) from found)
        )
        select place.number, found.split, found.inputs
        from found join place using (datapoint_id, position) order by place.number
        """),
        {
            "file": version.file_id,
            "number": version.number,
            "names": list(names),
            "joint": list(joint),
            "alone": list(alone),
            "between": JOINT,
            "most": _MOST_ROWS,
            "found": _MOST_FOUND,
        },
    )
    return [(RowFound(row.number, row.split), list(row.inputs)) for row in rows]
