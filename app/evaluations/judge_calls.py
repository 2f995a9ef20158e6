"""Making the calls that an evaluator needs: each is logged, and answered with the text or the vectors."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import DomainError
from app.evaluators.binding import BoundEvaluator, EmbeddingCall, ModelCall, ModelRef
from app.generations.prepared import Origin, Target, answered, failed
from app.generations.service import target_of
from app.logs.records import LogRecord
from app.providers.answers import Answer, ProviderError
from app.providers.client import ModelClient

Asked = tuple[LogRecord | None, str | None]
"""The log of a call, if it was one of a model, and its answer; None where there is none, and then the log has the error."""


class NobodyAnswered(DomainError):
    """Every call of a round failed; the message has the providers' words."""


def targets_of(session: Session, workspace_id: str, evaluator: BoundEvaluator) -> Mapping[ModelRef, Target]:
    """Where each of the models is called that an evaluator asks.

    Raises:
        NotFound: one's provider is not among the workspace's.
    """
    return {one: target_of(session, workspace_id, one.provider, one.model) for one in evaluator.asks}


def answers_of(asked: Sequence[Asked]) -> list[str | None]:
    """What came of a round of calls, in their order: None for each that failed.

    Raises:
        NobodyAnswered: all of them failed.
    """
    failures = dict.fromkeys(log.error for log, _ in asked if log and log.error)
    if all(log and log.error for log, _ in asked):
        raise NobodyAnswered(f"The judge gave no verdict: {'; '.join(map(str, failures))}")
    return [answer for _, answer in asked]


async def ask(
    client: ModelClient, origin: Origin, target: Target, call: ModelCall | EmbeddingCall
) -> tuple[LogRecord, str | None]:
    """Make one call. Never raises for what the provider did."""
    try:
        answer = await _answer(client, target, call)
    except ProviderError as error:
        return failed(origin, target, error), None
    log = answered(origin, target, answer)
    if isinstance(call, EmbeddingCall):  # vectors would fill the database, and nobody reads them
        count = len(call.texts)
        log.output, log.output_message = f"{count} vector{'' if count == 1 else 's'}", None
    return log, answer.content


async def _answer(client: ModelClient, target: Target, call: ModelCall | EmbeddingCall) -> Answer:
    if isinstance(call, EmbeddingCall):
        return await client.embed(target.model, call.texts)
    body: dict[str, Any] = {"model": target.model, "messages": list(call.messages), **call.parameters}
    if call.response_format:
        body["response_format"] = call.response_format
    return await client.chat(body)
