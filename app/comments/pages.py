"""The pages of comments: those on one thing, writing and editing one, and what mentions whoever asks."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from app.comments import repository, service
from app.comments.mentioning import written
from app.comments.models import About, Comment, Subject
from app.comments.places import Place, get_place
from app.comments.thread import build_thread
from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Conflict, Invalid, NotFound, TooMany
from app.core.pagination import PageNumber
from app.core.permissions import Reader, Reviewer
from app.workspaces.signin_pages import inside

router = APIRouter(prefix="/w/{w}", include_in_schema=False)
Words = Annotated[str, Query(max_length=2_000, pattern=r"^[^\x00]*$")]
_MENTIONS = 30


@router.get("/comments", name="comments:thread")
def thread_page(
    on: Subject,
    request: Request,
    session: SessionDep,
    principal: Reader,
    thing: Annotated[Words, Query(alias="id")],
    page: Annotated[int | None, Query(ge=1, le=1_000)] = None,
) -> Response:
    """All comments on one thing."""
    place = get_place(session, principal, About(on, thing))
    return templating.render(
        request,
        "comments/page.html",
        thread=build_thread(session, principal, place, page),
        body="",
        problem="",
        back="",
    )


@router.post("/comments", name="comments:create")
def create_comment(
    request: Request,
    session: SessionDep,
    principal: Reviewer,
    on: Annotated[Subject, Form()],
    thing: Annotated[str, Form(alias="id", max_length=2_000)],
    body: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "",
) -> Response:
    """Say something. In a page that is open, the comments take the place of those that stood there; else, the way is back
    to where it was said."""
    about = About(on, thing)
    try:
        place = get_place(session, principal, about)
    except NotFound as error:
        return _unsaid(request, body, error)
    problem, comment, status = "", None, 200
    try:
        comment = service.create_comment(session, principal, about, body)
    except (Invalid, Conflict, TooMany) as error:
        problem, status = error.message, error.status
    in_place = "hx-request" in request.headers
    if comment and not in_place:
        return RedirectResponse(f"{_back(principal, back, place)}#comment-{comment.id}", 303)
    return templating.render(
        request,
        "comments/thread.html" if in_place else "comments/page.html",
        status=status,
        thread=build_thread(session, principal, place),
        body="" if comment else body,
        problem=problem,
        back=_back(principal, back, place),
        level="h3",
    )


@router.get("/comments/{comment_id}", name="comments:edit")
def edit_page(
    comment_id: str, request: Request, session: SessionDep, principal: Reader, back: Words = ""
) -> Response:
    """The form in which its author edits a comment; everybody else is led to where it stands."""
    comment = service.get_comment(session, principal, comment_id)
    place = get_place(session, principal, comment.about)
    if not service.may_edit(principal, comment):
        return RedirectResponse(place.at(comment.id), 303)
    names = repository.list_mentioned(session, [comment.id])[comment.id]
    people = repository.list_people(session, principal.workspace_id) if names else []
    return _edit(request, principal, comment, place, written(comment.body, names, people), back)


@router.post("/comments/{comment_id}", name="comments:save")
def save_comment(
    comment_id: str,
    request: Request,
    session: SessionDep,
    principal: Reviewer,
    body: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "",
) -> Response:
    """Keep what was edited, and go back to where it stands."""
    try:
        comment = service.get_comment(session, principal, comment_id)
        place = get_place(session, principal, comment.about)
    except NotFound as error:
        return _unsaid(request, body, error)
    try:
        service.edit_comment(session, principal, comment, body)
    except (Invalid, TooMany) as error:
        return _edit(request, principal, comment, place, body, back, error.message, error.status)
    return RedirectResponse(f"{_back(principal, back, place)}#comment-{comment.id}", 303)


@router.post("/comments/{comment_id}/delete", name="comments:delete")
def delete_comment(comment_id: str, session: SessionDep, principal: Reviewer, back: Words = "") -> Response:
    """Take a comment away, and go back to where it stood."""
    comment = service.get_comment(session, principal, comment_id)
    place = get_place(session, principal, comment.about)
    service.delete_comment(session, principal, comment)
    return RedirectResponse(_back(principal, back, place), 303)


@router.get("/mentions", name="comments:mentions")
def mentions_page(request: Request, session: SessionDep, principal: Reader, page: PageNumber = 1) -> Response:
    """What mentions whoever asks, newest first."""
    found, total = service.list_mentions(
        session, principal, unread=False, offset=(page - 1) * _MENTIONS, limit=_MENTIONS
    )
    pages = max(1, -(-total // _MENTIONS))
    return templating.render(
        request, "comments/mentions.html", mentions=found, total=total, page=page, pages=pages
    )


@router.post("/mentions/read", name="comments:read")
def read_mentions(
    session: SessionDep,
    principal: Reader,
    comment: Annotated[str, Form(max_length=200)] = "",
    back: Annotated[str, Form()] = "",
) -> Response:
    """Note that one mention was read, or all of them."""
    service.read_mentions(session, principal, [comment] if comment else None)
    home = f"/w/{principal.workspace_slug}"
    return RedirectResponse(_inside(principal, back) or home, 303)


@router.get("/mentionable-people", name="comments:people")
def people(session: SessionDep, principal: Reviewer, q: Words = "") -> Response:
    """Names that complete what is typed after an @."""
    return JSONResponse([person.name for person in service.list_people(session, principal, q)])


def _edit(
    request: Request,
    principal: Principal,
    comment: Comment,
    place: Place,
    body: str,
    back: str,
    problem: str = "",
    status: int = 200,
) -> Response:
    return templating.render(
        request,
        "comments/edit.html",
        status=status,
        comment=comment,
        place=place,
        body=body,
        back=_back(principal, back, place),
        problem=problem,
    )


def _unsaid(request: Request, body: str, error: NotFound) -> Response:
    """What somebody wrote about a thing that was deleted meanwhile, to be copied: in the place of the comments of a page that
    is open, else as a page."""
    in_place = "hx-request" in request.headers
    template = "comments/unsaid.html" if in_place else "comments/unsaid_page.html"
    return templating.render(request, template, status=error.status, error=error, body=body)


def _inside(principal: Principal, back: str) -> str:
    """An address of the workspace, without its place in the page; empty for any other."""
    home = f"/w/{principal.workspace_slug}"
    target = inside(back).partition("#")[0]
    return target if target == home or target.startswith((f"{home}/", f"{home}?")) else ""


def _back(principal: Principal, back: str, place: Place) -> str:
    return _inside(principal, back) or place.url
