"""The form in which an item is answered, as it was sent: read into what is kept, or kept as it was typed."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from app.core.errors import Conflict, Invalid
from app.review import repository
from app.review.answering import CORRECTION, Answered
from app.review.fields import Field, Sent, fields_of, read_answers
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
    )


def typed_in(fields: Sequence[Field], form: Sent) -> Mapping[str, list[str]]:
    """What stands in the form, to be shown again."""
    names = [*(field.name for field in fields), NOTE, CORRECTION]
    found = {name: [str(value) for value in form.getlist(name)] for name in names}
    return {name: values for name, values in found.items() if values}


def problems_of(error: Invalid | Conflict) -> dict[str, str]:
    """What is wrong, by field; by no name where it is no field's."""
    fields = error.fields if isinstance(error, Invalid) else {}
    return dict(fields) or {"": error.message}


def _text(form: Sent, name: str) -> str:
    return next((str(value).strip() for value in form.getlist(name)), "")
