"""The settings page of limits: of each provider and how it stands now, of the engine, and who sets which."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.core import templating
from app.core.access import Principal
from app.core.broker import AWAY, outage
from app.core.database import SessionDep
from app.core.errors import Invalid, Unavailable
from app.core.health import programs, workers_alive
from app.core.permissions import Manager, Reader
from app.core.settings import get_settings
from app.core.typed import whole
from app.evaluations import run_limits
from app.evaluations.models import MOST_ITEMS
from app.evaluations.run_limits import MOST_CONCURRENCY
from app.evaluations.run_service import MOST_REPEATS
from app.providers import repository, service, standing
from app.providers.client import CALL_DEADLINE_S

router = APIRouter(prefix="/w/{w}/settings", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class EngineLimit:
    """A limit that holds for every workspace of the server."""

    name: str
    value: int
    unit: str = ""
    variable: str = ""
    """What the operator sets it by; empty where it is part of the program."""


@router.get("/limits", name="limits:list")
def limits_page(request: Request, session: SessionDep, principal: Reader) -> Response:
    """How fast models are called, what slows them down now, and who sets it."""
    return _page(request, session, principal)


def _page(
    request: Request,
    session: SessionDep,
    principal: Principal,
    problem: str = "",
    status: int = 200,
    typed: str | None = None,
    refused: str = "",
) -> Response:
    most = run_limits.most_concurrency(session, principal.workspace_id)
    found = repository.list_providers(session, principal.workspace_id)
    standings = standing.standings(found)
    return templating.render(
        request,
        "evaluations/limits.html",
        status=status,
        providers=[
            (provider, now, standing.most_in_flight(provider))
            for provider, now in zip(found, standings, strict=True)
        ],
        known=all(now.known for now in standings),
        busy=any(now.cut or now.in_flight for now in standings),
        usual_deadline_s=CALL_DEADLINE_S,
        slots=get_settings().worker_slots,
        alive=_workers_alive(),
        programs=programs(),
        engine=_engine(),
        problem=problem,
        typed=typed if typed is not None else "" if most == MOST_CONCURRENCY else str(most),
        refused=refused,
        most_concurrency=most,
        engine_concurrency=MOST_CONCURRENCY,
    )


def _workers_alive() -> int | None:
    """None while the broker, which knows, is away."""
    if outage().lasts:
        return None
    try:
        return workers_alive()
    except AWAY as error:
        outage().noticed(error)
        return None


def _engine() -> list[EngineLimit]:
    settings = get_settings()
    return [
        EngineLimit("Worker slots", settings.worker_slots, variable="WHETSTONE_WORKER_SLOTS"),
        EngineLimit("Connections of a process to Postgres", settings.database_pool, variable="WHETSTONE_DATABASE_POOL"),
        EngineLimit("Largest import", settings.upload_limit_mib, "MiB", "WHETSTONE_UPLOAD_LIMIT_MIB"),
        EngineLimit("Largest other request", settings.body_limit_mib, "MiB", "WHETSTONE_BODY_LIMIT_MIB"),
        EngineLimit("Calls at once of a run", MOST_CONCURRENCY),
        EngineLimit("Repeats of a row", MOST_REPEATS),
        EngineLimit("Rows times repeats of a run", MOST_ITEMS),
    ]  # fmt: skip


@router.post("/limits")
def set_limits(
    request: Request,
    session: SessionDep,
    principal: Manager,
    most_concurrency: Annotated[str, Form()] = "",
) -> Response:
    """Set what runs may ask for; what is no number is refused, and must not mean no limit."""
    text = most_concurrency.strip()
    try:
        run_limits.set_most_concurrency(session, principal, (whole(text) or 0) if text else None)
    except Invalid as error:
        return _page(request, session, principal, status=422, typed=most_concurrency, refused=error.message)
    return RedirectResponse(f"/w/{principal.workspace_slug}/settings/limits", 303)


@router.post("/limits/{provider_id}/restore")
def restore_rate(request: Request, session: SessionDep, principal: Manager, provider_id: str) -> Response:
    """Take back at once what a provider's 429s cut."""
    provider = service.get_provider(session, principal, provider_id)
    try:
        standing.restore(session, principal, provider)
    except Unavailable as error:
        session.rollback()
        return _page(request, session, principal, error.message, error.status)
    return RedirectResponse(f"/w/{principal.workspace_slug}/settings/limits", 303)
