"""The search over everything in a workspace: a page of its own, and what the palette (Ctrl K) shows of it."""

from fastapi import APIRouter, Request, Response

from app.core import templating
from app.core.database import SessionDep
from app.core.permissions import Reader
from app.home.searching import logs_url, search

router = APIRouter(prefix="/w/{w}", include_in_schema=False)
_ON_A_PAGE = 50


@router.get("/search", name="home:search")
def search_page(request: Request, session: SessionDep, principal: Reader, q: str = "") -> Response:
    """What the words find: files, evaluations, pages and actions."""
    floats = request.headers.get("hx-target") == "palette-results"
    found = search(session, principal, q, **({} if floats else {"most": _ON_A_PAGE}))
    return templating.render(
        request,
        "home/search_results.html" if floats else "home/search.html",
        found=found,
        floats=floats,
        logs_url=logs_url(principal, found.text),
    )
