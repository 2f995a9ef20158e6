"""The v5 routes of flows."""

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Body

from app.core.database import SessionDep
from app.core.permissions import Editor
from app.files import service as files
from app.files.models import FileKind
from app.files.presentation import present_one
from app.files.schemas import FileProperties
from app.files.versioned_api import versioned_routes
from app.flows.spec import FlowSpec

router = APIRouter(prefix="/v5/flows", tags=["Flows"])
common = versioned_routes(FileKind.FLOW)


class FlowUpsert(FileProperties, FlowSpec):
    """A flow to write: where, what, and why."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"path": "support/assistant", "attributes": {"commit": "4f1c9a2"}}


@router.post("")
def upsert_flow(
    body: Annotated[FlowUpsert, Body(default_factory=FlowUpsert)], session: SessionDep, principal: Editor
) -> dict[str, Any]:
    """Write a flow: the same attributes answers with the version that is there, new ones make one."""
    return present_one(session, files.upsert(session, principal, FileKind.FLOW, body.content(), body))
