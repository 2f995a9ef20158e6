"""The page that writes what people said into a dataset, as targets of its rows."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from app.core import templating
from app.core.database import SessionDep
from app.core.errors import Conflict, Invalid
from app.core.permissions import Editor
from app.core.request_bodies import read_form
from app.review import sending
from app.review.target_writing import note_of, write_targets
from app.review.targets_view import CORRECTIONS, build_targets_page, find_options, wanted_of

router = APIRouter(prefix="/w/{w}/review/{queue_id}/targets", include_in_schema=False)
Word = Annotated[str, Query(max_length=500, pattern=r"^[^\x00]*$")]
Form = Annotated[FormData, Depends(read_form)]


@router.get("", name="review:targets")
def show_targets(
    queue_id: str,
    request: Request,
    session: SessionDep,
    principal: Editor,
    dataset: Word = "",
    of: Word = "",
    member: Word = "",
    written: int = 0,
    merged: int = 0,
) -> Response:
    """What people said beside the targets that rows have. `written` is how many were written just now, of which `merged` say
    the same as other rows do."""
    queue = sending.get_queue(session, principal, queue_id)
    options = find_options(
        session, principal, queue, dataset_id=dataset or None, of=of or None, member=member
    )
    return templating.render(
        request,
        "review/targets.html",
        view=build_targets_page(session, principal, queue, options),
        written=written,
        merged=merged,
        problem="",
    )


@router.post("", name="review:write_targets")
def write(queue_id: str, request: Request, session: SessionDep, principal: Editor, form: Form) -> Response:
    """Write the rows that were ticked: as a version, or with `draft` into the draft of whoever sends it."""
    queue = sending.get_queue(session, principal, queue_id)
    sent = {name: str(form.get(name) or "") for name in ("dataset", "of", "member")}
    options = find_options(
        session, principal, queue,
        dataset_id=sent["dataset"] or None, of=sent["of"] or CORRECTIONS, member=sent["member"],
    )  # fmt: skip
    note, into_draft = str(form.get("note") or "").strip(), bool(form.get("draft"))
    chosen = dict(one.rsplit("~", 1) for one in map(str, form.getlist("row")) if "~" in one)
    try:
        wanted = wanted_of(options)
        written = write_targets(
            session, principal, queue, wanted, chosen, as_version=not into_draft, note=note
        )
    except (Invalid, Conflict) as error:
        session.rollback()
        queue = sending.get_queue(session, principal, queue_id)
        return templating.render(
            request,
            "review/targets.html",
            status=error.status,
            view=build_targets_page(session, principal, queue, options, note),
            written=0,
            merged=0,
            problem=error.message,
        )
    workspace = f"/w/{principal.workspace_slug}"
    if written.version is None:
        said = urlencode({"note": note or note_of(queue, written.rows)})
        return RedirectResponse(f"{workspace}/datasets/{wanted.file.id}/draft/commit?{said}", 303)
    done = urlencode(sent | {"written": written.rows, "merged": written.version.duplicates})
    return RedirectResponse(f"{workspace}/review/{queue.id}/targets?{done}", 303)
