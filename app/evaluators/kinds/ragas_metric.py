"""Metrics of the package ragas, where it is installed: its prompts and its arithmetic, with our calls."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

import importlib
import inspect
import math
import os
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from pydantic import ValidationError

from app.core.errors import Invalid
from app.evaluators.kinds.comparing import NO_TARGET, TargetUnclear
from app.evaluators.kinds.contract import (
    Execution,
    ModelCall,
    ModelRef,
    Row,
    Traits,
    Verdict,
    no_output,
    storable,
)
from app.evaluators.kinds.json_output import without_fence
from app.evaluators.kinds.passages import (
    MALFORMED,
    NO_PASSAGES,
    PassageKind,
    ReferenceOptions,
    passages_of,
    question_of,
    reference_of,
)

_CLASSES = {
    "faithfulness": ("Faithfulness", 2),
    "context_precision": ("ContextPrecisionWithReference", 10),
    "context_recall": ("ContextRecall", 1),
    "context_entity_recall": ("ContextEntityRecall", 2),
    "context_relevance": ("ContextRelevance", 2),
    "response_groundedness": ("ResponseGroundedness", 2),
    "answer_accuracy": ("AnswerAccuracy", 2),
    "factual_correctness": ("FactualCorrectness", 4),
}
"""In `ragas.metrics.collections`, and the usual number of calls a row: context precision makes one for each passage."""
_NEED_TARGET = {
    "context_precision",
    "context_recall",
    "context_entity_recall",
    "answer_accuracy",
    "factual_correctness",
}
_NEED_NO_PASSAGES = {"answer_accuracy", "factual_correctness"}
_READ = "0.4."
"""The versions whose interface this is written for; 0.4.3 was read and tried."""


class RagasOptions(ReferenceOptions):
    metric: Literal[
        "faithfulness",
        "context_precision",
        "context_recall",
        "context_entity_recall",
        "context_relevance",
        "response_groundedness",
        "answer_accuracy",
        "factual_correctness",
    ] = "faithfulness"
    """Which of the package's metrics."""


class RagasMetric(PassageKind[RagasOptions]):
    """What does a metric of the package ragas say?

    For scores that must be comparable with those of ragas elsewhere. The package is not part of Whetstone: install
    `ragas>=0.4,<0.5` and `langchain-community<0.4` for the web and worker processes, then put back what that replaces, for it brings an older `openai` that cannot
    call a model here: `pip install --no-deps -r requirements.lock`. It brings the prompts and the arithmetic; the calls are made,
    logged and paid for as those of every judge, and nothing is reported to its makers. Its prompts do not set judged
    text apart from instructions, as those of Faithfulness, Context precision and Context recall do, which need no package.
    """

    name = "ragas"
    title = "Metric of ragas"
    keywords = "RAG hallucination"
    returns = Traits("number")
    Options = RagasOptions

    def traits(self, options: RagasOptions) -> Traits:
        asks = ModelRef(options.model, options.provider)
        needs_target = options.metric in _NEED_TARGET
        return Traits("number", needs_target=needs_target, asks=(asks,), calls=_CLASSES[options.metric][1])

    def refuse(self, options: RagasOptions) -> None:
        if problem := _not_here():
            raise Invalid(problem, fields={"metric": problem})

    def load(self, options: RagasOptions) -> None:
        _not_here()  # loads it, which takes seconds

    def missing(self, options: RagasOptions, execution: Execution, row: Row) -> Verdict | None:
        if failed := no_output(execution):
            return failed
        if options.metric in _NEED_TARGET:
            try:
                if reference_of(options, row) is None:
                    return NO_TARGET
            except TargetUnclear as unclear:
                return Verdict(None, error=storable(str(unclear)))
        if options.metric not in _NEED_NO_PASSAGES and not passages_of(options, row, execution):
            return NO_PASSAGES
        problem = _not_here()
        return Verdict(None, error=problem) if problem else None

    def asked(
        self, options: RagasOptions, execution: Execution, row: Row, answers: Sequence[str | None]
    ) -> ModelCall | None:
        found = _scored(options, execution, row, answers)
        if not isinstance(found, _Asked):
            return None
        schema = {"name": "reply", "schema": found.model.model_json_schema()}
        return ModelCall(
            messages=[{"role": "user", "content": found.prompt}],
            response_format={"type": "json_schema", "json_schema": schema},
            model=options.model,
            provider=options.provider,
            parameters={} if options.temperature is None else {"temperature": options.temperature},
        )

    def scored(
        self, options: RagasOptions, execution: Execution, row: Row, answers: Sequence[str | None]
    ) -> Verdict:
        found = _scored(options, execution, row, answers)
        return found if isinstance(found, Verdict) else Verdict(None, error=MALFORMED)


