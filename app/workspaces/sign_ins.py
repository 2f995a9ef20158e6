"""Signing in and out, as the audit log of every workspace of the person keeps it. What is typed is not in it."""

from datetime import timedelta

from sqlalchemy.orm import Session

from app.accounts import repository as accounts
from app.accounts.models import User
from app.core import clock
from app.workspaces import audit, audit_repository, repository
from app.workspaces.service import record_of_person

REFUSALS_AN_HOUR = 6
"""Failures are anybody's to make: more of them about one person are counted by the throttle, and not written."""
_REFUSED = "session.refused"


def note_start(session: Session, user: User) -> None:
    """Somebody signed in, by what their account says they last did."""
    record_of_person(session, user, "session.started", by=user.signed_in_by)


def note_end(session: Session, user: User) -> None:
    """Somebody signed out."""
    record_of_person(session, user, "session.ended")


def note_refusal(session: Session, email: str, by: str) -> None:
    """Somebody failed to sign in as the person of this address, if there is one: at most `REFUSALS_AN_HOUR` are noted.

    An address without an account belongs to no workspace, and is not kept.
    """
    user = accounts.find_user_by_email(session, email)
    if user is None:
        return
    since = clock.now() - timedelta(hours=1)
    for membership in repository.list_memberships(session, user.id):
        found = audit_repository.count_about(session, membership.workspace_id, _REFUSED, user.id, since)
        if found < REFUSALS_AN_HOUR:
            last = {"more_within_the_hour": "not written"} if found == REFUSALS_AN_HOUR - 1 else {}
            audit.record_by_stranger(
                session,
                membership.workspace_id,
                _REFUSED,
                "user",
                user.id,
                name=user.full_name,
                by=by,
                **last,
            )
