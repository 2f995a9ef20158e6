"""What a guest reviewer sees: the page of their link, and their own queue. Nothing here leads anywhere else."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from app.core import clock, templating
from app.core.access import Action, Principal
from app.core.csrf import GUEST_COOKIE, same_site
from app.core.database import SessionDep
from app.core.errors import Conflict, Invalid, NotFound
from app.core.permissions import Public
from app.core.request_bodies import read_form
from app.core.settings import get_settings
from app.core.typed import whole
from app.review import answering, guests, repository
from app.review.answer_form import answered_of, fields_of_queue, is_marking, problems_of, typed_in, with_marks
from app.review.item_view import build_item_page
from app.review.models import ReviewGuest

router = APIRouter(include_in_schema=False)
Form = Annotated[FormData, Depends(read_form)]
_LINK = "/guest/{token}"
_QUEUE = "/guest-reviews/{guest_id}"
_TO_STRANGERS = {
    "referrer-policy": "same-origin",  # the address is the key; with no referrer at all browsers would hide whose forms these are
    "x-robots-tag": "noindex, nofollow, noarchive",
    "cache-control": "no-store",
}
_GONE = (
    "This link was ended or is out of date, or it was not opened in this browser. Open the link that you were sent once "
    "more; where it shows nothing, ask whoever sent it for a new one. What you answered is kept."
)


def _known(guest_id: str, request: Request, session: SessionDep) -> ReviewGuest:
    guest = guests.who_is(session, guest_id, request.cookies.get(GUEST_COOKIE, ""))
    session.commit()  # or the connection would be held while the request waits for a thread, which may wait for it
    if guest is None:
        raise NotFound(_GONE)
    return guest


def _guest(
    _: Annotated[None, Depends(same_site)], guest: Annotated[ReviewGuest, Depends(_known)]
) -> ReviewGuest:
    return guest


_guest.permits = Action.OWN_QUEUE  # type: ignore[attr-defined]
Guest = Annotated[ReviewGuest, Depends(_guest)]


def _render(request: Request, template: str, principal: Principal | None = None, **context: Any) -> Response:
    request.state.principal = principal  # nobody but the guest, whoever else is signed in to this browser
    return templating.render(request, template, headers=_TO_STRANGERS, **context)


def _to(guest: ReviewGuest, *parts: object) -> Response:
    return RedirectResponse("/".join([f"/guest-reviews/{guest.id}", *map(str, parts)]), 303)


@router.get(_LINK, dependencies=[Public], name="guests:link")
def link_page(token: str, request: Request, session: SessionDep) -> Response:
    """What a link is for, and a button. Looking changes nothing: programs look at links, too."""
    return _link(request, token, guests.invited_by(session, token))


def _link(
    request: Request, token: str, guest: ReviewGuest | None, name: str = "", problem: str = ""
) -> Response:
    return _render(
        request,
        "review/guest_link.html",
        status=404 if guest is None else 422 if problem else 200,
        guest=guest,
        token=token,
        name=name,
        problem=problem,
        longest=guests.LONGEST_NAME,
    )


@router.post(_LINK, dependencies=[Public, Depends(same_site)])
def come_in(token: str, request: Request, session: SessionDep, form: Form) -> Response:
    """Begin, or go on in another browser."""
    guest = guests.invited_by(session, token)
    if guest is None:
        return _link(request, token, None)
    name = str(form.get("name") or "")
    try:
        cookie = guests.come_in(session, guest, name)
    except Invalid as error:
        return _link(request, token, guest, name, error.message)
    answer = _to(guest)
    answer.headers.update(_TO_STRANGERS)
    answer.set_cookie(
        GUEST_COOKIE,
        cookie,
        max_age=max(1, int((guest.expires_at - clock.now()).total_seconds())),
        httponly=True,
        samesite="lax",
        secure=get_settings().secure_cookies,
        path=f"/guest-reviews/{guest.id}",
    )
    return answer


@router.get(_QUEUE, name="guests:queue")
def show_queue(request: Request, session: SessionDep, guest: Guest) -> Response:
    """How far the guest is."""
    progress = repository.list_progress(session, [guest.queue_id])[guest.queue_id]
    mine = next((one for one in progress if one.user_id == guest.id), None)
    return _render(
        request,
        "review/guest_queue.html",
        guests.principal_of(guest),
        guest=guest,
        asked=mine.asked if mine else 0,
        answered=mine.answered if mine else 0,
        undone=repository.find_last_place(session, guest.queue_id, guest.id),
    )


@router.get(_QUEUE + "/items", name="guests:next")
def next_item(session: SessionDep, guest: Guest) -> Response:
    """The next item that waits; how far they are where none does."""
    place = (
        None if guest.queue.closed_at else repository.find_next_place(session, guest.queue_id, guest.id, 0)
    )
    return _to(guest, "items", place) if place else _to(guest)


@router.get(_QUEUE + "/items/{place}", name="guests:item")
def show_item(
    place: int, request: Request, session: SessionDep, guest: Guest, last: int | None = None
) -> Response:
    """One output, and what is asked about it. Whose it is, and what machines said of it, a guest is never told."""
    principal = guests.principal_of(guest)
    page = build_item_page(session, principal, guest.queue, place, last=last)
    return _render(request, "review/guest_item.html", principal, guest=guest, view=page)


@router.post(_QUEUE + "/items/{place}", name="guests:answer")
def answer_item(place: int, request: Request, session: SessionDep, guest: Guest, form: Form) -> Response:
    """Keep the answer, and go on with the next item that waits."""
    principal, queue = guests.principal_of(guest), guest.queue
    fields = fields_of_queue(session, queue)
    if is_marking(form):
        typed, problems = with_marks(session, principal, queue, place, fields, form)
        page = build_item_page(session, principal, queue, place, typed=typed, problems=problems)
        status = 422 if problems else 200
        return _render(request, "review/guest_item.html", principal, status=status, guest=guest, view=page)
    try:
        answering.answer(session, principal, queue, place, answered_of(fields, form))
    except (Invalid, Conflict) as error:
        session.rollback()
        page = build_item_page(
            session, principal, queue, place, typed=typed_in(fields, form), problems=problems_of(error)
        )
        return _render(
            request, "review/guest_item.html", principal, status=error.status, guest=guest, view=page
        )
    following = repository.find_next_place(session, queue.id, guest.id, place)
    return _to(guest) if following is None else _to(guest, "items", f"{following}?last={place}")


@router.post(_QUEUE + "/undo", name="guests:undo")
def undo(session: SessionDep, guest: Guest, form: Form) -> Response:
    """Take the last answer back, and ask it again. The form names its place: sent twice, it takes back one."""
    place = whole(str(form.get("place") or ""))
    if not place:
        return _to(guest, "items")
    answering.undo(session, guests.principal_of(guest), guest.queue, place)
    return _to(guest, "items", place)


@router.post(_QUEUE + "/leave", name="guests:leave")
def leave(request: Request, session: SessionDep, guest: Guest) -> Response:
    """Sign this browser out. The link still works."""
    guests.leave(session, guest, request.cookies.get(GUEST_COOKIE, ""))
    answer = _render(request, "review/guest_left.html", guest=guest)
    answer.delete_cookie(GUEST_COOKIE, path=f"/guest-reviews/{guest.id}")
    return answer
