"""The routes of what a workspace lets its runs ask for."""

from typing import Any, ClassVar

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy.orm import Session

from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.permissions import Manager, Reader
from app.evaluations import run_limits

router = APIRouter(prefix="/v5/run-limits", tags=["Evaluations"])
Json = dict[str, Any]


class RunLimitsBody(Body):
    """What runs that are started from now on may ask for; null is as much as the engine does."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"most_concurrency": 50}

    NULL_SAYS = frozenset({"most_concurrency"})

    most_concurrency: int | None = Field(description="Calls at once of one run.")


@router.get("")
def get_run_limits(session: SessionDep, principal: Reader) -> Json:
    """How many calls at once a run may ask for, and makes where it does not ask."""
    return _present(session, principal.workspace_id)


@router.put("")
def set_run_limits(body: RunLimitsBody, session: SessionDep, principal: Manager) -> Json:
    """Set what runs may ask for."""
    run_limits.set_most_concurrency(session, principal, body.most_concurrency)
    return _present(session, principal.workspace_id)


def _present(session: Session, workspace_id: str) -> Json:
    return {
        "most_concurrency": run_limits.most_concurrency(session, workspace_id),
        "usual_concurrency": run_limits.usual_concurrency(session, workspace_id),
    }
