"""How a route declares the action it needs; one that declares none does not start (`undeclared_routes`)."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session
from starlette.routing import BaseRoute, Mount

from app.core.access import Action, Principal, refusal
from app.core.csrf import same_site_of_session
from app.core.database import SessionDep
from app.core.errors import DomainError, Forbidden


class Authenticator(Protocol):
    """Finds out who is calling; `main` gives the one of `workspaces`."""

    def __call__(self, request: Request, session: Session) -> Principal:
        """The caller, in the workspace that the request is about.

        Raises:
            Unauthenticated: no valid session or key.
            NotFound: the workspace is not one of theirs.
        """
        ...


def permit(action: Action) -> Callable[..., Any]:
    """The dependency that lets only those through who may do `action`, and tells the route who it is."""
    if action is Action.PUBLIC:

        async def public() -> None:  # not worth a thread
            return None

        public.permits = action  # type: ignore[attr-defined]
        return public

    def permitted(
        request: Request, session: SessionDep, _: Annotated[None, Depends(same_site_of_session)]
    ) -> Principal:
        principal: Principal = request.app.state.authenticate(request, session)
        request.state.principal, request.state.session = principal, session
        _refuse_unless(principal, action)
        return principal

    permitted.permits = action  # type: ignore[attr-defined]
    return permitted


def _refuse_unless(principal: Principal, action: Action) -> None:
    if not principal.may(action):
        raise Forbidden(refusal(action))


def admit(request: Request, session: Session, action: Action) -> Principal:
    """The caller of a door that finds out itself who is calling (`declare`).

    Raises:
        Unauthenticated: no valid session or key.
        Forbidden: their role may not do `action`.
    """
    principal: Principal = request.app.state.authenticate(request, session)
    _refuse_unless(principal, action)
    return principal


def api_key_of(request: Request) -> str:
    """The API key that a request came with; empty if it came with none."""
    return request.headers.get("x-api-key", "")


def declare(action: Action) -> Callable[..., Any]:
    """The dependency of a door that finds out itself who is calling, by `admit` or for many at once."""

    async def declared() -> None:  # not worth a thread
        return None

    declared.permits = action  # type: ignore[attr-defined]
    declared.for_many = True  # type: ignore[attr-defined]
    return declared


Public = Depends(permit(Action.PUBLIC))
"""For routes that need no sign-in: `dependencies=[Public]`."""
SignedIn = Annotated[Principal, Depends(permit(Action.SELF))]
Reader = Annotated[Principal, Depends(permit(Action.READ))]
LogWriter = Annotated[Principal, Depends(permit(Action.LOG))]
Runner = Annotated[Principal, Depends(permit(Action.RUN))]
Editor = Annotated[Principal, Depends(permit(Action.EDIT))]
Reviewer = Annotated[Principal, Depends(permit(Action.JUDGE))]
Deployer = Annotated[Principal, Depends(permit(Action.DEPLOY))]
Deleter = Annotated[Principal, Depends(permit(Action.DELETE))]
KeyHolder = Annotated[Principal, Depends(permit(Action.OWN_KEYS))]
Manager = Annotated[Principal, Depends(permit(Action.MANAGE))]
Administrator = Annotated[Principal, Depends(permit(Action.ADMINISTER))]


def still_permitted(request: Request, session: Session, action: Action) -> bool:
    """Whether the caller may still do `action`: asked again by streams, which outlive roles and sessions."""
    try:
        return bool(request.app.state.authenticate(request, session).may(action))
    except DomainError:
        return False


def declared_action(dependant: Dependant) -> Action | None:
    """The action that a route declared, looked for in its whole tree of dependencies."""
    action = getattr(dependant.call, "permits", None)
    if action is not None:
        return Action(action)
    found = (declared_action(child) for child in dependant.dependencies)
    return next((child for child in found if child is not None), None)


def routes_of(app: FastAPI) -> Iterator[tuple[BaseRoute, Action | None]]:
    """Every route of the app, documented or not, with the action it declared."""
    for route in app.routes:
        yield route, declared_action(route.dependant) if isinstance(route, APIRoute) else None


def most_asked_first(app: FastAPI) -> None:
    """Put the doors that are asked all day before the others: the path of a request is tried on one after another."""

    def is_other(route: BaseRoute) -> bool:
        needed = route.dependant.dependencies if isinstance(route, APIRoute) else []
        return not any(hasattr(each.call, "for_many") for each in needed)

    app.router.routes.sort(key=is_other)


def include(app: FastAPI, router: APIRouter) -> None:
    """Add a domain's routes to the app, as they are: flat, so that `routes_of` sees every one of them."""
    app.router.routes.extend(router.routes)


def undeclared_routes(app: FastAPI) -> list[str]:
    """The routes that nobody declared a permission for. Only the static files may be among them."""
    return [
        getattr(route, "path", repr(route))
        for route, action in routes_of(app)
        if action is None and not (isinstance(route, Mount) and route.name == "static")
    ]
