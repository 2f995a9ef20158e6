"""One item of a run: call the model, let every evaluator judge, and say what to write."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import structlog

from app.core import ids, metrics
from app.core.errors import DomainError
from app.evaluations.judge_calls import Asked, answers_of, ask
from app.evaluations.plan import Judge, Plan
from app.evaluations.shard_repository import Item, Settled
from app.evaluations.webhooks import Webhooks
from app.evaluators.binding import BoundEvaluator, Call, Execution, Row, Verdict, WebhookCall
from app.generations.prepared import Origin, Target, answered, failed, not_called
from app.logs.models import Log
from app.logs.records import JudgmentRecord, LogRecord
from app.providers.answers import ProviderError
from app.providers.client import ModelClient
from app.providers.meter import Meter

log = structlog.get_logger()


@dataclass(slots=True)
class Outcome:
    """Everything that one item adds to the database."""

    item: Item
    settled: Settled
    logs: list[LogRecord] = field(default_factory=list)
    """The item's own log, unless an earlier output was used again, and those of its judges."""
    judgments: list[JudgmentRecord] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Known:
    """What an item has already: an output to judge, and the evaluators that judged it."""

    log: Log
    judged_by: frozenset[str]


class CapReached(Exception):
    """A call must not be made: what may be spent is spent. The message says which cap it was."""


class ItemWorker:
    """Works on the items of one run. `clients` are the model clients, by provider id; `meters` count under their caps."""

    def __init__(
        self,
        plan: Plan,
        clients: Mapping[str, ModelClient],
        meters: Sequence[Meter] = (),
        webhooks: Webhooks | None = None,
    ) -> None:
        self._plan = plan
        self._clients = clients
        self._webhooks = webhooks or Webhooks(plan.webhook_key)
        self._meters = meters

    @property
    def on_the_wire(self) -> int:
        """How many answers are being waited for."""
        return sum(client.on_the_wire for client in self._clients.values())

    async def work(self, item: Item, known: Known | None) -> Outcome:
        """The outcome of an item: there always is one, whatever the provider does."""
        try:
            return await self._work(item, known)
        except CapReached as reached:
            metrics.count("whetstone_items_dropped_total", reason="cap")
            return Outcome(item, Settled(item.position, None, f"not run: {reached}"))

    async def _work(self, item: Item, known: Known | None) -> Outcome:
        if known:
            outcome = Outcome(item, Settled(item.position, known.log.id, known.log.error))
            log: LogRecord | Log = known.log
        else:
            log = await self._generate(item)
            outcome = Outcome(item, Settled(item.position, log.id, log.error), [log])
        execution, row = execution_of_log(log), _row(item)
        judges = [
            judge for judge in self._plan.judges if known is None or judge.version_id not in known.judged_by
        ]
        judging = (self._judge(judge, log.id, execution, row, outcome) for judge in judges)
        outcome.judgments += await asyncio.gather(*judging)
        return outcome

    async def _generate(self, item: Item) -> LogRecord:
        plan, prompt = self._plan, self._plan.prompt
        if prompt is None:
            log = not_called(plan.origin, None, plan.problem or "This version cannot be called.")
        else:
            try:
                body = await prompt.request_beside(item.inputs, item.messages or ())
                log = await self._call(plan.origin, prompt.target, body)
                if log.error is None:
                    log.reuse_key = prompt.reuse_key(plan.origin.version_id, item.datapoint_id, item.repeat)
            except DomainError as error:  # the row lacks an input that the template names
                log = not_called(plan.origin, prompt.target, error.message)
        log.datapoint_id, log.repeat = item.datapoint_id, item.repeat
        log.inputs, log.messages = item.inputs, item.messages
        return log

    async def _judge(
        self, judge: Judge, log_id: str, execution: Execution, row: Row, outcome: Outcome
    ) -> JudgmentRecord:
        record = JudgmentRecord(ids.new_id("jdg"), self._plan.origin.workspace_id, log_id, judge.version_id)
        if judge.evaluator is None or judge.problem:
            record.error = judge.problem
            return record
        try:
            answers: list[str | None] = []
            while calls := judge.evaluator.calls(execution, row, answers):
                answers += await self._ask(judge, calls, record, outcome)
            set_verdict(record, await _verdict(judge.evaluator, execution, row, answers))
        except CapReached as reached:
            record.error = f"not run: {reached}"
        except DomainError as error:
            record.error = error.message
        except Exception as error:  # one evaluator's fault costs no other its judgment
            log.exception("evaluator failed", evaluator=judge.version_id)
            record.error = (
                f"The evaluator broke on our side ({type(error).__name__}). The worker's log has the details."
            )
        return record

    async def _ask(
        self,
        judge: Judge,
        calls: Sequence[Call],
        record: JudgmentRecord,
        outcome: Outcome,
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
            outcome.logs.append(log)
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
        workspace_id = self._plan.origin.workspace_id
        origin = Origin(
            workspace_id, judge.file_id, judge.version_id, source="judge", run_id=self._plan.run_id
        )
        await self._admit()
        log, answer = await ask(self._clients[target.endpoint.provider_id], origin, target, call)
        await self._count(log)
        log.parent_id = log_id
        return log, answer

    async def _call(self, origin: Origin, target: Target, body: dict[str, Any]) -> LogRecord:
        """The log of one call, answered or not.

        Raises:
            CapReached: it was not made.
        """
        await self._admit()
        try:
            log = answered(origin, target, await self._clients[target.endpoint.provider_id].chat(body))
        except ProviderError as error:
            log = failed(origin, target, error)
        await self._count(log)
        return log

    async def _count(self, log: LogRecord) -> None:
        for meter in self._meters:
            await meter.spent(cost_of(log) or Decimal(0), log.attempts - 1)

    async def _admit(self) -> None:
        for number, meter in enumerate(self._meters):
            if refusal := await meter.admit():
                for admitted in self._meters[:number]:
                    await admitted.spent(Decimal(0), -1)
                raise CapReached(refusal)


_LONG_CHARS = 5_000
"""Judging longer texts may take a tenth of a second, in which others would wait, and heartbeats be late."""


def _length(execution: Execution, row: Row) -> int:
    targets = (row.target or {}).values()
    texts = (text for one in targets for text in (one if isinstance(one, list) else [one]))
    return len(execution.output or "") + sum(len(text) for text in texts if isinstance(text, str))


async def _verdict(
    evaluator: BoundEvaluator, execution: Execution, row: Row, answers: Sequence[str | None]
) -> Verdict:
    if evaluator.kind.waits or _length(execution, row) > _LONG_CHARS:
        return await asyncio.to_thread(evaluator.judge, execution, row, answers)
    return evaluator.judge(execution, row, answers)


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


def execution_of_log(log: LogRecord | Log) -> Execution:
    """What a version did, as evaluators see it."""
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
    )


def _row(item: Item) -> Row:
    return Row(
        inputs=item.inputs,
        messages=item.messages or [],
        target=item.target,
        context=item.context,
        metadata=item.metadata,
    )
