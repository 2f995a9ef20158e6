"""Judging a log by an evaluator: the calls that it needs, counted and logged, and its verdict."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

import structlog

from app.core import ids
from app.core.errors import DomainError
from app.evaluations.verdicts.calls import Asked, answers_of, ask
from app.evaluations.verdicts.judged_files import JudgedFile
from app.evaluations.verdicts.patience import MOST_UNANSWERED, UNANSWERED, Patience
from app.evaluations.verdicts.plan import Judge
from app.evaluations.verdicts.webhooks import WebhookFailed, Webhooks
from app.evaluators.binding import BoundEvaluator, Call, Execution, Row, Verdict, WebhookCall
from app.generations.prepared import Origin
from app.logs.models import Log
from app.logs.own_ids import said_id, said_or_none
from app.logs.records import JudgmentRecord, LogRecord
from app.providers.client import ModelClient
from app.providers.meter import Meter
from app.sandbox.sizes import json_bytes

JUDGE = "judge"
"""The source of the logs of judges' own calls."""
log = structlog.get_logger()
Result = TypeVar("Result")
Judges = Callable[[Execution, Row, Sequence[str | None]], Verdict]


class CapReached(Exception):
    """A call must not be made: what may be spent is spent. The message says which cap it was."""


class Judging:
    """What evaluators need to judge logs of one workspace. `clients` are the model clients, by provider id; `meters`
    count under what may be spent, and are looked at anew for each call; `run_id` is the run for which they judge, if it is one."""

    def __init__(
        self,
        workspace_id: str,
        clients: Mapping[str, ModelClient],
        meters: Iterable[Meter],
        webhooks: Webhooks,
        *,
        run_id: str | None = None,
    ) -> None:
        self._workspace_id = workspace_id
        self._clients = clients
        self._meters = meters
        self._webhooks = webhooks
        self._run_id = run_id
        self._patience = Patience()

    async def judge(
        self, judge: Judge, log_id: str, execution: Execution, row: Row, logs: list[LogRecord]
    ) -> JudgmentRecord:
        """The judgment on a log: there always is one. The logs of the judge's own calls are put into `logs`."""
        record = JudgmentRecord(ids.new_id("jdg"), self._workspace_id, log_id, judge.version_id)
        if judge.evaluator is None or judge.problem:
            record.error = judge.problem
            return record
        if given_up := self._gave_up(judge):
            record.error = given_up
            return record
        try:
            answers: list[str | None] = []
            while calls := await _calls(judge.evaluator, execution, row, answers):
                answers += await self._ask(judge, calls, record, logs)
            verdict = await _verdict(judge.evaluator, execution, row, answers, self._in_its_turn(judge))
            set_verdict(record, verdict)
        except CapReached as reached:
            record.error = f"not run: {reached}"
        except DomainError as error:
            record.error = error.message
            if isinstance(error, WebhookFailed):  # a refusal is an answer, too
                self._patience.note(judge.version_id, late=error.late, most=MOST_UNANSWERED, said=UNANSWERED)
        except Exception as error:  # one evaluator's fault costs no other its judgment
            log.exception("evaluator failed", evaluator=judge.version_id)
            record.error = (
                f"The evaluator broke on our side ({type(error).__name__}). The worker's log has the details."
            )
        return record

    def _gave_up(self, judge: Judge) -> str | None:
        return self._patience.why_ended(judge.version_id) if self._run_id is not None else None

    def _in_its_turn(self, judge: Judge) -> Judges:
        """The evaluator, unless it was given up meanwhile: a row may wait for its turn behind all those that are late."""
        assert judge.evaluator is not None  # noqa: S101 - it was looked at
        does = judge.evaluator.judge

        def judged(execution: Execution, row: Row, answers: Sequence[str | None]) -> Verdict:
            if given_up := self._gave_up(judge):
                return Verdict(None, error=given_up)
            verdict = does(execution, row, answers)
            if verdict.late is not None:
                self._patience.note(judge.version_id, late=verdict.late)
            return verdict

        return judged

    async def _ask(
        self,
        judge: Judge,
        calls: Sequence[Call],
        record: JudgmentRecord,
        logs: list[LogRecord],
    ) -> list[str | None]:
        """What a round of calls answered, made at the same time; their logs and costs are noted on the way.

        Raises:
            CapReached: one of them was not made. Those that were are noted all the same: they are paid.
            NobodyAnswered: all of them failed, or all of one part of the evaluator.
            WebhookFailed: a service gave no answer.
        """
        rounds = (self._call_judge(judge, call, record.log_id) for call in calls)
        asked = await asyncio.gather(*rounds, return_exceptions=True)
        made = [one for one in asked if not isinstance(one, BaseException)]
        for log in (log for log, _ in made if log):
            logs.append(log)
            record.judge_log_id = log.id
            if (cost := cost_of(log)) is not None:
                record.cost = str(Decimal(record.cost or 0) + cost)
        return answers_of(calls, asked)

    async def _call_judge(self, judge: Judge, call: Call, log_id: str) -> Asked:
        """The log of a call of the judge's, and what was answered.

        Raises:
            CapReached: it was not made.
            WebhookFailed: it was a question to a service, and there was no answer.
        """
        if isinstance(call, WebhookCall):
            return None, await self._webhooks.post(call)
        target = judge.targets[call.asks]
        origin = Origin(
            self._workspace_id, judge.file_id, judge.version_id, source=JUDGE, run_id=self._run_id
        )
        await self.admit()
        client = self._clients[target.endpoint.provider_id]
        log, answer = await ask(client, origin, target, call, self.again)
        await self.count(log)
        log.parent_id = log_id
        return log, answer

    async def count(self, log: LogRecord) -> None:
        """Count what a call that was admitted cost."""
        for meter in tuple(self._meters):
            await meter.spent(cost_of(log) or Decimal(0))

    async def again(self) -> str | None:
        """Count a call that is about to be made once more, or say why it must not be: a cap of calls holds for them, too."""
        try:
            await self.admit()
        except CapReached as reached:
            return str(reached)
        return None

    async def admit(self) -> None:
        """Count a call that is about to be made.

        Raises:
            CapReached: it must not be.
        """
        meters = tuple(self._meters)
        for number, meter in enumerate(meters):
            if refusal := await meter.admit():
                for admitted in meters[:number]:
                    await admitted.spent(Decimal(0), -1)
                raise CapReached(refusal)

    async def not_made(self) -> None:
        """Take back a call that was admitted and not made."""
        for meter in tuple(self._meters):
            await meter.spent(Decimal(0), -1)


