"""The pages of the API's documentation, and the description that they are made from. Signed in, or with a key."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from app.core import templating
from app.core.errors import NotFound
from app.core.permissions import SignedIn
from app.reference.reading import Section, error_meanings, read_sections

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json", name="reference:openapi")
def openapi(request: Request, _: SignedIn) -> Response:
    """The description of the API as OpenAPI 3.1, for tools and generators of clients."""
    return JSONResponse(request.app.openapi())


@router.get("/docs", name="reference:overview")
def overview(request: Request, _: SignedIn, q: str = "") -> Response:
    """What the API can do: every operation, or those with all the words of `q`."""
    schema, sections = request.app.openapi(), _sections(request)
    words = q.lower().split()
    found = [
        (section, operations)
        for section in sections
        if (operations := [each for each in section.operations if each.matches(words)])
    ]
    return templating.render(
        request,
        "reference/overview.html",
        sections=sections,
        found=found,
        q=q,
        info=schema["info"],
        server=schema["servers"][0]["url"],
        failures=error_meanings(sections),
    )


@router.get("/docs/{section}", name="reference:section")
def section(request: Request, section: str, _: SignedIn) -> Response:
    """All that can be done with one kind of thing."""
    sections = _sections(request)
    shown = next((each for each in sections if each.slug == section), None)
    if shown is None:
        raise NotFound("The API has no such section.")
    return templating.render(request, "reference/section.html", sections=sections, section=shown)


def _sections(request: Request) -> tuple[Section, ...]:
    """The sections of this application, read once: the description does not change while it runs."""
    state: Any = request.app.state
    if not hasattr(state, "reference"):
        state.reference = read_sections(request.app.openapi())
    sections: tuple[Section, ...] = state.reference
    return sections
