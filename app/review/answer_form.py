"""The form in which an item is answered, as it was sent: read into what is kept, or kept as it was typed."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Conflict, Invalid
from app.logs.passages import SPANS
from app.review import repository
from app.review.answering import CORRECTION, Answered, get_task, mark
from app.review.fields import Field, Sent, fields_of, read_answers
from app.review.marking import FIELDS, in_form, marked_in
from app.review.models import ReviewQueue

NOTE = "note"


def fields_of_queue(session: Session, queue: ReviewQueue) -> list[Field]:
    """What the queue asks of each item."""
    return fields_of(repository.list_evaluators(session, [queue.id])[queue.id], pair=queue.is_pair)


def answered_of(fields: Sequence[Field], form: Sent) -> Answered:
    """What the form says.

    Raises:
        Invalid: names each field without an answer, or with one that its evaluator does not take.
    """
    values = read_answers(fields, form)
    return Answered(
        {field.version.id: values[field.name] for field in fields},
        note=_text(form, NOTE),
        correction=_text(form, CORRECTION),
        marked=marked_in(form),
    )


def typed_in(fields: Sequence[Field], form: Sent) -> Mapping[str, list[str]]:
    """What stands in the form, to be shown again."""
    names = [*(field.name for field in fields), NOTE, CORRECTION, SPANS, *FIELDS]
    found = {name: [str(value) for value in form.getlist(name)] for name in names}
    return {name: values for name, values in found.items() if values}


def is_marking(form: Sent) -> bool:
    """Whether the form was sent to mark a passage, or to take a mark away, and not to answer."""
    if form.getlist("drop"):
        return True
    return bool(form.getlist("mark")) and any(_text(form, name) for name in FIELDS)


def with_marks(
    session: Session,
    principal: Principal,
    queue: ReviewQueue,
    place: int,
    fields: Sequence[Field],
    form: Sent,
) -> tuple[Mapping[str, list[str]], dict[str, str]]:
    """What stands in a form that marks a passage, with that passage among those that are marked; and what is wrong with it."""
    typed = dict(typed_in(fields, form))
    _, log_id = get_task(session, principal, queue, place)
    try:
        passages = mark(session, principal.workspace_id, log_id, marked_in(form))
    except Invalid as error:
        return typed, problems_of(error)
    done = () if form.getlist("drop") else FIELDS
    kept = {name: values for name, values in typed.items() if name not in done}
    return kept | {SPANS: in_form(passages)}, {}


def problems_of(error: Invalid | Conflict) -> dict[str, str]:
    """What is wrong, by field; by no name where it is no field's."""
    fields = error.fields if isinstance(error, Invalid) else {}
    return dict(fields) or {"": error.message}


def _text(form: Sent, name: str) -> str:
    return next((str(value).strip() for value in form.getlist(name)), "")