_threads = ThreadPoolExecutor(4, thread_name_prefix="judging")
"""For verdicts that take their time. The event loop's own threads renew leases: behind people's programs they would come
too late, and another worker would call the model again."""
_long_threads = ThreadPoolExecutor(4, thread_name_prefix="judging-long")
"""For programs that may take longer than usual: everybody else's verdicts would wait behind four of them."""
_LONG_S = 5.0
_LONG_CHARS = 5_000
"""Judging longer texts may take a tenth of a second, in which others would wait, and heartbeats be late."""


def _is_long(execution: Execution, row: Row, answers: Sequence[str | None]) -> bool:
    """Whether there is much that evaluators look through: nested values, and numbers, are compared one by one."""
    called = (execution.output_message or {}).get("tool_calls")
    noted = execution.about.get("metadata")
    given = (execution.output, called, row.target, answers, row.metadata, noted)
    return json_bytes(given, _LONG_CHARS) > _LONG_CHARS


async def _verdict(
    evaluator: BoundEvaluator, execution: Execution, row: Row, answers: Sequence[str | None], judged: Judges
) -> Verdict:
    if evaluator.takes_long(execution) or _is_long(execution, row, answers):
        return await _beside(judged, execution, row, answers, _threads_for(evaluator))
    return judged(execution, row, answers)


