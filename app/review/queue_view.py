"""What the pages of queues show: how far everybody is, how far they agree, and what they dispute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from app.core.access import Action, Principal
from app.core.formats import number, percent
from app.evaluations import repository as evaluations
from app.evaluations.models import Evaluation
from app.evaluators.describing import describe
from app.files.models import Version
from app.logs.models import Judgment
from app.logs.presentation import judgment_value
from app.review import guest_repository, repository, targets_repository
from app.review.agreement import Agreement, agreements
from app.review.choosing import is_neutral_by
from app.review.fields import Field, Value, fields_of, in_words
from app.review.guests import GuestLine, list_guests
from app.review.models import ReviewQueue
from app.review.pairs import TIE, First, said_of
from app.review.preferences import Preference, preferences
from app.review.repository import Answer, Progress
from app.review.sending import list_people
from app.statistics.intervals import Interval
from app.workspaces import repository as workspaces

PAGE_SIZE = 50
MOST_DISPUTES = 100
"""Items that are listed; what is settled makes room for the next."""
FORMER = "Former member"


@dataclass(frozen=True, slots=True)
class Line:
    """How far one person is."""

    user_id: str
    name: str
    asked: int
    answered: int
    last_at: datetime | None
    is_here: bool
    """Whether they may still judge in the workspace."""

    @property
    def is_behind(self) -> bool:
        """Whether they have something left to answer."""
        return self.answered < self.asked


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A queue in the list."""

    queue: ReviewQueue
    evaluators: Sequence[Version]
    people: Sequence[Line]
    mine: Line | None
    items: int
    """Outputs that are there still."""

    @property
    def gone(self) -> int:
        """Outputs whose logs were deleted since they were sent."""
        return max(0, self.queue.sent - self.items)

    @property
    def logs_query(self) -> str | None:
        """What the logs page is asked for to show such logs; None where logs were not looked for."""
        return urlencode(self.queue.filters) if self.queue.filters is not None else None

    @property
    def asked(self) -> int:
        """Answers that are asked for."""
        return sum(one.asked for one in self.people)

    @property
    def answered(self) -> int:
        """Answers that are there."""
        return sum(one.answered for one in self.people)

    @property
    def waiting(self) -> int:
        """Items that wait for the person who looks."""
        return self.mine.asked - self.mine.answered if self.mine and not self.queue.closed_at else 0

    @property
    def is_done(self) -> bool:
        """Whether everybody has answered everything: of what is there still."""
        return self.answered == self.asked


@dataclass(frozen=True, slots=True)
class Figure:
    """A number from a sample, in words."""

    name: str
    says: str
    value: str
    span: str
    note: str
    """Why there is no value or no interval, or what else to know."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one person said."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Dispute:
    """An item on which people differ by an evaluator."""

    position: int
    label: str
    field: Field
    said: Sequence[Said]
    final: str
    """The final answer; empty while there is none."""


@dataclass(frozen=True, slots=True)
class AgreementView:
    """How far people agree by one evaluator, in words."""

    agreement: Agreement
    share: Figure | None
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class PreferenceView:
    """Which of two versions people prefer by one question, in words."""

    preference: Preference
    share: Figure
    place: Figure | None


@dataclass(frozen=True, slots=True)
class QueuePage:
    """The page of a queue."""

    line: QueueLine
    evaluation: Evaluation | None
    agreements: Sequence[AgreementView]
    disputes: Sequence[Dispute]
    open_disputes: int
    more_disputes: int
    unseen: int
    """Disputed items that are not shown: the person who looks has not answered them yet."""
    corrected: int
    """Items of which somebody wrote the output that they would give."""
    has_values: bool
    """Whether a question was answered whose answers can be targets."""
    takers: Sequence[tuple[str, str]]
    """Who may take items over, id and name."""
    preferences: Sequence[PreferenceView]
    """Of a queue that shows two outputs side by side: which version people prefer."""
    guests: Sequence[GuestLine]
    """Those of the queue, for who may end their links."""
    fallen: str
    """What rows that were chosen for a lower score are called: by which evaluator they were, nobody wrote down."""


def list_lines(session: Session, principal: Principal, page: int) -> tuple[list[QueueLine], int]:
    """A page of queues with everybody's progress, in a fixed number of queries, and how many queues there are."""
    queues, total = repository.list_queues(
        session, principal.workspace_id, offset=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE
    )
    return lines_of(session, principal, queues), total


