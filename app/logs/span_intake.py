"""Spans become logs; those that cannot are kept aside, so that whoever sent them can be told why."""

from collections.abc import Sequence
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from app.core import ids
from app.core.access import Principal
from app.core.errors import DomainError
from app.files.models import FileKind
from app.logs import repository
from app.logs.models import QuarantinedSpan
from app.logs.schemas import FlowLogUpdate, LogInBatch
from app.logs.service import Entry, record_logs, update_log
from app.logs.span_values import Unreadable
from app.logs.spans import ReadSpan, read_spans

_KEPT_BYTES = 64 * 1024
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


def take(session: Session, principal: Principal, spans: Sequence[ReadSpan]) -> list[str]:
    """Write what spans stand for; an id for each, in their order: of a log, or of what is kept aside.

    Each span is by itself: one that is refused costs no other. One that was taken before is not taken again.
    """
    written = _add_together(session, principal, spans)
    for n, span in enumerate(spans):
        if n not in written:
            written[n] = (
                _set_aside(session, principal, span.problem or "", span.raw)
                if span.body is None
                else _write(session, principal, span, span.body)
            )
    return [written[n] for n in range(len(spans))]


def _add_together(session: Session, principal: Principal, spans: Sequence[ReadSpan]) -> dict[int, str]:
    """Write the new logs among the spans in one go: their ids, by the spans' numbers. None where one of them is refused:
    then each has to be tried by itself."""
    bodies = {
        n: _with_id(principal, span.body, span.key)
        for n, span in enumerate(spans)
        if span.body is not None and not span.body.get("update")
    }
    if len(bodies) < 2:
        return {}
    try:
        with session.begin_nested():
            known = repository.known_ids(
                session, {body["log_id"] for body in bodies.values() if "log_id" in body}
            )
            new = {n: body for n, body in bodies.items() if body.get("log_id") not in known}
            entries = [Entry(_LOG.validate_python(body)) for body in new.values()]
            records = record_logs(session, principal, entries, late=True) if entries else []
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - it is raised again, and told, by the one that it is of
        log.info("spans written one by one", error=type(error).__name__)
        return {}
    return {n: str(body["log_id"]) for n, body in bodies.items() if n not in new} | {
        n: record.id for n, record in zip(new, records, strict=True)
    }


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
    log_id: str = body["log_id"]
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
        body=sent[:_KEPT_BYTES],
    )
    session.add(kept)
    session.flush()
    return kept.id
