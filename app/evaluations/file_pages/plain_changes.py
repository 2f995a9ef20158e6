"""What changed between two versions of a tool, a flow or an agent: long texts word by word, everything else as rows."""

from collections.abc import Mapping
from typing import Any

from app.files.diff import diff_text
from app.files.settings_diff import diff_settings
from app.prompts.changes import SectionChange, SpecChanges

_LONG_TEXTS = ("source_code",)


def compare_plain(before: Mapping[str, Any], after: Mapping[str, Any]) -> SpecChanges:
    """The changes from one spec to another. Members of `function`, `setup_values` and `attributes` are told one by one."""
    old, new = dict(before), dict(after)
    sections = [
        _section(name, str(old.pop(name, None) or ""), str(new.pop(name, None) or ""))
        for name in _LONG_TEXTS
        if before.get(name) or after.get(name)
    ]
    settings = diff_settings(old, new)
    return SpecChanges(
        sections=sections, settings=settings, examples_added=0, examples_removed=0, tools_changed=0
    )


def _section(name: str, old: str, new: str) -> SectionChange:
    state = "same" if old == new else "added" if not old else "removed" if not new else "changed"
    return SectionChange(name.replace("_", " ").capitalize(), diff_text(old, new), state)
