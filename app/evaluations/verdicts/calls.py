"""Making the calls that an evaluator needs: each is logged, and answered with the text or the vectors."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import DomainError
from app.evaluations.verdicts.sent import as_kept
from app.evaluations.verdicts.webhooks import WebhookFailed
from app.evaluators.binding import BoundEvaluator, Call, EmbeddingCall, ModelCall, ModelRef
from app.evaluators.kinds.finish_reason import meaning_of
from app.generations.prepared import Origin, Target, answered, failed
from app.generations.service import target_of
from app.logs.records import LogRecord
from app.providers.answers import Answer, ProviderError
from app.providers.client import ModelClient
from app.providers.retries import Again

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


def answers_of(calls: Sequence[Call], asked: Sequence[Asked | BaseException]) -> list[str | None]:
    """What came of a round of calls, in their order: None for each that failed.

    Of an evaluator that is made of several, an error begins with the name of the part that asked.

    Raises:
        NobodyAnswered: all calls of the evaluator failed, or all of one of its parts.
        BaseException: what was raised in place of an answer.
    """
    answers: list[str | None] = []
    failures: dict[str | None, dict[str, None]] = {}
    answered = set[str | None]()
    for call, one in zip(calls, asked, strict=True):
        if isinstance(one, WebhookFailed):
            raise WebhookFailed(_of(call.part, one.message), late=one.late) from one
        if isinstance(one, BaseException):
            raise one
        log, answer = one
        answers.append(answer)
        if log and log.error:
            failures.setdefault(call.part, {})[log.error] = None
        else:
            answered.add(call.part)
    for part, errors in failures.items():
        if part not in answered:
            raise NobodyAnswered(_of(part, f"The judge gave no verdict: {'; '.join(errors)}"))
    return answers


def _of(part: str | None, message: str) -> str:
    return f"{part}: {message}" if part else message


async def ask(
    client: ModelClient,
    origin: Origin,
    target: Target,
    call: ModelCall | EmbeddingCall,
    again: Again | None = None,
) -> tuple[LogRecord, str | None]:
    """Make one call, and make it again if `again` lets it. Never raises for what the provider did. The log says what was sent."""
    sent = as_kept(call.messages) if isinstance(call, ModelCall) else None
    try:
        answer = await _answer(client, target, call, again)
    except ProviderError as error:
        log = failed(origin, target, error)
        log.messages = sent
        return log, None
    log = answered(origin, target, answer)
    log.messages = sent
    if isinstance(call, ModelCall) and (problem := _stopped(call, answer)):
        log.error = f"The reply of {log.model} {problem}"
        return log, None
    if isinstance(call, EmbeddingCall):  # vectors would fill the database, and nobody reads them
        count = len(call.texts)
        log.output, log.output_message = f"{count} vector{'' if count == 1 else 's'}", None
    return log, answer.content


def _stopped(call: ModelCall, answer: Answer) -> str | None:
    """Why a reply may not be all that the judge had to say; None where it ended by itself, or its provider does not say how it
    ended. Cut off, it is whole where a judge may say one token: that is no more than “True”."""
    reason = answer.finish_reason
    ended = meaning_of(reason) if reason else "stop"
    if ended == "length":
        is_whole = (answer.content or "").strip(" \t\r\n.*\"'`").casefold() in call.whole
        cut = "was cut off at its largest number of tokens, and may say only half of it: let it have more with max_tokens."
        return None if is_whole else cut
    return (
        None
        if ended == "stop"
        else f"did not end by itself, but by “{reason:.80}”: it may not be what was to be said."
    )


async def _answer(
    client: ModelClient, target: Target, call: ModelCall | EmbeddingCall, again: Again | None
) -> Answer:
    if isinstance(call, EmbeddingCall):
        return await client.embed(target.model, call.texts, again)
    body: dict[str, Any] = {"model": target.model, "messages": list(call.messages), **call.parameters}
    if call.response_format:
        body["response_format"] = call.response_format
    return await client.chat(body, again)
