"""The routes of retention: how long a workspace keeps what its logs hold."""

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter
from fastapi import Body as WholeBody
from pydantic import Field

from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.permissions import Administrator, Reader
from app.logs import retention
from app.logs.models import Retention

router = APIRouter(prefix="/v5/retention", tags=["Retention"])
Json = dict[str, Any]


class RetentionBody(Body):
    """How long logs are kept, in days; null, or left out, keeps them for good."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"payload_days": 90, "log_days": None}

    NULL_SAYS = frozenset({"payload_days", "log_days"})

    payload_days: int | None = Field(
        None, description="After so many days, inputs, messages and outputs are cleared; the rest stays."
    )
    log_days: int | None = Field(
        None, description="After so many days, logs are deleted with their judgments."
    )


@router.get("")
def get_retention(session: SessionDep, principal: Reader) -> Json:
    """How long logs are kept. Logs of a run are kept as long as the run is there."""
    return _present(retention.find(session, principal.workspace_id))


@router.put("")
def set_retention(
    body: Annotated[RetentionBody, WholeBody(default_factory=RetentionBody)],
    session: SessionDep,
    principal: Administrator,
) -> Json:
    """Set how long logs are kept. What is older is cleared or deleted soon after, for good."""
    return _present(retention.set_retention(session, principal, body.payload_days, body.log_days))


def _present(kept: Retention | None) -> Json:
    return {
        "payload_days": kept.payload_days if kept else None,
        "log_days": kept.log_days if kept else None,
        "applied_at": kept.applied_at if kept else None,
    }
