"""Importing which evaluators judge the logs of a file as they come."""

from sqlalchemy.orm import Session

from app.core import clock, ids
from app.files.models import FileKind
from app.transfer import monitor_repository
from app.transfer.files import SaidFile
from app.transfer.monitor_repository import SaidMonitor
from app.transfer.report import Report
from app.transfer.said import Said

MONITORS = "monitors"


def write_monitors(session: Session, workspace_id: str, file: SaidFile, report: Report) -> None:
    """Have the logs of a file judged as the export says, in its order. An evaluator that judges them here already goes on, or not,
    as somebody chose here. Those of the file must be here before."""
    said = [] if file.kind == FileKind.DATASET else file.said.objects("evaluators")
    made = sorted(ids.new_id("mon") for _ in said)  # several of one moment are in the order of their ids
    for row_id, each in zip(made, map(Said, said), strict=True):
        monitor = _monitor(row_id, each)
        if monitor_repository.is_there(session, workspace_id, file.id, monitor):
            report.there[MONITORS] += 1
        elif monitor_repository.write(session, workspace_id, file.id, monitor):
            report.written[MONITORS] += 1
        else:
            report.notes.add(
                f"{file.folder.name}: an evaluator that judged its logs, or its environment, is not here"
            )


def _monitor(row_id: str, said: Said) -> SaidMonitor:
    reference = Said(said.object("version_reference") or {})
    created = said.moment("created_at") or clock.now()
    share = said.number("sampling")
    return SaidMonitor(
        row_id,
        version_id=Said(reference.object("version") or {}).text("version_id"),
        evaluator_id=Said(reference.object("file") or {}).text("id"),
        environment=Said(reference.object("environment") or {}).text("name"),
        active=said.text("state") == "active",
        sampling=1.0 if share is None else min(share, 1.0),
        created_at=created,
        updated_at=said.moment("updated_at") or created,
    )
