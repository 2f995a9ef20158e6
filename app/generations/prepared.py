"""A prompt version made ready to be called many times: template split, provider known, price looked up."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.core import clock, ids
from app.core.errors import DomainError, OverBudget
from app.core.jinja_template import JinjaTemplate
from app.core.property_order import property_order
from app.files.includes import Included
from app.generations.template_tools import TemplateAnswers, TemplateTools, ToolFailed
from app.logs.records import LogRecord
from app.prompts.spec import PromptSpec
from app.prompts.template import compile_prompt, conversation
from app.prompts.tool_calls import PromptTemplate, TemplateCall
from app.providers.answers import Answer, ProviderError
from app.providers.client import Endpoint
from app.providers.limits import estimated_tokens
from app.providers.prices import Price

TOOL_FAILED = "tool_failed"
"""The code, in a log's `provider_response`, of a tool that the template calls and that gave no answer."""
OVER_BUDGET = "over_budget"
"""That of a call that the budget does not allow."""
_CODES: dict[type, str] = {ToolFailed: TOOL_FAILED, OverBudget: OVER_BUDGET}


@dataclass(frozen=True, slots=True)
class Origin:
    """What a log says of where it came from."""

    workspace_id: str
    file_id: str
    version_id: str
    source: str
    run_id: str | None = None
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Which model is called where, and what it costs there."""

    endpoint: Endpoint
    model: str
    price: Price | None


@dataclass(slots=True)
class PreparedPrompt:
    """Everything about a version that is the same for every row."""

    spec: PromptSpec
    """With what its template includes, and the functions of its linked tools."""
    target: Target
    linked: bool = False
    """Whether it links tools."""
    included: Sequence[Included] = ()
    """What its template includes."""
    tools: TemplateTools | None = None
    """Those that its template calls, where it makes `calls`."""
    template: PromptTemplate | JinjaTemplate = field(init=False)
    _parameters: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        template = self.spec.template
        messages = (
            [m.model_dump(exclude_none=True) for m in template] if isinstance(template, list) else template
        )
        self.template = compile_prompt(messages or [], self.spec.template_language)
        self._parameters = {"model": self.spec.model, **self.spec.parameters}

    @property
    def asks_services(self) -> bool:
        """Whether its template calls tools that do."""
        return self.tools is not None and self.tools.ask_a_service

    @property
    def said_of_included(self) -> list[dict[str, Any]] | None:
        """What its logs say of that."""
        return [one.said for one in self.included] or None

    @property
    def calls(self) -> Sequence[TemplateCall]:
        """The calls of tools that the template makes."""
        return self.template.calls if isinstance(self.template, PromptTemplate) else ()

    def answers(self, inputs: Mapping[str, Any]) -> TemplateAnswers | None:
        """The calls of tools with these inputs, ready to be made; None where there are none.

        Raises:
            Invalid: inputs are missing (MissingInputs, with all of them), or a call cannot be made with them.
        """
        if self.tools is None:
            return None
        assert isinstance(self.template, PromptTemplate)  # noqa: S101 - others make no calls
        self.template.values(inputs)
        return self.tools.answers(inputs)

    def request(
        self,
        inputs: Mapping[str, Any],
        messages: Sequence[Mapping[str, Any]] = (),
        answers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The body of the request for these inputs; `messages` follow those of the template, `answers` are what its calls
        of tools came to.

        Raises:
            Invalid: the template names inputs that are not given (MissingInputs), or cannot be rendered.
        """
        return {**self._parameters, "messages": conversation(self.template, inputs, messages, answers)}

    async def request_beside(
        self,
        inputs: Mapping[str, Any],
        messages: Sequence[Mapping[str, Any]] = (),
        answers: TemplateAnswers | None = None,
        *,
        patient: bool = False,
    ) -> dict[str, Any]:
        """As `request`, for callers on an event loop: what takes its time is done in a thread. Tools that the template
        calls are called first, but for those whose `answers` there are; if `patient`, however long other calls take.

        Raises:
            Invalid: as `request`, or where a call cannot be made with these inputs.
            ToolFailed: one of them gave no answer.
        """
        if isinstance(self.template, JinjaTemplate):
            return await asyncio.to_thread(self.request, inputs, messages)
        if answers := answers or self.answers(inputs):
            return self.request(inputs, messages, await answers.get(patient=patient))
        return self.request(inputs, messages)

    def reuse_key(self, version_id: str, datapoint_id: str, repeat: int) -> str | None:
        """What must be equal for an output to be used again instead of being made anew; None where it never is, because
        a service may answer otherwise by now. Tools and texts are as they are today: those that a version links, calls or
        includes may change."""
        if self.asks_services:
            return None
        parts = [version_id, datapoint_id, str(repeat), self.target.endpoint.base_url, self.target.model]
        if self.linked:
            tools = self._parameters.get("tools")
            parts.append((ids.canonical_json(tools) + property_order(tools)).decode())
        if self.tools:
            parts += self.tools.version_ids
        parts += [one.version.id for one in self.included]
        return ids.content_hash(*parts)


