"""Answering: what a person says of an output becomes their judgment of it, and can be taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Principal
from app.core.errors import Conflict, Invalid, NotFound
from app.core.json_values import unstorable
from app.evaluations.given_judgments import Given, give_judgment, take_back
from app.files.models import Version
from app.logs import repository as logs
from app.logs.passages import SPANS, Passage, passages_of
from app.logs.presentation import judgment_value
from app.review import repository
from app.review.fields import Field, Value, fields_of, form_of
from app.review.marking import Marked, in_form, passages_in
from app.review.models import ReviewQueue, ReviewTask
from app.review.pairs import First, detail_of, first_of, said_of, value_of

LONGEST_NOTE = 20_000
CORRECTION = "correction"
"""The member of a judgment's detail in which the output stands that its author would have given."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a person says of one output."""

    values: Mapping[str, Value]
    """By the id of the evaluator's version; None: they cannot tell. Of two outputs `a`, `b` or `tie`, as they see them."""
    note: str = ""
    """Why: kept as the reason of the first answer."""
    correction: str = ""
    """The output that should have been given; kept with the first answer."""
    marked: Sequence[Marked] = ()
    """Passages of the output with what there is to say of them; kept with the first answer."""
    beside: Mapping[str, Mapping[str, Any]] | None = None
    """What is kept with each answer, by the id of the evaluator's version."""


def get_task(
    session: Session, principal: Principal, queue: ReviewQueue, place: int, *, locked: bool = False
) -> tuple[ReviewTask, str]:
    """What the principal is asked at this place of their own order, and the log that it is about. A locked one is theirs until
    the transaction ends: nobody hands it over.

    Raises:
        NotFound: they are not asked about so many, or about nothing of this queue.
    """
    found = repository.find_task(session, queue.id, principal.user_id, place, locked=locked)
    if found is None:
        gone = repository.was_asked(session, queue.id, principal.user_id, place)
        why = " any more: its log was deleted, or it was handed over" if gone else ""
        raise NotFound(f"{queue.name} has no item {place} for you{why}.")
    return found


def answer(session: Session, principal: Principal, queue: ReviewQueue, place: int, answered: Answered) -> str:
    """Keep what the principal says of an item; said again, it takes the place of what they said before. Its log's id.

    Raises:
        NotFound: they are not asked about this item, or not any more, or not by one of these evaluators.
        Conflict: the queue is closed.
        Invalid: an evaluator is not answered, or by what it does not take.
    """
    task, log_id = get_task(session, principal, queue, place, locked=True)
    if queue.closed_at:
        raise Conflict(f"{queue.name} is closed: nobody is asked any more. What you answered before is kept.")
    evaluators = repository.list_evaluators(session, [queue.id])[queue.id]
    _refuse_strange(queue, evaluators, answered)
    if missing := [one.file.path for one in evaluators if one.id not in answered.values]:
        text = f"{missing[0]} is not answered."
        raise Invalid(text, fields={"answers": text})
    give(session, principal, evaluators, log_id, _kept(session, principal, queue, task.position, answered))
    repository.mark_answered(session, task, clock.now())
    return log_id


def _kept(
    session: Session, principal: Principal, queue: ReviewQueue, position: int, answered: Answered
) -> Answered:
    """What is kept of an answer: of two outputs, which is better whatever the place at which it was seen.

    Raises:
        Invalid: a passage was marked that is none of the output's, or in one of two outputs.
    """
    first = first_of(queue, position, principal.user_id)
    if first is None:
        return answered
    if answered.marked:
        said = "Passages are marked where one output is judged, not in one of two."
        raise Invalid(said, fields={"quote": said})
    item = repository.find_item(session, queue.id, position)
    other = (item.other_log_id if item else None) or ""
    values = {name: value_of(first, said) for name, said in answered.values.items()}
    beside = {name: detail_of(first, value, other) for name, value in values.items()}
    return replace(answered, values=values, beside=beside)


def give(
    session: Session,
    principal: Principal,
    evaluators: list[Version],
    log_id: str,
    answered: Answered,
    *,
    final: bool = False,
) -> None:
    """Write the judgments of an answer, by the one way in which all judgments come in."""
    _check(answered)
    passages = mark(session, principal.workspace_id, log_id, answered.marked)
    settled: dict[str, Any] = {"settled_by": principal.user_id} if final else {}
    for version in evaluators:
        if version.id not in answered.values:
            continue
        first = version.id == next(iter(answered.values))
        said: dict[str, Any] = {CORRECTION: answered.correction} if first and answered.correction else {}
        if first and passages:
            said[SPANS] = [one.kept() for one in passages]
        given = Given(
            answered.values[version.id],
            rationale=(answered.note or None) if first else None,
            beside={**(answered.beside or {}).get(version.id, {}), **settled, **said},
            final=final,
        )
        give_judgment(session, principal, version, log_id, given)


