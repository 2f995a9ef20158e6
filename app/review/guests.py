"""Guest reviewers: people without an account who answer one queue, by a link, and see nothing else.

A guest's session is another one than a member's, with a cookie of its own: no other page and no route of the API knows it.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from sqlalchemy.orm import Session

from app.accounts import throttle
from app.core import clients, clock, ids, security
from app.core.access import Principal, Role
from app.core.errors import Conflict, Invalid, NotFound
from app.core.json_values import unstorable
from app.core.settings import get_settings
from app.review import guest_repository, repository
from app.review.models import ReviewGuest, ReviewQueue
from app.review.sending import deal
from app.workspaces import audit

MOST_GUESTS = 50
"""Links of one queue that work at a time: more are kept track of by nobody."""
LONGEST_NAME = 100
_MOST_SESSIONS = 20
"""Browsers of one guest at a time; the oldest are signed out."""


class Days(IntEnum):
    """How long a link may work."""

    ONE = 1
    WEEK = 7
    FORTNIGHT = 14
    MONTH = 30
    QUARTER = 90


@dataclass(frozen=True, slots=True)
class Asked:
    """Which guests are asked."""

    links: int = 1
    per_item: int = 1
    """How many of them judge each output."""
    days: Days = Days.WEEK
    name: str = ""
    """Of the only one; empty: they say it themselves."""


@dataclass(frozen=True, slots=True)
class GuestLine:
    """How far a guest is."""

    guest: ReviewGuest
    works: bool
    """Whether the link opens anything."""
    asked: int
    answered: int

    @property
    def why_not(self) -> str:
        """Why the link opens nothing; empty where it does."""
        if self.works:
            return ""
        if self.guest.revoked_at:
            return "ended"
        return (
            "out of date"
            if self.guest.expires_at <= clock.now()
            else "stopped: whoever made it may not any more"
        )


def list_guests(session: Session, queue: ReviewQueue) -> list[GuestLine]:
    """The guests of a queue, and how far they are."""
    progress = {one.user_id: one for one in repository.list_progress(session, [queue.id])[queue.id]}
    return [
        GuestLine(guest, works, one.asked if one else 0, one.answered if one else 0)
        for guest, works in guest_repository.list_guests(session, queue.id)
        for one in (progress.get(guest.id),)
    ]


def ask_guests(
    session: Session, principal: Principal, queue: ReviewQueue, asked: Asked
) -> list[tuple[ReviewGuest, str]]:
    """New guests, each with the address of their link, which is shown this once. Beside everybody who is asked already, each
    output goes to `per_item` of them, evenly.

    Raises:
        Conflict: the queue is closed, has nothing left to judge, or has as many links as it may have.
        Invalid: names each field that is wrong.
    """
    _check(asked)
    if queue.closed_at:
        raise Conflict(f"{queue.name} is closed. Open it again before you ask guests.")
    last, working = guest_repository.lock_queue(session, queue.id)
    if working + asked.links > MOST_GUESTS:
        raise Conflict(
            f"A queue has up to {MOST_GUESTS} links at a time, and this one has {working}. End some of them first."
        )
    positions = guest_repository.hold_positions(session, queue.id)
    if not positions:
        raise Conflict(f"Nothing is left to judge in {queue.name}: the logs of its outputs were deleted.")
    tokens = [security.new_token() for _ in range(asked.links)]
    guests = [
        ReviewGuest(
            id=ids.new_id("gst"),
            queue_id=queue.id,
            workspace_id=queue.workspace_id,
            number=number,
            name=" ".join(asked.name.split()) or None,
            token_hash=security.token_hash(token),
            created_by=principal.user_id,
            expires_at=clock.now() + timedelta(days=asked.days),
        )
        for number, token in enumerate(tokens, start=last + 1)
    ]
    dealt = deal(len(positions), [guest.id for guest in guests], asked.per_item, queue.id)
    tasks = [
        {
            "queue_id": queue.id,
            "position": positions[item - 1],
            "user_id": guest_id,
            "workspace_id": queue.workspace_id,
            "place": place,
        }
        for guest_id, order in dealt.items()
        for place, item in enumerate(order, start=1)
    ]
    guest_repository.insert_guests(session, queue, guests, tasks, asked.per_item)
    for guest in guests:
        _record(session, principal, queue, guest, "review_guest.invited", days=int(asked.days))
    return [(guest, link_url(token)) for guest, token in zip(guests, tokens, strict=True)]


def _check(asked: Asked) -> None:
    problems = {}
    if not 1 <= asked.links <= MOST_GUESTS:
        problems["links"] = f"Between 1 and {MOST_GUESTS} links."
    elif not 1 <= asked.per_item <= asked.links:
        problems["per_item"] = (
            f"Between 1 and {asked.links}, as many as are asked."
            if asked.links > 1
            else "1: one guest is asked."
        )
    if asked.name.strip():
        if asked.links > 1:
            problems["name"] = (
                "Several guests cannot have one name: leave it empty, and they say it themselves."
            )
        elif problem := _wrong_name(asked.name):
            problems["name"] = problem
    if problems:
        raise Invalid(" ".join(problems.values()), fields=problems)


def _wrong_name(name: str) -> str:
    if len(name) > LONGEST_NAME:
        return f"Keep the name under {LONGEST_NAME} characters."
    return unstorable(name) or ""


def link_url(token: str) -> str:
    """Where a guest's link leads."""
    return f"{get_settings().public_url}/guest/{token}"


