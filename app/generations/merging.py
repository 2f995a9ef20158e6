"""What two made of the same version, put together: what only one of them changed is theirs, and of the rest the draft's stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.generations.draft import Draft

Json = dict[str, Any]
_LABELS = {
    "template_language": "the template language",
    "json_schema": "the JSON schema",
    "max_tokens": "max tokens",
    "top_p": "top p",
    "output": "the output",
    "stop": "where to stop",
    "other": "what else the provider is told",
    "tools": "the tools",
    "linked_tools": "the linked tools",
    "model": "the model",
    "provider": "the provider",
    "seed": "the seed",
}


@dataclass(frozen=True, slots=True)
class Merged:
    """The two together, and what both had changed, each to something else: there the draft's stands."""

    draft: Draft
    both: Sequence[str]


def merge(base: Draft, mine: Draft, theirs: Draft) -> Merged:
    """The draft on top of a version that began on the same base."""
    both: list[str] = []
    messages = _messages(base.messages, mine.messages, theirs.messages, both)
    draft = Draft(
        messages=messages,
        values=_members(base.values, mine.values, theirs.values, both),
        rest=_members(base.rest, mine.rest, theirs.rest, both),
        is_text=(theirs if mine.is_text == base.is_text else mine).is_text and len(messages) == 1,
        inputs=dict(mine.inputs),
        path=mine.path,
        beside=mine.beside,
        panes=list(mine.panes),
    )
    return Merged(draft, both)


def _members(
    base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any], both: list[str]
) -> Json:
    found: Json = {}
    for name in dict.fromkeys((*theirs, *mine)):
        value = _one(
            base.get(name), mine.get(name), theirs.get(name), _LABELS.get(name, name.replace("_", " ")), both
        )
        if value is not None:
            found[name] = value
    return found


def _one(base: Any, mine: Any, theirs: Any, label: str, both: list[str]) -> Any:
    if mine in (base, theirs):
        return theirs
    if theirs != base:
        both.append(label)
    return mine


def _messages(base: list[Json], mine: list[Json], theirs: list[Json], both: list[str]) -> list[Json]:
    """Message by message, where all three have the same in the same order; else as a whole."""
    places = _places(mine)
    if places == _places(base) == _places(theirs):
        named = [_name(place, places) for place in places]
        return [_one(*each, both) for each in zip(base, mine, theirs, named, strict=True)]
    found: list[Json] = _one(base, mine, theirs, "the messages", both)
    return found


def _places(messages: Sequence[Json]) -> list[tuple[str, str, int]]:
    """What each message is: its role, its name, and its rank among those."""
    seen: dict[tuple[str, str], int] = {}
    found = []
    for message in messages:
        key = (str(message.get("role")), str(message.get("name") or ""))
        seen[key] = seen.get(key, 0) + 1
        found.append((*key, seen[key]))
    return found


def _name(place: tuple[str, str, int], places: Sequence[tuple[str, str, int]]) -> str:
    role, name, rank = place
    what = f"the {name or role} message"
    return what if sum(other[:2] == place[:2] for other in places) == 1 else f"{what} {rank}"
