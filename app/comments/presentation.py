"""Comments, mentions and people, in the shapes of the API."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.comments import repository
from app.comments.mentioning import plain
from app.comments.models import Comment, Subject
from app.comments.places import Place
from app.comments.service import Mentioned
from app.core.settings import get_settings

Json = dict[str, Any]


def present_comments(session: Session, place: Place, comments: Sequence[Comment]) -> list[Json]:
    """The comments on one thing, in the order given, in one statement."""
    names = repository.list_mentioned(session, [comment.id for comment in comments])
    return [_comment(comment, place, names[comment.id]) for comment in comments]


def present_comment(session: Session, place: Place, comment: Comment) -> Json:
    """One comment."""
    return present_comments(session, place, [comment])[0]


def present_mentions(session: Session, mentions: Sequence[Mentioned]) -> list[Json]:
    """Comments that mention somebody, each with when they read it."""
    names = repository.list_mentioned(session, [one.comment_id for one in mentions])
    return [
        _comment(one.comment, one.place, names[one.comment_id]) | {"read_at": one.read_at} for one in mentions
    ]


def _comment(comment: Comment, place: Place, names: dict[str, str]) -> Json:
    about = place.about
    return {
        "id": comment.id,
        "about": about.subject,
        "version_id": about.id if about.subject is Subject.VERSION else None,
        "datapoint_id": about.id if about.subject is Subject.ROW else None,
        "log_id": about.id if about.subject is Subject.LOG else None,
        "title": place.title,
        "body": plain(comment.body, names),
        "mentions": [{"id": user_id, "full_name": name} for user_id, name in names.items()],
        "author": {"id": comment.author_id, "full_name": comment.author_name},
        "created_at": comment.created_at,
        "edited_at": comment.edited_at,
        "url": f"{get_settings().public_url}{place.at(comment.id)}",
    }
