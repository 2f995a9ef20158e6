"""The plain template language: `{{name}}` is replaced by an input, and nothing else is computed.

`{{log.messages[0].content}}` reaches into objects and lists. What is filled in is never read again as a template.
A template is a plain string or a list of chat messages, whose content is a string or a list of parts.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.core.errors import Invalid
from app.core.json_values import FIELD_MIB

Message = dict[str, Any]
Template = str | Sequence[Mapping[str, Any]]
Rendered = str | list[Message]

# What the original SDKs read: one optional space on each side. Text that does not match stays as it is.
VARIABLE = re.compile(r"{{\s?([a-zA-Z_\d\.\[\]]+)\s?}}")
"""A variable as it stands in a template; the group is its name."""
_PATH = re.compile(r"[a-zA-Z_\d]+(?:\.[a-zA-Z_\d]+|\[[a-zA-Z_\d]+\])*")
_STEP = re.compile(r"[a-zA-Z_\d]+")
_MISSING = object()
MOST_FILLED_IN = FIELD_MIB << 20
"""Characters of a filled-in template: one variable, written a million times, would fill the memory."""


class MissingInputs(Invalid):
    """A template names inputs that were not given; `names` lists them, sorted."""

    title = "Inputs are missing"

    def __init__(self, names: Sequence[str]) -> None:
        self.names = sorted(names)
        listed = ", ".join(self.names)
        said = f"The template needs {listed}: give a value for each"
        super().__init__(said, fields={"inputs": said}, missing=self.names)


class CompiledTemplate:
    """A template split once, to be rendered for thousands of rows. `variables` are in order of appearance.

    What is replaced is what `slot` finds, whose only group is its name.
    """

    def __init__(self, template: Template, slot: re.Pattern[str] = VARIABLE) -> None:
        self._text: _Text | None = None
        self._messages: list[_Message] = []
        if isinstance(template, str):
            self._text = _Text(template, slot)
            texts = [self._text]
        else:
            self._messages = [_Message(message, slot) for message in template]
            texts = [text for message in self._messages for text in message.texts()]
        self._uses = Counter(name for text in texts for name in text.names)
        self.variables = self.named_by(list(self._uses))
        self._paths = {name: _steps(name) for name in self.variables}

    def named_by(self, slots: list[str]) -> list[str]:
        """The inputs that are needed to fill these."""
        return slots

    def render(self, inputs: Mapping[str, Any]) -> Rendered:
        """The template filled in, a string or messages as it is; messages without variables are shared with it.

        Raises:
            MissingInputs: names that `inputs` lacks or holds null for.
            Invalid: what comes out would be over 5 MiB.
        """
        return self.fill(self.values(inputs))

    def fill(self, values: Mapping[str, str]) -> Rendered:
        """The template with these texts, one for each of what is replaced. Invalid when they are over 5 MiB in it."""
        if sum(count * len(values[name]) for name, count in self._uses.items()) > MOST_FILLED_IN:
            raise too_long()
        if self._text is not None:
            return self._text.render(values)
        return [message.render(values) for message in self._messages]

    def values(self, inputs: Mapping[str, Any]) -> dict[str, str]:
        """The text of every variable. An input of exactly the variable's name wins over reaching into one."""
        found = {name: _look_up(inputs, name, steps) for name, steps in self._paths.items()}
        missing = [name for name, value in found.items() if value is _MISSING]
        if missing:
            raise MissingInputs(missing)
        texts, left = {}, MOST_FILLED_IN
        for name, value in found.items():
            texts[name] = as_text(value)
            left -= len(texts[name])
            if left < 0:  # many names can lead to the same long text
                raise too_long()
        return texts


def too_long() -> Invalid:
    """That what fills in a template is over `MOST_FILLED_IN`."""
    return Invalid(
        f"What fills in the template is over {FIELD_MIB} MiB: shorten the inputs, or name them less often."
    )


def compile_template(template: Template) -> CompiledTemplate:
    """Split a template for rendering it many times."""
    return CompiledTemplate(template)


def variables(template: Template) -> list[str]:
    """The names that a template needs, in order of first appearance: `name`, `log.messages[0].content`."""
    return compile_template(template).variables


def render(template: Template, inputs: Mapping[str, Any]) -> Rendered:
    """Fill in one template once; as `CompiledTemplate.render`."""
    return compile_template(template).render(inputs)


def text_of(inputs: Mapping[str, Any], name: str) -> str:
    """The text that a variable of this name has.

    Raises:
        MissingInputs: `inputs` lacks it, or holds null for it.
    """
    value = _look_up(inputs, name, _steps(name))
    if value is _MISSING:
        raise MissingInputs([name])
    return as_text(value)


def as_text(value: Any) -> str:
    """How a value is written into a template: text as it is, objects and lists as JSON, the rest as Python says."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


class _Text:
    """A string as literals (even places) and names of variables (odd places)."""

    __slots__ = ("names", "pieces")

    def __init__(self, text: str, slot: re.Pattern[str]) -> None:
        self.pieces = slot.split(text)
        self.names = self.pieces[1::2]

    def render(self, values: Mapping[str, str]) -> str:
        if not self.names:
            return self.pieces[0]
        filled = self.pieces.copy()
        filled[1::2] = [values[name] for name in self.names]
        return "".join(filled)


class _Message:
    """A chat message whose content is split; every other field passes as it is."""

    __slots__ = ("_message", "_parts", "_text")

    def __init__(self, message: Mapping[str, Any], slot: re.Pattern[str]) -> None:
        self._message = dict(message)
        content = message.get("content")
        self._text = _Text(content, slot) if isinstance(content, str) else None
        self._parts = [_Part(part, slot) for part in content] if isinstance(content, list | tuple) else None

    def texts(self) -> Iterator[_Text]:
        if self._text is not None:
            yield self._text
        for part in self._parts or ():
            if part.text is not None:
                yield part.text

    def render(self, values: Mapping[str, str]) -> Message:
        if self._text is not None:
            return {**self._message, "content": self._text.render(values)}
        if self._parts is not None:
            return {**self._message, "content": [part.render(values) for part in self._parts]}
        return self._message.copy()


class _Part:
    """A part of a message: text, or an image whose address may be a variable."""

    __slots__ = ("_part", "text")

    def __init__(self, part: Mapping[str, Any], slot: re.Pattern[str]) -> None:
        self._part = dict(part)
        self.text: _Text | None = None
        image = part.get("image_url")
        source = image.get("url") if isinstance(image, Mapping) else part.get("text")
        if isinstance(source, str):
            self.text = _Text(source, slot)

    def render(self, values: Mapping[str, str]) -> dict[str, Any]:
        if self.text is None:
            return self._part.copy()
        text = self.text.render(values)
        if isinstance(self._part.get("image_url"), Mapping):
            return {**self._part, "image_url": {**self._part["image_url"], "url": text}}
        return {**self._part, "text": text}


def _steps(name: str) -> list[str]:
    """The keys and positions that a name goes through; none when it is no path, such as `a..b`."""
    return _STEP.findall(name) if _PATH.fullmatch(name) else []


def _look_up(inputs: Mapping[str, Any], name: str, steps: list[str]) -> Any:
    value = inputs.get(name)
    if value is not None:
        return value
    if len(steps) < 2:
        return _MISSING
    value = inputs
    for step in steps:
        value = _step_into(value, step)
    return _MISSING if value is None else value


def _step_into(value: Any, step: str) -> Any:
    """A member of an object or an item of a list; None for everything else. Never an attribute."""
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list | tuple) and step.isdecimal() and len(step) < 10 and int(step) < len(value):
        return value[int(step)]
    return None
