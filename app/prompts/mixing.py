"""A template with its words, what is filled in, and its examples each taken from one of two templates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from app.files.diff import Line, diff_text
from app.files.matching import Block, Effort, matching_blocks
from app.prompts.changes import whole
from app.prompts.template import is_example
from app.prompts.tool_calls import SLOT

Messages = Sequence[Mapping[str, Any]]
_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What comes from the newer template; the rest stays as the older one has it."""

    text: bool
    context: bool
    """Lines that fill in what only one of the two templates fills in, and those that stand with them."""
    examples: bool


class _Entry(NamedTuple):
    """A message that is no example, on both sides or on one: its place there."""

    old: int | None
    new: int | None


def mix_messages(older: Messages, newer: Messages, taken: Taken) -> list[Mapping[str, Any]]:
    """The messages of `older` with what is `taken` from `newer`: all of `newer` where everything is, none where nothing is.

    Messages are set against each other: equal ones first, then by their roles. Where words and what is filled in changed in the same message, each
    paragraph of changed lines goes one way. Examples stay behind the message that they follow; where both sides have the
    same, their place is part of the text.
    """
    if [m for m in older if is_example(m)] == [m for m in newer if is_example(m)]:
        taken = replace(taken, examples=taken.text)
    if taken.text == taken.context == taken.examples:
        return list(newer if taken.text else older)
    old, new = ([m for m in side if not is_example(m)] for side in (older, newer))
    changed = slots_of(old) ^ slots_of(new)
    after: dict[int, list[Mapping[str, Any]]] = {}
    place = -1
    for message in newer if taken.examples else older:
        if is_example(message):
            after.setdefault(place, []).append(message)
        else:
            place += 1
    mixed = after.pop(-1, [])
    for entry in _aligned(old, new):
        one = _mixed(
            None if entry.old is None else old[entry.old],
            None if entry.new is None else new[entry.new],
            changed,
            taken,
        )
        mixed += [] if one is None else [one]
        here = entry.new if taken.examples else entry.old
        mixed += [] if here is None else after.get(here, [])
    return mixed


def slots_of(messages: Messages) -> set[str]:
    """The variables and calls of tools that are filled in, as they stand between the braces."""
    return {name for message in messages for text in _texts(message) for name in SLOT.findall(text)}


def _texts(message: Mapping[str, Any]) -> Iterator[str]:
    content = message.get("content")
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            yield str(part.get("text") or (part.get("image_url") or {}).get("url") or "")


def _aligned(old: Messages, new: Messages) -> Iterator[_Entry]:
    """Every message of both sides, once, in an order that keeps that of each side: equal ones first, then by role."""
    sides = [[repr(sorted(message.items())) for message in side] for side in (old, new)]
    for at, to, size, gap in _blocks(sides[0], sides[1]):
        roles = [
            [str(message.get("role")) for message in side] for side in (old[gap.at : at], new[gap.to : to])
        ]
        for inner_at, inner_to, inner_size, inner in _blocks(roles[0], roles[1]):
            yield from (_Entry(gap.at + place, None) for place in range(inner.at, inner_at))
            yield from (_Entry(None, gap.to + place) for place in range(inner.to, inner_to))
            yield from (_Entry(gap.at + inner_at + k, gap.to + inner_to + k) for k in range(inner_size))
        yield from (_Entry(at + k, to + k) for k in range(size))


class _Gap(NamedTuple):
    """Where what is not equal begins, before a run of what is."""

    at: int
    to: int


def _blocks(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[int, int, int, _Gap]]:
    """Runs of equal items, by place and length, with where the gap before each begins; an empty one at the end."""
    gap = _Gap(0, 0)
    for block in [*matching_blocks(before, after, Effort(_STEPS)), Block(len(before), len(after), 0)]:
        yield block.before, block.after, block.size, gap
        gap = _Gap(block.before + block.size, block.after + block.size)


def _mixed(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, changed: set[str], taken: Taken
) -> Mapping[str, Any] | None:
    if old == new or taken.text == taken.context:
        return new if taken.text else old
    groups = _groups(old, new, changed)
    kinds = {group.context for group in groups if group.changed}
    if kinds == {True, False} and new is not None:
        return {**new, "content": "\n".join(_joined(groups, taken))}
    return new if (taken.context if True in kinds else taken.text) else old


class _Group(NamedTuple):
    """Lines of a message that go one way: unchanged ones, or a paragraph of changed ones."""

    changed: bool
    context: bool
    lines: list[Line]


def _groups(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, changed: set[str]) -> list[_Group]:
    before, after = ("" if side is None else side.get("content") for side in (old, new))
    others = [{key: value for key, value in (side or {}).items() if key != "content"} for side in (old, new)]
    if old is None or new is None or others[0] != others[1] or not _both_texts(before, after):
        names = slots_of([side for side in (old, new) if side is not None])
        return [_Group(changed=True, context=bool(names & changed), lines=[])]
    return [
        _Group(
            is_changed, is_changed and any(changed & set(SLOT.findall(_whole(line))) for line in lines), lines
        )
        for is_changed, lines in _paragraphs(whole(diff_text(str(before), str(after)).rows))
    ]


def _both_texts(before: object, after: object) -> bool:
    return isinstance(before, str) and isinstance(after, str)


def _paragraphs(lines: Sequence[Line]) -> Iterator[tuple[bool, list[Line]]]:
    """Unchanged lines that stand together, and paragraphs of changed ones with the empty lines around them."""
    gathered: list[Line] = []
    closing = False
    for line in lines:
        same, blank = line.kind == "same", not _whole(line).strip()
        starts = closing and not blank and any(_whole(each).strip() for each in gathered)
        if gathered and ((gathered[-1].kind == "same") != same or (not same and starts)):
            yield gathered[-1].kind != "same", gathered
            gathered = []
        gathered.append(line)
        closing = not same and blank
    if gathered:
        yield gathered[-1].kind != "same", gathered


def _whole(line: Line) -> str:
    """What stands in a line on either side."""
    return f"{_side(line, 'del')}\n{_side(line, 'ins')}"


def _side(line: Line, kind: str) -> str:
    return "".join(segment.text for segment in line.segments if segment.kind in ("same", kind))


def _joined(groups: Sequence[_Group], taken: Taken) -> Iterator[str]:
    for group in groups:
        newer = taken.context if group.context else taken.text
        for line in group.lines:
            if line.kind != ("del" if newer else "ins"):
                yield _side(line, "ins" if newer else "del")
