"""The SQL of rows between two versions of a dataset."""

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session


class Moved(NamedTuple):
    """Rows between a version of a dataset and a later one. One that was replaced is gone, and another one new."""

    new: int
    gone: int


_MOVED = text("""
    with ran as (
        select datapoint_id from dataset_row
        where file_id = :file and from_number <= :ran and (until_number is null or until_number > :ran)
    ), later as (
        select datapoint_id from dataset_row
        where file_id = :file and from_number <= :later and (until_number is null or until_number > :later)
    )
    select (select count(*) from (select * from later except select * from ran) as added),
           (select count(*) from (select * from ran except select * from later) as removed)
""")


def count_moved(session: Session, file_id: str, ran: int, later: int) -> Moved:
    """How many rows version `later` has that version `ran` had not, and the other way round."""
    return Moved(*session.execute(_MOVED, {"file": file_id, "ran": ran, "later": later}).one())
