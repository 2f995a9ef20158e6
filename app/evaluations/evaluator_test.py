"""Trying an evaluator on one output: its verdict now, with the calls that a judge makes."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app.core import waiting
from app.core.broker import connect_async
from app.core.database import unit_of_work
from app.core.errors import DomainError
from app.datasets.models import Datapoint
from app.evaluations.judge_calls import ask
from app.evaluators.binding import BoundEvaluator, EmbeddingCall, Execution, ModelCall, Row, Verdict
from app.generations.prepared import Origin, Target
from app.generations.service import target_of
from app.logs import budget
from app.logs import repository as logs
from app.logs.records import LogRecord
from app.providers.client import limited_client

SOURCE = "evaluator_test"


@dataclass(frozen=True, slots=True)
class Trial:
    """An evaluator made ready, and what it is tried on."""

    evaluator: BoundEvaluator
    target: Target | None
    """The model that it asks, if it asks one."""
    origin: Origin
    execution: Execution
    row: Row


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
) -> Trial:
    """Everything that a trial needs, so that it holds no transaction while a model answers.

    Raises:
        NotFound: the judge's provider is not among the workspace's.
        OverBudget: it asks a model, and the workspace has spent its budget of this month.
    """
    asks = evaluator.asks
    if asks:
        budget.refuse_if_spent(session, origin.workspace_id)
    target = target_of(session, origin.workspace_id, asks.provider, asks.model) if asks else None
    return Trial(evaluator, target, origin, execution, row)


async def try_evaluator(trial: Trial) -> Tried:
    """The verdict on one output. Never raises: what went wrong is the verdict's error. Calls are logged.

    While the model answers it holds neither a thread nor a connection.
    """
    started = time.perf_counter()
    records: list[LogRecord] = []
    try:
        answers: list[str | None] = []
        problem = None
        while trial.target and not problem:
            calls = await asyncio.to_thread(trial.evaluator.calls, trial.execution, trial.row, answers)
            if not calls:
                break
            answers += await _ask(trial, trial.target, calls, records)
            problem = next((record.error for record in records if record.error), None)
        if problem:
            verdict = Verdict(None, error=f"The judge gave no verdict: {problem}")
        else:
            verdict = await asyncio.to_thread(trial.evaluator.judge, trial.execution, trial.row, answers)
    except DomainError as error:
        verdict = Verdict(None, error=error.message)
    elapsed = (time.perf_counter() - started) * 1000
    if records:
        await asyncio.to_thread(_save, records)
    return Tried(verdict, elapsed, records)


def _save(records: Sequence[LogRecord]) -> None:
    with waiting.at_most(waiting.WORK_S), unit_of_work() as session:
        logs.insert_logs(session, records)


async def _ask(
    trial: Trial, target: Target, calls: Sequence[ModelCall | EmbeddingCall], records: list[LogRecord]
) -> list[str | None]:
    """What the judge's model answered to each call, at the rate that all workers share."""
    redis = connect_async()
    client = limited_client(redis, target.endpoint, connections=1)
    answers = []
    try:
        for call in calls:
            record, answer = await ask(client, trial.origin, target, call)
            records.append(record)
            answers.append(answer)
    finally:
        await client.aclose()
        await redis.aclose()
    return answers


def execution_of(log: Mapping[str, Any]) -> Execution:
    """What a version did, from a log in the API's shape; members that are missing are unknown."""
    costs = [log.get(name) for name in ("prompt_cost", "output_cost")]
    known = [float(cost) for cost in costs if isinstance(cost, int | float)]
    latency = log.get("provider_latency")
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
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def row_of(testcase: Mapping[str, Any]) -> Row:
    """The row that a version was given, from a datapoint in the API's shape."""
    target = testcase.get("target")
    return Row(
        inputs=testcase.get("inputs") or {},
        messages=testcase.get("messages") or [],
        target=target if isinstance(target, Mapping) or target is None else {"output": target},
        context=testcase.get("context"),
        metadata=testcase.get("metadata"),
    )


def row_of_datapoint(datapoint: Datapoint) -> Row:
    """A row of a dataset as evaluators see it."""
    return Row(
        inputs=datapoint.inputs,
        messages=datapoint.messages or [],
        target=datapoint.target,
        context=datapoint.context,
        metadata=datapoint.details,
    )
