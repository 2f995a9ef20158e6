"""From what a caller says of an execution to the row that is written. Pure: nothing is looked up here."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.core import clock, ids
from app.logs.records import LogRecord
from app.logs.schemas import AnyLog, AnyUpdate, FlowLog

PAYLOADS = (
    "inputs", "messages", "output", "output_message", "provider_request", "provider_response", "stdout",
)  # fmt: skip
"""What a log holds that `save: false` leaves out: what went in and came out, in whichever form."""
_AS_SAID = (
    *PAYLOADS, "source", "metadata", "error", "tool_choice", "finish_reason",
    "prompt_tokens", "output_tokens", "reasoning_tokens",
)  # fmt: skip
_COSTS = ("prompt_cost", "output_cost")
_TIMES = ("start_time", "end_time", "created_at")


@dataclass(frozen=True, slots=True)
class LoggedVersion:
    """The version that was executed, as far as its logs say it."""

    workspace_id: str
    file_id: str
    version_id: str
    model: str | None = None
    provider: str | None = None


def record_of(said: AnyLog, version: LoggedVersion, environment: str | None = None) -> LogRecord:
    """The row of a log. `environment` is where its version was looked for, unless the caller says where it ran.

    It costs the workspace's budget nothing: the call was made elsewhere.
    """
    now = clock.now()
    values: dict[str, Any] = dict.fromkeys(("source", "start_time", "end_time"))
    values |= {"created_at": now} | values_of(said)
    if said.save is False:
        values = {name: value for name, value in values.items() if name not in PAYLOADS}
        values["payload_cleared_at"] = now
    return LogRecord(
        id=said.log_id or ids.new_id("log"),
        workspace_id=version.workspace_id,
        file_id=version.file_id,
        version_id=version.version_id,
        model=version.model,
        provider=version.provider,
        run_id=said.run_id,
        datapoint_id=said.source_datapoint_id,
        parent_id=said.trace_parent_id,
        session_id=said.session_id,
        user=said.user,
        environment=said.environment or environment,
        status=said.log_status or ("incomplete" if isinstance(said, FlowLog) else "complete"),
        attempts=0,
        **{name: _as_text(value) for name, value in values.items()},
    )


def values_of(said: AnyLog | AnyUpdate) -> dict[str, Any]:
    """What is said of the execution, by the names of the columns; what is not said is left out.

    The text of an output message is the output, and the time from start to end the latency, where nobody says them.
    """
    values = {name: value for name in _AS_SAID if (value := getattr(said, name, None)) is not None}
    if "output" not in values and "output_message" in values:
        content = values["output_message"].get("content")
        if isinstance(content, str):
            values["output"] = content
    for name in _COSTS:
        if (cost := getattr(said, name, None)) is not None:
            values[name] = Decimal(f"{cost:.10f}")
    for name in _TIMES:
        if (moment := getattr(said, name, None)) is not None:
            values[name] = moment
    latency = getattr(said, "provider_latency", None)
    latency_ms = None if latency is None else latency * 1000
    if latency_ms is None:
        latency_ms = duration_ms(getattr(said, "start_time", None), getattr(said, "end_time", None))
    return values if latency_ms is None else values | {"latency_ms": round(latency_ms, 3)}


def without_payload(record: LogRecord) -> LogRecord:
    """The record as retention leaves a log: that it was, when, and what it cost."""
    emptied: dict[str, Any] = dict.fromkeys((*PAYLOADS, "reuse_key"))
    return replace(record, **emptied, payload_cleared_at=clock.now().isoformat())


def _as_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else value


def duration_ms(start: datetime | None, end: datetime | None) -> float | None:
    """From start to end; None where one is not known, or the end comes first."""
    if start is None or end is None or end < start:
        return None
    return (end - start).total_seconds() * 1000
