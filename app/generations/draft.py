"""A prompt as the editor's form holds it: what was typed, whether or not it makes a valid version yet."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.errors import Invalid
from app.core.template import Template
from app.core.typed import whole
from app.files.includes import Expanded
from app.generations import message_parts
from app.prompts.spec import PromptSpec, parse_spec
from app.prompts.template import EXAMPLE, compile_prompt, is_example

Json = dict[str, Any]
Look = Callable[[Template, str | None], Expanded]
"""A template in its language as it is shown: with what it includes (`Includes.look`)."""
SHOWN_EXAMPLES = 6
MOST_PANES = 4
"""Answers that stand beside each other, the draft's among them."""
SAMPLES = (1, 2, 3, 5)
"""How often each of them may be asked on the same inputs: one answer says little of a model that is told to vary."""
FOLDED = "folded"
"""The role of the field that carries examples which are not shown, as JSON."""
ROLES = ("system", "user", "assistant", "developer", "tool")
NUMBERS = ("temperature", "max_tokens", "top_p", "presence_penalty", "frequency_penalty", "seed")
_TEXTS = ("model", "provider", "reasoning_effort", "output", "json_schema", "stop", "tools", "other")
FIELDS = (*_TEXTS, *NUMBERS)
_PANE = ("version", "model", "provider", "temperature")
_SHOWN = {"template", "response_format", "stop", "tools", "other", "reasoning_effort", "model", "provider"}


@dataclass(slots=True)
class Example:
    """A few-shot example: its messages and where they stand in the template."""

    first: int
    messages: list[Json]


@dataclass(slots=True)
class Block:
    """What the editor shows as one: a message, or the examples that stand together."""

    first: int
    until: int
    message: Json | None = None
    examples: list[Example] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Pane:
    """What runs beside the draft on the same inputs, as it was typed; what is empty is as the version has it."""

    version: str = ""
    """A version's number; empty for the draft itself."""
    model: str = ""
    provider: str = ""
    temperature: str = ""

    @property
    def settings(self) -> dict[str, str]:
        """What differs from the version, where it is not empty."""
        return {"model": self.model, "provider": self.provider, "temperature": self.temperature}


def _as_it_is(template: Template, _language: str | None) -> Expanded:
    return Expanded(template)


@dataclass(slots=True)
class Draft:
    """The form. `values` are the settings as typed, `rest` what of the spec the form does not show."""

    messages: list[Json] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    rest: Json = field(default_factory=dict)
    is_text: bool = False
    """The template is a plain text, not a list of messages."""
    inputs: dict[str, str] = field(default_factory=dict)
    path: str = ""
    unfolded: bool = False
    """Whether every example is shown, however many there are."""
    beside: bool = False
    """Whether the base version runs beside it."""
    panes: list[Pane] = field(default_factory=list)
    """What else runs beside it."""
    samples: int = 1
    """One of `SAMPLES`. It is not kept: whoever comes back pays for one answer, unless they say so again."""
    look: Look = field(default=_as_it_is, compare=False, repr=False)
    """Puts in what the messages include."""
    fresh: int | None = field(default=None, compare=False, repr=False)
    """The place of the message that was just added: where somebody types on."""
    fresh_images: list[str] = field(default_factory=list)
    """Images that came with the button that adds them to a message; no part of the draft before that."""

    @property
    def may_add_pane(self) -> bool:
        """Whether there is room for one more."""
        return 1 + self.beside + len(self.panes) < MOST_PANES

    @property
    def variables(self) -> list[str]:
        """The inputs that the template names with what it includes, in order."""
        return compile_prompt(self.full.template, self.rest.get("template_language")).variables

    @property
    def full(self) -> Expanded:
        """The messages with what they include."""
        return self.look(self.messages, self.rest.get("template_language"))

    @property
    def full_messages(self) -> list[Mapping[str, Any]]:
        return [message for message in self.full.template if not isinstance(message, str)]

    @property
    def image_inputs(self) -> list[str]:
        """Those of the inputs that stand for whole images."""
        return message_parts.image_inputs(self.full_messages)

    @property
    def blocks(self) -> list[Block]:
        """The messages as the editor shows them."""
        blocks: list[Block] = []
        for place, message in enumerate(self.messages):
            if not is_example(message):
                blocks.append(Block(place, place + 1, message))
                continue
            if not blocks or blocks[-1].message is not None:
                blocks.append(Block(place, place))
            block = blocks[-1]
            block.until = place + 1
            if message.get("role") == "user" or not block.examples:
                block.examples.append(Example(place, []))
            block.examples[-1].messages.append(message)
        return blocks


