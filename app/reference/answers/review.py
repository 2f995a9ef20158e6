"""The shapes of review queues, their items and answers."""

from typing import Any, Literal

from app.reference.answers.files import Person
from app.reference.answers.logs import Judgment
from app.reference.answers.shape import Json, Moment, Shape


class QueueEvaluator(Shape):
    version_id: str
    file_id: str
    path: str


class QueueReviewer(Shape):
    id: str
    full_name: str
    asked: int
    answered: int


class SideBySide(Shape):
    candidate: str
    """What the newer version was called: preferences are its own."""
    baseline: str
    equal_count: int
    """Rows on which both said the same: nobody was asked about them."""


class ListedQueue(Shape):
    id: str
    name: str
    evaluation_id: str | None
    """Null of a queue of logs, and once the evaluation is deleted."""
    evaluators: list[QueueEvaluator]
    rows: Literal["all", "changed", "worse", "random", "uncertain", "chosen", "newest"]
    side_by_side: SideBySide | None
    """Null where outputs are shown one at a time."""
    log_filters: Json | None
    """What was looked for among logs, by the names that the address of the logs page has; null where nothing was."""
    sent_count: int
    """Outputs that were sent."""
    items_count: int
    """Those that are there still: one goes with its log."""
    per_item: int
    blind: bool
    shows_target: bool
    answers_count: int
    asked_count: int
    waiting_count: int
    """Items that wait for the key's maker."""
    reviewers: list[QueueReviewer]
    created_at: str
    created_by: Person | None
    closed_at: Moment
    url: str


class Measure(Shape):
    name: Literal["cohen_kappa", "fleiss_kappa", "gwet_ac1", "krippendorff_alpha"]
    value: Json | None
    """An estimate with its interval; null where it is undefined."""


class DisputedItem(Shape):
    position: int
    settled: bool
    """Whether it has a final answer."""


class QueueAgreement(Shape):
    evaluator_version_id: str
    items: int
    """With two answers or more."""
    people: int
    same: Json | None
    """The share of equal pairs of answers, with its interval."""
    measures: list[Measure]
    disputed: list[DisputedItem]


class QueuePreference(Shape):
    evaluator_version_id: str
    items: int
    """With an answer that says something; several answers to one count as their mean."""
    candidate_items: int
    baseline_items: int
    ties: int
    share_of_wins: Json | None
    """Of the candidate, a tie being half a win, with its interval."""
    first_place: Json | None
    """The share of answers, ties left out, for what was shown first, with its interval."""


class Queue(ListedQueue):
    agreement: list[QueueAgreement]
    preferences: list[QueuePreference]
    """Of a queue that shows two outputs side by side, by question."""


class ItemEvaluator(Shape):
    version_id: str
    path: str
    spec: Json


class Side(Shape):
    output: str | None
    log_id: str | None
    version_id: str | None


class Item(Shape):
    place: int
    """In the key's maker's own order, from 1."""
    answered_at: Moment
    log_id: str | None
    version_id: str | None
    inputs: Json
    messages: list[Any]
    output: str | None
    """Null where there are two."""
    sides: list[Side] | None
    """The two outputs that are compared, `a` and `b`, in an order drawn for the key's maker; null where there is one."""
    target: Json | None
    """Of the row, where the queue shows it, as its context."""
    context: list[str] | None
    evaluators: list[ItemEvaluator]


class GivenAnswer(Shape):
    evaluator_version_id: str
    judgment: Judgment


class Span(Shape):
    start: int
    """The first character of the output that is meant, from 0, counted in code points."""
    end: int
    """Behind the last one."""
    quote: str
    note: str
    label: str


class Answered(Shape):
    place: int
    answered_at: Moment
    log_id: str
    answers: list[GivenAnswer]
    note: str
    spans: list[Span]
    """Passages of the output that were marked. They stand in the judgment's `detail`, too."""
    next_place: int | None
    """The next item that waits."""


class ProposedTarget(Shape):
    datapoint_id: str
    positions: list[int]
    """The items that say so."""
    people: list[str]
    """By name."""
    old: Any
    """What the row's target says now, as your draft has it where you have one; null where it says nothing."""
    new: Any


class LeftOutItem(Shape):
    position: int
    reason: Literal[
        "unseen", "no_row", "other_dataset", "disputed", "gone", "changed", "removed", "same", "unfit"
    ]
    """`unseen`: you have not answered it yet. `disputed`: people differ, and there is no final answer. `gone`, `changed`: the
    dataset's row is not what was answered. `removed`: your draft removes it. `same`: it says so already. `unfit`: what stands
    there is of another kind."""


class Targets(Shape):
    dataset_id: str
    of: str
    """`corrections`, or the version of an evaluator."""
    member: str
    targets: list[ProposedTarget]
    left_out: list[LeftOutItem]
    silent_count: int
    """Items of which nobody said what could be a target."""


class WrittenTargets(Shape):
    dataset_id: str
    of: str
    member: str
    written_count: int
    merged_count: int
    """Rows that say the same as another one now: of these the version keeps one."""
    version_id: str | None
    """Null where the targets stand in your draft."""
    left_out: list[LeftOutItem]


class Undone(Shape):
    place: int | None


class ReviewGuest(Shape):
    id: str
    """What they are among the queue's `reviewers`."""
    number: int
    """Among the queue's guests, from 1."""
    name: str | None
    """Null until they say it."""
    asked: int
    answered: int
    open: bool
    """Whether the link works: false once it was ended or is out of date, and where whoever made it may not any more."""
    created_at: str
    expires_at: str
    opened_at: Moment
    """When the link was first followed."""
    ended_at: Moment


class NewReviewGuest(ReviewGuest):
    url: str
    """The link, shown this once."""