def lines_of(session: Session, principal: Principal, queues: Sequence[ReviewQueue]) -> list[QueueLine]:
    """Queues with everybody's progress, in the order given."""
    queue_ids = [queue.id for queue in queues]
    progress = repository.list_progress(session, queue_ids)
    evaluators = repository.list_evaluators(session, queue_ids)
    items = repository.count_items(session, queue_ids)
    names, may = names_of(session, principal.workspace_id)
    found = []
    for queue in queues:
        people = [_line(one, names, may) for one in progress[queue.id]]
        people.sort(key=lambda one: (one.name.casefold(), one.user_id))
        mine = next((one for one in people if one.user_id == principal.user_id), None)
        found.append(QueueLine(queue, evaluators[queue.id], people, mine, items[queue.id]))
    return found


def names_of(session: Session, workspace_id: str) -> tuple[dict[str, str], set[str]]:
    """What members and guests are called, by id, and who of them may judge: guests in their own queue."""
    names, may = guest_repository.list_names(session, workspace_id)
    names |= {one.user_id: one.user.full_name for one in workspaces.list_members(session, workspace_id)}
    return names, may | {one.user_id for one in list_people(session, workspace_id)}


def _line(one: Progress, names: Mapping[str, str], may: set[str]) -> Line:
    name = names.get(one.user_id, FORMER)
    return Line(one.user_id, name, one.asked, one.answered, one.last_at, one.user_id in may)


def build_queue_page(session: Session, principal: Principal, queue: ReviewQueue) -> QueuePage:
    """Everything about a queue. What somebody has not answered yet, they see nobody else's answers to."""
    (line,) = lines_of(session, principal, [queue])
    fields = fields_of(line.evaluators, pair=queue.is_pair)
    answers = repository.list_answers(session, queue.id)
    found = agreements(fields, answers)
    names, _ = names_of(session, principal.workspace_id)
    unseen = repository.open_positions(session, queue, principal.user_id)
    finals = repository.list_finals(session, queue.id)
    every = [(position, one.field) for one in found for position in one.disputed]
    every.sort(key=lambda pair: ((pair[0], pair[1].version.id) in finals, pair[0], pair[1].name))
    shown = [(position, field) for position, field in every if position not in unseen]
    labels = repository.list_labels(session, queue.id, {position for position, _ in shown[:MOST_DISPUTES]})
    said = _said(queue, answers, names)
    guests = list_guests(session, queue) if principal.may(Action.EDIT) else []
    evaluation = (
        evaluations.find_evaluation(session, queue.workspace_id, queue.evaluation_id)
        if queue.evaluation_id
        else None
    )
    return QueuePage(
        line=line,
        evaluation=evaluation,
        agreements=[_view(one) for one in found],
        disputes=[
            Dispute(
                position,
                labels.get(position, ""),
                field,
                said[position, field.version.id],
                _final(queue, finals.get((position, field.version.id))),
            )
            for position, field in shown[:MOST_DISPUTES]
        ],
        open_disputes=sum((position, field.version.id) not in finals for position, field in every),
        more_disputes=max(0, len(shown) - MOST_DISPUTES),
        unseen=len(every) - len(shown),
        corrected=targets_repository.count_corrected(session, queue.id),
        has_values=bool(answers) and any(one.compared for one in fields) and not queue.is_pair,
        preferences=[_preferred(one) for one in preferences(queue, fields, answers, finals)],
        takers=_takers(session, principal, names, guests) if principal.may(Action.EDIT) else [],
        guests=guests,
        fallen=_fallen(session, evaluation, line) if queue.rows == "worse" else "",
    )


def _fallen(session: Session, evaluation: Evaluation | None, line: QueueLine) -> str:
    asked = {one.id for one in line.evaluators}  # they had no scores when the rows were chosen
    judges = evaluations.list_evaluators(session, evaluation.id) if evaluation else []
    neutral = {
        is_neutral_by([one], one.id)
        for one in judges
        if one.id not in asked and describe(one.spec).return_type != "text"
    }
    if neutral == {True}:
        return "rows that scored lower"
    return "rows that got worse, or scored lower" if True in neutral else "rows that got worse"


