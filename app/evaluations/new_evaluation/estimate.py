"""What a run will cost and how long it will take, before it starts: from earlier calls, else from the texts themselves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import orjson
from sqlalchemy.orm import Session

from app.core.errors import DomainError
from app.datasets import repository as datasets
from app.evaluations.verdicts.calls import targets_of
from app.evaluators.binding import bind
from app.files.models import Version
from app.generations.prepared import PreparedPrompt, Target
from app.generations.service import prepare
from app.logs import usual_repository as history
from app.providers.limits import estimated_tokens

_SAMPLE = 40
"""Rows that are rendered to see how long a request is."""
_ANSWER_TOKENS = 150
_VERDICT_TOKENS = 80
"""Where no earlier call says how long an answer, or a judge's verdict, is."""
_LATENCY_MS = 1_500.0


class Part(NamedTuple):
    """The calls of one model in a run."""

    what: str
    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    usd: Decimal | None
    """None where the model's price is not known."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """About what it takes; equal outputs that are used again make it less."""

    parts: Sequence[Part]

    @property
    def calls(self) -> int:
        """Calls of models."""
        return sum(part.calls for part in self.parts)

    @property
    def usd(self) -> Decimal | None:
        """What the calls cost; None where a price is not known."""
        if any(part.usd is None for part in self.parts):
            return None
        return sum((part.usd for part in self.parts if part.usd is not None), Decimal(0))

    @property
    def unpriced(self) -> list[str]:
        """The models whose price nobody knows."""
        return sorted({part.model for part in self.parts if part.usd is None})

    @property
    def seconds(self) -> float:
        """From the start to the end."""
        return sum(part.seconds for part in self.parts)

    @property
    def input_tokens(self) -> int:
        return sum(part.input_tokens for part in self.parts)

    @property
    def output_tokens(self) -> int:
        return sum(part.output_tokens for part in self.parts)


@dataclass(frozen=True, slots=True)
class Work:
    """What would be run."""

    versions: Sequence[Version]
    dataset_version: Version
    evaluators: Sequence[Version]
    rows: int
    repeats: int
    concurrency: int
    split: str | None = None


def estimate(session: Session, work: Work) -> Estimate:
    """What `work` takes. Versions and judges that cannot be called take nothing: their rows end with an error."""
    parts: list[Part] = []
    for version in work.versions:
        try:
            prompt = prepare(session, version)
        except DomainError:
            continue
        calls = work.rows * work.repeats
        usual = history.usual_call(session, version.id)
        mean_in = usual.input_tokens or _rendered_tokens(session, work, prompt)
        mean_out = usual.output_tokens or _most_tokens(prompt) or _ANSWER_TOKENS
        what = f"outputs of v{version.number}"
        parts.append(_part(what, prompt.target, calls, mean_in, mean_out, usual, work))
        parts += _judging(session, work, calls, mean_out)
    return Estimate(parts)


def _judging(session: Session, work: Work, outputs: int, output_tokens: float) -> list[Part]:
    parts = []
    for evaluator in work.evaluators:
        try:
            bound = bind(evaluator.spec)
            targets = targets_of(session, evaluator.workspace_id, bound)
        except DomainError:
            continue
        rubric = estimated_tokens(len(orjson.dumps(evaluator.spec)))
        what = f"judgements by {evaluator.file.name}"
        for target in targets.values():
            model = target.model if len(targets) > 1 else None
            usual = history.usual_call(session, evaluator.id, model)
            mean_in = usual.input_tokens or rubric + output_tokens
            mean_out = usual.output_tokens or _VERDICT_TOKENS
            parts.append(_part(what, target, outputs * bound.traits.calls, mean_in, mean_out, usual, work))
    return parts


def _part(
    what: str,
    target: Target,
    calls: int,
    mean_in: float,
    mean_out: float,
    usual: history.UsualCall,
    work: Work,
) -> Part:
    tokens_in, tokens_out = round(mean_in * calls), round(mean_out * calls)
    cost = target.price.of(round(mean_in), round(mean_out)) if target.price else None
    at_once = min(work.concurrency, target.endpoint.concurrency or work.concurrency)
    seconds = math.ceil(calls / at_once) * (usual.latency_ms or _LATENCY_MS) / 1000
    if target.endpoint.requests_per_minute:
        seconds = max(seconds, calls / target.endpoint.requests_per_minute * 60)
    if target.endpoint.tokens_per_minute:
        seconds = max(seconds, tokens_in / target.endpoint.tokens_per_minute * 60)
    usd = None if cost is None else (cost.prompt + cost.output) * calls
    return Part(what, target.model, calls, tokens_in, tokens_out, usd, seconds)


def _rendered_tokens(session: Session, work: Work, prompt: PreparedPrompt) -> float:
    """How long a request is, on average over some rows: four characters a token. What tools say is not counted."""
    unanswered = prompt.tools.unanswered if prompt.tools else None
    sample = datasets.list_rows(session, work.dataset_version, split=work.split, limit=_SAMPLE)
    sizes = []
    for _, row in sample:
        try:
            body = prompt.request(row.inputs, row.messages or (), unanswered)
        except DomainError:
            continue
        sizes.append(sum(len(str(message.get("content"))) for message in body["messages"]))
    return estimated_tokens(round(sum(sizes) / len(sizes))) if sizes else 0


def _most_tokens(prompt: PreparedPrompt) -> int | None:
    """The limit of the answer, where it is lower than what is assumed."""
    limit = prompt.spec.max_tokens
    return limit if limit and 0 < limit < _ANSWER_TOKENS else None
