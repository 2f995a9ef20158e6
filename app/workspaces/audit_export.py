"""The audit log as a file, written while it is read: a batch at a time, so that memory does not grow with it."""

from collections.abc import Iterator
from typing import Any

import orjson

from app.core import waiting
from app.core.database import unit_of_work
from app.core.spreadsheet import csv_lines
from app.workspaces.audit_repository import AuditFilter, list_entries
from app.workspaces.models import AuditEntry

_BATCH = 1000
COLUMNS = (
    "at", "actor", "actor_id", "key_id", "address", "action", "subject_type", "subject_id", "detail", "id",
)  # fmt: skip


def present_entry(entry: AuditEntry) -> dict[str, Any]:
    """An entry as the API and the exports show it."""
    return {
        "id": entry.id,
        "at": entry.at.isoformat(),
        "actor_id": entry.actor_id,
        "actor": entry.actor_name,
        "key_id": entry.key_id,
        "address": entry.address,
        "action": entry.action,
        "subject_type": entry.subject_type,
        "subject_id": entry.subject_id,
        "detail": entry.detail,
    }


def export_csv(workspace_id: str, chosen: AuditFilter) -> Iterator[str]:
    """CSV with a head line, newest first."""
    yield csv_lines([COLUMNS])
    for batch in _batches(workspace_id, chosen):
        rows = [present_entry(entry) for entry in batch]
        yield csv_lines([[_cell(row[name]) for name in COLUMNS] for row in rows])


def _cell(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, dict) else value


def export_jsonl(workspace_id: str, chosen: AuditFilter) -> Iterator[bytes]:
    """One JSON object a line, newest first."""
    for batch in _batches(workspace_id, chosen):
        yield b"".join(
            orjson.dumps(present_entry(entry), option=orjson.OPT_APPEND_NEWLINE) for entry in batch
        )


def _batches(workspace_id: str, chosen: AuditFilter) -> Iterator[list[AuditEntry]]:
    before = None
    while True:
        with waiting.at_most(waiting.REQUEST_S), unit_of_work() as session:
            batch = list_entries(session, workspace_id, chosen, limit=_BATCH, before=before)
        if batch:
            yield batch
        if len(batch) < _BATCH:
            return
        before = batch[-1].id
