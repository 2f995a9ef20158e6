"""Datapoints and drafts as the v5 API shows them."""

from typing import Any

from app.datasets.draft_repository import Counts, DraftRow
from app.datasets.models import Datapoint, DatasetDraft
from app.files.models import Version

_MEMBERS = ("inputs", "messages", "target", "context", "cluster", "metadata")
_STATES = {"": "unchanged", "add": "added", "edit": "edited", "cut": "removed"}


def present_datapoint(datapoint: Datapoint, split: str | None) -> dict[str, Any]:
    """A row of a dataset; the split is the dataset version's, not the row's own."""
    return {
        "id": datapoint.id,
        "inputs": datapoint.inputs,
        "messages": datapoint.messages,
        "target": datapoint.target,
        "context": datapoint.context,
        "cluster": datapoint.cluster,
        "metadata": datapoint.details,
        "split": split,
    }


def present_draft(draft: DatasetDraft, counts: Counts, newest: Version | None) -> dict[str, Any]:
    """A draft without its rows."""
    return {
        "id": draft.id,
        "dataset_id": draft.file_id,
        "base_number": draft.base_number or None,
        "newest_number": newest.number if newest else None,
        "added": counts.added,
        "edited": counts.edited,
        "removed": counts.removed,
        "empty": counts.blank,
        "clashes": counts.clashes,
        "began_at": draft.began_at,
        "saved_at": draft.saved_at,
    }


def present_draft_row(row: DraftRow) -> dict[str, Any]:
    """A row as the draft has it; `before` is what the base says, of a row that says something else now."""
    shown = {"id": row.row_id, **_members(row.content), "split": row.split}
    before = {**_members(row.before), "split": row.split_before} if row.changed and row.before else None
    return shown | {"state": _STATES[row.state], "clash": row.clash, "before": before}


def _members(content: dict[str, Any]) -> dict[str, Any]:
    return {name: content.get(name) for name in _MEMBERS} | {"inputs": content.get("inputs") or {}}
