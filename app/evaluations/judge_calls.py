"""Making the calls that an evaluator needs: each is logged, and answered with the text or the vectors."""

from typing import Any

from app.evaluators.binding import EmbeddingCall, ModelCall
from app.generations.prepared import Origin, Target, answered, failed
from app.logs.records import LogRecord
from app.providers.answers import Answer, ProviderError
from app.providers.client import ModelClient


async def ask(
    client: ModelClient, origin: Origin, target: Target, call: ModelCall | EmbeddingCall
) -> tuple[LogRecord, str | None]:
    """The log of a call, and its answer; None where there is none, and then the log has the error."""
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