def answered(origin: Origin, target: Target, answer: Answer) -> LogRecord:
    """The log of a call that was answered; cost is snapshotted from today's price. What the provider did not count is
    estimated by its length: a cap that saw no cost would never be reached."""
    log = _log(origin, target, answer.latency_ms)
    log.output = answer.content
    log.output_message = answer.message
    log.model = answer.model or target.model
    log.finish_reason = answer.finish_reason
    log.prompt_tokens = answer.prompt_tokens
    log.output_tokens = answer.output_tokens
    log.reasoning_tokens = answer.reasoning_tokens
    log.latency_ms = round(answer.latency_ms, 3)
    log.attempts = answer.attempts
    log.provider_response = answer.response
    tokens_in, tokens_out = answer.prompt_tokens, answer.output_tokens
    if tokens_in is None:
        tokens_in = estimated_tokens(answer.asked)
    if tokens_out is None:
        tokens_out = estimated_tokens(len(answer.content or "") + _length_of_calls(answer.message))
    _price(log, target, tokens_in + estimated_tokens(answer.lost), tokens_out)
    return log


def failed(origin: Origin, target: Target, error: ProviderError) -> LogRecord:
    """The log of a call that was not answered, with the provider's own words and body. One that broke off is paid for:
    its cost is estimated."""
    log = _log(origin, target, 0)
    if error.asked:
        _price(log, target, estimated_tokens(error.asked), estimated_tokens(len(error.partial)))
    log.error = error.message
    log.output = error.partial or None
    log.attempts = error.attempts
    log.provider_response = {"status": error.status, "code": error.code, "body": error.body}
    return log


def not_called(origin: Origin, target: Target | None, reason: DomainError | str) -> LogRecord:
    """The log of a row for which no request could be made."""
    log = _log(origin, target, 0)
    log.error, log.attempts = reason if isinstance(reason, str) else reason.message, 0
    if code := _CODES.get(type(reason)):
        log.provider_response = {"code": code}
    return log


def _price(log: LogRecord, target: Target, prompt_tokens: int, output_tokens: int) -> None:
    if target.price:
        cost = target.price.of(prompt_tokens, output_tokens)
        log.prompt_cost, log.output_cost = str(cost.prompt), str(cost.output)


def _length_of_calls(message: Mapping[str, Any]) -> int:
    return len(str(calls)) if (calls := message.get("tool_calls")) else 0


def _log(origin: Origin, target: Target | None, latency_ms: float) -> LogRecord:
    end = clock.seconds()
    return LogRecord(
        id=ids.new_id("log"),
        workspace_id=origin.workspace_id,
        file_id=origin.file_id,
        version_id=origin.version_id,
        source=origin.source,
        run_id=origin.run_id,
        environment=origin.environment,
        start_time=_iso(end - latency_ms / 1000),
        end_time=_iso(end),
        provider=target.endpoint.name if target else None,
        model=target.model if target else None,
    )


def _iso(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).isoformat()
