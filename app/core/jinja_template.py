"""Templates in Jinja, rendered in the sandbox: it holds their loops and their memory, which Jinja itself does not."""

import copy
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

from app.core.errors import Invalid
from app.core.template import Message, Rendered, Template
from app.sandbox.frames import Answer
from app.sandbox.selftest import state
from app.sandbox.supervisor import Limits, SandboxUnavailable, sandbox

_LIMITS = Limits(wall_s=1.0)
"""Templates put texts together; one that takes longer than a second never ends."""
_Place = tuple[MutableMapping[str, Any], str]


class JinjaTemplate:
    """A string or chat messages in Jinja; as `CompiledTemplate`, but that names may be left out where it allows it."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._variables: list[str] | None = None
        self._texts = (
            [template] if isinstance(template, str) else [box[key] for box, key in _places(template)]
        )

    @property
    def variables(self) -> list[str]:
        """The names that the template takes from the inputs, sorted; none where it cannot be read, or not now."""
        if self._variables is None:
            try:
                self._variables = _ask(self._texts, names=True)
            except Invalid:
                return []
        return self._variables

    def check(self) -> None:
        """Read the template, without rendering it.

        Raises:
            Invalid: with the line of what cannot be read.
        """
        _ask(self._texts, names=True)

    def render(self, inputs: Mapping[str, Any], nothing_in: str | None = None) -> Rendered:
        """The template filled in. A template that shows the `output` of the input `nothing_in` fails.

        Raises:
            Invalid: it cannot be read, or failed: with the line. A name that is not given is a failure, unless the
                template asks for it by `is defined` or `default`.
        """
        texts = _ask(self._texts, inputs=dict(inputs), nothing_in=nothing_in)
        if isinstance(self._template, str):
            return texts[0]
        messages: list[Message] = [copy.deepcopy(dict(message)) for message in self._template]
        for (box, key), text in zip(_places(messages), texts, strict=True):
            box[key] = text
        return messages


def _places(messages: Sequence[Mapping[str, Any]]) -> Iterator[_Place]:
    """Where the texts of messages stand: contents, parts of contents, and addresses of images."""
    for message in messages:
        content = message.get("content")
        if isinstance(content, str):
            yield message, "content"  # type: ignore[misc]
        elif isinstance(content, list | tuple):
            for part in content:
                image = part.get("image_url")
                if isinstance(image, Mapping):
                    if isinstance(image.get("url"), str):
                        yield image, "url"  # type: ignore[misc]
                elif isinstance(part.get("text"), str):
                    yield part, "text"


def _ask(texts: Sequence[str], **request: Any) -> list[str]:
    if not state().engine:
        raise Invalid(f"Templates in Jinja are not rendered on this host: {state().explanation}")
    try:
        answer = sandbox().run("render", {"templates": texts, **request}, limits=_LIMITS)
    except SandboxUnavailable as unavailable:
        raise Invalid(f"The template was not rendered: {unavailable}") from None
    if answer.error is not None:
        raise Invalid(_said(answer), fields={"template": _said(answer)})
    return list(answer.value) if isinstance(answer.value, list) else []


def _said(answer: Answer) -> str:
    problem = str(answer.error).replace("The program", "The template")
    return f"Template, line {answer.line}: {problem}" if answer.line else f"Template: {problem}"