class _Asked(BaseException):
    """The metric wants an answer that is not there yet. No Exception: some metrics catch those, and ask again."""

    def __init__(self, prompt: str, model: Any) -> None:
        super().__init__()
        self.prompt, self.model = prompt, model


class _Malformed(BaseException):
    """An answer is not in the form that the metric asked for."""


def _scored(
    options: RagasOptions, execution: Execution, row: Row, answers: Sequence[str | None]
) -> Verdict | _Asked:
    """The metric's verdict given the answers so far, or what it asks next: it begins anew each time."""
    llm, metrics = _package()
    metric = getattr(metrics, _CLASSES[options.metric][0])(llm=llm(answers))
    known = {
        "user_input": question_of(options, row, execution),
        "response": execution.output or "",
        "reference": reference_of(options, row) if options.metric in _NEED_TARGET else None,
        "retrieved_contexts": passages_of(options, row, execution),
    }
    coroutine = metric.ascore(**{name: known[name] for name in inspect.signature(metric.ascore).parameters})
    try:
        coroutine.send(None)  # it waits for nothing but answers, and those are there or end it
    except StopIteration as done:
        value = float(done.value.value)
        if math.isnan(value):
            return Verdict(None, rationale="there is nothing to divide by")
        return Verdict(value, rationale=storable(done.value.reason) if done.value.reason else None)
    except _Asked as asked:
        return asked
    except _Malformed:
        return Verdict(None, error=MALFORMED)
    except Exception as error:  # noqa: BLE001 - it is another's code
        return Verdict(None, error=storable(f"ragas failed: {type(error).__name__}: {error}"))
    coroutine.close()
    return Verdict(None, error="ragas waited for something else than an answer")


@lru_cache
def _not_here() -> str:
    """Why there is no ragas here to ask; empty where there is, and then it is loaded."""
    wanted = (
        "Install `ragas>=0.4,<0.5` and `langchain-community<0.4` for the web and worker processes, put back what that replaces"
        " (`pip install --no-deps -r requirements.lock`), and start them anew."
    )
    try:
        found = version("ragas")
    except PackageNotFoundError:
        return f"The package ragas is not installed here. {wanted}"
    if not found.startswith(_READ):
        return f"ragas {found} is installed, and another is needed. {wanted}"
    try:
        _package()
    except (
        ImportError
    ) as error:  # 0.4.3 lets newer versions of langchain-community be installed than it can load
        return f"ragas {found} is installed, but does not load: {error}"
    return ""


@lru_cache
def _package() -> tuple[Any, Any]:
    """A model for ragas that gives the answers it is made with, in turn, and the package's metrics."""
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"  # it would report what it is used for
    base: Any = importlib.import_module("ragas.llms.base").InstructorBaseRagasLLM

    class Answering(base):  # type: ignore[misc]
        def __init__(self, answers: Sequence[str | None]) -> None:
            self._left = list(answers)

        def generate(self, prompt: str, response_model: Any) -> Any:
            if not self._left:
                raise _Asked(prompt, response_model)
            try:
                return response_model.model_validate_json(without_fence(self._left.pop(0) or ""))
            except ValidationError:
                raise _Malformed from None

        async def agenerate(self, prompt: str, response_model: Any) -> Any:
            return self.generate(prompt, response_model)

    return Answering, importlib.import_module("ragas.metrics.collections")
