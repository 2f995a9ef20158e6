"""Datapoints and datasets as the API shows and takes them."""

from typing import Any

from pydantic import Field, model_validator

from app.core.bodies import Body
from app.datasets.rows import OWN_MEMBERS, Destination, Row, RowError, Split


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

    @model_validator(mode="before")
    @classmethod
    def _as_imported(cls, data: Any) -> Any:
        """The same rules as for a row of a file: a bare target is shorthand for `{"output": …}`, and so on."""
        if not isinstance(data, dict):
            return data
        row = Row(0)
        try:
            for name in OWN_MEMBERS:
                row.put(Destination(name), data.get(name))
            row.check()
        except RowError as error:
            raise ValueError(str(error)) from None
        return {name: getattr(row, name) for name in OWN_MEMBERS}

    @classmethod
    def of(cls, row: Row) -> "DatapointContent":
        """A row of a file, which has been checked."""
        return cls.model_construct(**{name: getattr(row, name) for name in OWN_MEMBERS})

    def content(self) -> dict[str, Any]:
        """What the row's identity is taken over: everything but its split."""
        return self.model_dump(exclude={"split"}, exclude_none=True)
