"""Trying an evaluator on one output: its verdict now, with the calls that a judge makes."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from sqlalchemy.orm import Session

from app.core import waiting
from app.core.broker import connect_async
from app.core.database import unit_of_work
from app.core.errors import DomainError, Invalid
from app.datasets.models import Datapoint
from app.evaluations.verdicts.calls import Asked, answers_of, ask, targets_of
from app.evaluations.verdicts.judged_files import as_judged
from app.evaluations.verdicts.judging import JUDGE, judge_beside
from app.evaluations.verdicts.webhooks import Webhooks
from app.evaluators.binding import (
    BoundEvaluator,
    Call,
    Execution,
    ModelRef,
    Row,
    Verdict,
    WebhookCall,
)
from app.evaluators.kinds.answering import ABOUT_LOG, FILE_TYPES
from app.generations.prepared import Origin, Target
from app.logs import arrivals, budget
from app.logs import repository as logs
from app.logs.models import Log
from app.logs.recording import without_payload
from app.logs.records import LogRecord
from app.providers.client import limited_client
from app.workspaces.webhook_keys import WebhookKey, webhook_key

log = structlog.get_logger()
SOURCE = "evaluator_test"


@dataclass(frozen=True, slots=True)
class Trial:
    """An evaluator made ready, and what it is tried on."""

    evaluator: BoundEvaluator
    targets: Mapping[ModelRef, Target]
    """The models that it asks."""
    origin: Origin
    execution: Execution
    row: Row
    webhook_key: WebhookKey
    log_id: str | None = None
    """The log that is judged, where it is one that is kept: what judges were sent of it goes when it does."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it."""

    verdict: Verdict
    ms: float
    logs: Sequence[LogRecord] = field(default_factory=list)
    """Of the judge's calls."""


def prepare_trial(
    session: Session,
    evaluator: BoundEvaluator,
    origin: Origin,
    execution: Execution,
    row: Row,
    log: Log | None = None,
) -> Trial:
    """Everything that a trial needs, so that it holds no transaction while a model answers. `log` is the one that the execution
    was read from, where it is one.

    Raises:
        NotFound: a judge's provider is not among the workspace's.
        Invalid: it asks a model without a price, and the workspace has a budget.
        OverBudget: it asks a model, and the workspace has spent its budget of this month.
    """
    if evaluator.asks:
        budget.refuse_if_spent(session, origin.workspace_id)
    targets = targets_of(session, origin.workspace_id, evaluator)
    unpriced = [target.model for target in targets.values() if target.price is None]
    budget.refuse_unpriced(session, origin.workspace_id, unpriced)
    key = webhook_key(session, origin.workspace_id)
    if log:
        origin = replace(origin, source=JUDGE)
    return Trial(evaluator, targets, origin, execution, row, key, log.id if log else None)


async def try_evaluator(trial: Trial) -> Tried:
    """The verdict on one output. Never raises: what went wrong is the verdict's error. Calls are logged.

    While the model answers it holds neither a thread nor a connection.
    """
    started = time.perf_counter()
    records: list[LogRecord] = []
    try:
        answers: list[str | None] = []
        evaluator, judged = trial.evaluator, (trial.execution, trial.row)
        while calls := await asyncio.to_thread(evaluator.calls, *judged, answers):
            answers += await _ask(trial, calls, records)
        verdict = await judge_beside(evaluator, *judged, answers)
    except DomainError as error:
        verdict = Verdict(None, error=error.message)
    except Exception as error:  # as in a run, where it costs no other evaluator its judgment
        log.exception("evaluator failed", evaluator=trial.origin.version_id)
        verdict = Verdict(None, error=f"The evaluator broke on our side ({type(error).__name__}).")
    elapsed = (time.perf_counter() - started) * 1000
    if records:
        await asyncio.to_thread(_save, records, trial.log_id)
    return Tried(verdict, elapsed, records)


def _save(records: Sequence[LogRecord], log_id: str | None) -> None:
    """Write the logs of calls; where the log that they are about is gone or empty by now, nothing of what was sent of it."""
    with waiting.at_most(waiting.WORK_S), unit_of_work() as session:
        if log_id:
            is_whole = logs.hold_logs(session, [log_id]).get(log_id)
            records = [
                replace(one if is_whole else without_payload(one), parent_id=log_id) for one in records
            ]
        arrivals.write_logs(session, records, counted=False)


