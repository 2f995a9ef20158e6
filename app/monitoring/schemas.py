"""Monitoring as the API takes it."""

from typing import Any, ClassVar

from pydantic import Field, model_validator

from app.core.bodies import Body


class MonitorReference(Body):
    """An evaluator: one version of it, or whichever runs in an environment."""

    evaluator_version_id: str | None = None
    evaluator_id: str | None = None
    environment_id: str | None = None

    @model_validator(mode="after")
    def _one(self) -> "MonitorReference":
        by_environment = (self.evaluator_id, self.environment_id)
        if self.evaluator_version_id and not any(by_environment):
            return self
        if not self.evaluator_version_id and all(by_environment):
            return self
        raise ValueError("give `evaluator_version_id`, or `evaluator_id` and `environment_id`")


class MonitorActivation(MonitorReference):
    sampling: float = Field(default=1, ge=0, le=1, allow_inf_nan=False)
    """The share of new logs that it judges."""


class MonitoringChange(Body):
    """Evaluators to activate for a file, to deactivate, and to remove, in this order."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "activate": [{"evaluator_version_id": "evv_5Tn2WqLx8RbK3mYc7VdZp", "sampling": 0.1}]
    }

    activate: list[MonitorActivation] = Field(default_factory=list, max_length=100)
    deactivate: list[MonitorReference] = Field(default_factory=list, max_length=100)
    remove: list[MonitorReference] = Field(default_factory=list, max_length=100)
    """They are listed no more. What they said of logs stays."""
