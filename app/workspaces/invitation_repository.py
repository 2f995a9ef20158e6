"""The SQL of invitations."""

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session, joinedload

from app.workspaces.models import Invitation

_IS_OPEN = (Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))


def list_open_invitations(session: Session, workspace_id: str) -> list[Invitation]:
    """What was neither taken up nor revoked, newest first."""
    query = _open().where(Invitation.workspace_id == workspace_id)
    return list(session.scalars(query.order_by(Invitation.id.desc())))


def find_open_invitation(session: Session, workspace_id: str, invitation_id: str) -> Invitation | None:
    """An open invitation of this workspace, whether or not its time has passed."""
    return session.scalar(
        _open().where(Invitation.workspace_id == workspace_id, Invitation.id == invitation_id)
    )


def find_usable_invitation(session: Session, token_hash: str) -> Invitation | None:
    """The invitation of a link, if it could be used now, with its workspace."""
    return session.scalar(
        _open()
        .where(Invitation.token_hash == token_hash, Invitation.expires_at > func.now())
        .options(joinedload(Invitation.workspace))
    )


def use_invitation(session: Session, token_hash: str) -> Invitation | None:
    """Mark the invitation accepted and return it with its workspace; None when it cannot be used.

    One conditional statement: of two requests with the same link only one wins.
    """
    used = session.scalar(
        update(Invitation)
        .where(Invitation.token_hash == token_hash, *_IS_OPEN, Invitation.expires_at > func.now())
        .values(accepted_at=func.now())
        .returning(Invitation.id)
    )
    query = select(Invitation).where(Invitation.id == used).options(joinedload(Invitation.workspace))
    return session.scalar(query) if used else None


def use_invitations_of(session: Session, email: str) -> list[Invitation]:
    """Mark accepted what an address is invited by and could use now; each with its workspace, the oldest first."""
    used = session.scalars(
        update(Invitation)
        .where(Invitation.email == email, *_IS_OPEN, Invitation.expires_at > func.now())
        .values(accepted_at=func.now())
        .returning(Invitation.id)
    ).all()
    query = select(Invitation).where(Invitation.id.in_(used)).options(joinedload(Invitation.workspace))
    return list(session.scalars(query.order_by(Invitation.id)))


def revoke_invitations_of(session: Session, workspace_id: str, email: str) -> None:
    """Take back what this address was invited by."""
    session.execute(
        update(Invitation)
        .where(Invitation.workspace_id == workspace_id, Invitation.email == email, *_IS_OPEN)
        .values(revoked_at=func.now())
    )


def revoke_invitations_by(session: Session, user_id: str, workspace_id: str | None = None) -> None:
    """Take back what somebody invited others by who may invite nobody any more: to the workspace, or to all of them."""
    where = [] if workspace_id is None else [Invitation.workspace_id == workspace_id]
    session.execute(
        update(Invitation)
        .where(Invitation.invited_by == user_id, *where, *_IS_OPEN)
        .values(revoked_at=func.now())
    )


def _open() -> Select[Invitation]:
    return select(Invitation).where(*_IS_OPEN)
