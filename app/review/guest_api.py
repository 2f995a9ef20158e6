"""The v5 routes of a queue's guest reviewers."""

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Query, Response
from fastapi import Body as WholeBody
from pydantic import Field

from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.permissions import Editor
from app.review import guests, sending
from app.review.guests import Asked, Days, GuestLine

router = APIRouter(prefix="/v5/review-queues/{queue_id}/guests", tags=["Review"])
Json = dict[str, Any]


class GuestsAsked(Body):
    """Links for guest reviewers: people without an account, who see this queue and nothing else."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"links": 5, "per_item": 2, "days": 14}

    links: int = Field(1, ge=1, le=guests.MOST_GUESTS, description="How many: one is one guest.")
    per_item: int = Field(
        1,
        ge=1,
        le=guests.MOST_GUESTS,
        description="How many of them judge each output, beside the reviewers.",
    )
    days: Days = Field(default=Days.WEEK, description="How long the links work.")
    name: str = Field(
        "",
        max_length=guests.LONGEST_NAME,
        description="Of the only guest. Where it is left out, guests say it themselves.",
    )


class GuestRenewed(Body):
    """A new link for a guest."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"days": 7}

    days: Days = Field(default=Days.WEEK, description="How long it works.")


@router.get("")
def list_review_guests(queue_id: str, session: SessionDep, principal: Editor) -> list[Json]:
    """The guests of a queue, in the order in which they were asked, with how far they are."""
    queue = sending.get_queue(session, principal, queue_id)
    return [_present(line) for line in guests.list_guests(session, queue)]


@router.post("", status_code=201)
def create_review_guests(
    queue_id: str,
    body: Annotated[GuestsAsked, WholeBody(default_factory=GuestsAsked)],
    session: SessionDep,
    principal: Editor,
) -> list[Json]:
    """Make links, each for one guest, who answers the queue without an account and never learns whose an output is. Each `url`
    is shown this once. Every output goes to `per_item` of the guests, evenly, beside whoever is asked already."""
    queue = sending.get_queue(session, principal, queue_id)
    asked = Asked(body.links, body.per_item, body.days, body.name)
    urls = {guest.id: url for guest, url in guests.ask_guests(session, principal, queue, asked)}
    lines = guests.list_guests(session, queue)
    return [_present(line) | {"url": urls[line.guest.id]} for line in lines if line.guest.id in urls]


@router.post("/{guest_id}/link", status_code=201)
def renew_review_guest(
    queue_id: str,
    guest_id: str,
    body: Annotated[GuestRenewed, WholeBody(default_factory=GuestRenewed)],
    session: SessionDep,
    principal: Editor,
) -> Json:
    """Make a new link for a guest, who goes on where they were. The one before opens nothing any more. `url` is shown this
    once."""
    queue = sending.get_queue(session, principal, queue_id)
    guest, url = guests.renew(session, principal, queue, guest_id, body.days)
    (line,) = (one for one in guests.list_guests(session, queue) if one.guest.id == guest.id)
    return _present(line) | {"url": url}


@router.delete("/{guest_id}", status_code=204)
def end_review_guest(
    queue_id: str,
    guest_id: str,
    session: SessionDep,
    principal: Editor,
    *,
    forget_name: bool = Query(default=False, description="Whether the guest's name is erased, too."),
) -> Response:
    """End a guest's link, at once. What they answered stays."""
    queue = sending.get_queue(session, principal, queue_id)
    guests.end(session, principal, queue, guest_id, forget_name=forget_name)
    return Response(status_code=204)


def _present(line: GuestLine) -> Json:
    guest = line.guest
    return {
        "id": guest.id,
        "number": guest.number,
        "name": guest.name,
        "asked": line.asked,
        "answered": line.answered,
        "open": line.works,
        "created_at": guest.created_at,
        "expires_at": guest.expires_at,
        "opened_at": guest.opened_at,
        "ended_at": guest.revoked_at,
    }
