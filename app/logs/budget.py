"""A workspace's budget: what it may spend in a calendar month, when pages warn, and what stops then."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Principal
from app.core.errors import Invalid, OverBudget
from app.logs import spend_repository
from app.logs.models import Budget
from app.providers.meter import Cap, Spent
from app.workspaces import audit

_MOST = Decimal(10**9)
BUDGET = "the workspace's budget"
"""As people call it."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a workspace may spend this month, and what it has spent so far."""

    key: str
    """Names workspace and month to every process."""
    workspace_id: str
    cap: Cap
    spent: Spent


@dataclass(frozen=True, slots=True)
class Standing:
    """How a workspace stands with its budget."""

    month: date
    spent_usd: Decimal
    budget: Budget | None

    @property
    def is_spent(self) -> bool:
        """Whether nothing more may be called."""
        return self.budget is not None and self.spent_usd >= self.budget.monthly_usd

    @property
    def warns(self) -> bool:
        """Whether the budget is nearly spent."""
        warn = self.budget.warn_usd if self.budget else None
        return warn is not None and self.spent_usd >= warn


def this_month() -> date:
    """The first day of the month, in UTC."""
    return clock.now().date().replace(day=1)


def standing(session: Session, workspace_id: str) -> Standing:
    """How a workspace stands with its budget this month."""
    month = this_month()
    budget = spend_repository.find_budget(session, workspace_id)
    return Standing(month, spend_repository.month_spend(session, workspace_id, month), budget)


def allowance(session: Session, workspace_id: str) -> Allowance | None:
    """What may be spent this month; None where no budget is set."""
    budget = spend_repository.find_budget(session, workspace_id)
    if budget is None:
        return None
    month = this_month()
    spent = Spent(spend_repository.month_spend(session, workspace_id, month))
    cap = Cap(usd=budget.monthly_usd, what=f"the workspace's budget for {month:%B}")
    return Allowance(f"{workspace_id}:{month:%Y-%m}", workspace_id, cap, spent)


def refuse_if_spent(session: Session, workspace_id: str) -> None:
    """Stop before anything is started that calls a model.

    Raises:
        OverBudget: this month's budget is spent.
    """
    found = standing(session, workspace_id)
    if found.is_spent and found.budget:
        raise OverBudget(
            f"The workspace's budget for {found.month:%B}, ${found.budget.monthly_usd:,.2f}, is spent."
            " An admin can raise it under Settings, Spend."
        )


def refuse_unpriced(session: Session, workspace_id: str, unpriced: Iterable[str]) -> None:
    """Stop before a model is called whose price nobody knows: a budget would never learn of it.

    Raises:
        Invalid: the workspace has a budget, and there are such models.
    """
    if (names := sorted(set(unpriced))) and allowance(session, workspace_id):
        raise Invalid(no_price(names))


def no_price(models: Iterable[str], limit: str = BUDGET) -> str:
    """What is said where a limit in dollars has to hold, and nobody knows what these models cost."""
    return f"There is no price for {' and '.join(models)}, so that {limit} cannot hold: set one under Settings, Providers."


def set_budget(
    session: Session, principal: Principal, monthly_usd: Decimal | None, warn_usd: Decimal | None
) -> None:
    """Set the budget of a month and from when on to warn; None takes it away.

    Raises:
        Invalid: an amount is none, or the warning comes after the stop.
    """
    budget = spend_repository.find_budget(session, principal.workspace_id)
    if monthly_usd is None:
        if budget:
            session.delete(budget)
    else:
        _check(monthly_usd, warn_usd)
        if budget is None:
            budget = Budget(workspace_id=principal.workspace_id)
            session.add(budget)
        budget.monthly_usd, budget.warn_usd = monthly_usd, warn_usd
    shown = {
        name: None if amount is None else f"{amount:.2f}"
        for name, amount in (("monthly_usd", monthly_usd), ("warn_usd", warn_usd))
    }
    audit.record(session, principal, "budget.changed", "budget", principal.workspace_id, **shown)
    session.flush()


def _check(monthly_usd: Decimal, warn_usd: Decimal | None) -> None:
    problems = {}
    if not monthly_usd.is_finite() or not 0 <= monthly_usd < _MOST:
        problems["monthly_usd"] = "Dollars a month, such as 500."
    if warn_usd is not None and (not warn_usd.is_finite() or not 0 <= warn_usd <= monthly_usd):
        problems["warn_usd"] = "Warn at an amount below the budget."
    if problems:
        raise Invalid(" ".join(problems.values()), fields=problems)
