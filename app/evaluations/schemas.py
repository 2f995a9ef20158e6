"""Evaluations and runs as the API takes them."""

from decimal import Decimal
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from app.core.bodies import Body

DEFAULT_CONCURRENCY = 20
"""Calls in flight at once where nobody says how many."""


class _Body(Body):
    """Unknown members are ignored; null means absent."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"additionalProperties": True})


class FileReference(_Body):
    """A file by its id or path."""

    id: str | None = None
    path: str | None = None


class VersionReference(_Body):
    """A version by its own id, or a file by id or path with what is deployed in an environment."""

    version_id: str | None = None
    id: str | None = None
    file_id: str | None = None
    path: str | None = None
    environment: str | None = None
    orchestrated: bool | None = Field(
        default=None, description="Of an evaluator: false, where you judge by it and send the judgments."
    )


class EvaluationCreate(_Body):
    """A new evaluation."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "file": {"path": "support/answer"},
        "name": "Shorter answers",
        "evaluators": [{"path": "support/right intent"}],
    }

    file: FileReference | None = None
    name: str | None = None
    evaluators: list[VersionReference] = Field(default_factory=list)
    smallest_difference: float | None = Field(
        default=None, gt=0, description="In the primary score's own unit."
    )
    stops_when_clear: bool = Field(
        default=False,
        description="End the runs as soon as the primary score, that of the first evaluator, tells each candidate from the baseline. Rows then come in random order, and the interval of the change holds at every look: it is 1.4 to 2 times as wide as that of a run that is looked at once. Chosen before the first run, and kept.",
    )


class EvaluationUpdate(_Body):
    """What to change of an evaluation; absent members stay."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"name": "Shorter answers, June"}

    name: str | None = None
    primary_evaluator: str | None = Field(default=None, description="An evaluator version's id.")
    baseline_run_id: str | None = None


class EvaluatorsAdd(_Body):
    EXAMPLE: ClassVar[dict[str, Any]] = {"evaluators": [{"path": "support/right intent"}]}

    evaluators: list[VersionReference]


class RunCreate(_Body):
    """A new run: `version` answers every row of `dataset`. Without one of them it is a run of logs that are added to it."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "dataset": {"path": "support/questions"},
        "version": {"path": "support/answer"},
        "repeats": 1,
        "max_cost_usd": 2,
    }

    model_config = ConfigDict(extra="allow")

    dataset: VersionReference | None = None
    version: VersionReference | None = None
    orchestrated: bool | None = Field(
        default=None,
        description="Whether the server makes the outputs, as it does where `dataset` and `version` are given, unless this is false. If not, send them as logs with `run_id` and `source_datapoint_id`, or add logs.",
    )
    use_existing_logs: bool | None = Field(
        default=None,
        description="Use outputs again that there are, those that you sent as logs included. Without it, the server's own are, unless `fresh`.",
    )
    repeats: int = Field(default=1, description="How often each row is answered.")
    concurrency: int | None = Field(
        default=None,
        description=f"Calls in flight at once, over all workers; {DEFAULT_CONCURRENCY}, or what the workspace allows.",
    )
    fresh: bool = Field(default=False, description="Make every output anew, instead of reusing equal ones.")
    max_cost_usd: Decimal | None = Field(
        default=None, gt=0, description="Nothing more is called once this is spent; what is done is kept."
    )
    max_calls: int | None = Field(
        default=None, ge=1, description="The same by calls of models, judges included."
    )
    split: Literal["train", "validation", "test", "sealed"] | None = None

    @property
    def warnings(self) -> list[str]:
        """What may have been meant as a cap, and is none: members that are not known are ignored."""
        return [
            f"There is no `{name[:100]}`: a run is capped by `max_cost_usd` or `max_calls`. It was ignored."
            for name in self.model_extra or {}
            if name.startswith("max")
        ]


class LogsAdd(_Body):
    """Logs that are the outputs of a run's rows, or rows themselves."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"log_ids": ["log_2Zr8vXqW4nTbY7kLmC1dA"]}

    log_ids: list[str] = Field(max_length=1000)


class RunUpdate(_Body):
    """Make a run the baseline (`control`; false: not any more), stop it (`status: cancelled`), or end it (`status: completed`)."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"status": "cancelled"}

    control: bool | None = None
    status: Literal["cancelled", "completed"] | None = None