def _takers(
    session: Session, principal: Principal, names: Mapping[str, str], guests: Sequence[GuestLine]
) -> list[tuple[str, str]]:
    may = [one.user_id for one in list_people(session, principal.workspace_id)]
    may += [one.guest.id for one in guests if one.works]
    return [(user_id, names[user_id]) for user_id in sorted(may, key=lambda one: names[one].casefold())]


def _final(queue: ReviewQueue, judgment: Judgment | None) -> str:
    return words_of(queue, judgment_value(judgment)) if judgment else ""


def words_of(queue: ReviewQueue, value: Value, first: First | None = None) -> str:
    """What was said, as people read it: of two outputs by the versions that they are of, or by the places at which somebody sees
    them, where `first` is given."""
    if not queue.is_pair or value is None:
        return in_words(value)
    if first is not None:
        return {"a": "A is better", "b": "B is better"}.get(said_of(first, value) or "", "A tie")
    if value == TIE:
        return "A tie"
    return f"{queue.candidate if isinstance(value, float) and value > TIE else queue.baseline} is better"


def _said(
    queue: ReviewQueue, answers: Sequence[Answer], names: Mapping[str, str], first: First | None = None
) -> dict[tuple[int, str], list[Said]]:
    found: dict[tuple[int, str], list[Said]] = {}
    for one in answers:
        words = words_of(queue, judgment_value(one.said), first)
        key = one.position, one.said.evaluator_version_id
        found.setdefault(key, []).append(Said(names.get(one.user_id, FORMER), words))
    return found


def fields_to_settle(session: Session, queue: ReviewQueue, position: int) -> list[Field]:
    """What of an item is asked for a final answer: that on which people differ, or that has one; all where nothing is."""
    fields = fields_of(repository.list_evaluators(session, [queue.id])[queue.id], pair=queue.is_pair)
    found = agreements(fields, repository.list_answers(session, queue.id, position))
    finals = repository.list_finals(session, queue.id)
    wanted = [one.field for one in found if one.disputed or (position, one.field.version.id) in finals]
    return wanted or fields


def said_of_item(
    session: Session,
    queue: ReviewQueue,
    position: int,
    evaluators: Sequence[Version],
    first: First | None = None,
) -> list[tuple[Version, list[Said]]]:
    """What everybody said of an item, by evaluator; of two outputs by the places at which they are shown now."""
    names, _ = names_of(session, queue.workspace_id)
    said = _said(queue, repository.list_answers(session, queue.id, position), names, first)
    return [(version, said.get((position, version.id), [])) for version in evaluators]


def _view(one: Agreement) -> AgreementView:
    share = (
        _figure("Same answer", "pairs of answers to an item", one.share, is_share=True) if one.share else None
    )
    figures = [_figure(each.name, each.says, each.interval) for each in one.measures]
    return AgreementView(one, share, figures)


def _preferred(one: Preference) -> PreferenceView:
    share = _figure(
        "Share of wins",
        "a tie is half a win; of items with several answers their mean",
        one.share,
        is_share=True,
    )
    place = one.first_place
    return PreferenceView(
        one,
        share,
        _figure(
            "First place chosen",
            f"of {place.n:,} answers that are no tie; half of them, where the place does not pull",
            place,
            is_share=True,
        )
        if place
        else None,
    )


def _figure(name: str, says: str, interval: Interval | None, *, is_share: bool = False) -> Figure:
    if interval is None:
        return Figure(name, says, "", "", "undefined: somebody gave the same answer throughout")

    def shown(value: float) -> str:
        return percent(value) if is_share else number(value, 2)

    interval = interval.clipped(0 if is_share else -1)
    if interval.lo is None or interval.hi is None:
        return Figure(name, says, shown(interval.estimate), "", f"no interval: {interval.warning}")
    span = f"{shown(interval.lo)} to {shown(interval.hi)}"
    return Figure(name, says, shown(interval.estimate), span, interval.warning or "")
