"""Executions and rows, valid by default."""

from app.evaluators.kinds import kind
from app.evaluators.kinds.contract import Execution, Row


def execution(output="Paris", **changed):
    values = {
        "error": None,
        "latency_ms": 840.0,
        "cost_usd": 0.0004,
        "prompt_tokens": 120,
        "output_tokens": 3,
        "inputs": {"question": "What is the capital of France?"},
        "messages": [],
        "output_message": {"role": "assistant", "content": output},
        "finish_reason": "stop",
    }
    return Execution(output=output, **values | changed)


def row(target="Paris", **changed):
    values = {
        "inputs": {"question": "What is the capital of France?"},
        "messages": [],
        "context": None,
        "metadata": None,
    }
    shaped = target if target is None or isinstance(target, dict) else {"output": target}
    return Row(target=shaped, **values | changed)


def verdict(name, output, target="Paris", **options):
    """What the kind of that name says of an output, for a row with that target."""
    return kind(name).prepare(options).judge(execution(output), row(target))


def value(name, output, target="Paris", **options):
    return verdict(name, output, target, **options).value
