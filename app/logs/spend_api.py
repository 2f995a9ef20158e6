"""The routes of what calls cost, and of the budget."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Query
from pydantic import Field

from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.permissions import Manager, Reader
from app.logs import budget, spend_repository

router = APIRouter(prefix="/v5", tags=["Spend"])
Json = dict[str, Any]
Month = Annotated[date | None, Query(description="Any day of the month; this month when left out.")]


class BudgetBody(Body):
    """A budget of a calendar month, in UTC; null takes it away."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"monthly_usd": 100, "warn_usd": 80}

    NULL_SAYS = frozenset({"monthly_usd", "warn_usd"})

    monthly_usd: Decimal | None = Field(description="No model is called any more once this is spent.")
    warn_usd: Decimal | None = None


@router.get("/spend")
def get_spend(session: SessionDep, principal: Reader, month: Month = None) -> Json:
    """What a month's calls cost: by day, by file, by model."""
    first = (month or budget.this_month()).replace(day=1)
    days = spend_repository.list_days(session, principal.workspace_id, first)
    files = spend_repository.list_files_spend(session, principal.workspace_id, first)
    models = spend_repository.list_models_spend(session, principal.workspace_id, first)
    return {
        "month": first,
        "usd": float(spend_repository.month_spend(session, principal.workspace_id, first)),
        "days": [{"day": d.day, "usd": d.usd, "calls": d.logs, "failed": d.failed} for d in days],
        "files": [
            {"file_id": f.key, "path": f.name, "usd": float(f.usd), "calls": f.calls, "failed": f.failed}
            for f in files
        ],
        "models": [
            {"model": m.name, "usd": float(m.usd), "calls": m.calls, "failed": m.failed} for m in models
        ],
    }


@router.get("/budget")
def get_budget(session: SessionDep, principal: Reader) -> Json:
    """The budget, and what of it is spent this month."""
    return _present(budget.standing(session, principal.workspace_id))


@router.patch("/budget")
def change_budget(body: BudgetBody, session: SessionDep, principal: Manager) -> Json:
    """Set the budget of a month, or take it away."""
    budget.set_budget(session, principal, body.monthly_usd, body.warn_usd)
    return _present(budget.standing(session, principal.workspace_id))


def _present(found: budget.Standing) -> Json:
    kept = found.budget
    return {
        "month": found.month,
        "spent_usd": float(found.spent_usd),
        "monthly_usd": float(kept.monthly_usd) if kept else None,
        "warn_usd": float(kept.warn_usd) if kept and kept.warn_usd is not None else None,
        "is_spent": found.is_spent,
    }
