"""The start page, setting the server up, and the home page of a workspace."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from app.accounts import service as accounts
from app.core import jobs, templating
from app.core.csrf import refuse_cross_site
from app.core.database import SessionDep
from app.core.errors import DomainError, Invalid
from app.core.permissions import Public, Reader, SignedIn
from app.files.sidebar import ICONS, file_url
from app.home.onboarding import NewWorkspace, open_workspace
from app.home.overview import build_overview
from app.library import catalogue
from app.workspaces.links import home_url
from app.workspaces.signin_pages import signed_in

router = APIRouter(include_in_schema=False)
_STARTS = 6
"""Prompts of the library that an empty workspace is offered at once."""


@router.get("/")
def start(principal: SignedIn) -> Response:
    """The home page of the person's first workspace; guests have none."""
    return RedirectResponse(home_url(principal.workspace_slug, principal.role), 303)


@router.get("/w/{w}", name="home:home")
def home(request: Request, session: SessionDep, principal: Reader, demo: bool = False) -> Response:
    """What needs a person, how production fares, what ran, and where to go on. With `demo`, that one is being made beside this workspace."""
    overview = build_overview(session, principal)
    starts = [] if overview.steps.has_prompt else list(catalogue.list_starts().values())
    return templating.render(
        request, "home/home.html", overview=overview, icons=ICONS, file_url=file_url, demo=demo,
        starts=starts[:_STARTS], all_starts=len(starts),
    )  # fmt: skip


class SetupForm(BaseModel):
    """The form of a server's first minute."""

    token: str = ""
    full_name: str = ""
    email: str = ""
    password: str = ""
    workspace: str = ""
    demo: str = "yes"


@router.get("/setup", dependencies=[Public])
def setup_page(request: Request, session: SessionDep, token: str = "") -> Response:
    """The set-up form, for whoever holds the link that the server printed."""
    if not accounts.setup_is_open(session, token):
        return templating.render(
            request, "accounts/link.html", status=404, usable=False, token="", setup=True
        )
    return _setup_form(request, SetupForm(token=token), {})


@router.post("/setup", dependencies=[Public])
def set_up(request: Request, session: SessionDep, form: Annotated[SetupForm, Form()]) -> Response:
    """Make the first account and its workspace, and sign in."""
    refuse_cross_site(request)
    new = NewWorkspace(form.workspace, form.email, form.full_name, form.password or None)
    try:
        with session.begin_nested():
            accounts.use_setup_token(session, form.token)
            opened = open_workspace(session, new)
    except Invalid as error:
        return _setup_form(request, form, error.fields or {"": error.message})
    except DomainError as error:
        return _setup_form(request, form, {"": error.message}, error.status)
    if form.demo == "yes":
        jobs.enqueue(session, "demo.seed", admin_id=opened.admin.id)
    token = accounts.start_session(session, opened.admin)
    beside = "?demo=true" if form.demo == "yes" else ""
    return signed_in(request, session, token, f"/w/{opened.workspace.slug}{beside}")


def _setup_form(
    request: Request, form: SetupForm, problems: dict[str, str], status: int | None = None
) -> Response:
    code = status or (422 if problems else 200)
    problems = {"": ""} | problems
    return templating.render(
        request, "home/setup.html", status=code, form=form, problems=problems, token=form.token
    )
