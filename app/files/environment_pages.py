"""The settings page of environments: what runs where, and who may change that."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from app.core import templating
from app.core.access import ALLOWED, Action, Principal, Role
from app.core.database import SessionDep
from app.core.errors import DomainError
from app.core.permissions import Manager, Reader
from app.files import approvers, deployments, environment_repository, repository
from app.files.models import Environment, File, Version
from app.files.sidebar import ICONS, PAGES
from app.workspaces import members

router = APIRouter(prefix="/w/{w}/settings/environments", include_in_schema=False)
_LATEST = 10


@router.get("", name="files:environments")
def environments_page(request: Request, session: SessionDep, principal: Reader) -> Response:
    """What runs where, since when, and who may change it."""
    return _environments(request, session, principal)


def _environments(
    request: Request, session: Session, principal: Principal, problem: str = "", status: int = 200
) -> Response:
    environments = repository.list_environments(session, principal.workspace_id)
    running: dict[str, list[tuple[File, Version]]] = {each.id: [] for each in environments}
    for environment_id, file, version in environment_repository.list_running(session, principal.workspace_id):
        running[environment_id].append((file, version))
    return templating.render(
        request,
        "files/environments.html",
        status=status,
        environments=environments,
        running=running,
        approvers=approvers.approvers_of(session, environments),
        latest=environment_repository.latest_deployments(session, principal.workspace_id, _LATEST),
        icons=ICONS,
        pages=PAGES,
        problem=problem,
    )


@router.get("/new", name="files:new-environment")
def new_page(request: Request, _: Manager) -> Response:
    """The question what to call it."""
    return templating.render(request, "files/new_environment.html", name="", problem="")


@router.post("/new")
def create(
    request: Request,
    session: SessionDep,
    principal: Manager,
    name: Annotated[str, Form()] = "",
    protected: Annotated[bool, Form()] = False,
) -> Response:
    """Make an environment."""
    try:
        with session.begin_nested():
            deployments.create_environment(session, principal, name=name, protected=protected)
    except DomainError as error:
        return templating.render(
            request, "files/new_environment.html", status=error.status, name=name, problem=error.message
        )
    return _back(principal)


@router.get("/{environment_id}", name="files:environment")
def environment_page(
    request: Request, session: SessionDep, principal: Manager, environment_id: str
) -> Response:
    """What can be changed about one environment."""
    environment = deployments.get_environment(session, principal, environment_id)
    return _environment(request, session, principal, environment)


def _environment(
    request: Request,
    session: Session,
    principal: Principal,
    environment: Environment,
    problem: str = "",
    status: int = 200,
) -> Response:
    developers = [
        each.user
        for each in members.list_members(session, principal)
        if Role(each.role) in ALLOWED[Action.DEPLOY] and each.role != Role.ADMIN
    ]
    return templating.render(
        request,
        "files/environment.html",
        status=status,
        environment=environment,
        developers=developers,
        named={user.id for user in approvers.approvers_of(session, [environment])[environment.id]},
        count=environment_repository.count_running(session, environment.id),
        problem=problem,
    )


@router.post("/{environment_id}")
def change(
    request: Request,
    session: SessionDep,
    principal: Manager,
    environment_id: str,
    name: Annotated[str, Form()] = "",
    protected: Annotated[bool, Form()] = False,
    default: Annotated[bool, Form()] = False,
    named: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Rename it, protect it and name who deploys there, make it the default."""
    environment = deployments.get_environment(session, principal, environment_id)

    def save() -> None:
        tag = "default" if default else None
        deployments.change_environment(
            session, principal, environment, name=name, protected=protected, tag=tag
        )
        approvers.name_approvers(session, principal, environment, named or [])

    return _try(request, session, principal, environment, save)


@router.post("/{environment_id}/protection")
def set_protection(
    session: SessionDep,
    principal: Manager,
    environment_id: str,
    protected: Annotated[bool, Form()] = False,
) -> Response:
    """Protect an environment, or open it."""
    environment = deployments.get_environment(session, principal, environment_id)
    deployments.change_environment(session, principal, environment, protected=protected)
    return _back(principal)


@router.post("/{environment_id}/delete")
def delete(request: Request, session: SessionDep, principal: Manager, environment_id: str) -> Response:
    """Delete an environment in which nothing runs."""
    environment = deployments.get_environment(session, principal, environment_id)
    return _try(
        request,
        session,
        principal,
        environment,
        lambda: deployments.delete_environment(session, principal, environment),
    )


def _try(
    request: Request,
    session: Session,
    principal: Principal,
    environment: Environment,
    act: Callable[[], None],
) -> Response:
    """Do it and go back to the list, or ask again with what is in the way."""
    try:
        with session.begin_nested():
            act()
    except DomainError as error:
        return _environment(request, session, principal, environment, error.message, error.status)
    return _back(principal)


def _back(principal: Principal) -> Response:
    return RedirectResponse(f"/w/{principal.workspace_slug}/settings/environments", 303)
