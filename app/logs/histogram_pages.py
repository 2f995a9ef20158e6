"""Logs over time: a part of the page of logs, which asks for it when it is there, and a page where there is no script."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from app.core import templating
from app.core.database import SessionDep
from app.core.permissions import Reader
from app.logs.histogram import build_histogram
from app.logs.histogram_chart import draw
from app.logs.log_pages import Asked

router = APIRouter(prefix="/w/{w}", include_in_schema=False)


@router.get("/log-histogram", name="logs:histogram")  # below /logs stand ids, which callers choose
def histogram(request: Request, session: SessionDep, principal: Reader, filters: Asked) -> Response:
    """The logs that the filters mean, over time."""
    found = build_histogram(session, principal.workspace_id, filters)
    kept = {name: value for name, value in filters.given().items() if name not in ("since", "until")}
    is_part = "hx-request" in request.headers
    return templating.render(
        request,
        "logs/histogram.html" if is_part else "logs/over_time.html",
        found=found,
        chart=draw(found),
        timed=bool(filters.since or filters.until),
        without_time=urlencode(kept),
        link=lambda part: urlencode({**kept, **part.address}),
    )
