"""Rows that prompts write, as the v5 API shows them."""

from typing import Any

from app.generations.models import RowGenerationCall
from app.generations.row_generations import Estimate, Shown

Json = dict[str, Any]


def present_generation(shown: Shown) -> Json:
    """One, without its calls."""
    one, tally = shown.generation, shown.tally
    return {
        "id": one.id,
        "dataset_id": one.file_id,
        "status": one.status,
        "asked_by": one.asked_by,
        "version_id": one.version_id,
        "rows": one.rows_wanted,
        "columns": one.columns,
        "inputs": one.inputs,
        "examples": one.examples,
        "split": one.split,
        "calls": tally.calls,
        "done_calls": tally.done,
        "failed_calls": tally.failed,
        "rows_added": tally.added,
        "rows_left_out": tally.left_out,
        "max_cost_usd": None if one.max_cost_usd is None else float(one.max_cost_usd),
        "spent_usd": float(one.spent_usd),
        "reason": one.reason,
        "created_at": one.created_at,
        "finished_at": one.finished_at,
    }


def present_call(call: RowGenerationCall) -> Json:
    """One call: what it brought, and what of its reply was left out."""
    return {
        "number": call.number,
        "rows": call.rows_asked,
        "rows_added": call.rows_added,
        "left_out": call.left_out,
        "problem": call.problem,
        "log_id": call.log_id,
        "finished_at": call.finished_at,
    }


def present_estimate(found: Estimate) -> Json:
    """What it takes, before it starts."""
    return {
        "calls": found.calls,
        "model": found.model,
        "input_tokens": found.input_tokens,
        "output_tokens": found.output_tokens,
        "cost_usd": None if found.usd is None else float(found.usd),
        "seconds": round(found.seconds, 1),
    }
