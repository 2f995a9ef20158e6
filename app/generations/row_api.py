"""The v5 routes of rows that prompts write into drafts of datasets."""

from decimal import Decimal
from typing import Any, ClassVar, Literal

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.errors import Invalid
from app.core.pagination import Page, PageNumber, PageSize
from app.core.permissions import Editor, Runner
from app.datasets.rows import Split
from app.files import service as files
from app.files.models import File, FileKind, Version
from app.generations import row_asking, row_generations
from app.generations.row_generations import MOST_EXAMPLES, MOST_ROWS, MOST_ROWS_A_CALL, Wanted
from app.generations.row_presentation import present_call, present_estimate, present_generation

router = APIRouter(prefix="/v5/datasets/{file_id}/generations", tags=["Datasets"])
Json = dict[str, Any]


class RowsWanted(Body):
    """Rows that a prompt is to write."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "prompt_path": "support/make_rows",
        "rows": 40,
        "columns": ["inputs.question", "target.intent"],
        "inputs": {"topic": "lost cards"},
        "max_cost_usd": 1,
    }

    prompt_id: str | None = Field(None, description="The prompt that writes; or name it by its path.")
    prompt_path: str | None = Field(None, description="The prompt that writes; or name it by its id.")
    version_id: str | None = Field(
        None,
        description="A version of it; else what runs in the environment, or the default one, or the newest.",
    )
    environment: str | None = Field(None, description="The version that is deployed there.")
    rows: int = Field(ge=1, le=MOST_ROWS, description="How many rows to ask for.")
    rows_a_call: int = Field(
        10, ge=1, le=MOST_ROWS_A_CALL, description="How many of them each call is asked for."
    )
    columns: list[str] = Field(
        min_length=1, description="What each row says, by place: `inputs.question`, `target.intent`."
    )
    examples: int = Field(
        5,
        ge=0,
        le=MOST_EXAMPLES,
        description="How many rows each call is shown: rows of the training split that people wrote, never others.",
    )
    inputs: dict[str, Any] = Field(
        default_factory=dict,
        description="What fills in the template. `rows`, `columns` and `examples` are filled in by each call, where it names them.",
    )
    split: Split | Literal["none"] = Field("train", description="Where the rows go; `none` is into no split.")
    may_test: bool = Field(
        False, description="Has to be true where they go into another split than `train`, or into none."
    )
    max_cost_usd: Decimal | None = Field(
        None,
        gt=0,
        lt=10**7,
        description="No call more is made once this is spent; the rows that are there stay.",
    )


def _file(session: Session, principal: Principal, file_id: str) -> File:
    return files.get_file(session, principal, file_id, FileKind.DATASET)


def _wanted(session: Session, principal: Principal, body: RowsWanted) -> Wanted:
    return Wanted(
        version=_version(session, principal, body),
        rows=body.rows,
        columns=row_asking.columns_of(body.columns),
        rows_a_call=body.rows_a_call,
        examples=body.examples,
        inputs=body.inputs,
        split=None if body.split == "none" else body.split,
        may_test=body.may_test,
        max_cost_usd=body.max_cost_usd,
    )


def _version(session: Session, principal: Principal, body: RowsWanted) -> Version:
    if body.prompt_id:
        file = files.get_file(session, principal, body.prompt_id, FileKind.PROMPT)
    elif body.prompt_path:
        file = files.get_file_by_path(session, principal, body.prompt_path, FileKind.PROMPT)
    else:
        said = "Say which prompt is to write: by prompt_id or prompt_path."
        raise Invalid(said, fields={"prompt_id": said})
    version = files.resolve_version(session, file, version_id=body.version_id, environment=body.environment)
    version.file = file
    return version


@router.get("")
def list_row_generations(
    file_id: str, session: SessionDep, principal: Editor, page: PageNumber = 1, size: PageSize = 20
) -> Page[Json]:
    """The rows that the key's maker has had written into their draft, newest first."""
    file = _file(session, principal, file_id)
    found, total = row_generations.list_shown(session, principal, file, page=page, size=size)
    return Page(records=[present_generation(one) for one in found], page=page, size=size, total=total)


@router.post("", status_code=201)
def generate_rows(file_id: str, body: RowsWanted, session: SessionDep, principal: Runner) -> Json:
    """Have a prompt write rows into the draft of the key's maker. Workers make the calls, each with a log; the rows come as they
    are answered, marked by `metadata.synthetic`. Rows that ask what another row does are left out, and told."""
    file = _file(session, principal, file_id)
    made = row_generations.start(session, principal, file, _wanted(session, principal, body))
    return present_generation(row_generations.show(session, made))


@router.post("/estimate")
def estimate_row_generation(file_id: str, body: RowsWanted, session: SessionDep, principal: Runner) -> Json:
    """About what it would take: calls, tokens, dollars (null where the model has no price) and seconds. Nothing is started."""
    file = _file(session, principal, file_id)
    wanted = _wanted(session, principal, body)
    row_generations.check(session, file, wanted)
    return present_estimate(row_generations.estimate(session, file, wanted))


@router.get("/{generation_id}")
def get_row_generation(file_id: str, generation_id: str, session: SessionDep, principal: Editor) -> Json:
    """How it goes, call by call: what came into the draft, what was left out and why, and the logs with the replies."""
    file = _file(session, principal, file_id)
    shown = row_generations.show(session, row_generations.get(session, file, generation_id))
    return present_generation(shown) | {"records": [present_call(call) for call in shown.calls]}


@router.post("/{generation_id}/stop")
def stop_row_generation(file_id: str, generation_id: str, session: SessionDep, principal: Runner) -> Json:
    """Make no call more. Calls that are in flight still bring their rows, and rows that are in the draft stay. Members stop
    only what they started."""
    file = _file(session, principal, file_id)
    found = row_generations.get(session, file, generation_id, locked=True)
    row_generations.stop(session, principal, found)
    return present_generation(row_generations.show(session, found))
