"""The SQL of what calls cost: by day, by file and by model, from counters that are kept as logs are written."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.logs.models import Budget


class DaySpend(NamedTuple):
    """What the calls of one day came to; `usd` counts those whose price is known."""

    day: date
    usd: float
    logs: int
    failed: int


class PartSpend(NamedTuple):
    """What the calls of a file, of a model or of a provider came to."""

    key: str
    name: str
    kind: str
    usd: Decimal
    calls: int
    failed: int


def list_daily_spend(session: Session, workspace_id: str, file_id: str, days: int) -> list[DaySpend]:
    """What the calls of a file cost on each of the last `days` days that had any, oldest first, in UTC."""
    rows = session.execute(
        text("""
        select day, sum(usd)::float8, sum(calls)::int, sum(failed)::int from spend_day
        where workspace_id = :workspace and file_id = :file
          and day > (now() at time zone 'UTC')::date - cast(:days as int)
        group by 1 order by 1
        """),
        {"workspace": workspace_id, "file": file_id, "days": days},
    )
    return [DaySpend(*row) for row in rows]


def list_days(session: Session, workspace_id: str, month: date) -> list[DaySpend]:
    """What each day of a month came to that had any call, oldest first."""
    rows = session.execute(
        text("""
        select day, sum(usd)::float8, sum(calls)::int, sum(failed)::int from spend_day
        where workspace_id = :workspace and day >= :month and day < cast(:month as date) + interval '1 month'
        group by 1 order by 1
        """),
        {"workspace": workspace_id, "month": month},
    )
    return [DaySpend(*row) for row in rows]


_BY_FILE = "s.file_id as key, coalesce(f.path, 'a deleted file') as name, coalesce(f.kind, '') as kind"
_BY_MODEL = "s.model as key, s.model as name, '' as kind"
_BY_PROVIDER = "s.provider as key, s.provider as name, '' as kind"


def _parts(session: Session, workspace_id: str, month: date, key: str, limit: int) -> Sequence[PartSpend]:
    rows = session.execute(
        text(f"""
        select {key}, sum(usd), sum(calls)::int, sum(failed)::int
        from spend_day s left join file f on f.id = s.file_id
        where s.workspace_id = :workspace and day >= :month and day < cast(:month as date) + interval '1 month'
        group by 1, 2, 3 order by sum(usd) desc, sum(calls) desc limit :limit
        """),  # noqa: S608 - one of the lists above
        {"workspace": workspace_id, "month": month, "limit": limit},
    )
    return [PartSpend(*row) for row in rows]


def list_files_spend(
    session: Session, workspace_id: str, month: date, limit: int = 50
) -> Sequence[PartSpend]:
    """What the calls of each file came to in a month, the dearest first."""
    return _parts(session, workspace_id, month, _BY_FILE, limit)


def list_models_spend(
    session: Session, workspace_id: str, month: date, limit: int = 50
) -> Sequence[PartSpend]:
    """What the calls of each model came to in a month, the dearest first."""
    return _parts(session, workspace_id, month, _BY_MODEL, limit)


def list_providers_spend(
    session: Session, workspace_id: str, month: date, limit: int = 500
) -> Sequence[PartSpend]:
    """What the calls of each provider, by its name at the time, came to in a month, the dearest first."""
    return _parts(session, workspace_id, month, _BY_PROVIDER, limit)


def month_spend(session: Session, workspace_id: str, month: date) -> Decimal:
    """What a workspace spent in a month."""
    found = session.scalar(
        text("""
        select coalesce(sum(usd), 0) from spend_day
        where workspace_id = :workspace and day >= :month and day < cast(:month as date) + interval '1 month'
        """),
        {"workspace": workspace_id, "month": month},
    )
    return Decimal(found or 0)


def find_budget(session: Session, workspace_id: str) -> Budget | None:
    return session.get(Budget, workspace_id)
