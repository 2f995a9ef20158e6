"""Logs and judgments as they are written in batches: plain values, checked for what Postgres cannot hold."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson


@dataclass(slots=True)
class LogRecord:
    """A log to write; the fields are the columns of `log`."""

    id: str
    workspace_id: str
    file_id: str
    version_id: str
    source: str | None
    start_time: str | None
    """ISO 8601 with its zone, as all times here."""
    end_time: str | None
    run_id: str | None = None
    datapoint_id: str | None = None
    repeat: int = 0
    environment: str | None = None
    parent_id: str | None = None
    trace_id: str | None = None
    inputs: Mapping[str, Any] | None = None
    messages: list[Any] | None = None
    output: str | None = None
    output_message: Mapping[str, Any] | None = None
    error: str | None = None
    provider: str | None = None
    model: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    prompt_cost: str | None = None
    """A decimal number as text: floats would round it."""
    output_cost: str | None = None
    latency_ms: float | None = None
    attempts: int = 1
    provider_response: Mapping[str, Any] | None = None
    reuse_key: str | None = None
    status: str = "complete"
    created_at: str | None = None
    """None: now."""
    session_id: str | None = None
    user: str | None = None
    metadata: Mapping[str, Any] | None = None
    tool_choice: str | Mapping[str, Any] | None = None
    stdout: str | None = None
    provider_request: Mapping[str, Any] | None = None
    payload_cleared_at: str | None = None
    included: list[dict[str, Any]] | None = None
    """What the template included: of each, `type`, `path`, `environment`, `file_id`, `version_id`, `number`."""
    created_by: str | None = None


@dataclass(slots=True)
class JudgmentRecord:
    """A judgment to write; the fields are the columns of `judgment`."""

    id: str
    workspace_id: str
    log_id: str
    evaluator_version_id: str
    author: str = ""
    vote: int = 0
    boolean_value: bool | None = None
    number_value: float | None = None
    text_value: str | None = None
    options_value: list[str] | None = None
    rationale: str | None = None
    error: str | None = None
    detail: Mapping[str, Any] | None = None
    judge_log_id: str | None = None
    cost: str | None = None
    stdout: str | None = None
    engine: str | None = None
    marked_completed: bool = False
    created_at: str | None = None
    """None: now."""


def as_json(records: Iterable[LogRecord | JudgmentRecord]) -> str:
    """The records as one JSON array that Postgres accepts: no NUL, no half of a surrogate pair."""
    rows = list(records)  # orjson writes dataclasses itself, without copying what they hold
    try:
        text = orjson.dumps(rows)
    except TypeError:
        text = orjson.dumps(storable([asdict(row) for row in rows]))
    if b"\\u0000" in text:
        text = orjson.dumps(storable([asdict(row) for row in rows]))
    return text.decode()


def storable(value: Any) -> Any:
    """`value` with the replacement character for whatever a text column cannot hold."""
    if isinstance(value, str):
        return value.replace("\0", "�").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {storable(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    if isinstance(value, int | float | bool) or value is None:
        return value
    return str(value)
