"""What the page of an item shows: the output and what it answers, the form, and the person's own queue around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from app.core.access import Principal, Role
from app.core.errors import NotFound
from app.datasets import repository as datasets
from app.datasets.models import Datapoint
from app.evaluations.grid.view import Mark, mark_of
from app.evaluators.describing import describe
from app.files import repository as files
from app.files.models import Version
from app.logs import repository as logs
from app.logs.models import Log
from app.logs.passages import SPANS, Passage, passages_of
from app.review import marks_repository, repository
from app.review.answering import get_task, log_to_settle, own_form
from app.review.fields import Field, fields_of, typed_of
from app.review.marking import Piece, in_form, pieces, read_spans
from app.review.models import ReviewQueue, ReviewTask
from app.review.pairs import First, first_of
from app.review.queue_view import FORMER, Said, fields_to_settle, names_of, said_of_item
from app.review.repository import Neighbour

_AROUND = 15
"""Items before and behind the one on the page that are listed beside it."""


@dataclass(frozen=True, slots=True)
class Material:
    """The output, and what it is judged with."""

    log: Log
    inputs: Mapping[str, object]
    messages: Sequence[Mapping[str, object]]
    datapoint: Datapoint | None
    """With its target and context, where the queue shows them."""
    sides: Sequence[Log] = ()
    """The outputs that are shown side by side, A and B; empty where there is one."""
    marked: Sequence[tuple[str, Passage]] = ()
    """Passages of the output that are marked, each with who did, numbered from 1 in this order; `` where it is who looks."""

    @property
    def carried(self) -> Sequence[str]:
        """The marked passages, as a form carries them along."""
        return in_form([one for _, one in self.marked])

    @property
    def pieces(self) -> Sequence[Piece]:
        """The output, cut where a marked passage begins or ends."""
        return pieces(self.log.output or "", [one for _, one in self.marked])


@dataclass(frozen=True, slots=True)
class Reveal:
    """What was hidden: whose output it was, and what machines said of it."""

    version: Version | None
    """With its file; None where it is gone."""
    model: str | None
    verdicts: Sequence[tuple[str, Mark]]
    """By the names of the evaluators."""
    sides: Sequence["Reveal"] = ()
    """Of each of two outputs, A and B."""


@dataclass(frozen=True, slots=True)
class ItemPage:
    """The page of one item, for the person who is asked about it."""

    queue: ReviewQueue
    place: int
    asked: int
    answered: int
    is_answered: bool
    """Whether this one is."""
    material: Material
    reveal: Reveal | None
    """None while it is hidden: from guests always."""
    fields: Sequence[Field]
    typed: Mapping[str, Sequence[str]]
    problems: Mapping[str, str]
    neighbours: Sequence[Neighbour]
    next_place: int | None
    """The next one that waits."""
    before: int | None
    """The place before this one; None at the start."""
    after: int | None
    last: tuple[int, Reveal | None] | None = None
    """What was answered just now, and what had been hidden of it, where it is told."""
    undone: int | None = None
    """The place of the answer that is taken back next; None where there is none."""
    is_unsent: bool = False
    """Whether a passage was marked just now, and nothing is kept yet."""


@dataclass(frozen=True, slots=True)
class DisputePage:
    """The page on which a dispute is settled."""

    queue: ReviewQueue
    position: int
    material: Material
    reveal: Reveal | None
    fields: Sequence[Field]
    said: Sequence[tuple[Version, Sequence[Said]]]
    typed: Mapping[str, Sequence[str]]
    is_settled: bool
    problems: Mapping[str, str] = field(default_factory=dict)


def build_item_page(
    session: Session,
    principal: Principal,
    queue: ReviewQueue,
    place: int,
    *,
    typed: Mapping[str, Sequence[str]] | None = None,
    problems: Mapping[str, str] | None = None,
    last: int | None = None,
) -> ItemPage:
    """The item at this place of the principal's own order; `typed` is what a form came with that could not be kept.

    Raises:
        NotFound: they are not asked about it.
    """
    task, log_id = get_task(session, principal, queue, place)
    fields = fields_of(repository.list_evaluators(session, [queue.id])[queue.id], pair=queue.is_pair)
    first = first_of(queue, task.position, principal.user_id)
    shown = _shown(session, queue, task.position, log_id, first)
    mine = next(
        one
        for one in repository.list_progress(session, [queue.id])[queue.id]
        if one.user_id == principal.user_id
    )
    neighbours = repository.list_neighbours(
        session, queue.id, principal.user_id, place - _AROUND, place + _AROUND
    )
    places = [one.place for one in neighbours]
    at = places.index(place)
    shown_form = typed if typed is not None else _typed(session, task, log_id, fields, first)
    marked = [("", one) for one in read_spans(shown_form.get(SPANS, [])) if first is None]
    return ItemPage(
        queue=queue,
        place=place,
        asked=mine.asked,
        answered=mine.answered,
        is_answered=task.answered_at is not None,
        material=replace(_material(session, queue, shown), marked=marked),
        reveal=_reveal(session, shown) if _is_told(principal, queue, task) else None,
        fields=fields,
        typed=shown_form,
        problems=problems or {},
        neighbours=neighbours,
        next_place=repository.find_next_place(session, queue.id, principal.user_id, place),
        before=places[at - 1] if at else None,
        after=places[at + 1] if at + 1 < len(places) else None,
        last=_last(session, principal, queue, last),
        undone=repository.find_last_place(session, queue.id, principal.user_id),
        is_unsent=typed is not None and not problems,
    )


def build_dispute_page(
    session: Session,
    principal: Principal,
    queue: ReviewQueue,
    position: int,
    *,
    typed: Mapping[str, Sequence[str]] | None = None,
    problems: Mapping[str, str] | None = None,
) -> DisputePage:
    """An item with all that people said of it, and a form for the final answer.

    Raises:
        NotFound: the queue has no such item.
        Conflict: the principal is asked about it and has not answered yet.
    """
    log_id = log_to_settle(session, principal, queue, position)
    evaluators = repository.list_evaluators(session, [queue.id])[queue.id]
    fields = fields_to_settle(session, queue, position)
    first = first_of(queue, position, principal.user_id)
    shown = _shown(session, queue, position, log_id, first)
    final = own_form(session, log_id, logs.FINAL, fields, first)
    return DisputePage(
        queue=queue,
        position=position,
        material=replace(_material(session, queue, shown), marked=_marked(session, queue, position)),
        reveal=_reveal(session, shown) if not queue.blind else None,
        fields=fields,
        said=said_of_item(session, queue, position, evaluators, first),
        typed=typed if typed is not None else final,
        is_settled=bool(final),
        problems=problems or {},
    )


def _marked(session: Session, queue: ReviewQueue, position: int) -> list[tuple[str, Passage]]:
    names, _ = names_of(session, queue.workspace_id)
    found = [
        (names.get(user_id, FORMER), one)
        for user_id, spans in marks_repository.list_marked(session, queue.id, position)
        for one in passages_of({SPANS: spans})
    ]
    return sorted(found, key=lambda each: (each[1].start, each[1].end, each[0]))


def _is_told(principal: Principal, queue: ReviewQueue, task: ReviewTask) -> bool:
    """Whether somebody sees whose output it is: guests never do, others once they have answered, or where nothing is hidden."""
    return principal.role is not Role.GUEST and (task.answered_at is not None or not queue.blind)


def _shown(
    session: Session, queue: ReviewQueue, position: int, log_id: str, first: First | None
) -> Sequence[Log]:
    """The output that is judged; or two, in the order in which somebody sees them."""
    log = _log(session, queue, log_id)
    if first is None:
        return [log]
    item = repository.find_item(session, queue.id, position)
    other = _log(session, queue, (item.other_log_id if item else None) or "")
    return [log, other] if first == "output" else [other, log]


def _log(session: Session, queue: ReviewQueue, log_id: str) -> Log:
    log = logs.find_log(session, queue.workspace_id, log_id)
    if log is None:
        raise NotFound("The output was deleted.")
    return log


def _typed(
    session: Session, task: ReviewTask, log_id: str, fields: list[Field], first: First | None
) -> Mapping[str, Sequence[str]]:
    """What the form begins with: the person's own answer, or what they took back."""
    if task.answered_at:
        return own_form(session, log_id, task.user_id, fields, first)
    return typed_of(task.draft)


