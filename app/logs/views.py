"""Saved views: names for filters of the page of logs, somebody's own or the workspace's."""

from collections.abc import Mapping
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from app.core import ids
from app.core.access import Principal
from app.core.errors import Conflict, Invalid, NotFound
from app.logs import view_repository
from app.logs.listing import Filters
from app.logs.models import LogView

MOST_OWN, MOST_SHARED = 50, 100
LONGEST_NAME = 80
_LONGEST_FILTER = 500


def list_views(session: Session, principal: Principal) -> list[LogView]:
    """What the principal can choose from, by name."""
    return view_repository.list_views(session, principal.workspace_id, principal.user_id)


def get_view(session: Session, principal: Principal, view_id: str) -> LogView:
    """One that the principal has, or the workspace.

    Raises:
        NotFound: there is none.
    """
    found = view_repository.find_view(session, principal.workspace_id, principal.user_id, view_id)
    if found is None:
        raise NotFound("There is no such view of logs.")
    return found


def save(
    session: Session, principal: Principal, name: str, filters: Mapping[str, str], *, shared: bool
) -> LogView:
    """Give filters a name.

    Raises:
        Invalid: the name is empty or too long, a filter is none, or none is set.
        Conflict: the name is taken, or there are too many.
    """
    view = LogView(
        id=ids.new_id("lv"),
        workspace_id=principal.workspace_id,
        owner_id=None if shared else principal.user_id,
        made_by_id=principal.user_id,
        name=_name(name),
        filters=_filters(filters),
    )
    _refuse_too_many(session, view)
    _refuse_taken(session, view)
    session.add(view)
    session.flush()
    return view


def change(
    session: Session,
    principal: Principal,
    view: LogView,
    *,
    name: str | None = None,
    filters: Mapping[str, str] | None = None,
    shared: bool | None = None,
) -> None:
    """Change what is given.

    Raises:
        Forbidden: a member changes only what they made.
        Invalid, Conflict: as `save`.
    """
    principal.refuse_others_work(view.made_by_id)
    with session.no_autoflush:
        if name is not None:
            view.name = _name(name)
        if filters is not None:
            view.filters = _filters(filters)
        if shared is not None and shared != (view.owner_id is None):
            view.owner_id = None if shared else principal.user_id
            _refuse_too_many(session, view)
        _refuse_taken(session, view)
    session.flush()


def delete(session: Session, principal: Principal, view: LogView) -> None:
    """Take a view away; the logs stay as they are.

    Raises:
        Forbidden: a member deletes only what they made.
    """
    principal.refuse_others_work(view.made_by_id)
    session.delete(view)
    session.flush()


def query_of(view: LogView) -> str:
    """The part of an address that has its filters."""
    return urlencode(view.filters)


def _name(typed: str) -> str:
    name = " ".join(typed.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        said = f"Name the view, in at most {LONGEST_NAME} characters."
        raise Invalid(said, fields={"name": said})
    return name


def _filters(given: Mapping[str, str]) -> dict[str, str]:
    known = Filters.__slots__
    unknown = [name for name in given if name not in known]
    said = ""
    if unknown:
        said = f"“{unknown[0][:40]}” is no filter of logs: these are {', '.join(known)}."
    elif not any(given.values()):
        said = "Set a filter first: a view is a name for filters."
    elif any(len(value) > _LONGEST_FILTER for value in given.values()):
        said = f"A filter has at most {_LONGEST_FILTER} characters."
    if said:
        raise Invalid(said, fields={"filters": said})
    return {name: value for name, value in given.items() if value}


def _refuse_taken(session: Session, view: LogView) -> None:
    if view_repository.is_taken(session, view):
        whose = "The workspace has" if view.owner_id is None else "You have"
        raise Conflict(f"{whose} a view “{view.name}” already: choose another name.")


def _refuse_too_many(session: Session, view: LogView) -> None:
    most = MOST_SHARED if view.owner_id is None else MOST_OWN
    if view_repository.count_views(session, view.workspace_id, view.owner_id) >= most:
        raise Conflict(f"There are {most} such views already: delete one first.")
