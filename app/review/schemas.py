"""Review queues and answers as the API takes them."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from app.core.bodies import Body
from app.evaluations.schemas import VersionReference
from app.review.models import Rows

_Id = Annotated[str, Field(min_length=1, max_length=200)]


class QueueCreate(Body):
    """Which outputs of an evaluation people are asked about, by which evaluators, and who is asked."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "evaluation_id": "evr_2Zr8vXqW4nTbY7kLmC1dA",
        "evaluators": [{"path": "support/would you send it"}],
        "reviewers": ["usr_2Zr8vXqW4nTbY7kLmC1dB", "usr_2Zr8vXqW4nTbY7kLmC1dC"],
        "rows": "worse",
        "most_rows": 50,
        "per_item": 2,
    }

    evaluation_id: _Id
    evaluators: list[VersionReference] = Field(
        min_length=1, max_length=8, description="Human ones, in the order in which they are asked."
    )
    reviewers: list[_Id] = Field(min_length=1, max_length=1_000, description="Ids of members who may judge.")
    run_ids: list[_Id] = Field(
        default_factory=list,
        max_length=8,
        description="The runs whose outputs are judged, the baseline first; those of the report, if it is left out.",
    )
    rows: Rows = Field(
        "all", description="Which rows: `uncertain` are those on which judges and repeats differ most."
    )
    most_rows: int | None = Field(
        None, ge=1, le=2_000, description="Of more, so many are drawn at random, or the least certain taken."
    )
    per_item: int = Field(1, ge=1, le=1_000, description="How many people judge each output.")
    blind: bool = Field(
        True, description="Whether the version and the judges are hidden until the answer is sent."
    )
    shows_target: bool = Field(False, description="Whether the row's target and context are shown.")
    name: str = Field("", max_length=200)


class QueueUpdate(Body):
    """Ask nobody any more, or again."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"closed": True}

    closed: bool


class AnswerGiven(Body):
    """What one evaluator is answered."""

    NULL_SAYS: ClassVar[frozenset[str]] = frozenset({"judgment"})

    evaluator_version_id: _Id
    judgment: Any = Field(
        description="True or false, a number, a choice, a list of them, a text; null: the person cannot tell."
    )


class ItemAnswer(Body):
    """What a person says of an output: one judgment for each evaluator of the queue."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "answers": [{"evaluator_version_id": "evv_5Tn2WqLx8RbK3mYc7VdZp", "judgment": True}],
        "note": "Right, and short.",
    }

    answers: list[AnswerGiven] = Field(min_length=1, max_length=8)
    note: str = Field("", max_length=20_000, description="Why.")
    correction: str = Field("", max_length=20_000, description="The output that should have been given.")