def _material(session: Session, queue: ReviewQueue, shown: Sequence[Log]) -> Material:
    log = shown[0]
    datapoint = None
    if queue.shows_target and log.datapoint_id:
        found = datasets.find_datapoints(session, queue.workspace_id, [log.datapoint_id])
        datapoint = found.get(log.datapoint_id)
    return Material(log, log.inputs or {}, log.messages or [], datapoint, shown if len(shown) > 1 else ())


def _reveal(session: Session, shown: Sequence[Log]) -> Reveal:
    each = [_reveal_one(session, log) for log in shown]
    return replace(each[0], sides=each) if len(each) > 1 else each[0]


def _reveal_one(session: Session, log: Log) -> Reveal:
    judged = [one for one in logs.list_judgments(session, [log.id])[log.id] if not one.author]
    wanted = {log.version_id, *(one.evaluator_version_id for one in judged)}
    versions = {one.id: one for one in files.find_versions(session, log.workspace_id, wanted)}
    verdicts = [
        (versions[one.evaluator_version_id].file.name, mark)
        for one in judged
        if one.evaluator_version_id in versions
        and (mark := mark_of(one, describe(versions[one.evaluator_version_id].spec)))
    ]
    return Reveal(versions.get(log.version_id), log.model, verdicts)


def _last(
    session: Session, principal: Principal, queue: ReviewQueue, place: int | None
) -> tuple[int, Reveal | None] | None:
    found = repository.find_task(session, queue.id, principal.user_id, place) if place else None
    if place is None or found is None or found[0].answered_at is None:
        return None
    if not _is_told(principal, queue, found[0]):
        return place, None
    position = found[0].position
    first = first_of(queue, position, principal.user_id)
    return place, _reveal(session, _shown(session, queue, position, found[1], first))
