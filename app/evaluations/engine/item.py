"""One item of a run: call the model, let every evaluator judge, and say what to write."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from app.core import metrics
from app.core.errors import DomainError
from app.evaluations.shard_repository import Item, Settled
from app.evaluations.verdicts.children import Children
from app.evaluations.verdicts.judged_files import JudgedFile
from app.evaluations.verdicts.judging import CapReached, Judging, execution_of_log
from app.evaluations.verdicts.plan import Plan
from app.evaluations.verdicts.webhooks import Webhooks
from app.evaluators.binding import Row
from app.generations.prepared import Origin, PreparedPrompt, answered, failed, not_called
from app.logs.models import Log
from app.logs.records import JudgmentRecord, LogRecord
from app.providers.answers import ProviderError
from app.providers.client import ModelClient
from app.providers.meter import Meter

_GONE = "What was sent for this row is not kept any more."
"""Of an output from elsewhere that nobody can judge: its log was deleted, or its payloads were."""
_ROWS_ASKING = 8
"""Rows of a run whose tools ask services at a time, in one process: as many calls of a workspace are made there. The
answers of more would only wait in memory for the rest of theirs."""


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
    children: Children = ()
    """What is nested under it."""
    file: JudgedFile | None = None
    """What made it, at its version."""


class ItemWorker:
    """Works on the items of one run. `clients` are the model clients, by provider id; `meters` count under their caps, as
    for `Judging`."""

    def __init__(
        self,
        plan: Plan,
        clients: Mapping[str, ModelClient],
        meters: Iterable[Meter] = (),
        webhooks: Webhooks | None = None,
    ) -> None:
        self._plan = plan
        self._clients = clients
        webhooks = webhooks or Webhooks(plan.webhook_key)
        self._asking = asyncio.Semaphore(_ROWS_ASKING)
        self._answered: set[int] = set()
        """Positions of rows whose answer has come, and that are not judged and counted yet."""
        self._judging = Judging(plan.workspace_id, clients, meters, webhooks, run_id=plan.run_id)

    @property
    def on_the_wire(self) -> int:
        """How many answers are being waited for."""
        return sum(client.on_the_wire for client in self._clients.values())

    @property
    def can_be_left(self) -> bool:
        """Whether nothing is lost by giving up every row: none waits for an answer or holds one."""
        return not (self.on_the_wire or self._answered)

    async def work(self, item: Item, known: Known | None) -> Outcome:
        """The outcome of an item: there always is one, whatever the provider does."""
        try:
            return await self._work(item, known)
        except CapReached as reached:
            metrics.count("whetstone_items_dropped_total", reason="cap")
            return Outcome(item, Settled(item.position, None, f"not run: {reached}"))
        finally:
            self._answered.discard(item.position)

    async def _work(self, item: Item, known: Known | None) -> Outcome:
        if known:
            outcome = Outcome(item, Settled(item.position, known.log.id, known.log.error))
            log: LogRecord | Log = known.log
        elif self._plan.origin is None:
            return Outcome(item, Settled(item.position, item.log_id, _GONE))
        else:
            log = await self._generate(item, self._plan.origin)
            outcome = Outcome(item, Settled(item.position, log.id, log.error), [log])
        children, file = (known.children, known.file) if known else ((), self._plan.file)
        execution, row = execution_of_log(log, children, file), _row(item)
        judges = [
            judge for judge in self._plan.judges if known is None or judge.version_id not in known.judged_by
        ]
        judging = (self._judging.judge(judge, log.id, execution, row, outcome.logs) for judge in judges)
        outcome.judgments += await asyncio.gather(*judging)
        return outcome

    async def _generate(self, item: Item, origin: Origin) -> LogRecord:
        plan, prompt = self._plan, self._plan.prompt
        if prompt is None:
            log = not_called(origin, None, plan.problem or "This version cannot be called.")
        else:
            try:
                log = await self._call(origin, prompt, item)
                if log.error is None:
                    log.reuse_key = prompt.reuse_key(origin.version_id, item.datapoint_id, item.repeat)
            except DomainError as error:  # the row lacks an input that the template names, or a tool failed
                log = not_called(origin, prompt.target, error)
            log.included = prompt.said_of_included
        log.datapoint_id, log.repeat = item.datapoint_id, item.repeat
        log.inputs, log.messages = item.inputs, item.messages
        return log

    async def _call(self, origin: Origin, prompt: PreparedPrompt, item: Item) -> LogRecord:
        """The log of one call, answered or not.

        Raises:
            CapReached: it was not made, and no tool of the template was called for it.
            DomainError: it could not be made, and counts under no cap.
        """
        target = prompt.target
        async with self._asking if prompt.asks_services else nullcontext():
            body = await self._admitted(prompt, item)
        try:
            client = self._clients[target.endpoint.provider_id]
            log = answered(origin, target, await client.chat(body, self._judging.again))
        except ProviderError as error:
            log = failed(origin, target, error)
        self._answered.add(item.position)
        await self._judging.count(log)
        return log

    async def _admitted(self, prompt: PreparedPrompt, item: Item) -> dict[str, Any]:
        """The body of a call that counts from now on. Raises as `_call`."""
        await self._judging.admit()
        try:
            return await prompt.request_beside(item.inputs, item.messages or (), patient=True)
        except BaseException:
            await self._judging.not_made()
            raise


def _row(item: Item) -> Row:
    return Row(
        inputs=item.inputs,
        messages=item.messages or [],
        target=item.target,
        context=item.context,
        metadata=item.metadata,
        id=item.datapoint_id,
    )
