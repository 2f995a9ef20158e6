"""Where comments stand: what they are about in words, and the address at which it is shown with them."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from sqlalchemy.orm import Session

from app.comments import repository
from app.comments.models import About, Subject
from app.comments.repository import Held
from app.core.access import Principal
from app.core.errors import NotFound
from app.files.models import FileKind
from app.files.sidebar import file_url

_LISTS = {Subject.VERSION: repository.list_versions, Subject.ROW: repository.list_rows, Subject.LOG: repository.list_logs}  # fmt: skip
_OWN_PAGE = frozenset({FileKind.DATASET, FileKind.EVALUATOR})
"""Kinds whose versions are shown as what is edited: the comments on one have a page of their own."""


@dataclass(frozen=True, slots=True)
class Place:
    """What is commented on, and where that is shown."""

    about: About
    title: str
    url: str
    """Without the server's own address."""
    thread_url: str
    """The page that shows all comments on it, and nothing else."""

    def at(self, comment_id: str) -> str:
        """The address of one of its comments."""
        return f"{self.url}#comment-{comment_id}"


def find_places(session: Session, principal: Principal, things: Collection[About]) -> dict[About, Place]:
    """The places of things of the principal's workspace; what is not there, or deleted, is left out."""
    found = {}
    for subject, list_held in _LISTS.items():
        ids = {thing.id for thing in things if thing.subject is subject}
        for held in list_held(session, principal.workspace_id, ids) if ids else ():
            about = About(subject, held.id)
            found[about] = _place(principal.workspace_slug, about, held)
    return found


def get_place(session: Session, principal: Principal, about: About) -> Place:
    """The place of one thing.

    Raises:
        NotFound: the workspace has no such thing, or it is deleted.
    """
    place = find_places(session, principal, [about]).get(about)
    if place is None:
        raise NotFound(f"There is no {about.subject} with this id to comment on.")
    return place


def _place(slug: str, about: About, held: Held) -> Place:
    name = held.path.rsplit("/", 1)[-1] if held.path else "a deleted file"
    thread = f"/w/{slug}/comments?{urlencode({'on': about.subject, 'id': about.id})}"
    if about.subject is Subject.LOG:
        url = f"/w/{slug}/logs/{quote(about.id)}?tab=comments"
        return Place(about, f"a log of {name}", url, thread)
    kind = FileKind(held.kind or "")
    file = file_url(slug, kind, held.file_id or "")
    if about.subject is Subject.ROW:
        return Place(
            about, f"a row of {name}", f"{file}/rows/{quote(about.id)}?version={held.number}", thread
        )
    title = f"{name} v{held.number}"
    if kind in _OWN_PAGE:
        return Place(about, title, thread, thread)
    shown = f"/versions/{held.number}" if kind is FileKind.PROMPT else f"?version={held.number}"
    return Place(about, title, f"{file}{shown}", thread)