async def _ask(trial: Trial, calls: Sequence[Call], records: list[LogRecord]) -> list[str | None]:
    """What a round of calls answered, made at the same time and at the rate that all workers share.

    Raises:
        NobodyAnswered: all of them failed, or all of one part of the evaluator.
        WebhookFailed: a service gave no answer.
    """
    redis, webhooks = connect_async(), Webhooks(trial.webhook_key)
    endpoints = {target.endpoint.provider_id: target.endpoint for target in trial.targets.values()}
    clients = {name: limited_client(redis, one, connections=len(calls)) for name, one in endpoints.items()}

    async def made(call: Call) -> Asked:
        if isinstance(call, WebhookCall):
            return None, await webhooks.post(call)
        target = trial.targets[call.asks]
        return await ask(clients[target.endpoint.provider_id], trial.origin, target, call)

    try:
        asked = await asyncio.gather(*map(made, calls), return_exceptions=True)
    finally:
        for client in clients.values():
            await client.aclose()
        await webhooks.aclose()
        await redis.aclose()
    answered = [one for one in asked if not isinstance(one, BaseException)]
    records += [record for record, _ in answered if record]
    return answers_of(calls, asked)


_LOG_MEMBERS: dict[str, tuple[type, str]] = {
    "prompt_tokens": (int, "a whole number"),
    "output_tokens": (int, "a whole number"),
    "metadata": (dict, "an object"),
    "inputs": (dict, "an object"),
    "messages": (list, "a list of objects"),
    "trace_children": (list, "a list of objects"),
    "output_message": (dict, "an object"),
    **dict.fromkeys(FILE_TYPES, (dict, "an object")),
}
_TESTCASE_MEMBERS: dict[str, tuple[type, str]] = {
    "inputs": (dict, "an object"),
    "messages": (list, "a list of objects"),
    "context": (list, "a list of passages"),
    "metadata": (dict, "an object"),
}


def _check_types(given: Mapping[str, Any], what: str, members: Mapping[str, tuple[type, str]]) -> None:
    for name, (wanted, said) in members.items():
        value = given.get(name)
        listed = value if wanted is list and isinstance(value, list) else []
        of = str if name == "context" else dict
        if value is not None and (type(value) is not wanted or not all(type(one) is of for one in listed)):
            raise Invalid(f"`{what}.{name}` is {said}.", fields={f"{what}.{name}": f"Give {said}."})


def execution_of(log: Mapping[str, Any]) -> Execution:
    """What a version did, from a log in the API's shape; members that are missing are unknown.

    Raises:
        Invalid: a member is of another type.
    """
    _check_types(log, "log", _LOG_MEMBERS)
    costs = [log.get(name) for name in ("prompt_cost", "output_cost")]
    known = [float(cost) for cost in costs if isinstance(cost, int | float)]
    latency = log.get("provider_latency")
    file = next((as_judged(log[name] | {"type": name}) for name in FILE_TYPES if log.get(name)), None)
    return Execution(
        output=_text(log.get("output")),
        error=_text(log.get("error")),
        latency_ms=latency * 1000 if isinstance(latency, int | float) else None,
        cost_usd=sum(known) if known else None,
        prompt_tokens=log.get("prompt_tokens"),
        output_tokens=log.get("output_tokens"),
        inputs=log.get("inputs") or {},
        messages=log.get("messages") or [],
        output_message=log.get("output_message"),
        finish_reason=_text(log.get("finish_reason")),
        children=log.get("trace_children") or [],
        about={name: log[name] for name in ABOUT_LOG if name in log},
        file=file,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def row_of(testcase: Mapping[str, Any]) -> Row:
    """The row that a version was given, from a datapoint in the API's shape.

    Raises:
        Invalid: a member is of another type.
    """
    _check_types(testcase, "testcase", _TESTCASE_MEMBERS)
    target = testcase.get("target")
    return Row(
        inputs=testcase.get("inputs") or {},
        messages=testcase.get("messages") or [],
        target=target if isinstance(target, Mapping) or target is None else {"output": target},
        context=testcase.get("context"),
        metadata=testcase.get("metadata"),
        id=_text(testcase.get("id")),
    )


def row_of_datapoint(datapoint: Datapoint) -> Row:
    """A row of a dataset as evaluators see it."""
    return Row(
        inputs=datapoint.inputs,
        messages=datapoint.messages or [],
        target=datapoint.target,
        context=datapoint.context,
        metadata=datapoint.details,
        id=datapoint.id,
    )