def draft_of(spec: Mapping[str, Any], path: str = "") -> Draft:
    """The form of a version."""
    template = spec.get("template") or []
    is_text = isinstance(template, str)
    messages = [{"role": "user", "content": template}] if is_text else [dict(each) for each in template]
    shape = spec.get("response_format") or {}
    values = {name: _number_text(spec.get(name)) for name in NUMBERS}
    values |= {
        "model": spec.get("model", ""),
        "provider": spec.get("provider") or "",
        "reasoning_effort": str(spec.get("reasoning_effort", "")),
        "output": shape.get("type", "text"),
        "json_schema": _pretty(shape.get("json_schema")),
        "stop": "\n".join([spec["stop"]] if isinstance(spec.get("stop"), str) else spec.get("stop") or []),
        "tools": _pretty(spec.get("tools")),
        "other": _pretty(spec.get("other")),
    }
    rest = {key: value for key, value in spec.items() if key not in _SHOWN and key not in NUMBERS}
    if isinstance(spec.get("stop"), str):
        rest["stop"] = spec["stop"]  # one text and a list of one are not the same content
    return Draft(messages, values, rest, is_text, path=path)


def _number_text(value: int | float | None) -> str:  # noqa: PYI041 - both occur, and read differently
    return "" if value is None else str(int(value)) if value == int(value) else str(value)


def _pretty(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) if value else ""


def read_draft(form: Sequence[tuple[str, str]]) -> Draft:
    """The draft in a sent form. Line ends become \\n: browsers send \\r\\n, and the same text must be the same version.

    Raises:
        Invalid: a field that people do not type was tampered with.
    """
    sent = [(name, value.replace("\r\n", "\n")) for name, value in form]
    one = dict(sent)
    columns = {
        name: [value for key, value in sent if key == name] for name in ("role", "name", "content", "extra")
    }
    draft = Draft(
        values={name: one.get(name, "") for name in FIELDS},
        is_text=one.get("is_text") == "1",
        inputs={name.removeprefix("input."): value for name, value in sent if name.startswith("input.")},
        path=one.get("path", ""),
        unfolded=one.get("unfolded") == "1",
        beside=one.get("panes") == "both",
    )
    if (samples := one.get("samples", "")) in map(str, SAMPLES):
        draft.samples = int(samples)
    told = [[value.strip() for key, value in sent if key == f"pane.{name}"] for name in _PANE]
    draft.panes = [Pane(*each) for each in zip(*told, strict=False)]
    draft.fresh_images = [value for name, value in sent if name == "image.new"]
    try:
        parts = message_parts.read_parts(sent)
        draft.rest = _object(json.loads(one.get("rest") or "{}"))
        for role, name, content, extra in zip(*columns.values(), strict=True):
            if role == FOLDED:
                draft.messages += [_object(message) for message in _list(json.loads(content))]
            else:
                message: Json = {"role": role, "content": parts.get(len(draft.messages), content)}
                if name:
                    message["name"] = name
                carried = _object(json.loads(extra or "{}"))
                if content and not carried.get("content", content):
                    del carried[
                        "content"
                    ]  # a message that said nothing, but called tools, says something now
                draft.messages.append(message | carried)
    except (ValueError, RecursionError) as error:
        msg = "The form does not fit together: reload the page."
        raise Invalid(msg) from error
    return draft


def _object(value: Any) -> Json:
    if not isinstance(value, dict):
        raise ValueError("no object")  # noqa: TRY004 - what the form holds is wrong, as with broken JSON
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("no list")  # noqa: TRY004
    return value


def extra_of(message: Mapping[str, Any]) -> str:
    """What of a message the form carries along without showing it, as JSON: tool calls, ids. Parts have fields."""
    shown = {"role", "name"}
    if isinstance(message.get("content"), str) or message_parts.parts_of(message):
        shown.add("content")
    hidden = {key: value for key, value in message.items() if key not in shown}
    return json.dumps(hidden, ensure_ascii=False) if hidden else ""


def folded(examples: Sequence[Example]) -> str:
    """Examples that are not shown, as JSON."""
    return json.dumps([message for each in examples for message in each.messages], ensure_ascii=False)


def spec_of(draft: Draft) -> PromptSpec:
    """The version that the draft makes.

    Raises:
        Invalid: `fields` names each field that is wrong, and how to put it right.
    """
    problems: dict[str, str] = {}
    spec: Json = dict(draft.rest)
    values = {name: text.strip() for name, text in draft.values.items()}
    if not values.get("model"):
        problems["model"] = "Name the model, as its provider spells it."
    for name in NUMBERS:
        if values.get(name):
            spec[name] = _number(name, values[name], problems)
    for name in ("tools", "other", "json_schema"):
        if values.get(name):
            spec[name] = _json(name, values[name], problems)
    spec |= {name: values[name] for name in ("model", "provider") if values.get(name)}
    effort = values.get("reasoning_effort", "")
    if effort:
        spec["reasoning_effort"] = effort if (tokens := whole(effort)) is None else tokens
    stops = [line for line in draft.values.get("stop", "").split("\n") if line]
    if stops != [spec.get("stop")]:
        spec["stop"] = stops or None
    schema = spec.pop("json_schema", None)
    if values.get("output") in ("json_object", "json_schema"):
        spec["response_format"] = _response_format(values["output"], schema, problems)
    if problem := message_parts.problem_of(draft.messages):
        problems["template"] = problem
    if problems:
        raise Invalid(" ".join(problems.values()), fields=problems)
    content = draft.messages[0].get("content") if len(draft.messages) == 1 else None
    spec["template"] = content if draft.is_text and isinstance(content, str) else draft.messages
    return parse_spec(spec)


