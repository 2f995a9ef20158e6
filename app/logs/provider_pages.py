"""The settings page of providers: what can be called, whether it answered last time, and what it cost this month."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import DomainError, NotFound
from app.core.permissions import Manager, Reader
from app.logs import budget, spend_repository
from app.providers import own_prices, repository, service
from app.providers.models import Provider
from app.providers.presets import PRESETS
from app.providers.service import ProviderChange, Tested

router = APIRouter(prefix="/w/{w}/settings", include_in_schema=False)


class ProviderForm(BaseModel):
    """The form of a provider. Empty limits mean none; an empty key keeps the stored one."""

    name: str = ""
    preset: str = ""
    base_url: str = ""
    api_key: str = ""
    requests_per_minute: str = ""
    tokens_per_minute: str = ""
    concurrency: str = ""
    deadline_s: str = ""
    prices: str = ""

    def change(self) -> ProviderChange:
        """What to write.

        Raises:
            ValueError: a limit is not a whole number.
        """
        given = {name: int(text) for name in service.LIMITS if (text := getattr(self, name).strip())}
        return ProviderChange(
            name=self.name or self.preset,
            preset=self.preset,
            base_url=self.base_url.strip() or None,
            api_key=self.api_key.strip() or None,
            prices=own_prices.read_lines(self.prices),
            clear=frozenset(service.LIMITS) - given.keys(),
            **given,
        )


@router.get("")
def settings_page(principal: Reader) -> Response:
    """The first of the settings."""
    return RedirectResponse(f"/w/{principal.workspace_slug}/settings/members", 303)


@router.get("/providers", name="providers:list")
def providers_page(request: Request, session: SessionDep, principal: Reader) -> Response:
    """Which models can be called, and by whose key."""
    return _page(request, session, principal)


def _page(
    request: Request,
    session: SessionDep,
    principal: Principal,
    *,
    form: ProviderForm | None = None,
    editing: Provider | None = None,
    problem: str | None = None,
    tested: tuple[str, Tested] | None = None,
    gone: str = "",
    status: int = 200,
) -> Response:
    found = repository.list_providers(session, principal.workspace_id)
    month = budget.this_month()
    spent = spend_repository.list_providers_spend(session, principal.workspace_id, month)
    return templating.render(
        request,
        "logs/providers.html",
        status=status,
        providers=found,
        form=form or ProviderForm(),
        presets=PRESETS,
        editing=editing,
        problem=problem,
        tested=tested,
        gone=gone,
        month=month,
        spent={each.name: each for each in spent},
    )


@router.post("/providers")
def add_provider(
    request: Request, session: SessionDep, principal: Manager, form: Annotated[ProviderForm, Form()]
) -> Response:
    """Add a provider."""
    try:
        with session.begin_nested():
            service.create_provider(session, principal, form.change())
    except (DomainError, ValueError) as error:
        return _page(request, session, principal, form=form, problem=_said(error), status=422)
    return _back(principal)


def _said(error: Exception) -> str:
    return (
        error.message if isinstance(error, DomainError) else "A limit is a whole number, or empty for none."
    )


def _back(principal: Principal) -> Response:
    return RedirectResponse(f"/w/{principal.workspace_slug}/settings/providers", 303)


@router.get("/providers/{provider_id}", name="providers:edit")
def edit_page(request: Request, session: SessionDep, principal: Manager, provider_id: str) -> Response:
    """The form with a provider's settings; its key stays unseen."""
    provider = service.get_provider(session, principal, provider_id)
    shown = {
        name: str(getattr(provider, name) or "")
        for name in ProviderForm.model_fields
        if name not in ("api_key", "prices")
    }
    shown["prices"] = own_prices.as_lines(provider.prices)
    return _page(request, session, principal, form=ProviderForm(**shown), editing=provider)


@router.post("/providers/{provider_id}")
def change_provider(
    request: Request,
    session: SessionDep,
    principal: Manager,
    provider_id: str,
    form: Annotated[ProviderForm, Form()],
) -> Response:
    """Change a provider."""
    provider = service.get_provider(session, principal, provider_id)
    try:
        with session.begin_nested():
            service.change_provider(session, principal, provider, form.change())
    except (DomainError, ValueError) as error:
        return _page(
            request, session, principal, form=form, editing=provider, problem=_said(error), status=422
        )
    return _back(principal)


@router.post("/providers/{provider_id}/delete")
def delete_provider(session: SessionDep, principal: Manager, provider_id: str) -> Response:
    """Delete a provider and its key."""
    service.delete_provider(session, principal, service.get_provider(session, principal, provider_id))
    return _back(principal)


@router.post("/providers/{provider_id}/test")
def test_provider(request: Request, session: SessionDep, principal: Manager, provider_id: str) -> Response:
    """Ask the provider for its models, and show its own words when it refuses."""
    provider = service.get_provider(session, principal, provider_id)
    try:
        tested = service.test_provider(session, provider)
    except NotFound as error:
        return _page(request, session, principal, gone=error.message, status=error.status)
    return _page(request, session, principal, tested=(provider_id, tested))
