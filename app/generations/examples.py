"""Few-shot examples and the rows of a dataset: made from training rows, and found among the rows that a prompt is tested on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.core.template import as_text
from app.datasets.models import Datapoint
from app.files.models import Version
from app.generations import example_repository as repository
from app.generations.draft import Draft, Example, insert_examples
from app.generations.example_repository import RowFound
from app.prompts.template import EXAMPLE, compile_prompt, is_example
from app.prompts.tool_calls import SLOT

Json = dict[str, Any]
TRAIN = "train"
MOST_ADDED = 50
_JINJA = ("{{", "{%", "{#")
_LONGEST = 20_000
"""Characters of an example that is looked for among rows."""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a row: the messages of its example, or why it makes none."""

    row: Datapoint
    messages: Sequence[Json] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Repeated:
    """An example whose inputs are those of a row that the prompt is tested on."""

    first: int
    """The place of its first message in the template."""
    row: RowFound


def question_of(draft: Draft) -> Json | None:
    """The message that a row fills in: the user's last one that is text and no example."""
    asked = [
        message
        for message in draft.messages
        if message.get("role") == "user"
        and not is_example(message)
        and isinstance(message.get("content"), str)
    ]
    return asked[-1] if asked else None


def make(draft: Draft, row: Datapoint) -> Made:
    """The example that a row makes in this draft: its question as the draft asks it, and its target as the answer."""
    asked, language = question_of(draft), draft.rest.get("template_language")
    if asked is None:
        return Made(row, problem="The draft has no message of the user that a row could fill in.")
    if not row.target:
        return Made(row, problem="The row has no target: an example needs its answer.")
    answer = answer_of(row.target)
    texts = [answer, *(as_text(value) for value in row.inputs.values())]
    if any(_is_template(text, language) for text in texts):
        return Made(row, problem="The row holds what a template would fill in, such as {{name}}.")
    try:
        filled = compile_prompt(asked["content"], language).render(row.inputs)
    except Invalid as error:
        return Made(row, problem=error.message)
    said = (("user", filled), ("assistant", answer))
    return Made(row, [{"role": role, "name": EXAMPLE, "content": text} for role, text in said])


def _is_template(text: str, language: str | None) -> bool:
    return any(mark in text for mark in _JINJA) if language == "jinja" else SLOT.search(text) is not None


def answer_of(target: Mapping[str, Any]) -> str:
    """A target as the answer of an example: its only member, of several right ones the first; else all of it as JSON."""
    if len(target) != 1:
        return as_text(target)
    (value,) = target.values()
    return (
        as_text(value[0])
        if isinstance(value, list) and value and isinstance(value[0], str)
        else as_text(value)
    )


def add(draft: Draft, rows: Sequence[Datapoint]) -> Sequence[Made]:
    """Put the examples of these rows after those that the draft has; one that it has already is not added. What became of
    each."""
    made = [make(draft, row) for row in rows]
    there = {_key(example.messages) for example in examples_of(draft)}
    fresh = []
    for one in made:
        if one.messages and _key(one.messages) not in there:
            there.add(_key(one.messages))
            fresh += [dict(message) for message in one.messages]
    insert_examples(draft, fresh)
    return made


def _key(messages: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(message.get("role")), as_text(message.get("content"))) for message in messages)


def examples_of(draft: Draft) -> list[Example]:
    """The examples of the draft, in their order."""
    return [example for block in draft.blocks for example in block.examples]


def find_repeated(session: Session, draft: Draft, version: Version | None) -> list[Repeated]:
    """The examples whose inputs are also those of a row of this dataset that is not for training: equal but for spaces and
    the case of letters. Looked for among the first 10,000 such rows."""
    found = examples_of(draft)
    asked = question_of(draft)
    if version is None or not found or asked is None:
        return []
    pieces = SLOT.split(asked["content"])
    names = list(dict.fromkeys(pieces[1::2]))
    if not names or any("(" in name or draft.rest.get("template_language") == "jinja" for name in names):
        return []
    joint: dict[str, list[int]] = {}
    alone: dict[str, list[int]] = {}
    for example in found:
        text = example.messages[0].get("content")
        if not isinstance(text, str) or not 0 < len(text) <= _LONGEST:
            continue
        alone.setdefault(normalised(text), []).append(example.first)
        if apart := _taken_apart(pieces, text):
            joint.setdefault(repository.JOINT.join(apart[name] for name in names), []).append(example.first)
    rows = repository.find_test_rows(session, version, names, list(joint), list(alone))
    repeated: dict[int, Repeated] = {}
    for row, values in rows:
        for first in _matching(joint, alone, values):
            repeated.setdefault(first, Repeated(first, row))
    return [repeated[first] for first in sorted(repeated)]


def _matching(
    joint: Mapping[str, list[int]], alone: Mapping[str, list[int]], values: Sequence[str]
) -> list[int]:
    """The examples that a row repeats, by all of its inputs together or by one of them."""
    keys = {repository.JOINT.join(values).casefold()}
    found = [first for key, firsts in joint.items() if key.casefold() in keys for first in firsts]
    single = {value.casefold() for value in values}
    return found + [first for key, firsts in alone.items() if key.casefold() in single for first in firsts]


def normalised(text: str) -> str:
    """A text without what two writings of the same may differ in."""
    return " ".join(text.split())


def _taken_apart(pieces: Sequence[str], text: str) -> dict[str, str] | None:
    """The inputs that an example was filled in from: what stands between the literals of the question. None where it was
    asked otherwise."""
    rest = normalised(text)
    literals = [normalised(piece) for piece in pieces[0::2]]
    if not rest.startswith(literals[0]) or not rest.endswith(literals[-1]):
        return None
    rest = (
        rest[len(literals[0]) : len(rest) - len(literals[-1])] if literals[-1] else rest[len(literals[0]) :]
    )
    found: dict[str, str] = {}
    for name, literal in zip(pieces[1::2], [*literals[1:-1], None], strict=True):
        if literal == "":  # two variables side by side: nobody can tell where one ends
            return None
        value, mark, rest = rest.partition(literal) if literal else (rest, "", "")
        if literal and not mark:
            return None
        if found.setdefault(name, value.strip()) != value.strip():
            return None
    return found