async def _calls(
    evaluator: BoundEvaluator, execution: Execution, row: Row, answers: Sequence[str | None]
) -> Sequence[Call]:
    if evaluator.kind.asks_slowly:
        return await _beside(evaluator.calls, execution, row, answers, _threads)
    return evaluator.calls(execution, row, answers)


async def judge_beside(
    evaluator: BoundEvaluator, execution: Execution, row: Row, answers: Sequence[str | None]
) -> Verdict:
    """The verdict, in a thread that nothing but verdicts wait for. As `BoundEvaluator.judge`."""
    return await _beside(evaluator.judge, execution, row, answers, _threads_for(evaluator))


def _threads_for(evaluator: BoundEvaluator) -> ThreadPoolExecutor:
    return _long_threads if evaluator.traits.program_s > _LONG_S else _threads


async def _beside(
    does: Callable[[Execution, Row, Sequence[str | None]], Result],
    execution: Execution,
    row: Row,
    answers: Sequence[str | None],
    threads: ThreadPoolExecutor,
) -> Result:
    working = partial(copy_context().run, does, execution, row, answers)
    return await asyncio.get_running_loop().run_in_executor(threads, working)


def set_verdict(record: JudgmentRecord, verdict: Verdict) -> None:
    """Put a verdict into the column of its type."""
    value = verdict.value
    if isinstance(value, bool):
        record.boolean_value = value
    elif isinstance(value, int | float):
        record.number_value = float(value)
    elif isinstance(value, str):
        record.text_value = value
    elif value is not None:
        record.options_value = list(value)
    record.rationale, record.error, record.detail = verdict.rationale, verdict.error, verdict.detail
    record.stdout, record.engine = verdict.prints, verdict.engine


def cost_of(log: LogRecord | Log) -> Decimal | None:
    """What a call cost in US dollars; None where its price is not known."""
    if log.prompt_cost is None or log.output_cost is None:
        return None
    return Decimal(log.prompt_cost) + Decimal(log.output_cost)


def execution_of_log(
    log: LogRecord | Log, children: Sequence[Mapping[str, Any]] = (), file: JudgedFile | None = None
) -> Execution:
    """What a version did, as evaluators see it, with the logs nested under it and the file at that version."""
    cost = cost_of(log)
    return Execution(
        output=log.output,
        error=log.error,
        latency_ms=log.latency_ms,
        cost_usd=None if cost is None else float(cost),
        prompt_tokens=log.prompt_tokens,
        output_tokens=log.output_tokens,
        inputs=log.inputs or {},
        messages=log.messages or [],
        output_message=log.output_message,
        finish_reason=log.finish_reason,
        about=_about(log),
        children=children,
        file=file,
    )


def _about(log: LogRecord | Log) -> dict[str, Any]:
    return {
        "id": said_id(log.workspace_id, log.id),
        "file_id": log.file_id,
        "version_id": log.version_id,
        "run_id": log.run_id,
        "environment": log.environment,
        "session_id": log.session_id,
        "user": log.user,
        "source": log.source,
        "source_datapoint_id": log.datapoint_id,
        "trace_id": said_or_none(log.workspace_id, log.trace_id),
        "trace_parent_id": said_or_none(log.workspace_id, log.parent_id),
        "log_status": log.status,
        "created_at": _iso(log.created_at or log.end_time),
        "start_time": _iso(log.start_time),
        "end_time": _iso(log.end_time),
        "metadata": log.details if isinstance(log, Log) else log.metadata,
        "stdout": log.stdout,
        "provider": log.provider,
        "model": log.model,
        "tool_choice": log.tool_choice,
        "reasoning_tokens": log.reasoning_tokens,
        "prompt_cost": None if log.prompt_cost is None else float(log.prompt_cost),
        "output_cost": None if log.output_cost is None else float(log.output_cost),
        "provider_request": log.provider_request,
        "provider_response": log.provider_response,
    }


def _iso(moment: datetime | str | None) -> str | None:
    return moment.isoformat() if isinstance(moment, datetime) else moment
