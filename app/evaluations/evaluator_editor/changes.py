"""What changed between two versions of an evaluator: its long texts word by word, everything else as rows."""

from collections.abc import Mapping
from typing import Any

from app.evaluators.binding import read_spec
from app.files.diff import diff_text
from app.files.settings_diff import diff_settings
from app.prompts.changes import SectionChange, SpecChanges

_LONG_TEXTS = ("code", "rubric", "prompt", "instructions")
_PART = ("path", "spec", "version_id")


def compare_evaluators(before: Mapping[str, Any], after: Mapping[str, Any]) -> SpecChanges:
    """The changes from one evaluator's spec to another. Parts of a composite are told apart by their paths."""
    old, new = _settings(before), _settings(after)
    long = [name for name in dict.fromkeys((*old, *new)) if _is_long(name, old, new)]
    sections = [_section(name, str(old.pop(name, "") or ""), str(new.pop(name, "") or "")) for name in long]
    return SpecChanges(
        sections=sections,
        settings=diff_settings(old, new),
        examples_added=0,
        examples_removed=0,
        tools_changed=0,
    )


def _settings(spec: Mapping[str, Any]) -> dict[str, Any]:
    kind, settings = read_spec(spec)
    if not kind:  # a type that we do not know
        return dict(spec)
    parts = settings.get("parts")
    if isinstance(parts, list):
        settings = {**settings, "parts": {str(one.get("path")): _part(one) for one in parts}}
    return {
        "kind": kind,
        **{name: value for name, value in settings.items() if value not in ("", [], {}, ())},
    }


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    """What a row of changes says of a part: its version's id stands for all that it does."""
    shown = {name: value for name, value in part.items() if name not in _PART}
    return {"version": part.get("version_id") or part.get("spec"), **shown}


def _is_long(name: str, *sides: Mapping[str, Any]) -> bool:
    values = [side.get(name) for side in sides]
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < sum(value is not None for value in values):
        return False
    return name in _LONG_TEXTS or any("\n" in value for value in texts)


def _section(name: str, old: str, new: str) -> SectionChange:
    state = "same" if old == new else "added" if not old else "removed" if not new else "changed"
    return SectionChange(name.replace("_", " ").capitalize(), diff_text(old, new), state)
