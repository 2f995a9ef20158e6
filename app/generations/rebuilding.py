"""The request of a log that does not keep it: made anew of its version, its inputs and its messages."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import DomainError
from app.files import repository as files
from app.files.models import FileKind
from app.generations.service import prepare
from app.logs.models import Log
from app.providers.presets import dialect_of


def rebuilt_request(session: Session, principal: Principal, log: Log) -> dict[str, Any] | None:
    """As the version would be asked today, its template's tools not called; None where that cannot be said, or the log is of a
    call that we did not make."""
    inputs: object = log.inputs
    messages: object = log.messages or []
    if not log.attempts or log.payload_cleared_at or not isinstance(inputs, Mapping):
        return None
    if not isinstance(messages, list) or not all(isinstance(each, Mapping) for each in messages):
        return None  # who logs for themselves may say anything
    found = files.find_versions(session, principal.workspace_id, [log.version_id])
    if not found or found[0].file.kind != FileKind.PROMPT:
        return None
    try:
        prompt = prepare(session, found[0])
        unanswered = prompt.tools.unanswered if prompt.tools else None
        body = prompt.request(inputs, messages, unanswered)
    except (DomainError, ValueError):
        return None
    endpoint = prompt.target.endpoint
    return dialect_of(endpoint.preset, endpoint.base_url).request(body)
