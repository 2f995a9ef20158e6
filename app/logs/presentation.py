"""Logs and judgments as the v5 API shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.logs.models import Judgment, Log
from app.logs.own_ids import said_id, said_or_none
from app.logs.verdict_repository import Said

Json = dict[str, Any]


BESIDE_JUDGMENTS = (
    "start_time", "end_time", "provider_latency", "inputs", "output", "output_message", "provider_request",
    "provider_response", "source", "environment", "log_status", "source_datapoint_id", "trace_parent_id", "metadata",
)  # fmt: skip
"""What callers say of a judgment as of any log: kept in its `detail`, and shown beside it."""


def judgment_value(judgment: Judgment | Said) -> bool | float | str | list[str] | None:
    """The verdict in the type that its evaluator gives."""
    if judgment.boolean_value is not None:
        return judgment.boolean_value
    if judgment.number_value is not None:
        return judgment.number_value
    return judgment.options_value if judgment.text_value is None else judgment.text_value


def present_judgment(judgment: Judgment, evaluator: Json | None = None) -> Json:
    """A judgment, as the log of an evaluator: clients tell it by `evaluator`, which is left out if it is not given."""
    detail = judgment.detail or {}
    shown: Json = {
        "id": said_id(judgment.workspace_id, judgment.id),
        "parent_id": said_id(judgment.workspace_id, judgment.log_id),
        "evaluator_version_id": judgment.evaluator_version_id,
        "judgment": judgment_value(judgment),
        "rationale": judgment.rationale,
        "error": judgment.error,
        "author": judgment.author or None,
        "stdout": judgment.stdout,
        "detail": judgment.detail,
        "created_at": judgment.created_at,
        "judge_log_id": judgment.judge_log_id,
        "cost": float(judgment.cost) if judgment.cost is not None else None,
        "marked_completed": judgment.marked_completed,
        **{name: detail.get(name) for name in BESIDE_JUDGMENTS},
        "inputs": detail.get("inputs") or {},
        "evaluator_logs": [],
        "trace_children": [],
    }
    return shown | {"evaluator": evaluator} if evaluator else shown


def present_log(
    log: Log,
    file: Json | None,
    judgments: Sequence[Judgment] = (),
    evaluators: Mapping[str, Json] = {},
    trace_flow_id: str | None = None,
) -> Json:
    """A log. It carries exactly one of `prompt`, `tool`, `evaluator`, `flow`: clients tell logs apart by that.

    `evaluators` are the files of the judgments, by their versions' ids.
    """
    shown: Json = {
        "id": said_id(log.workspace_id, log.id),
        "version_id": log.version_id,
        "file_id": log.file_id,
        "environment": log.environment,
        "run_id": log.run_id,
        "source_datapoint_id": log.datapoint_id,
        "trace_id": said_or_none(log.workspace_id, log.trace_id),
        "trace_flow_id": trace_flow_id,
        "trace_parent_id": said_or_none(log.workspace_id, log.parent_id),
        "session_id": log.session_id,
        "user": log.user,
        "source": log.source,
        "log_status": log.status,
        "save": log.payload_cleared_at is None,
        "created_at": log.created_at,
        "received_at": log.received_at,
        "start_time": log.start_time,
        "end_time": log.end_time,
        "inputs": log.inputs or {},
        "messages": log.messages or [],
        "included": log.included or [],
        "output": log.output,
        "output_message": log.output_message,
        "tool_choice": log.tool_choice,
        "payload_cleared_at": log.payload_cleared_at,
        "error": log.error,
        "stdout": log.stdout,
        "metadata": log.details or {},
        "provider": log.provider,
        "model": log.model,
        "finish_reason": log.finish_reason,
        "prompt_tokens": log.prompt_tokens,
        "output_tokens": log.output_tokens,
        "reasoning_tokens": log.reasoning_tokens,
        "prompt_cost": float(log.prompt_cost) if log.prompt_cost is not None else None,
        "output_cost": float(log.output_cost) if log.output_cost is not None else None,
        "provider_latency": log.latency_ms / 1000 if log.latency_ms is not None else None,
        "provider_request": log.provider_request,
        "provider_response": log.provider_response,
        "evaluator_logs": [
            present_judgment(judgment, evaluators.get(judgment.evaluator_version_id))
            for judgment in judgments
        ],
        "trace_children": [],
    }
    if file is None:
        return shown
    if file["type"] == "flow":
        shown["trace_status"] = log.status  # older clients' word for it
    return shown | {file["type"]: file}
