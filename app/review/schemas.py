"""Review queues and answers as the API takes them."""

from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from app.core.bodies import Body
from app.evaluations.schemas import VersionReference
from app.review.models import LogRows, Rows

_Id = Annotated[str, Field(min_length=1, max_length=200)]


_Word = Annotated[str, Field(max_length=500)]


class LogsSought(Body):
    """Which logs are meant: those that have all of this. What is left out leaves none out."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "file_id": "pr_2Zr8vXqW4nTbY7kLmC1dA",
        "state": "failed",
        "since": "2027-01-01",
    }

    file_id: _Id | None = None
    version_id: _Id | None = Field(None, description="One of the file's; its `file_id` need not be given.")
    environment: _Word = Field("", description="The name of the environment.")
    source: _Word = ""
    user: _Word = Field("", description="The end user's id, as it stands in the logs.")
    session_id: _Word = ""
    search: _Word = Field("", description="In inputs, messages, output or error.")
    metadata_search: _Word = ""
    since: date | None = Field(None, description="The first day, in UTC.")
    until: date | None = Field(None, description="The last day, in UTC.")
    state: Literal["failed"] | None = Field(None, description="`failed`: an evaluator said no to it.")
    slower_than_s: float | None = Field(None, ge=0, lt=1e9, description="Seconds.")
    dearer_than_usd: float | None = Field(None, ge=0, lt=1e9, description="US dollars.")


class QueueCreate(Body):
    """Which outputs people are asked about, by which evaluators, and who is asked. Outputs are those of an evaluation
    (`evaluation_id`), of logs that are named (`log_ids`), or of logs that match (`logs`): one of the three."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "evaluation_id": "evr_2Zr8vXqW4nTbY7kLmC1dA",
        "evaluators": [{"path": "support/would you send it"}],
        "reviewers": ["usr_2Zr8vXqW4nTbY7kLmC1dB", "usr_2Zr8vXqW4nTbY7kLmC1dC"],
        "rows": "worse",
        "most_rows": 50,
        "per_item": 2,
    }

    evaluation_id: _Id | None = None
    log_ids: list[_Id] = Field(
        default_factory=list,
        max_length=2_000,
        description="Logs with an output that can be read; of others, nothing is sent.",
    )
    logs: LogsSought | None = Field(
        None, description="Of logs that match and have an output that can be read. `{}` is every log."
    )
    evaluators: list[VersionReference] = Field(
        default_factory=list,
        max_length=8,
        description="Human ones, in the order in which they are asked. None where outputs are compared `side_by_side`: then "
        "it is asked which is better.",
    )
    side_by_side: bool = Field(
        False,
        description="Whether the outputs of two runs are shown beside each other, to say which is better. `run_ids` are two "
        "then, and evaluators take a number from 0 to 1 in steps of 0.5: 1 where the second run is preferred, 0.5 for a tie.",
    )
    reviewers: list[_Id] = Field(
        default_factory=list,
        max_length=1_000,
        description="Ids of members who may judge. None, with a `per_item` of 0, where only guests are asked, by links.",
    )
    run_ids: list[_Id] = Field(
        default_factory=list,
        max_length=8,
        description="The runs whose outputs are judged, the baseline first; those of the report, if it is left out.",
    )
    rows: Rows | LogRows | None = Field(
        None,
        description="Which rows of an evaluation, `all` where nothing is said: `uncertain` are those on which judges and "
        "repeats differ most. Of logs that match `newest`, which it is where nothing is said, or `random`, drawn from the "
        "newest 2,000.",
    )
    most_rows: int | None = Field(
        None,
        ge=1,
        le=2_000,
        description="Of more, so many are drawn at random, or the least certain or newest taken; 2,000 logs, if it is left out.",
    )
    per_item: int = Field(1, ge=0, le=1_000, description="How many of the reviewers judge each output.")
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
        description="True or false, a number, a choice, a list of them, a text; of two outputs `a`, `b` or `tie`, in the "
        "order of the item's `sides`; null: the person cannot tell."
    )


class SpanGiven(Body):
    """A passage of the output, and what there is to say of it."""

    quote: str = Field(
        "", max_length=2_000, description="Word for word; it may be left out where `start` and `end` say it."
    )
    start: int | None = Field(
        None,
        ge=0,
        description="The first character, from 0, in code points; without `end` about where a quote is that stands there more than once.",
    )
    end: int | None = Field(None, ge=1, description="Behind the last character.")
    note: str = Field(
        "", max_length=2_000, description="What there is to say of it; this or a label is needed."
    )
    label: str = Field("", max_length=60)


class ItemAnswer(Body):
    """What a person says of an output: one judgment for each evaluator of the queue."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "answers": [{"evaluator_version_id": "evv_5Tn2WqLx8RbK3mYc7VdZp", "judgment": True}],
        "note": "Right, and short.",
    }

    answers: list[AnswerGiven] = Field(min_length=1, max_length=8)
    note: str = Field("", max_length=20_000, description="Why.")
    correction: str = Field("", max_length=20_000, description="The output that should have been given.")
    spans: list[SpanGiven] = Field(
        default_factory=list,
        max_length=50,
        description="Passages of the output; none where two are compared.",
    )
