"""A call of a prompt as the v5 API answers it: whole, or as events."""

from collections.abc import Sequence
from typing import Any

from app.generations.calling import ReadyCall
from app.logs.own_ids import said_id, said_or_none
from app.logs.records import LogRecord

Json = dict[str, Any]


def present_call(ready: ReadyCall, records: Sequence[LogRecord]) -> Json:
    """What was called, and its answers in `logs`, one for each that was asked for."""
    call, first = ready.call, records[0]
    echoed = call.model_dump(
        mode="json",
        include={
            "messages",
            "tool_choice",
            "source",
            "metadata",
            "log_status",
            "source_datapoint_id",
            "trace_parent_id",
            "session_id",
            "user",
            "save",
        },
    )
    return echoed | {
        "id": said_id(first.workspace_id, first.id),
        "log_id": said_id(first.workspace_id, first.id),
        "prompt": ready.prompt,
        "inputs": call.inputs if call.return_inputs else {},
        "environment": first.environment,
        "trace_id": said_or_none(first.workspace_id, first.trace_id),
        "start_time": min(str(record.start_time) for record in records),
        "end_time": max(str(record.end_time) for record in records),
        "logs": [present_sample(index, record) for index, record in enumerate(records)],
    }


def present_sample(index: int, record: LogRecord) -> Json:
    """One of the answers."""
    return {
        "index": index,
        "id": said_id(record.workspace_id, record.id),
        "output": record.output,
        "output_message": record.output_message,
        "finish_reason": record.finish_reason,
        "prompt_tokens": record.prompt_tokens,
        "output_tokens": record.output_tokens,
        "reasoning_tokens": record.reasoning_tokens,
        "prompt_cost": float(record.prompt_cost) if record.prompt_cost is not None else None,
        "output_cost": float(record.output_cost) if record.output_cost is not None else None,
        "provider_latency": record.latency_ms / 1000 if record.latency_ms is not None else None,
        "created_at": record.end_time,
        "error": record.error,
        "stdout": None,
    }


def present_piece(ready: ReadyCall, index: int, piece: str) -> Json:
    """A piece of an answer, as an event."""
    return {
        "index": index,
        "id": said_id(ready.runs[index].origin.workspace_id, ready.log_ids[index]),
        "prompt_id": ready.runs[index].origin.file_id,
        "version_id": ready.runs[index].origin.version_id,
        "output": piece,
    }


def present_end(ready: ReadyCall, index: int, record: LogRecord) -> Json:
    """The last event of an answer: what is known of it now. Its text has been sent, so `output` is empty."""
    return {**present_sample(index, record), **present_piece(ready, index, "")}
