"""The SQL of links that show a report without an account."""

from collections.abc import Collection

from sqlalchemy import Select, delete, func, select, text, update
from sqlalchemy.orm import Session, contains_eager, joinedload

from app.accounts.models import User
from app.evaluations.models import ReportLink
from app.workspaces.models import Membership


def list_links(session: Session, evaluation_id: str) -> list[ReportLink]:
    """The links of an evaluation whose time has not passed, newest first, with their makers."""
    query = _links().where(ReportLink.evaluation_id == evaluation_id, ReportLink.expires_at > func.now())
    return list(session.scalars(query.order_by(ReportLink.id.desc())))


def find_link(session: Session, evaluation_id: str, link_id: str) -> ReportLink | None:
    """A link of an evaluation."""
    return session.scalar(_links().where(ReportLink.evaluation_id == evaluation_id, ReportLink.id == link_id))


def find_usable_link(session: Session, token_hash: str, roles: Collection[str]) -> ReportLink | None:
    """The link that shows something now, with its evaluation: its time has not passed, and its maker, whose account is not
    disabled, has one of these roles."""
    query = _links().where(
        ReportLink.token_hash == token_hash,
        ReportLink.expires_at > func.now(),
        Membership.role.in_(roles),
        User.disabled_at.is_(None),
    )
    return session.scalar(query.options(joinedload(ReportLink.evaluation)))


def note_opened(session: Session, link: ReportLink) -> None:
    """Remember that a link was opened just now, once a minute."""
    minute = func.now() - text("interval '1 minute'")
    session.execute(
        update(ReportLink)
        .where(ReportLink.id == link.id, (ReportLink.last_opened_at > minute).is_not(True))
        .values(last_opened_at=func.now())
        .execution_options(synchronize_session=False)
    )


def delete_expired(session: Session, evaluation_id: str) -> None:
    """Forget the links of an evaluation whose time has passed."""
    session.execute(
        delete(ReportLink).where(
            ReportLink.evaluation_id == evaluation_id, ReportLink.expires_at <= func.now()
        )
    )


def _links() -> Select[ReportLink]:
    return (
        select(ReportLink)
        .join(ReportLink.maker)
        .join(Membership.user)
        .options(contains_eager(ReportLink.maker).contains_eager(Membership.user))
    )