def mark(session: Session, workspace_id: str, log_id: str, marked: Sequence[Marked]) -> list[Passage]:
    """The passages of a log's output that are meant, in their order.

    Raises:
        Invalid: one of them is not there, is there several times, or says nothing.
    """
    if not marked:
        return []
    log = logs.find_log(session, workspace_id, log_id)
    return passages_in((log.output if log else None) or "", marked)


def _check(answered: Answered) -> None:
    problems = {}
    for name, text in (("note", answered.note), (CORRECTION, answered.correction)):
        if len(text) > LONGEST_NOTE:
            problems[name] = f"Keep it under {LONGEST_NOTE:,} characters."
        elif problem := unstorable(text):
            problems[name] = problem
    if problems:
        raise Invalid(" ".join(problems.values()), fields=problems)


def _refuse_strange(queue: ReviewQueue, evaluators: list[Version], answered: Answered) -> None:
    asked = {version.id for version in evaluators}
    if strange := [one for one in answered.values if one not in asked]:
        raise NotFound(f"{queue.name} does not ask by an evaluator {strange[0]:.80}.")


def undo(session: Session, principal: Principal, queue: ReviewQueue, meant: int | None = None) -> int | None:
    """Take back what the principal answered last in this queue: it counts nowhere any more, and is asked again with what
    they had said in the form, also in other queues that asked them the same. Its place; None where there is nothing to take
    back, or it is not the one at the place that was `meant`.

    Raises:
        Conflict: the queue is closed, or another one is that counts the answer.
    """
    if queue.closed_at:
        raise Conflict(f"{queue.name} is closed: answers stay as they are.")
    place = repository.find_last_place(session, queue.id, principal.user_id)
    if place is None or meant not in (None, place):
        return None
    task, log_id = get_task(session, principal, queue, place, locked=True)
    if task.answered_at is None:
        return None
    evaluators = repository.list_evaluators(session, [queue.id])[queue.id]
    asked = [version.id for version in evaluators]
    for other, same in [(queue, task), *repository.list_same_tasks(session, task, log_id, asked)]:
        if other.closed_at:
            raise Conflict(
                f"{other.name} counts this answer, too, and is closed: answers stay as they are there. "
                "You may still answer again: the last word counts."
            )
        fields = fields_of(repository.list_evaluators(session, [other.id])[other.id], pair=other.is_pair)
        first = first_of(other, same.position, principal.user_id)
        form = own_form(session, log_id, principal.user_id, fields, first)
        repository.mark_answered(session, same, None, form)
    for version in evaluators:
        take_back(session, principal.workspace_id, version, log_id, principal.user_id)
    return place


def own_form(
    session: Session, log_id: str, author: str, fields: list[Field], first: First | None = None
) -> dict[str, list[str]]:
    """What an author, a person or `FINAL`, said of a log, as the form would hold it; of two outputs, `first` being shown as A."""
    said = repository.own_answers(session, log_id, author, [field.version.id for field in fields])
    form: dict[str, list[str]] = {}
    for field in fields:
        if judgment := said.get(field.version.id):
            value = judgment_value(judgment)
            form[field.name] = form_of(field, said_of(first, value) if first else value)
            if judgment.rationale:
                form["note"] = [judgment.rationale]
            if passages := passages_of(judgment.detail):
                form[SPANS] = in_form(passages)
            if correction := (judgment.detail or {}).get(CORRECTION):
                form[CORRECTION] = [str(correction)]
    return form


def settle(
    session: Session, principal: Principal, queue: ReviewQueue, position: int, answered: Answered
) -> None:
    """Give the final answer to an item: it counts in place of what people said, which stays to be read.

    Raises:
        NotFound: the queue has no such item.
        Conflict: the principal is still asked about it and has not answered yet: they would see what others say.
        Invalid: an evaluator does not take the answer.
    """
    log_id = log_to_settle(session, principal, queue, position)
    evaluators = repository.list_evaluators(session, [queue.id])[queue.id]
    kept = _kept(session, principal, queue, position, answered)
    give(session, principal, evaluators, log_id, kept, final=True)


def unsettle(session: Session, principal: Principal, queue: ReviewQueue, position: int) -> None:
    """Take the final answer to an item back: what people said counts again.

    Raises:
        NotFound, Conflict: as `settle`.
    """
    log_id = log_to_settle(session, principal, queue, position)
    for version in repository.list_evaluators(session, [queue.id])[queue.id]:
        take_back(session, principal.workspace_id, version, log_id, logs.FINAL)


def log_to_settle(session: Session, principal: Principal, queue: ReviewQueue, position: int) -> str:
    """The log of an item that the principal may settle.

    Raises:
        NotFound, Conflict: as `settle`.
    """
    item = repository.find_item(session, queue.id, position)
    if item is None:
        raise NotFound(f"{queue.name} has no item {position}.")
    if position in repository.open_positions(session, queue, principal.user_id):
        raise Conflict(
            "You are asked about this item yourself: answer it first, before you see what others said."
        )
    return item.log_id
