"""How many bytes logs and judgments have, told before they are read: one may have 10 MiB, and a page has a thousand."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import InstrumentedAttribute

from app.logs.models import Judgment, Log

MOST_BYTES = 50 * 1024 * 1024
"""Of all texts that one request reads together."""
_SURELY_LESS = 128 * 1024
"""Bytes as they are stored: Postgres packs no more than 255 into one, so nobody needs to look closer."""
_A_LOOK = 20
"""Logs that are unpacked by one statement, to be counted."""
Columns = Sequence[InstrumentedAttribute[Any]]
OF_ROWS: Columns = (Log.inputs, Log.messages, Log.output)
"""What of a log becomes a row of a dataset."""
_OF_LOGS: Columns = (*OF_ROWS, Log.output_message, Log.error, Log.details, Log.provider_request, Log.provider_response, Log.stdout)  # fmt: skip
_OF_JUDGMENTS: Columns = (Judgment.text_value, Judgment.rationale, Judgment.error, Judgment.detail, Judgment.stdout)  # fmt: skip


def logs_exceed(session: Session, log_ids: Collection[str], columns: Columns = _OF_LOGS) -> bool:
    """Whether these logs have more than `MOST_BYTES` in these columns."""
    return _exceed(session, Log.id, log_ids, columns)


def judged_exceed(session: Session, log_ids: Collection[str]) -> bool:
    """Whether the judgments on these logs have more than `MOST_BYTES`."""
    return _exceed(session, Judgment.log_id, log_ids, _OF_JUDGMENTS)


def sizes_of_logs(session: Session, log_ids: Collection[str], *, packed: bool) -> dict[str, int]:
    """How many bytes each log has with the judgments on it; `packed`, as they are stored."""
    of_log = _total(_OF_LOGS, packed=packed)
    on_log = select(func.sum(_total(_OF_JUDGMENTS, packed=packed))).where(Judgment.log_id == Log.id)
    query = select(Log.id, of_log + func.coalesce(on_log.scalar_subquery(), 0)).where(Log.id.in_(log_ids))
    return {log_id: int(size) for log_id, size in session.execute(query)}


def sizes_of_judgments(
    session: Session, judgment_ids: Collection[str], *, packed: bool, parents: bool
) -> dict[str, int]:
    """The same of judgments; with `parents`, of the logs that they are about as well."""
    query = select(Judgment.id, Judgment.log_id, _total(_OF_JUDGMENTS, packed=packed))
    rows = session.execute(query.where(Judgment.id.in_(judgment_ids))).all()
    of_logs = sizes_of_logs(session, {row[1] for row in rows}, packed=packed) if parents else {}
    return {judgment_id: size + of_logs.get(log_id, 0) for judgment_id, log_id, size in rows}


def _exceed(
    session: Session, key: InstrumentedAttribute[str], wanted: Collection[str], columns: Columns
) -> bool:
    if not wanted or _sum(session, key, wanted, columns, packed=True) < _SURELY_LESS:
        return False
    ids, left = list(wanted), MOST_BYTES
    for begin in range(0, len(ids), _A_LOOK):
        left -= _sum(session, key, ids[begin : begin + _A_LOOK], columns, packed=False)
        if left < 0:
            return True
    return False


def _sum(
    session: Session,
    key: InstrumentedAttribute[str],
    wanted: Collection[str],
    columns: Columns,
    *,
    packed: bool,
) -> int:
    return session.scalar(select(func.sum(_total(columns, packed=packed))).where(key.in_(wanted))) or 0


def _total(columns: Columns, *, packed: bool) -> ColumnElement[int]:
    """The bytes of a row in these columns."""
    sizes = [
        func.coalesce(func.pg_column_size(each) if packed else func.octet_length(cast(each, Text)), 0)
        for each in columns
    ]
    return sum(sizes[1:], sizes[0])
