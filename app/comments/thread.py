"""The comments on one thing, as pages show them; and how many things in a list have."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.comments import repository, service
from app.comments.mentioning import Piece, pieces
from app.comments.models import About, Comment, Subject
from app.comments.places import Place, find_places
from app.core.access import Action, Principal

PAGE = 50


@dataclass(frozen=True, slots=True)
class Said:
    """One comment."""

    comment: Comment
    pieces: Sequence[Piece]
    may_edit: bool
    may_delete: bool


@dataclass(frozen=True, slots=True)
class Thread:
    """A page of the comments on a thing, the oldest first."""

    place: Place
    said: Sequence[Said]
    total: int
    page: int
    pages: int
    may_comment: bool

    @property
    def subject(self) -> Subject:
        """What kind of thing it is about."""
        return self.place.about.subject


def find_thread(session: Session, principal: Principal, subject: str, thing_id: str) -> Thread | None:
    """The newest comments on a thing, for the page of the thing itself; None where there is nothing to comment on. Whoever
    is shown a comment has read that it mentions them."""
    place = find_places(session, principal, [About(Subject(subject), thing_id)])
    return next((build_thread(session, principal, found) for found in place.values()), None)


def build_thread(session: Session, principal: Principal, place: Place, page: int | None = None) -> Thread:
    """A page of the comments at a place: the last, unless another is asked for."""
    total = repository.count_comments(session, principal.workspace_id, place.about)
    pages = max(1, -(-total // PAGE))
    page = min(page or pages, pages)
    found = repository.list_comments(
        session, principal.workspace_id, place.about, offset=(page - 1) * PAGE, limit=PAGE
    ) if total else []  # fmt: skip
    names = repository.list_mentioned(session, [comment.id for comment in found]) if found else {}
    own = [comment_id for comment_id, named in names.items() if principal.user_id in named]
    if own and not principal.key_id:
        service.read_mentions(session, principal, own)
    may_comment = principal.may(Action.JUDGE)
    said = [
        Said(
            comment,
            list(pieces(comment.body, names[comment.id])),
            service.may_edit(principal, comment),
            may_comment and service.may_delete(principal, comment),
        )
        for comment in found
    ]
    return Thread(place, said, total, page, pages, may_comment)


def count_comments(
    session: Session, principal: Principal, subject: str, ids: Collection[str]
) -> Mapping[str, int]:
    """How many comments each of the things of a list has, in one statement; those without any are left out."""
    return repository.count_by_thing(session, principal.workspace_id, Subject(subject), list(ids))
