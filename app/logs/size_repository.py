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


def judgments_exceed(session: Session, judgment_ids: Collection[str]) -> bool:
    """Whether these judgments have more than `MOST_BYTES`."""
    return _exceed(session, Judgment.id, judgment_ids, _OF_JUDGMENTS)


def judged_exceed(session: Session, log_ids: Collection[str]) -> bool:
    """Whether the judgments on these logs have more than `MOST_BYTES`."""
    return _exceed(session, Judgment.log_id, log_ids, _OF_JUDGMENTS)


def ids_in_traces(session: Session, workspace_id: str, log_ids: Collection[str], most: int) -> list[str]:
    """The logs of the traces that these are part of, `most` of them at most."""
    traces = select(Log.trace_id).where(Log.id.in_(log_ids), Log.trace_id.is_not(None))
    query = select(Log.id).where(Log.workspace_id == workspace_id, Log.trace_id.in_(traces))
    return list(session.scalars(query.limit(most)))


def _exceed(
    session: Session, key: InstrumentedAttribute[str], wanted: Collection[str], columns: Columns
) -> bool:
    if (
        not wanted
        or _sum(session, key, wanted, [func.pg_column_size(each) for each in columns]) < _SURELY_LESS
    ):
        return False
    ids, left = list(wanted), MOST_BYTES
    for begin in range(0, len(ids), _A_LOOK):
        part = ids[begin : begin + _A_LOOK]
        left -= _sum(session, key, part, [func.octet_length(cast(each, Text)) for each in columns])
        if left < 0:
            return True
    return False


def _sum(
    session: Session,
    key: InstrumentedAttribute[str],
    wanted: Collection[str],
    sizes: Sequence[ColumnElement[int]],
) -> int:
    whole = sum((func.coalesce(size, 0) for size in sizes[1:]), func.coalesce(sizes[0], 0))
    return session.scalar(select(func.sum(whole)).where(key.in_(wanted))) or 0
