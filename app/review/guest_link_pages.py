"""The links of a queue's guest reviewers: made, made anew and ended on the queue's page."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Conflict, Invalid
from app.core.permissions import Editor
from app.core.request_bodies import read_form
from app.core.typed import whole
from app.review import guests, sending
from app.review.answer_form import problems_of
from app.review.guests import Asked, Days
from app.review.models import ReviewGuest, ReviewQueue
from app.review.queue_view import build_queue_page

router = APIRouter(prefix="/w/{w}/review/{queue_id}/guests", include_in_schema=False)
Form = Annotated[FormData, Depends(read_form)]


def _page(
    request: Request,
    session: SessionDep,
    principal: Principal,
    queue: ReviewQueue,
    made: Sequence[tuple[ReviewGuest, str]] = (),
) -> Response:
    return templating.render(
        request,
        "review/queue.html",
        headers={"cache-control": "no-store"},
        view=build_queue_page(session, principal, queue),
        made=made,
        problems={},
        typed={},
    )


def _refused(
    request: Request,
    session: SessionDep,
    principal: Principal,
    queue_id: str,
    error: Invalid | Conflict,
    typed: Mapping[str, str],
) -> Response:
    session.rollback()
    return templating.render(
        request,
        "review/queue.html",
        status=error.status,
        view=build_queue_page(session, principal, sending.get_queue(session, principal, queue_id)),
        made=(),
        problems=problems_of(error),
        typed=typed,
    )


@router.post("", name="review:ask_guests")
def ask(queue_id: str, request: Request, session: SessionDep, principal: Editor, form: Form) -> Response:
    """Make links and show them, this once."""
    queue = sending.get_queue(session, principal, queue_id)
    try:
        made = guests.ask_guests(session, principal, queue, _asked(form))
    except (Invalid, Conflict) as error:
        typed = {name: str(form.get(name) or "") for name in ("links", "per_item", "name")}
        return _refused(request, session, principal, queue_id, error, typed)
    return _page(request, session, principal, queue, made)


@router.post("/{guest_id}/link", name="review:renew_guest")
def renew(
    queue_id: str, guest_id: str, request: Request, session: SessionDep, principal: Editor, form: Form
) -> Response:
    """Make a new link for a guest, in place of the one before, and show it, this once."""
    queue = sending.get_queue(session, principal, queue_id)
    try:
        made = guests.renew(session, principal, queue, guest_id, _days(form))
    except (Invalid, Conflict) as error:
        return _refused(request, session, principal, queue_id, error, {})
    return _page(request, session, principal, queue, [made])


@router.post("/{guest_id}/end", name="review:end_guest")
def end(queue_id: str, guest_id: str, session: SessionDep, principal: Editor, form: Form) -> Response:
    """End a guest's link, at once; with `forget` their name goes, too."""
    queue = sending.get_queue(session, principal, queue_id)
    guests.end(session, principal, queue, guest_id, forget_name=bool(form.get("forget")))
    return RedirectResponse(f"/w/{principal.workspace_slug}/review/{queue.id}#guests", 303)


def _asked(form: FormData) -> Asked:
    numbers = {name: whole(str(form.get(name) or "").strip()) for name in ("links", "per_item")}
    if problems := {name: "A whole number." for name, value in numbers.items() if value is None}:
        raise Invalid(" ".join(problems.values()), fields=problems)
    return Asked(
        links=numbers["links"] or 0,
        per_item=numbers["per_item"] or 0,
        days=_days(form),
        name=str(form.get("name") or ""),
    )


def _days(form: FormData) -> Days:
    given = whole(str(form.get("days") or Days.WEEK.value))
    if given not in set(Days):
        text = "Choose for how long the link works."
        raise Invalid(text, fields={"days": text})
    return Days(given)
