"""What went to the provider and what came back, as people read it who look for what is wrong between."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from app.core.property_order import property_order
from app.logs.models import Log


@dataclass(frozen=True, slots=True)
class Raw:
    """Both, as texts; empty where nothing is known."""

    request: str
    request_note: str
    response: str
    response_note: str


def raw_of(log: Log) -> Raw:
    """The request as it was sent, where it is kept, without the key, which is a header; and the answer, its pieces put together,
    or the body of a failure as it came. What a caller logged as the response is shown as it is."""
    response, note = _answer(log, log.provider_response)
    return Raw(_written(log.provider_request), _request_note(log), response, note)


def _request_note(log: Log) -> str:
    if not log.attempts:
        return "As it was logged."
    turned = " Members stand in the order of the database: they were sent as the version has them."
    return f"The key goes along in a header, which is not kept.{turned if property_order(log.provider_request) else ''}"


def _answer(log: Log, said: object) -> tuple[str, str]:
    if not isinstance(said, Mapping):  # who logs for themselves may say anything
        if said:
            return _written(said), ""
        said = {}
    if log.output_message and (log.attempts or not said):
        choice = {"index": 0, "message": log.output_message, "finish_reason": log.finish_reason}
        note = "The pieces of a stream are put together." if log.attempts else "Only the message was logged."
        return _written({"model": log.model, **said, "choices": [choice]}), note
    body = said.get("body")
    if isinstance(body, str) and body:
        status = said.get("status")
        return _readable(body), f"Status {status}." if status else ""
    return _written(said or None), ""


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str) if value else ""


def _readable(text: str) -> str:
    """A body that is JSON, indented; any other as it came."""
    try:
        return _written(json.loads(text)) or text
    except (ValueError, RecursionError):
        return text
