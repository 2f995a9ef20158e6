"""What people did lately, in words: from the audit log, new versions, and evaluations that were started."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.workspaces.models import AuditEntry

_PAST = {
    "created": "added",
    "changed": "changed",
    "deleted": "deleted",
    "revoked": "revoked",
    "ended": "ended",
}


@dataclass(frozen=True, slots=True)
class Deed:
    """One line of the activity: who did what, to what, and when."""

    at: datetime
    who: str
    did: str
    what: str
    url: str = ""
    after: str = ""


def deed_of(entry: AuditEntry) -> Deed:
    """An entry of the audit log in words."""
    did, what, after = _words(entry.action, entry.detail or {})
    return Deed(entry.at, entry.actor_name, did, what, after=after)


def _words(action: str, detail: dict[str, Any]) -> tuple[str, str, str]:
    noun, _, verb = action.partition(".")
    name = str(detail.get("name") or detail.get("path") or detail.get("email") or "")
    if action == "deployment.created":
        return "deployed", f"{_last(name)} v{detail.get('version')}", f"to {detail.get('environment')}"
    if action == "deployment.ended":
        return "took", _last(name), f"out of {detail.get('environment')}"
    if action == "version.deleted":
        return "deleted", f"{_last(name)} v{detail.get('number')}", ""
    if noun == "file":
        return _PAST.get(verb, verb), _last(name), ""
    return f"{_PAST.get(verb, verb)} the {noun.replace('_', ' ')}", name, ""


def _last(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def newest_first(deeds: Sequence[Deed], most: int) -> list[Deed]:
    """The newest deeds of several sources."""
    return sorted(deeds, key=lambda deed: deed.at, reverse=True)[:most]