def _response_format(output: str, schema: Any, problems: dict[str, str]) -> Json:
    if output == "json_object":
        return {"type": output}
    if not schema and "json_schema" not in problems:
        problems["json_schema"] = "Give the schema, or choose another output."
    return {"type": output, "json_schema": schema}


def _number(name: str, text: str, problems: dict[str, str]) -> float | int | None:
    try:
        return int(text) if name in ("max_tokens", "seed") else float(text)
    except ValueError:
        problems[name] = f"Enter a {'whole ' if name in ('max_tokens', 'seed') else ''}number, or nothing."
        return None


def _json(name: str, text: str, problems: dict[str, str]) -> Any:
    wanted = list if name == "tools" else dict
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        problems[name] = f"This is not JSON: {error}."
        return None
    if not isinstance(value, wanted):
        problems[name] = f"This must be a JSON {'list of tools' if wanted is list else 'object'}."
    return value


def apply(draft: Draft, action: str) -> None:
    """Do what a button of the form asks: add, remove or move a message or an example. Unknown ones do nothing.

    `add:user`, `add:example`, `up:2`, `down:2`, `remove:2` (the number of a block), `move:2:0` (to where), `drop:4` (an example's first
    message), `unfold`; `pane:add`, `pane:1` (takes that one away); `empty:photo` (an input); and those of a message's parts.
    """
    verb, _, detail = action.partition(":")
    if verb == "unfold":
        draft.unfolded = True
    elif verb in message_parts.VERBS:
        message_parts.apply_to_parts(draft.messages, verb, detail, draft.fresh_images)
    elif verb == "empty":
        draft.inputs[detail] = ""
    elif verb == "add":
        _add(draft, detail)
    elif verb == "pane":
        _change_panes(draft, detail)
    elif verb == "move":
        _move(draft, *map(whole, detail.partition(":")[::2]))
    elif verb in ("up", "down", "remove", "drop") and (number := whole(detail)) is not None:
        _change(draft, verb, number)


def _change_panes(draft: Draft, detail: str) -> None:
    if detail == "add" and draft.may_add_pane:
        draft.panes.append(Pane())
    elif (place := whole(detail)) is not None and place < len(draft.panes):
        del draft.panes[place]


def _add(draft: Draft, role: str) -> None:
    if role in ROLES:
        draft.messages.append({"role": role, "content": ""})
        draft.fresh = len(draft.messages) - 1
        return
    if role == EXAMPLE:
        draft.fresh = insert_examples(
            draft, [{"role": role, "name": EXAMPLE, "content": ""} for role in ("user", "assistant")]
        )


def insert_examples(draft: Draft, messages: Sequence[Json]) -> int:
    """Put messages of examples after those that are there; else after the system message. The place of the first."""
    marked = [place for place, message in enumerate(draft.messages) if is_example(message)]
    systems = [place for place, message in enumerate(draft.messages) if message.get("role") == "system"]
    at = (marked[-1] if marked else systems[-1] if systems else -1) + 1
    draft.messages[at:at] = messages
    draft.unfolded = draft.unfolded or len(marked) >= 2 * SHOWN_EXAMPLES
    return at


def _move(draft: Draft, number: int | None, to: int | None) -> None:
    """Put a block where another stands, as dragging does."""
    blocks = draft.blocks
    if number is None or to is None or max(number, to) >= len(blocks):
        return
    parts = [draft.messages[block.first : block.until] for block in blocks]
    parts.insert(to, parts.pop(number))
    draft.messages = [message for part in parts for message in part]


def _change(draft: Draft, verb: str, number: int) -> None:
    blocks = draft.blocks
    if verb == "drop":
        for block in blocks:
            for example in block.examples:
                if example.first == number:
                    del draft.messages[number : number + len(example.messages)]
                    return
        return
    other = number - 1 if verb == "up" else number + 1
    if number >= len(blocks) or (verb != "remove" and not 0 <= other < len(blocks)):
        return
    parts = [draft.messages[block.first : block.until] for block in blocks]
    if verb == "remove":
        del parts[number]
    else:
        parts[number], parts[other] = parts[other], parts[number]
    draft.messages = [message for part in parts for message in part]
