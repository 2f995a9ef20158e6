"""Jinja2 for pages: one environment, the shell that every page stands in, and words for numbers and times."""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from jinja2.runtime import Context
from sqlalchemy.orm import Session

from app.core import access, csrf, formats, ids, line_breaks, mirror
from app.core.errors import DomainError
from app.core.settings import get_settings

ROOT = Path(__file__).parents[2]
_WRITTEN = ("body", "note")
"""Fields into which people write sentences."""
Shell = Callable[[Session, access.Principal], Any]
"""What `main` registers as `app.state.shell`: the data of the sidebar."""
_MADE = "contexts_made"
SLOTS: dict[str, Callable[..., Any]] = {}
"""What pages show of packages that stand above theirs, by name: `main` fills it. A template asks for it by
`slot(name, …)`; it is called with the session, the principal, and whatever else the template names."""


class CompiledTemplates(FileSystemBytecodeCache):
    """Templates as they were compiled before, which takes longer than most pages. One that cannot be read or written is
    compiled anew: a full disk, or another hand's file, costs time and no page."""

    def __init__(self) -> None:
        ours = [Path(each).read_text() for each in (__file__, line_breaks.__file__)]
        made_by = ids.content_hash(jinja2.__version__, *ours)[:16]  # other options, other code
        super().__init__("", f"{made_by}_%s.compiled")

    @cached_property
    def folder(self) -> Path | None:
        """Where they lie, in the home of the settings; None where nothing can be kept. Settings are read when the first template
        is asked for, and not when this is made, which modules do that are being imported."""
        folder = get_settings().home / "templates"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            return folder if folder.stat().st_uid == os.getuid() else None
        except OSError:  # there is no such home, or nothing may be written there
            return None

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take over what was kept of a template whose source is still the same."""
        if self.folder:
            self.directory = str(self.folder)
            try:
                super().load_bytecode(bucket)
            except Exception:  # noqa: BLE001 - whatever is wrong with the file
                bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled template."""
        if self.folder:
            self.directory = str(self.folder)
            with suppress(OSError):
                super().dump_bytecode(bucket)


class PageContext(Context):
    """The names of a template while it is filled. Macros know the context they stand in, and it knows them: all that
    a page was made of would stay until the garbage collector comes round, in the middle of somebody's request."""

    def __init__(self, environment: Environment, parent: dict[str, Any], *rest: Any, **named: Any) -> None:
        super().__init__(environment, parent, *rest, **named)
        if (made := parent.get(_MADE)) is not None:  # a template that is imported has a context of its own
            made.append(self)

    def forget(self) -> None:
        """Let go of everything."""
        for names in (self.vars, self.parent, self.blocks):
            names.clear()


@lru_cache
def environment() -> Environment:
    """The environment of all pages: escaping on, unknown names an error."""
    jinja = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        bytecode_cache=CompiledTemplates(),
        extensions=[line_breaks.LineBreaks],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.context_class = PageContext
    jinja.policies[
        "json.dumps_kwargs"
    ] = {}  # members in their order: forms carry content along, and in it order counts
    jinja.filters.update(formats.FILTERS)
    jinja.globals["may"] = lambda principal, action: principal.may(access.Action(action))
    jinja.globals["mirror"] = mirror.mirror_lines
    jinja.globals["single_sign_on"] = lambda: get_settings().single_sign_on
    jinja.globals["refusal"] = lambda action: access.refusal(access.Action(action))
    return jinja


def render(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """The page or fragment `template` as an answer.

    A page extends `layout`: the whole document, or only its `#main` when htmx asks for that. The shell's own
    data (`shell`), and what fills its slots, are fetched only by templates that print them.
    """
    principal = getattr(request.state, "principal", None)
    main_only = request.headers.get("hx-target") == "main" and "hx-request" in request.headers
    text = fragment(  # noqa: S604 - the shell of a page, not of the system
        template,
        request=request,
        url_for=request.app.url_path_for,
        csrf=csrf.csrf_token(request),
        principal=principal,
        shell=lambda: request.app.state.shell(request.state.session, principal),
        slot=lambda name, *of: SLOTS[name](request.state.session, principal, *of),
        layout="layouts/main.html" if main_only else "layouts/document.html",
        **context,
    )
    return HTMLResponse(text, status, headers)


def fragment(template: str, **context: Any) -> str:
    """The text of a template, also for streams that send it as an event."""
    made: list[PageContext] = []
    try:
        return environment().get_template(template).render({**context, _MADE: made})
    finally:
        for one in made:
            one.forget()


def _typed_into(request: Request) -> list[str]:
    """What somebody wrote into a form that was refused before its route saw it: nothing else holds it any more."""
    form = getattr(request, "_form", None)  # as it was read already; to read it now would be too late
    said = [form.get(name) for name in _WRITTEN] if form else []
    return [text for text in said if isinstance(text, str) and text.strip()]


def error_page(request: Request, error: DomainError, headers: dict[str, str]) -> Response:
    """The page for an error; for htmx only its notice, to swap in where the action was.

    A caller without a session gets the sign-in form itself, with the way back to where they were going.
    """
    if error.status == 401:
        return render(
            request,
            "accounts/signin.html",
            status=401,
            headers=headers,
            problem=None,
            email="",
            next=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        )
    htmx = "hx-request" in request.headers
    template = "layouts/problem.html" if htmx else "layouts/error.html"
    return render(
        request,
        template,
        status=error.status,
        headers=headers,
        error=error,
        request_id=request.state.request_id,
        typed=_typed_into(request),
    )
