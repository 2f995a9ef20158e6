"""Saving filters of the page of logs under a name, and renaming and deleting such views."""

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Conflict, Invalid
from app.core.permissions import Editor
from app.logs import views
from app.logs.models import LogView

router = APIRouter(prefix="/w/{w}/log-views", include_in_schema=False)
Name = Annotated[str, Form(max_length=1_000)]


def _back(principal: Principal, query: str) -> Response:
    return RedirectResponse(f"/w/{principal.workspace_slug}/logs{f'?{query}' if query else ''}", 303)


def _refused(
    request: Request, error: Invalid | Conflict, name: str, query: str = "", view: LogView | None = None, *,
    shared: bool = False,
) -> Response:  # fmt: skip
    return templating.render(
        request,
        "logs/view.html",
        status=error.status,
        name=name,
        query=query,
        shared=shared,
        view=view,
        problem=error.message,
    )


@router.post("", name="logs:save-view")
def save_view(
    request: Request,
    session: SessionDep,
    principal: Editor,
    name: Name = "",
    query: Annotated[str, Form(max_length=10_000)] = "",
    shared: Annotated[str, Form()] = "",
) -> Response:
    """Give the filters of an address a name."""
    is_shared = shared == "1"
    try:
        view = views.save(session, principal, name, dict(parse_qsl(query)), shared=is_shared)
    except (Invalid, Conflict) as error:
        session.rollback()
        return _refused(request, error, name, query, shared=is_shared)
    return _back(principal, views.query_of(view))


@router.post("/{view_id}", name="logs:rename-view")
def rename_view(
    view_id: str, request: Request, session: SessionDep, principal: Editor, name: Name = ""
) -> Response:
    """Give a view another name."""
    view = views.get_view(session, principal, view_id)
    try:
        views.change(session, principal, view, name=name)
    except (Invalid, Conflict) as error:
        session.rollback()
        kept = views.get_view(session, principal, view_id)
        return _refused(request, error, name, view=kept)
    return _back(principal, views.query_of(view))


@router.post("/{view_id}/delete", name="logs:delete-view")
def delete_view(view_id: str, session: SessionDep, principal: Editor) -> Response:
    """Take a view away."""
    views.delete(session, principal, views.get_view(session, principal, view_id))
    return _back(principal, "")
