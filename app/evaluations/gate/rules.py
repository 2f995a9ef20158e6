"""What a gate asks of a version, as the API takes it."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, StringConstraints

from app.core.bodies import Body
from app.statistics.verdict import FEWEST_ROWS

MOST_NAMED = 100
"""Evaluators that one limit may name."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e15, le=1e15)]
Positive = Annotated[float, Field(allow_inf_nan=False, gt=0, le=1e15)]
Limits = Annotated[dict[Name, Number], Field(max_length=MOST_NAMED)]


class GateRules(Body):
    """What a version has to meet. Members that are not known are refused: a gate must not pass because of a slip."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "min": {"support/right intent": 0.8},
        "no_regression": True,
        "max_failed": 0.01,
    }

    model_config = ConfigDict(extra="forbid")

    candidate: Name | None = Field(
        default=None,
        description="The run, or the version, that has to pass, by its id. Left out, the newest that is not the baseline.",
    )
    baseline: Name | None = Field(
        default=None,
        description="The run, or the version, that it is compared with, by its id. Left out, the evaluation's baseline.",
    )
    min: Limits = Field(
        default_factory=dict,
        description="Least scores, in the score's own unit (0.8 is 80%), by evaluator: its path, its id or its version's id, or its name.",
    )
    max: Limits = Field(
        default_factory=dict, description="Largest scores, for evaluators of which less is better; as `min`."
    )
    limits_on: Literal["bound", "estimate"] = Field(
        default="bound",
        description="What `min` and `max` are held against: the nearer end of the score's interval, or the estimate itself.",
    )
    exact: bool = Field(
        default=False,
        description="Take the exact (Clopper-Pearson) interval of shares without clusters, for gates of safety.",
    )
    no_regression: bool | Annotated[list[Name], Field(max_length=MOST_NAMED)] = Field(
        default=False,
        description="Evaluators by which it must not be worse than the baseline by the paired test, after Holm over all of them; true: every one with a score of which more or less is better, that the server itself judges by.",
    )
    margin: Annotated[dict[Name, Positive], Field(max_length=MOST_NAMED)] = Field(
        default_factory=dict,
        description="By evaluator, the loss against the baseline that would be too much, in the score's own unit: the interval of the change has to rule it out.",
    )
    max_failed: float | None = Field(
        default=None, ge=0, le=1, description="Largest share of rows without an output."
    )
    max_cost_per_1000_usd: float | None = Field(
        default=None, ge=0, le=1e15, description="Largest cost of 1,000 answers, in US dollars."
    )
    max_p95_latency_s: float | None = Field(
        default=None, ge=0, le=1e15, description="Largest 95th percentile of latency, in seconds."
    )
    missing: Literal["worst", "left_out"] = Field(
        default="worst",
        description="What rows count that should have a score and have none: the worst there is against the candidate, or nothing.",
    )
    min_rows: int = Field(
        default=FEWEST_ROWS, ge=1, le=1_000_000, description="With fewer rows, nothing is decided."
    )
    confidence: float = Field(
        default=0.95, ge=0.5, le=0.9999, description="Of the intervals; tests reject at what is left of 1."
    )

    @property
    def alpha(self) -> float:
        """The level of the tests."""
        return 1 - self.confidence

    @property
    def asks_nothing(self) -> bool:
        """Whether any version would pass."""
        figures = (self.max_failed, self.max_cost_per_1000_usd, self.max_p95_latency_s)
        named = (self.min, self.max, self.no_regression, self.margin)
        return not any(named) and all(figure is None for figure in figures)
