"""The v5 routes of saved views of the page of logs."""

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Response
from fastapi import Body as WholeBody
from pydantic import Field

from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.permissions import Editor, Reader
from app.logs import views
from app.logs.models import LogView

router = APIRouter(prefix="/v5/log-views", tags=["Logs"])
Json = dict[str, Any]
_FILTERS = (
    "As in the address of the page of logs: `file` (an id), `version` (a number), `environment`, `source`, `user`, `session`, `q`,"
    " `metadata`, `since`, `until`, `state` (`error`, `failed`), `slower` (seconds), `dearer` (US dollars)."
)


class ViewSaved(Body):
    """A name for filters."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "name": "Production errors",
        "filters": {"environment": "production", "state": "error"},
        "shared": True,
    }

    name: str = Field(max_length=1_000)
    filters: dict[str, str] = Field(description=_FILTERS)
    shared: bool = Field(False, description="Whether everybody of the workspace has it.")


class ViewChanged(Body):
    """What changes of a view."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"name": "Errors in production"}

    name: str | None = Field(None, max_length=1_000)
    filters: dict[str, str] | None = Field(None, description=_FILTERS)
    shared: bool | None = Field(None, description="Whether everybody of the workspace has it.")


@router.get("")
def list_log_views(session: SessionDep, principal: Reader) -> Json:
    """The workspace's views of logs, and those of the key's maker, by name."""
    return {"records": [_present(view) for view in views.list_views(session, principal)]}


@router.post("", status_code=201)
def save_log_view(body: ViewSaved, session: SessionDep, principal: Editor) -> Json:
    """Give filters a name: of the key's maker, or of the workspace. 409 where the name is taken."""
    return _present(views.save(session, principal, body.name, body.filters, shared=body.shared))


@router.patch("/{view_id}")
def change_log_view(
    view_id: str,
    body: Annotated[ViewChanged, WholeBody(default_factory=ViewChanged)],
    session: SessionDep,
    principal: Editor,
) -> Json:
    """Change a view's name, its filters, or whose it is. Members change only what they made."""
    view = views.get_view(session, principal, view_id)
    views.change(session, principal, view, name=body.name, filters=body.filters, shared=body.shared)
    return _present(view)


@router.delete("/{view_id}", status_code=204)
def delete_log_view(view_id: str, session: SessionDep, principal: Editor) -> Response:
    """Take a view away; the logs stay. Members delete only what they made."""
    views.delete(session, principal, views.get_view(session, principal, view_id))
    return Response(status_code=204)


def _present(view: LogView) -> Json:
    return {
        "id": view.id,
        "name": view.name,
        "filters": view.filters,
        "shared": view.owner_id is None,
        "created_at": view.created_at,
    }
