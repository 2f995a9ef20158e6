"""The shapes of rows that prompts write."""

from typing import Literal

from app.reference.answers.shape import Json, Moment, Shape


class RowGeneration(Shape):
    """Rows that a prompt writes into somebody's draft."""

    id: str
    dataset_id: str
    status: Literal["running", "stopped", "done"]
    asked_by: str
    """The prompt and its version, as the marks of the rows say it."""
    version_id: str | None
    """Null where it was deleted since."""
    rows: int
    """That were asked for."""
    columns: list[str]
    inputs: Json
    examples: int
    split: Literal["train", "validation", "test", "sealed"] | None
    calls: int
    done_calls: int
    failed_calls: int
    """Calls that brought no row."""
    rows_added: int
    """Rows that came into the draft."""
    rows_left_out: int
    max_cost_usd: float | None
    spent_usd: float
    reason: str | None
    """Why it ended before all calls were made."""
    created_at: str
    finished_at: Moment


class LeftOutRow(Shape):
    """A row of a reply that did not come into the draft. `content` is what the model wrote."""

    why: str


class RowGenerationCall(Shape):
    """One call, and what came of it."""

    number: int
    rows: int
    """That it was asked for."""
    rows_added: int
    left_out: list[LeftOutRow]
    problem: str | None
    """Why it brought no row, or fewer."""
    log_id: str | None
    """The log that holds its reply."""
    finished_at: Moment
    """Null where it is still to be made, or is not made any more."""


class RowGenerationWithCalls(RowGeneration):
    records: list[RowGenerationCall]


class RowEstimate(Shape):
    """About what it would take."""

    calls: int
    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    """Null where the model has no price."""
    seconds: float
