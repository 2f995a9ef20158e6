"""What changed between two versions of a prompt: messages word by word, settings, tools and schema as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core import images
from app.core.property_order import is_same_content
from app.files.diff import Fold, Line, Segment, TextDiff, diff_text
from app.files.matching import Block, Effort, matching_blocks
from app.files.settings_diff import Setting, diff_settings
from app.prompts.template import is_example

_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class Section:
    """A message of the template, or all examples that stand together, as text."""

    title: str
    text: str
    examples: int = 0
    pictures: Sequence[images.Image] = ()
    """Those that stand whole in the version."""


@dataclass(frozen=True, slots=True)
class SectionChange:
    """A section on both sides, or on one (`added`, `removed`)."""

    title: str
    diff: TextDiff
    state: str
    """same, changed, added or removed."""


@dataclass(frozen=True, slots=True)
class SpecChanges:
    """Everything that differs between two specs."""

    sections: Sequence[SectionChange]
    settings: Sequence[Setting]
    """Every setting, unchanged ones included."""
    examples_added: int
    examples_removed: int
    tools_changed: int

    @property
    def added(self) -> int:
        """Lines that are new or changed."""
        return sum(section.diff.added for section in self.sections)

    @property
    def removed(self) -> int:
        """Lines that are gone or changed."""
        return sum(section.diff.removed for section in self.sections)

    @property
    def changed_settings(self) -> list[Setting]:
        """The settings that differ."""
        return [setting for setting in self.settings if setting.change != "same"]

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not self.changed_settings and all(section.state == "same" for section in self.sections)

    @property
    def summary(self) -> str:
        """What changed, counted: `3 lines, 2 examples and 1 setting changed`."""
        lines = sum(
            max(section.diff.added, section.diff.removed)
            for section in self.sections
            if section.title != EXAMPLES
        )
        examples = max(self.examples_added, self.examples_removed)
        others = sum(s.name.split(".")[0] != "tools" for s in self.changed_settings)
        counted = [
            _count(lines, "line"),
            _count(examples, "example"),
            _count(others, "setting"),
            _count(self.tools_changed, "tool"),
        ]
        parts = [part for part in counted if part]
        if not parts:
            return "Nothing changed" if self.is_same else "Only the order of messages changed"
        listed = " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]
        return f"{listed} changed"


EXAMPLES = "Examples"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}" if number else ""


def compare_specs(before: Mapping[str, Any], after: Mapping[str, Any]) -> SpecChanges:
    """The changes from one prompt spec to another; an empty `before` makes everything added."""
    old, new = sections_of(before), sections_of(after)
    changes: list[SectionChange] = []
    at, to = 0, 0
    blocks = matching_blocks([s.title for s in old], [s.title for s in new], Effort(_STEPS))
    for block in [*blocks, Block(len(old), len(new), 0)]:
        changes += [_change(section, None) for section in old[at : block.before]]
        changes += [_change(None, section) for section in new[to : block.after]]
        pairs = zip(
            old[block.before : block.before + block.size],
            new[block.after : block.after + block.size],
            strict=True,
        )
        changes += [_change(*pair) for pair in pairs]
        at, to = block.before + block.size, block.after + block.size
    rest = [{key: value for key, value in spec.items() if key != "template"} for spec in (before, after)]
    was, now = (sum(section.examples for section in side) for side in (old, new))
    touched = _touched(old, new) if was == now else 0
    return SpecChanges(
        sections=changes,
        settings=diff_settings(*rest),
        examples_added=max(0, now - was) or touched,
        examples_removed=max(0, was - now) or touched,
        tools_changed=_tools_changed(before, after),
    )


def _tools_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> int:
    old, new = ({tool.get("name"): tool for tool in spec.get("tools") or []} for spec in (before, after))
    return sum(not is_same_content(old.get(name), new.get(name)) for name in {*old, *new})


def _touched(old: Sequence[Section], new: Sequence[Section]) -> int:
    """How many examples read differently, where their number stayed the same."""
    texts = [
        [each for section in side if section.title == EXAMPLES for each in section.text.split("\n\n")]
        for side in (old, new)
    ]
    return len(set(texts[1]) - set(texts[0]))


def _change(old: Section | None, new: Section | None) -> SectionChange:
    title = (new or old or Section("", "")).title
    diff = diff_text(old.text if old else "", new.text if new else "")
    if old and new:
        return SectionChange(title, diff, "same" if old.text == new.text else "changed")
    return SectionChange(title, diff, "removed" if old else "added")


def sections_of(spec: Mapping[str, Any]) -> list[Section]:
    """The template in sections: a message each, and examples that follow each other as one."""
    template = spec.get("template") or []
    if isinstance(template, str):
        return [Section("Text", template)]
    sections: list[Section] = []
    for message in template:
        text, drawn = _text_of(message), _drawn(message)
        if not is_example(message):
            sections.append(Section(str(message.get("role", "")).capitalize(), text, pictures=drawn))
            continue
        starts = message.get("role") == "user"
        shown = text if starts else f"→ {text}"
        if sections and sections[-1].title == EXAMPLES:
            last = sections[-1]
            joint = "\n\n" if starts else "\n"
            sections[-1] = Section(
                EXAMPLES, f"{last.text}{joint}{shown}", last.examples + starts, [*last.pictures, *drawn]
            )
        else:
            sections.append(Section(EXAMPLES, shown, int(starts), drawn))
    return sections


def _drawn(message: Mapping[str, Any]) -> list[images.Image]:
    found = map(images.read_image, images.urls_in(message.get("content")))
    return [image for image in found if image]


def _text_of(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        content = "\n".join(map(images.part_told, content))
    calls = [call.get("function") or {} for call in message.get("tool_calls") or []]
    called = [f"{function.get('name')}({function.get('arguments') or ''})" for function in calls]
    return "\n".join([*([content] if content else []), *called])


Shown = Line | Fold


def shortened(rows: Sequence[Shown], most: int) -> tuple[list[Shown], int]:
    """The first lines of a diff, folds counted as one, and how many lines are left out."""
    kept = list(rows[:most])
    left = sum(len(row.lines) if isinstance(row, Fold) else 1 for row in rows[most:])
    return kept, left


def whole(rows: Sequence[Shown]) -> list[Line]:
    """Every line of a diff, folded ones too."""
    return [line for row in rows for line in (row.lines if isinstance(row, Fold) else (row,))]


__all__ = [
    "EXAMPLES",
    "Section",
    "SectionChange",
    "Segment",
    "SpecChanges",
    "compare_specs",
    "sections_of",
    "shortened",
    "whole",
]
