"""Spans become logs; those that cannot are kept aside, so that whoever sent them can be told why."""

from collections.abc import Sequence
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.orm import Session

from app.core import ids, metrics
from app.core.access import Principal
from app.core.conflicts import is_read_only
from app.core.errors import DomainError
from app.files.models import FileKind
from app.logs import own_ids, repository
from app.logs.models import QuarantinedSpan
from app.logs.quarantine_repository import KEPT_BYTES
from app.logs.schemas import FlowLogUpdate, LogInBatch
from app.logs.service import Entry, record_logs, update_log
from app.logs.span_values import Unreadable
from app.logs.spans import ReadSpan, read_spans

log = structlog.get_logger()
_LOG = TypeAdapter[Any](LogInBatch)


def read(body: bytes, problem: str | None = None) -> list[ReadSpan]:
    """The spans of a request; one that stands for all of it, where it cannot be read. `problem`: why it need not be tried."""
    try:
        return read_spans(body) if problem is None else [ReadSpan(None, problem, body)]
    except Unreadable as unreadable:
        return [ReadSpan(None, str(unreadable), body)]
    except Exception as error:
        log.exception("spans not read")
        return [ReadSpan(None, f"It broke on our side ({type(error).__name__}).", body)]


def take_together(session: Session, principal: Principal, spans: Sequence[ReadSpan]) -> list[str]:
    """Write what spans stand for in one go; an id for each, in their order: of a log, or of what is kept aside. One that
    was taken before is not taken again.

    Raises:
        Exception: one of them is refused. Nothing is written then; `take` finds out which.
    """
    bodies = {
        n: _with_id(principal, span.body, span.key)
        for n, span in enumerate(spans)
        if span.body is not None and not span.body.get("update")
    }
    entries = [Entry(_LOG.validate_python(body)) for body in bodies.values()]
    records = record_logs(session, principal, entries, late=True) if entries else []
    written = {n: record.id for n, record in zip(bodies, records, strict=True)}
    for n, span in enumerate(spans):
        if span.body is None:
            written[n] = _set_aside(session, principal, span.problem or "", span.raw)
        elif n not in written:
            written[n] = _update(session, principal, span.body)
    return [written[n] for n in range(len(spans))]


def take(session: Session, principal: Principal, spans: Sequence[ReadSpan]) -> list[str]:
    """As `take_together`, each span by itself: one that is refused costs no other, and is kept aside."""
    return [
        _set_aside(session, principal, span.problem or "", span.raw)
        if span.body is None
        else _write(session, principal, span, span.body)
        for span in spans
    ]


def _with_id(principal: Principal, body: dict[str, Any], key: str | None) -> dict[str, Any]:
    """The log of a span with the id that follows from the span's: the same span is the same log."""
    return body | {"log_id": ids.content_id("log", principal.workspace_id, key)} if key else body


def _write(session: Session, principal: Principal, span: ReadSpan, body: dict[str, Any]) -> str:
    raw = span.raw
    try:
        with session.begin_nested():
            if body.get("update"):
                return _update(session, principal, body)
            return _add(session, principal, body, span.key)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:5])
        return _set_aside(session, principal, said, raw)
    except DomainError as error:
        return _set_aside(session, principal, error.message, raw)
    except (OperationalError, InterfaceError):
        raise  # the database is away, or two writers met: all of it is tried again
    except Exception as error:
        if isinstance(error, InternalError) and is_read_only(error):
            raise
        log.exception("span not written")
        said = f"It broke on our side ({type(error).__name__}). The log of the server has the details."
        return _set_aside(session, principal, said, raw)


def _add(session: Session, principal: Principal, body: dict[str, Any], key: str | None) -> str:
    body = _with_id(principal, body, key)
    if key and repository.known_ids(session, [body["log_id"]]):
        return str(body["log_id"])
    said = _LOG.validate_python(body)
    # Clients send spans at once: that of a flow, which completes its trace, may come first.
    return record_logs(session, principal, [Entry(said)], late=True)[0].id


def _update(session: Session, principal: Principal, body: dict[str, Any]) -> str:
    log_id = own_ids.find_one(session, principal.workspace_id, body["log_id"])
    run_id, datapoint_id = body.get("run_id"), body.get("source_datapoint_id")
    said = FlowLogUpdate.model_validate(body)
    if run_id and datapoint_id and repository.lock_logs(session, principal.workspace_id, [log_id]):
        repository.name_row(session, log_id, run_id, datapoint_id)
    return update_log(session, principal, FileKind.FLOW, log_id, said).id


def _set_aside(session: Session, principal: Principal, problem: str, sent: bytes) -> str:
    """Keep the first 64 KiB of what was sent, with what is wrong with it."""
    kept = QuarantinedSpan(
        id=ids.new_id("qua"),
        workspace_id=principal.workspace_id,
        key_id=principal.key_id,
        problem=problem[:1000],
        body=sent[:KEPT_BYTES],
    )
    session.add(kept)
    session.flush()
    metrics.count("whetstone_spans_quarantined_total")
    return kept.id
