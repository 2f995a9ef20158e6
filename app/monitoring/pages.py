"""The page of a file's monitoring: which evaluators judge its logs as they come, and the forms to change that."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import DomainError, Invalid
from app.core.permissions import Reader, Runner
from app.files import service as files
from app.files.models import File, FileKind
from app.files.sidebar import PAGES, file_url
from app.monitoring.choosing import Act, MonitorForm, act_of, activation_of, get_monitor
from app.monitoring.service import MONITORED, change_monitoring
from app.monitoring.watching import build_monitoring

router = APIRouter(prefix="/w/{w}", include_in_schema=False)
SHOWN = tuple(kind for kind in MONITORED if kind is not FileKind.EVALUATOR)
"""The kinds of files whose monitoring has a page. Logs of evaluators are judgments: only the API has them judged."""


def _add_routes(kind: FileKind) -> None:
    base = f"/{PAGES[kind]}/{{file_id}}/monitoring"

    @router.get(base, name=f"monitoring:{kind}")
    def page(file_id: str, request: Request, session: SessionDep, principal: Reader) -> Response:
        """Which evaluators judge the new logs of a file, and what they said lately."""
        return _show(request, session, principal, files.get_file(session, principal, file_id, kind))

    @router.post(base, name=f"monitoring:add-{kind}")
    def add(
        file_id: str,
        request: Request,
        session: SessionDep,
        principal: Runner,
        form: Annotated[MonitorForm, Form()],
    ) -> Response:
        """Let an evaluator judge the new logs of a file."""
        file = files.get_file(session, principal, file_id, kind)
        try:
            with session.begin_nested():
                change_monitoring(session, principal, file, activation_of(session, principal, form))
        except DomainError as error:
            return _show(request, session, principal, file, error, form)
        return _back(principal, file)

    @router.post(f"{base}/{{monitor_id}}/{{act}}", name=f"monitoring:change-{kind}")
    def change(
        file_id: str,
        monitor_id: str,
        act: Act,
        request: Request,
        session: SessionDep,
        principal: Runner,
        share: Annotated[str, Form()] = "",
    ) -> Response:
        """Pause an evaluator, resume it, give it another share of the logs or its newest version, or remove it."""
        file = files.get_file(session, principal, file_id, kind)
        try:
            with session.begin_nested():
                monitor = get_monitor(session, file, monitor_id)
                change_monitoring(session, principal, file, act_of(session, monitor, act, share))
        except DomainError as error:
            return _show(request, session, principal, file, error, of=monitor_id, typed=share)
        return _back(principal, file)


for _kind in SHOWN:
    _add_routes(_kind)


def _back(principal: Principal, file: File) -> Response:
    return RedirectResponse(f"{file_url(principal.workspace_slug, file.kind, file.id)}/monitoring", 303)


def _show(
    request: Request,
    session: Session,
    principal: Principal,
    file: File,
    error: DomainError | None = None,
    form: MonitorForm | None = None,
    of: str = "",
    typed: str = "",
) -> Response:
    """The page; with what was wrong about the form, or about the monitor `of` which something was asked."""
    fields = error.fields or {} if isinstance(error, Invalid) and form else {}
    return templating.render(
        request,
        "monitoring/page.html",
        status=error.status if error else 200,
        view=build_monitoring(session, principal, file),
        file=file,
        base=f"{file_url(principal.workspace_slug, file.kind, file.id)}/monitoring",
        form=form or MonitorForm(),
        problems={name if name != "activate" else "evaluator": said for name, said in fields.items()},
        problem=error.message if error else "",
        of=of,
        typed=typed,
    )
