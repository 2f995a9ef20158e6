"""What is particular to prompts' templates: few-shot examples, and the conversation that follows the template."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.core.jinja_template import JinjaTemplate
from app.core.template import Message, Template
from app.prompts.tool_calls import PromptTemplate

EXAMPLE = "example"
"""The `name` that marks a message as part of a few-shot example."""


def is_example(message: Mapping[str, Any]) -> bool:
    return message.get("name") == EXAMPLE


def few_shot_examples(messages: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """The examples of a template in order: marked messages, each example starting at a user's message."""
    examples: list[list[Mapping[str, Any]]] = []
    inside = False
    for message in messages:
        if not is_example(message):
            inside = False
        elif inside and message.get("role") != "user":
            examples[-1].append(message)
        else:
            examples.append([message])
            inside = True
    return examples


def strip_example_marks(messages: Iterable[Mapping[str, Any]]) -> list[Message]:
    """The messages as a provider may see them: the mark of examples is taken off, other names stay."""
    return [
        {key: value for key, value in message.items() if key != "name"}
        if is_example(message)
        else dict(message)
        for message in messages
    ]


def compile_prompt(template: Template, language: str | None) -> PromptTemplate | JinjaTemplate:
    """A prompt's template, made ready for many rows."""
    return JinjaTemplate(template) if language == "jinja" else PromptTemplate(template)


def conversation(
    template: PromptTemplate | JinjaTemplate,
    inputs: Mapping[str, Any],
    messages: Sequence[Mapping[str, Any]] = (),
    answers: Mapping[str, str] | None = None,
) -> list[Message]:
    """What a chat model is sent: the template filled in, without marks, and then `messages` as they are.

    A plain string is one user message. `answers` are what came of the template's calls of tools. Raises as the template does.
    """
    rendered = (
        template.render(inputs) if isinstance(template, JinjaTemplate) else template.render(inputs, answers)
    )
    if isinstance(rendered, str):
        rendered = [{"role": "user", "content": rendered}]
    return [*strip_example_marks(rendered), *(dict(message) for message in messages)]
