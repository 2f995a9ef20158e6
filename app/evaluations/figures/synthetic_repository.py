"""The SQL of rows of runs that a model wrote."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.datasets.synthetic import IS_SYNTHETIC


def count_synthetic(session: Session, run_ids: Sequence[str]) -> dict[str, int]:
    """How many rows of each run a model wrote; runs without any are left out."""
    rows = session.execute(
        text(f"""
        select i.run_id, count(distinct i.datapoint_id)::int
        from run_item i join datapoint d on d.id = i.datapoint_id
        where i.run_id = any(:runs) and {IS_SYNTHETIC.format("d.metadata")}
        group by 1
        """),  # noqa: S608 - the condition above
        {"runs": list(run_ids)},
    )
    return {row[0]: row[1] for row in rows}
