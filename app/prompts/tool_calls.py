"""Calls of tools within a plain template, `{{ hours("berlin") }}`: what is called, with what, and where the answer goes.

A call names a tool, by the last part of its path or by its whole path, and gives it texts in quotation marks, whole
numbers, and inputs of the prompt by their names. It is made before the model is asked (`generations.template_tools`).
What comes of it is filled in as an input is, and never read again as a template. What looks like a call and gives
something else is not readable: it is refused when the prompt is called, and not sent to the model as if it were text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.template import CompiledTemplate, Rendered, Template, as_text

# Variables as the original SDKs read them. Of calls they read fewer: ours may have the slash of a path, and between the
# parentheses whatever is no brace.
SLOT = re.compile(r"{{\s?([a-zA-Z_\d\.\[\]]+|[a-zA-Z_\-\d/]+\([^{}]*\))\s?}}")
"""A variable or a call as it stands in a template; the group is its text."""
_NUMBER = re.compile(r"-?\d+")
_NAME = re.compile(r"[a-zA-Z_\-\d]+")
LONGEST = 10_000
"""Characters of a call that is read: each argument takes a hundred bytes and more."""


@dataclass(frozen=True, slots=True)
class Argument:
    """What a call gives a tool: a text, or an input of the prompt by its name."""

    text: str | None = None
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class TemplateCall:
    """A call as it stands in a template."""

    text: str
    tool: str
    arguments: tuple[Argument, ...]
    is_readable: bool
    """Whether its arguments can be told apart; there are none of them elsewhere."""

    @property
    def variables(self) -> list[str]:
        """The inputs that it takes."""
        return [one.variable for one in self.arguments if one.variable is not None]


def read_call(text: str) -> TemplateCall:
    """The call that these characters are."""
    tool, _, rest = text.removesuffix(")").partition("(")
    if len(text) > LONGEST:
        return TemplateCall(text, tool, (), is_readable=False)
    pieces = rest.split('"')  # at odd places what stands in quotation marks
    given: list[list[Argument]] = [[]]
    for place, piece in enumerate(pieces):
        if place % 2:
            given[-1].append(Argument(text=piece))
            continue
        first, *others = piece.split(",")
        given[-1] += _names(first)
        given += [_names(other) for other in others]
    if len(pieces) % 2 == 0 or any(len(each) != 1 or not _is_known(each[0]) for each in given):
        return TemplateCall(text, tool, (), is_readable=False)
    return TemplateCall(text, tool, tuple(one for [one] in given), is_readable=True)


def _is_known(argument: Argument) -> bool:
    return argument.variable is None or _NAME.fullmatch(argument.variable) is not None


def _names(text: str) -> list[Argument]:
    """The inputs and numbers that stand here, between commas: there should be one, or a text in quotation marks."""
    return [
        Argument(text=word) if _NUMBER.fullmatch(word) else Argument(variable=word) for word in text.split()
    ]


class PromptTemplate(CompiledTemplate):
    """A plain template and the calls that it makes, each once. `variables` hold the inputs of the calls, too."""

    calls: tuple[TemplateCall, ...]

    def __init__(self, template: Template) -> None:
        super().__init__(template, SLOT)

    def named_by(self, slots: list[str]) -> list[str]:
        calls = {slot: read_call(slot) for slot in slots if "(" in slot}
        self.calls = tuple(calls.values())
        names = (calls[slot].variables if slot in calls else [slot] for slot in slots)
        return list(dict.fromkeys(name for each in names for name in each))

    def render(self, inputs: Mapping[str, Any], answers: Mapping[str, str] | None = None) -> Rendered:
        """The template filled in, with `answers` by the text of each call.

        Where none are given, a call is an input of the name that it has as a text, as the original SDKs fill it in, or
        else stays as it is. Raises as `CompiledTemplate.render`.
        """
        if answers is None:
            answers = {call.text: _unanswered(call, inputs) for call in self.calls}
        return self.fill({**self.values(inputs), **answers})


def _unanswered(call: TemplateCall, inputs: Mapping[str, Any]) -> str:
    given = inputs.get(call.text)
    return f"{{{{ {call.text} }}}}" if given is None else as_text(given)
