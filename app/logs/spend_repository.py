"""The SQL of what the calls of a file cost, and how long they took."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session


class DaySpend(NamedTuple):
    """What the calls of one day came to; `usd` counts those whose price is known."""

    day: date
    usd: float
    logs: int
    failed: int


def list_daily_spend(session: Session, workspace_id: str, file_id: str, days: int) -> list[DaySpend]:
    """What the calls of a file cost on each of the last `days` days that had any, oldest first, in UTC."""
    rows = session.execute(
        text("""
        select (created_at at time zone 'UTC')::date as day,
               coalesce(sum(coalesce(prompt_cost, 0) + coalesce(output_cost, 0)), 0)::float8,
               count(*), count(*) filter (where error is not null)
        from log
        where workspace_id = :workspace and file_id = :file and created_at > now() - make_interval(days => :days)
        group by 1 order by 1
        """),
        {"workspace": workspace_id, "file": file_id, "days": days},
    )
    return [DaySpend(*row) for row in rows]
