"""The v5 routes of the library of starting prompts."""

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter
from fastapi import Body as WholeBody
from pydantic import Field

from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.permissions import Editor, Reader
from app.files.presentation import present, present_one
from app.library import catalogue, service
from app.library.presentation import present_start

router = APIRouter(prefix="/v5/library", tags=["Prompts"])
Json = dict[str, Any]


class StartBegun(Body):
    """Where a starting prompt's files go, and what it is run with."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"folder": "Support/Triage", "model": "gpt-4o", "provider": "openai"}

    folder: str = Field(
        "", max_length=1_000, description="The folder of the files. Left out: one that is called like it."
    )
    model: str | None = Field(None, min_length=1, description="Left out: the workspace's first model.")
    provider: str | None = Field(None, description="Where the model is, if several providers may be meant.")


@router.get("")
def list_library(_: Reader) -> Json:
    """Ten prompts to start from, each with its evaluators and what the practice model reaches by them."""
    return {"records": [present_start(each) for each in catalogue.list_starts().values()]}


@router.post("/{start}", status_code=201)
def begin_from_library(
    start: str,
    body: Annotated[StartBegun, WholeBody(default_factory=StartBegun)],
    session: SessionDep,
    principal: Editor,
) -> Json:
    """Make a starting prompt's files: the prompt, its rows and its evaluators. 409 where one of them is there already."""
    begun = service.begin(
        session,
        principal,
        catalogue.get_start(start),
        folder=body.folder,
        model=body.model,
        provider=body.provider,
    )
    return {
        "prompt": present_one(session, begun.prompt),
        "dataset": present_one(session, begun.dataset),
        "evaluators": present(session, begun.evaluators),
    }
