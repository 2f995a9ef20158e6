"""Commenting: who says what about what, whom they mention, and who has read it.

Whoever may judge may comment. Authors edit and delete what they said; admins delete what anybody said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.accounts import throttle
from app.comments import repository
from app.comments.mentioning import Person, Read, plain, read
from app.comments.models import About, Comment, Subject
from app.comments.places import Place, find_places, get_place
from app.comments.schemas import MOST_CHARACTERS
from app.core import clock, ids
from app.core.access import Action, Principal, Role
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.workspaces import audit

MOST_ON_ONE = 1_000
MOST_A_MINUTE = 30
"""Comments that one person writes or edits; more look like a script that has gone wild."""
_EXCERPT = 140


def about_of(version_id: str | None, datapoint_id: str | None, log_id: str | None) -> About:
    """The thing that exactly one of the ids names.

    Raises:
        Invalid: none or several are given.
    """
    named = ((Subject.VERSION, version_id), (Subject.ROW, datapoint_id), (Subject.LOG, log_id))
    given = [About(subject, thing) for subject, thing in named if thing]
    if len(given) != 1:
        raise Invalid("Give exactly one of version_id, datapoint_id and log_id.")
    return given[0]


def get_comment(session: Session, principal: Principal, comment_id: str) -> Comment:
    """A comment of the principal's workspace.

    Raises:
        NotFound: there is none with this id.
    """
    comment = repository.find_comment(session, principal.workspace_id, comment_id)
    if comment is None:
        raise NotFound("There is no comment with this id.")
    return comment


def create_comment(session: Session, principal: Principal, about: About, text: str) -> Comment:
    """Say something about a thing, and tell those whom it mentions.

    Raises:
        NotFound: the thing is not there.
        Invalid: the text is empty, too long, or names several people by one first name.
        Conflict: the thing has as many comments as it can have.
        TooMany: the principal has written too many just now.
    """
    throttle.spend_try(session, [f"comments of {principal.user_id}"], MOST_A_MINUTE)
    get_place(session, principal, about)
    said = _read(session, principal, text)
    if repository.count_comments(session, principal.workspace_id, about) >= MOST_ON_ONE:
        raise Conflict(f"This has {MOST_ON_ONE:,} comments, and takes no more.")
    if not repository.hold(session, about):
        raise NotFound("It was deleted just now.")
    comment = Comment(
        id=ids.new_id("com"),
        workspace_id=principal.workspace_id,
        body=said.body,
        author_id=principal.user_id,
        author_name=principal.name,
        **{repository.COLUMNS[about.subject].key: about.id},
    )
    session.add(comment)
    session.flush()
    session.refresh(comment)
    repository.set_mentioned(session, comment, said.mentioned)
    return comment


def edit_comment(session: Session, principal: Principal, comment: Comment, text: str) -> None:
    """Put another text in the place of one's own. Who is mentioned now and was not before is told.

    Raises:
        Forbidden: it is somebody else's.
        Invalid, TooMany: as for a new one.
    """
    if not may_edit(principal, comment):
        raise Forbidden("Only who wrote a comment edits it.")
    throttle.spend_try(session, [f"comments of {principal.user_id}"], MOST_A_MINUTE)
    known = repository.list_mentioned(session, [comment.id])[comment.id]
    said = _read(session, principal, text, known=list(known))
    if said.body != comment.body:
        comment.body, comment.edited_at = said.body, clock.now()
        session.flush()
        repository.set_mentioned(session, comment, said.mentioned)


def may_edit(principal: Principal, comment: Comment) -> bool:
    """Whether the comment is the principal's own, and they may still comment."""
    return comment.author_id == principal.user_id and principal.may(Action.JUDGE)


def may_delete(principal: Principal, comment: Comment) -> bool:
    """Whether the comment is the principal's own, or they are an admin."""
    return principal.role is Role.ADMIN or comment.author_id == principal.user_id


def delete_comment(session: Session, principal: Principal, comment: Comment) -> None:
    """Take a comment away; the audit log says that it was there, and not what it said.

    Raises:
        Forbidden: it is somebody else's, and the principal is no admin.
    """
    if not may_delete(principal, comment):
        raise Forbidden("Only who wrote a comment deletes it, or an admin.")
    about = comment.about
    session.delete(comment)
    session.flush()
    audit.record(
        session, principal, "comment.deleted", about.subject, about.id,
        comment=comment.id, author_id=comment.author_id, written=comment.created_at.isoformat(),
    )  # fmt: skip


def _read(session: Session, principal: Principal, text: str, known: Sequence[str] = ()) -> Read:
    text = text.replace("\r\n", "\n").strip()
    if not text or "\x00" in text:
        raise Invalid("Write something first.", fields={"body": "Write something first."})
    if len(text) > MOST_CHARACTERS:
        raise Invalid(f"A comment has up to {MOST_CHARACTERS:,} characters; this has {len(text):,}.")
    people: Sequence[Person] = ()
    if "@" in text:
        people = repository.list_people(session, principal.workspace_id)
    return read(text, people, known)


def list_people(session: Session, principal: Principal, begins: str, limit: int = 8) -> list[Person]:
    """Those who can be mentioned and one of whose names begins so, by name."""
    wanted = begins.strip().lower()
    people = repository.list_people(session, principal.workspace_id)
    return [
        person for person in people
        if person.name.lower().startswith(wanted) or any(word.startswith(wanted) for word in person.name.lower().split())
    ][:limit]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mentioned:
    """A comment that mentions somebody, and where it stands."""

    comment: Comment
    place: Place
    excerpt: str
    read_at: datetime | None

    @property
    def title(self) -> str:
        """Who mentioned them, and where."""
        return f"{self.comment.author_name} mentioned you on {self.place.title}"

    @property
    def url(self) -> str:
        """Where the comment is shown."""
        return self.place.at(self.comment.id)

    @property
    def comment_id(self) -> str:
        return self.comment.id


def list_mentions(
    session: Session, principal: Principal, *, unread: bool = True, offset: int = 0, limit: int = 10
) -> tuple[list[Mentioned], int]:
    """The comments that mention the principal, newest first, and how many there are. What was deleted is not among them."""
    found, total = repository.list_mentions(
        session, principal.workspace_id, principal.user_id, unread=unread, offset=offset, limit=limit
    )
    if not found:
        return [], total
    places = find_places(session, principal, [comment.about for comment, _ in found])
    names = repository.list_mentioned(session, [comment.id for comment, _ in found])
    return [
        Mentioned(comment, places[comment.about], _excerpt(plain(comment.body, names[comment.id])), read_at)
        for comment, read_at in found
        if comment.about in places
    ], total


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else f"{line[: _EXCERPT - 1].rstrip()}…"


def read_mentions(session: Session, principal: Principal, comment_ids: Sequence[str] | None = None) -> int:
    """Note that the principal has read what mentions them, in these comments or in all; how many were new."""
    return repository.mark_read(session, principal.workspace_id, principal.user_id, comment_ids)