def get_guest(session: Session, queue: ReviewQueue, guest_id: str) -> ReviewGuest:
    """A guest of the queue.

    Raises:
        NotFound: it has none with this id.
    """
    guest = guest_repository.find_guest(session, queue.id, guest_id)
    if guest is None:
        raise NotFound(f"{queue.name} has no guest with the id {guest_id}.")
    return guest


def renew(
    session: Session, principal: Principal, queue: ReviewQueue, guest_id: str, days: Days = Days.WEEK
) -> tuple[ReviewGuest, str]:
    """A new link for a guest, who goes on where they were, and its address, which is shown this once. The one before opens
    nothing any more, and whoever came in by it is out.

    Raises:
        NotFound: the queue has no such guest.
        Conflict: it has as many links that work as it may have.
    """
    guest = get_guest(session, queue, guest_id)
    _, working = guest_repository.lock_queue(session, queue.id)
    session.refresh(guest)
    is_one = guest.revoked_at is None and guest.expires_at > clock.now()
    if working - is_one >= MOST_GUESTS:
        raise Conflict(f"A queue has up to {MOST_GUESTS} links at a time. End one of them first.")
    token = security.new_token()
    guest.token_hash = security.token_hash(token)
    guest.created_by = principal.user_id
    guest.expires_at = clock.now() + timedelta(days=days)
    guest.revoked_at = None
    guest_repository.delete_sessions(session, guest.id)
    session.flush()
    _record(session, principal, queue, guest, "review_guest.renewed", days=int(days))
    return guest, link_url(token)


def end(
    session: Session, principal: Principal, queue: ReviewQueue, guest_id: str, *, forget_name: bool = False
) -> None:
    """End a guest's link, and their sessions, at once. What they answered stays; what they did not can be handed over. Their
    name, which stands nowhere else, can be forgotten with it.

    Raises:
        NotFound: the queue has no such guest.
    """
    guest = get_guest(session, queue, guest_id)
    if forget_name:
        guest.name = None
    if guest.revoked_at:
        return
    guest.revoked_at = clock.now()
    guest_repository.delete_sessions(session, guest.id)
    session.flush()
    _record(session, principal, queue, guest, "review_guest.ended")


def invited_by(session: Session, token: str) -> ReviewGuest | None:
    """Whom a link is for, with queue and workspace; None alike where it is wrong, ended or out of date, or where whoever made
    it may not any more. Only such tries are counted: 256 random bits cannot be guessed. Looking changes nothing.

    Raises:
        TooMany: too many such tries from this network.
    """
    guest = guest_repository.find_by_link(session, security.token_hash(token))
    if guest is None:
        throttle.spend_try(session, throttle.link_guess(clients.current_address() or "unknown"))
    return guest


def come_in(session: Session, guest: ReviewGuest, name: str) -> str:
    """The token of a new session of a guest. Who has a name keeps it.

    Raises:
        Invalid: they have no name yet, and give none that can be kept.
        TooMany: the link was opened too often within a minute.
    """
    name = " ".join(name.split())
    if not guest.name:
        if (
            problem := _wrong_name(name)
            if name
            else "Say what you are called: whoever asks you sees it beside your answers."
        ):
            raise Invalid(problem, fields={"name": problem})
        guest.name = name
    throttle.spend_try(session, throttle.opened_link(guest.id))
    guest.opened_at = guest.opened_at or clock.now()
    token = security.new_token()
    guest_repository.insert_session(session, guest.id, security.token_hash(token), _MOST_SESSIONS)
    _record(session, principal_of(guest), guest.queue, guest, "review_guest.came_in")
    return token


def who_is(session: Session, guest_id: str, token: str) -> ReviewGuest | None:
    """The guest whose session this is, with queue and workspace, while their link works."""
    return guest_repository.find_by_session(session, guest_id, security.token_hash(token)) if token else None


def leave(session: Session, guest: ReviewGuest, token: str) -> None:
    """End one session of a guest. The link still works."""
    guest_repository.delete_session(session, guest.id, security.token_hash(token))


def principal_of(guest: ReviewGuest) -> Principal:
    """The guest as one who acts in the workspace, with no right but to answer what their queue asks them."""
    return Principal(
        user_id=guest.id,
        name=f"Guest {guest.number}",  # in the audit log, which forgets nothing of itself
        email="",
        workspace_id=guest.workspace_id,
        workspace_slug=guest.workspace.slug,
        workspace_name=guest.workspace.name,
        role=Role.GUEST,
    )


def _record(
    session: Session, principal: Principal, queue: ReviewQueue, guest: ReviewGuest, action: str, **detail: int
) -> None:
    audit.record(
        session, principal, action, "review_queue", queue.id, name=queue.name, guest=guest.id, **detail
    )
