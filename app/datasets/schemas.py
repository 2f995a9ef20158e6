"""Datapoints and datasets as the API shows and takes them."""

from typing import Any, Literal

from pydantic import Field, field_validator

from app.core.bodies import Body

Split = Literal["train", "validation", "test", "sealed"]


class DatapointContent(Body):
    """One row as it is written: what makes it that row, and the split it belongs to in this dataset."""

    inputs: dict[str, Any] = Field(
        default_factory=dict, description="What fills the variables of a template."
    )
    messages: list[dict[str, Any]] | None = Field(
        default=None, description="A conversation, put after the template."
    )
    target: dict[str, Any] | None = Field(default=None, description="What a good answer is, for evaluators.")
    context: list[str] | None = Field(
        default=None, description="Passages that hold what is needed to answer."
    )
    cluster: str | None = Field(
        default=None, max_length=500, description="Rows that share a document share this key."
    )
    metadata: dict[str, Any] | None = None
    split: Split | None = None

    @field_validator("context", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("target", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        """A bare target is shorthand for `{"output": …}`."""
        return value if value is None or isinstance(value, dict) else {"output": value}

    def content(self) -> dict[str, Any]:
        """What the row's identity is taken over: everything but its split."""
        return self.model_dump(exclude={"split"}, exclude_none=True)
