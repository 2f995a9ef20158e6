"""A draft as it is kept, and as the content of a version that it is or would be: what it is compared by."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import orjson

from app.core import ids
from app.core.errors import Invalid, TooLarge
from app.core.json_values import unstorable
from app.core.property_order import property_order
from app.generations.draft import FIELDS, Draft, Pane, spec_of

Json = dict[str, Any]
MOST_BYTES = 4 << 20
"""Of one draft, as JSON."""
_MEMBERS = ("messages", "values", "rest", "is_text", "path")
"""What makes two drafts differ; inputs only fill them in, and panes stand beside them."""


def stored(draft: Draft, *, dataset: str | None = None, row: int = 1) -> Json:
    """What of the form is kept: nothing that a version could not hold, but for inputs that were typed."""
    return {
        "messages": draft.messages,
        "values": {name: text for name, text in draft.values.items() if text and name in FIELDS},
        "rest": draft.rest,
        "is_text": draft.is_text,
        "path": draft.path,
        "inputs": draft.inputs,
        "dataset": dataset,
        "row": row,
        "beside": draft.beside,
        "panes": [asdict(pane) for pane in draft.panes],
    }


def checked(content: Json) -> int:
    """How many bytes a draft takes.

    Raises:
        TooLarge: more than are kept.
        Invalid: it holds what cannot be stored.
    """
    if problem := unstorable(content):
        raise Invalid(problem)
    size = len(orjson.dumps(content))
    if size > MOST_BYTES:
        raise TooLarge(
            f"The draft takes {size / 2**20:.1f} MiB, and up to {MOST_BYTES >> 20} MiB are kept. Commit it to keep it."
        )
    return size


def restored(content: Mapping[str, Any]) -> Draft:
    """The form that was kept."""
    values = {name: str(content["values"].get(name, "")) for name in FIELDS}
    return Draft(
        messages=[dict(message) for message in content["messages"]],
        values=values,
        rest=dict(content["rest"]),
        is_text=bool(content["is_text"]),
        inputs=dict(content["inputs"]),
        path=content["path"],
        # Those kept before there were any say nothing of them.
        beside=bool(content.get("beside")),
        panes=[Pane(**pane) for pane in content.get("panes", [])],
    )


def says_the_same(one: Mapping[str, Any], other: Mapping[str, Any], *, inputs: bool = True) -> bool:
    """Whether two kept drafts read the same."""
    names = (*_MEMBERS, "inputs") if inputs else _MEMBERS
    return ids.canonical_json([one[name] for name in names]) == ids.canonical_json(
        [other[name] for name in names]
    )


def is_form(draft: Draft, other: Draft) -> bool:
    """Whether two forms read the same; the output is text where nothing is chosen."""
    one, two = (
        stored(replace(each, values=each.values | {"output": each.values.get("output") or "text"}))
        for each in (draft, other)
    )
    return says_the_same(one, two)


def is_version(draft: Draft, spec: Mapping[str, Any]) -> bool:
    """Whether committing the draft would make this version again."""
    try:
        content = spec_of(draft).content()
        same = ids.canonical_json(content) == ids.canonical_json(spec)
        return same and property_order(content) == property_order(spec)
    except Invalid:
        return False


def spec_like(draft: Draft) -> Json:
    """The content of the version that the draft makes; of one that makes none yet, what comes nearest to it."""
    try:
        return spec_of(draft).content()
    except Invalid:
        pass
    spec: Json = {name: value for name, value in draft.rest.items() if name != "template"}
    for name, text in draft.values.items():
        if text.strip() and not (name == "output" and text == "text"):
            spec.update(_setting(name, text))
    messages = [_message(message) for message in draft.messages]
    plain = draft.is_text and len(messages) == 1 and isinstance(messages[0].get("content"), str)
    return spec | {"template": messages[0]["content"] if plain else messages}


def _setting(name: str, text: str) -> Json:
    if name not in ("tools", "other", "json_schema"):
        return {name: text}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    fits = _objects(value) if name == "tools" else isinstance(value, dict)
    return {name: value} if fits else {f"{name}, no JSON yet": text}


def _objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _message(message: Mapping[str, Any]) -> Json:
    """Of what a form carried along unseen, only what can be shown."""
    kept: Json = {"role": str(message.get("role", ""))}
    if isinstance(message.get("name"), str):
        kept["name"] = message["name"]
    content, calls = message.get("content"), message.get("tool_calls")
    if isinstance(content, str) or _objects(content):
        kept["content"] = content
    if _objects(calls) and all(isinstance(each.get("function"), dict) for each in _listed(calls)):
        kept["tool_calls"] = calls
    return kept


def _listed(calls: Any) -> Sequence[Json]:
    return list(calls)
