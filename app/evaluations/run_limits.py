"""What a workspace lets its runs ask for. It holds for runs that are started from then on."""

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Invalid
from app.evaluations.models import RunLimits
from app.evaluations.schemas import DEFAULT_CONCURRENCY
from app.workspaces import audit

MOST_CONCURRENCY = 500
"""Calls at once that the engine lets a run ask for."""


def most_concurrency(session: Session, workspace_id: str) -> int:
    """How many calls at once a run of the workspace may ask for."""
    kept = session.get(RunLimits, workspace_id)
    return kept.most_concurrency if kept else MOST_CONCURRENCY


def usual_concurrency(session: Session, workspace_id: str) -> int:
    """How many calls at once a run makes that does not say how many."""
    return min(DEFAULT_CONCURRENCY, most_concurrency(session, workspace_id))


def set_most_concurrency(session: Session, principal: Principal, most: int | None) -> None:
    """Let runs that are started from now on ask for so many calls at once; None is as many as the engine does.

    Raises:
        Invalid: it is out of range.
    """
    if most is not None and not 1 <= most <= MOST_CONCURRENCY:
        text = f"A whole number from 1 to {MOST_CONCURRENCY}, or empty for {MOST_CONCURRENCY}."
        raise Invalid(text, fields={"most_concurrency": text})
    kept = session.get(RunLimits, principal.workspace_id, with_for_update=True)
    before = kept.most_concurrency if kept else None
    if most is not None:
        session.merge(RunLimits(workspace_id=principal.workspace_id, most_concurrency=most))
    elif kept:
        session.delete(kept)
    session.flush()
    audit.record(
        session, principal, "run_limits.changed", "run_limits", principal.workspace_id,
        most_concurrency=most, was=before,
    )  # fmt: skip
