"""The v5 routes of the rows that are pinned beside a prompt."""

from typing import Any, ClassVar

from fastapi import APIRouter
from pydantic import Field

from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.permissions import Editor, Reader
from app.files import service as files
from app.files.models import FileKind
from app.generations import pin_repository, pins
from app.generations.pin_repository import Pin

router = APIRouter(prefix="/v5/prompts", tags=["Prompts"])
Json = dict[str, Any]


class RowPinned(Body):
    """A row of a dataset."""

    dataset_id: str
    datapoint_id: str


class RowsPinned(Body):
    """The rows that are to be pinned."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"rows": [{"dataset_id": "ds_0123", "datapoint_id": "dp_0123"}]}

    rows: list[RowPinned] = Field(description="Up to 20; those that are not among them are unpinned.")


@router.get("/{file_id}/pinned-rows")
def list_pinned_rows(file_id: str, session: SessionDep, principal: Reader) -> Json:
    """The rows that everybody who edits the prompt runs beside it: a smoke test, no evidence."""
    file = files.get_file(session, principal, file_id, FileKind.PROMPT)
    return {"records": [_present(pin) for pin in pin_repository.list_pins(session, file.id)]}


@router.put("/{file_id}/pinned-rows")
def pin_rows(file_id: str, body: RowsPinned, session: SessionDep, principal: Editor) -> Json:
    """Pin these rows, and no others."""
    file = files.get_file(session, principal, file_id, FileKind.PROMPT)
    wanted = [(row.dataset_id, row.datapoint_id) for row in body.rows]
    return {"records": [_present(pin) for pin in pins.replace(session, principal, file, wanted)]}


def _present(pin: Pin) -> Json:
    row, datapoint = pin
    return {
        "dataset_id": row.dataset_id,
        "datapoint_id": row.datapoint_id,
        "inputs": datapoint.inputs,
        "target": datapoint.target,
        "pinned_at": row.pinned_at,
    }
