"""The page on which rows of a training split are chosen as examples of a draft."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.core import request_bodies, templating
from app.core.database import SessionDep
from app.core.pagination import PageNumber
from app.core.permissions import Editor
from app.core.typed import whole
from app.generations import example_choice, keeping
from app.generations.draft_pages import editor_at

router = APIRouter(prefix="/w/{w}/prompts", include_in_schema=False)


async def _form(request: Request) -> dict[str, list[str]]:
    form = await request_bodies.read_form(request)
    return {name: [str(value) for value in form.getlist(name)] for name in form}


@router.get("/{file_id}/examples", name="generations:examples")
def choose_examples(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Editor,
    base: int | None = None,
    dataset: Annotated[str, Query(max_length=200)] = "",
    q: Annotated[str, Query(max_length=500)] = "",
    page: PageNumber = 1,
) -> Response:
    """The training rows of a dataset, each as the example that it would be."""
    desk = keeping.find_desk(session, principal, file_id, base)
    return templating.render(
        request,
        "generations/examples.html",
        file=keeping.find_file(session, principal, file_id),
        file_id=file_id,
        desk=desk,
        offer=example_choice.make_offer(session, principal, desk, dataset, q, page),
        problem="",
    )


@router.post("/{file_id}/examples", name="generations:add-examples")
def add_examples(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Editor,
    form: Annotated[dict[str, list[str]], Depends(_form)],
) -> Response:
    """Put the chosen rows into the draft as examples."""
    one = {name: values[-1] for name, values in form.items()}
    desk = keeping.find_desk(session, principal, file_id, whole(one.get("base", "")))
    problem = example_choice.add_rows(session, principal, desk, one.get("dataset", ""), form.get("row", []))
    if not problem:
        return RedirectResponse(editor_at(principal, file_id, desk), 303)
    return templating.render(
        request,
        "generations/examples.html",
        status=422,
        file=keeping.find_file(session, principal, file_id),
        file_id=file_id,
        desk=desk,
        offer=example_choice.make_offer(session, principal, desk, one.get("dataset", ""), "", 1),
        problem=problem,
    )
