"""The v5 routes by which evaluators are set on a file's logs."""

from typing import Annotated, Any

from fastapi import APIRouter, Body

from app.core.database import SessionDep
from app.core.permissions import Runner
from app.files import service as files
from app.files.models import FileKind
from app.files.presentation import present_one
from app.files.versioned_api import shown_version
from app.monitoring.schemas import MonitoringChange
from app.monitoring.service import MONITORED, change_monitoring

router = APIRouter(prefix="/v5")


def _add_route(kind: FileKind) -> None:
    @router.post(f"/{kind}s/{{file_id}}/evaluators", tags=[f"{kind.capitalize()}s"], name=f"monitor_{kind}")
    def change(
        file_id: str,
        body: Annotated[MonitoringChange, Body(default_factory=MonitoringChange)],
        session: SessionDep,
        principal: Runner,
    ) -> dict[str, Any]:
        """Let evaluators judge each new log of a file from now on (`activate`), pause them (`deactivate`), or take them off the
        list (`remove`); what they said stays. `sampling` is the share of logs, 0 to 1."""
        file = files.get_file(session, principal, file_id, kind)
        change_monitoring(session, principal, file, body)
        return present_one(session, shown_version(session, principal, kind, file_id, None, None))


for _kind in MONITORED:
    _add_route(_kind)
