"""The pages of logs: the list with its filters in the address, and a trace with everything about one of its logs."""

from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Conflict, Invalid, NotFound
from app.core.permissions import Editor, Reader
from app.core.settings import get_settings
from app.files import repository as files
from app.files.models import FileKind
from app.logs import keeping, listing, repository, views
from app.logs.listing import Filters
from app.logs.listing_repository import Place
from app.logs.raw import raw_of
from app.logs.tree import build_tree

router = APIRouter(prefix="/w/{w}", include_in_schema=False)
Word = Annotated[str, Query(max_length=500, pattern=r"^[^\x00]*$")]
_MOST_OFFERED = 500
"""Files and datasets that a list to choose from holds."""
_SPLITS = ("", "train", "validation", "test")


def filters_of(
    file: Word = "", version: Word = "", environment: Word = "", source: Word = "", user: Word = "",
    session: Word = "", q: Word = "", metadata: Word = "", since: Word = "", until: Word = "", state: Word = "",
    slower: Word = "", dearer: Word = "",
) -> Filters:  # fmt: skip
    """The filters in the address."""
    return Filters(file, version, environment, source, user, session, q, metadata, since, until, state, slower, dearer)  # fmt: skip


Asked = Annotated[Filters, Depends(filters_of)]


@router.get("/logs", name="logs:list")
def list_page(
    request: Request, session: SessionDep, principal: Reader, filters: Asked, before: Word = ""
) -> Response:
    """The logs of the workspace, newest first."""
    if (
        "" in request.query_params.values()
    ):  # a form sends its empty fields: they are no part of an address to share
        given = {name: value for name, value in request.query_params.items() if value}
        return RedirectResponse(f"{request.url.path}?{urlencode(given)}".rstrip("?"), 303)
    listed = listing.build_list(session, principal.workspace_id, filters, _place(before))
    offered, _ = files.list_files(
        session, principal.workspace_id, kinds=[FileKind.PROMPT, FileKind.AGENT, FileKind.FLOW, FileKind.TOOL],
        sort_by="path", descending=False, limit=_MOST_OFFERED,
    )  # fmt: skip
    given = filters.given()
    return templating.render(
        request,
        "logs/list.html",
        listed=listed,
        filters=filters,
        query=urlencode(given),
        link=lambda **changed: _query(filters, changed),
        without=lambda name: urlencode(filters.without(name)),
        before=before,
        newest=_written(listed.newest) if listed.newest else "",
        older=_written(listed.older) if listed.older else "",
        files=offered,
        environments=files.list_environments(session, principal.workspace_id),
        public_url=get_settings().public_url,
        views=views.list_views(session, principal),
    )


@router.get("/newer-logs", name="logs:newer")  # below /logs stand ids, which callers choose
def newer_logs(
    request: Request, session: SessionDep, principal: Reader, filters: Asked, after: Word = "", seen: int = 0
) -> Response:
    """How many logs came since the list was shown: the bar above it asks every few seconds, and says how many it has
    told already. Nothing, where that is still so: what is read aloud is what is new."""
    place = _place(after)
    count = listing.count_newer(session, principal.workspace_id, filters, place) if place else 0
    if count == seen:
        return Response(status_code=204)
    query = urlencode(filters.given())
    return templating.render(request, "logs/newer.html", count=count, most=listing.MOST_NEWER, query=query)


@router.get("/kept-logs", name="logs:keep")
def keep_form(
    request: Request,
    session: SessionDep,
    principal: Editor,
    log: Annotated[list[Word] | None, Query()] = None,
) -> Response:
    """Which dataset logs become rows of."""
    return _keep(request, session, principal, Kept(log=log or []))


class Kept(keeping.Row):
    """The form."""


@router.post("/kept-logs")
def keep(request: Request, session: SessionDep, principal: Editor, sent: Annotated[Kept, Form()]) -> Response:
    """Add logs to a dataset, as rows of a new version."""
    try:
        written = keeping.keep(session, principal, sent)
    except (Invalid, Conflict) as error:
        session.rollback()
        return _keep(request, session, principal, sent, error)
    return RedirectResponse(f"/w/{principal.workspace_slug}/datasets/{written.file.id}", 303)


def _keep(
    request: Request,
    session: Session,
    principal: Principal,
    sent: Kept,
    problem: Invalid | Conflict | None = None,
) -> Response:
    found = keeping.find(session, principal, sent.log)
    datasets, _ = files.list_files(
        session, principal.workspace_id, kinds=[FileKind.DATASET], sort_by="path", descending=False,
        limit=_MOST_OFFERED,
    )  # fmt: skip
    fields = problem.fields if isinstance(problem, Invalid) else None
    refused = [refusal for log in found if (refusal := keeping.refusal_of(log))]
    return templating.render(
        request,
        "logs/keep.html",
        status=problem.status if problem else 200,
        logs=found,
        datasets=datasets,
        splits=_SPLITS,
        sent=sent,
        problems=(fields or {"": problem.message}) if problem else {},
        refused=refused,
    )


@router.get("/raw-logs", name="logs:raw")
def raw_log(request: Request, session: SessionDep, principal: Reader, log: Word = "") -> Response:
    """What went to the provider and what came back, for the drawer.

    Raises:
        NotFound: no such log.
    """
    found = repository.find_log(session, principal.workspace_id, log)
    if found is None:
        raise NotFound("There is no log with this id: it may have been deleted, by age or by somebody.")
    return templating.render(request, "logs/raw.html", log=found, raw=raw_of(found))


@router.get("/logs/{log_id:path}", name="logs:log")
def log_page(
    log_id: str,
    request: Request,
    session: SessionDep,
    principal: Reader,
    tab: Literal["", "comments", "attributes", "raw"] = "",
    after: Word = "",
) -> Response:
    """A log in its trace, and everything about it; of what evaluators said, a part that begins after the judgment `after`."""
    tree = build_tree(session, principal.workspace_id, log_id, after)
    raw = raw_of(tree.chosen.log) if tab == "raw" else None
    return templating.render(request, "logs/log.html", tree=tree, tab=tab, raw=raw)


def _query(filters: Filters, changed: dict[str, str]) -> str:
    return urlencode({name: value for name, value in (filters.given() | changed).items() if value})


def _written(place: Place) -> str:
    return f"{place.at.isoformat()}~{place.id}"


def _place(written: str) -> Place | None:
    """A place from the address; None for what is none, which begins with the newest."""
    at, _, log_id = written.partition("~")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return Place(moment, log_id) if log_id and moment.tzinfo else None
