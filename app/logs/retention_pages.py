"""The settings page of how long logs are kept."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Invalid
from app.core.permissions import Administrator, Reader
from app.core.typed import whole
from app.logs import deleting, retention

router = APIRouter(prefix="/w/{w}/settings", include_in_schema=False)


class RetentionForm(BaseModel):
    """The form of a retention; empty keeps for good."""

    payload_days: str = ""
    log_days: str = ""


@router.get("/retention", name="logs:retention")
def retention_page(request: Request, session: SessionDep, principal: Reader) -> Response:
    """How long logs are kept."""
    return _page(request, session, principal)


def _page(
    request: Request,
    session: Session,
    principal: Principal,
    form: RetentionForm | None = None,
    problem: Invalid | None = None,
    done: deleting.UserDeleted | None = None,
) -> Response:
    kept = retention.find(session, principal.workspace_id)
    if form is None:
        days = (kept.payload_days, kept.log_days) if kept else (None, None)
        form = RetentionForm(payload_days=str(days[0] or ""), log_days=str(days[1] or ""))
    return templating.render(
        request,
        "logs/retention.html",
        status=422 if problem else 200,
        kept=kept,
        form=form,
        done=done,
        problems=(problem.fields or {"": problem.message}) if problem else {},
    )


@router.post("/retention")
def set_retention(
    request: Request, session: SessionDep, principal: Administrator, form: Annotated[RetentionForm, Form()]
) -> Response:
    """Set how long logs are kept."""
    try:
        retention.set_retention(session, principal, _days(form.payload_days), _days(form.log_days))
    except Invalid as error:
        return _page(request, session, principal, form, error)
    return RedirectResponse(f"/w/{principal.workspace_slug}/settings/retention", 303)


@router.post("/retention/user")
def delete_of_user(
    request: Request, session: SessionDep, principal: Administrator, user: Annotated[str, Form()] = ""
) -> Response:
    """Delete an end user's logs, and say how many there were."""
    try:
        done = deleting.delete_logs_of_user(session, principal, user.strip())
    except Invalid as error:
        return _page(request, session, principal, problem=error)
    return _page(request, session, principal, done=done)


def _days(text: str) -> int | None:
    """What was typed; 0, which is refused, for what is no number: it must not mean for good."""
    return whole(text.strip()) or 0 if text.strip() else None
