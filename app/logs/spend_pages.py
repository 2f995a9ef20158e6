"""The settings page of what calls cost, and of the budget."""

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.core import templating
from app.core.access import Principal
from app.core.clock import LAST_MOMENT
from app.core.database import SessionDep
from app.core.errors import Invalid
from app.core.permissions import Manager, Reader
from app.files.sidebar import file_url
from app.logs import budget, spend_repository

router = APIRouter(prefix="/w/{w}/settings", include_in_schema=False)


class BudgetForm(BaseModel):
    """The form of a budget; empty means none."""

    monthly_usd: str = ""
    warn_usd: str = ""


@router.get("/spend", name="logs:spend")
def spend_page(request: Request, session: SessionDep, principal: Reader, month: str = "") -> Response:
    """What was spent, on what, and what may be."""
    return _page(request, session, principal, _first_of(month))


def _first_of(month: str) -> date:
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        first = date.min
    return first if date(1970, 1, 1) <= first < LAST_MOMENT.date() else budget.this_month()


def _page(
    request: Request,
    session: Session,
    principal: Principal,
    month: date,
    form: BudgetForm | None = None,
    problem: str = "",
) -> Response:
    standing = budget.standing(session, principal.workspace_id)
    files = spend_repository.list_files_spend(session, principal.workspace_id, month)
    return templating.render(
        request,
        "logs/spend.html",
        status=422 if problem else 200,
        month=month,
        before=(month - timedelta(days=1)).replace(day=1),
        after=(month + timedelta(days=32)).replace(day=1) if month < standing.month else None,
        total=spend_repository.month_spend(session, principal.workspace_id, month),
        days=spend_repository.list_days(session, principal.workspace_id, month),
        files=[
            (each, file_url(principal.workspace_slug, each.kind, each.key) if each.kind else "")
            for each in files
        ],
        providers=spend_repository.list_providers_spend(session, principal.workspace_id, month),
        models=spend_repository.list_models_spend(session, principal.workspace_id, month),
        standing=standing,
        form=form or _form_of(standing),
        problem=problem,
    )


def _form_of(standing: budget.Standing) -> BudgetForm:
    kept = standing.budget
    if kept is None:
        return BudgetForm()
    return BudgetForm(
        monthly_usd=f"{kept.monthly_usd:.2f}",
        warn_usd="" if kept.warn_usd is None else f"{kept.warn_usd:.2f}",
    )


@router.post("/spend")
def change_budget(
    request: Request, session: SessionDep, principal: Manager, form: Annotated[BudgetForm, Form()]
) -> Response:
    """Set the budget, or take it away."""
    try:
        budget.set_budget(session, principal, _dollars(form.monthly_usd), _dollars(form.warn_usd))
    except Invalid as error:
        return _page(request, session, principal, budget.this_month(), form, error.message)
    return RedirectResponse(f"/w/{principal.workspace_slug}/settings/spend", 303)


def _dollars(text: str) -> Decimal | None:
    text = text.strip().removeprefix("$").replace(",", "")
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        return Decimal("NaN")  # refused with the field's own words
