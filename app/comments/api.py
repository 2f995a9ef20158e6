"""The v5 routes of comments and mentions."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query

from app.comments import presentation, repository, service
from app.comments.places import get_place
from app.comments.schemas import CommentCreate, CommentUpdate, MentionsRead
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.pagination import Page, PageNumber, PageSize
from app.core.permissions import Reader, Reviewer
from app.logs import own_ids

router = APIRouter(prefix="/v5", tags=["Comments"])
Json = dict[str, Any]
_Id = Annotated[str | None, Query(max_length=2_000, pattern=r"^[^\x00]*$")]


def _stored(session: SessionDep, principal: Principal, log_id: str | None) -> str | None:
    return own_ids.find_one(session, principal.workspace_id, log_id) if log_id else None


@router.post("/comments", status_code=201)
def create_comment(body: CommentCreate, session: SessionDep, principal: Reviewer) -> Json:
    """Say something about a version, a row or a log, as the key's maker. Those whom it mentions find it on their home page."""
    log_id = _stored(session, principal, body.log_id)
    about = service.about_of(body.version_id, body.datapoint_id, log_id)
    comment = service.create_comment(session, principal, about, body.body)
    return presentation.present_comment(session, get_place(session, principal, about), comment)


@router.get("/comments")
def list_comments(
    session: SessionDep,
    principal: Reader,
    version_id: _Id = None,
    datapoint_id: _Id = None,
    log_id: _Id = None,
    page: PageNumber = 1,
    size: PageSize = 10,
) -> Page[Json]:
    """The comments on one thing, the oldest first. Give exactly one of `version_id`, `datapoint_id` and `log_id`."""
    about = service.about_of(version_id, datapoint_id, _stored(session, principal, log_id))
    place = get_place(session, principal, about)
    total = repository.count_comments(session, principal.workspace_id, place.about)
    found = repository.list_comments(
        session, principal.workspace_id, place.about, offset=(page - 1) * size, limit=size
    )
    records = presentation.present_comments(session, place, found)
    return Page(records=records, page=page, size=size, total=total)


@router.patch("/comments/{comment_id}")
def update_comment(comment_id: str, body: CommentUpdate, session: SessionDep, principal: Reviewer) -> Json:
    """Put another text in the place of what the key's maker said."""
    comment = service.get_comment(session, principal, comment_id)
    place = get_place(session, principal, comment.about)
    service.edit_comment(session, principal, comment, body.body)
    return presentation.present_comment(session, place, comment)


@router.delete("/comments/{comment_id}", status_code=204)
def delete_comment(comment_id: str, session: SessionDep, principal: Reviewer) -> None:
    """Take a comment away: one's own, or, as an admin, anybody's."""
    service.delete_comment(session, principal, service.get_comment(session, principal, comment_id))


@router.get("/mentions")
def list_mentions(
    session: SessionDep,
    principal: Reader,
    unread: Annotated[bool, Query(description="Only those that were not read yet.")] = False,
    page: PageNumber = 1,
    size: PageSize = 10,
) -> Page[Json]:
    """The comments that mention the key's maker, newest first. They count as read once their maker has opened the page that
    they stand on, or says so; asking for them here reads nothing."""
    found, total = service.list_mentions(
        session, principal, unread=unread, offset=(page - 1) * size, limit=size
    )
    records = presentation.present_mentions(session, found)
    return Page(records=records, page=page, size=size, total=total)


@router.post("/mentions/read")
def read_mentions(
    body: Annotated[MentionsRead, Body(default_factory=MentionsRead)], session: SessionDep, principal: Reader
) -> Json:
    """Say that the key's maker has read mentions. `read` is how many of them were new."""
    return {"read": service.read_mentions(session, principal, body.comment_ids)}


@router.get("/mentionable-people")
def list_mentionable_people(
    session: SessionDep,
    principal: Reader,
    name: Annotated[
        str,
        Query(max_length=200, pattern=r"^[^\x00]*$", description="How one of their names begins."),
    ] = "",
) -> Json:
    """Whom a comment can mention: the first hundred by name."""
    found = service.list_people(session, principal, name, limit=100)
    return {"records": [{"id": person.id, "full_name": person.name} for person in found]}
