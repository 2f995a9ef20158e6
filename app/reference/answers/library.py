"""What the library of starting prompts answers."""

from typing import Any

from app.reference.answers.files import Dataset, Evaluator, Prompt
from app.reference.answers.shape import Shape


class StartEvaluator(Shape):
    """An evaluator of a starting prompt."""

    name: str
    kind: str
    settings: dict[str, Any]
    practice_score: float
    """The mean that the practice model, which is no LLM, reaches by it, from 0 to 1."""
    practice_interval: list[float]
    """Its 95% interval over the rows of the starting prompt: the lower and the upper bound."""


class Start(Shape):
    """A starting prompt."""

    name: str
    title: str
    about: str
    rows_count: int
    prompt: dict[str, Any]
    """Its content, without a model."""
    evaluators: list[StartEvaluator]
    """The first one is what the task is about."""


class Begun(Shape):
    """The files that were made."""

    prompt: Prompt
    dataset: Dataset
    evaluators: list[Evaluator]
