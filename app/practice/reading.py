"""From messages to a Prompt: what the practice model has understood of what it was given."""

import re
from dataclasses import dataclass
from itertools import pairwise

from app.practice.examples import Pairs, read_examples
from app.practice.labels import CHOOSE, Labels, read_labels
from app.practice.memory import remembered
from app.practice.parts import Part, read_parts
from app.practice.telling import CLASSIFY
from app.practice.text import STOP

Message = tuple[str, str]
"""(role, text)."""

QUOTED = re.compile(r"[\"“]([^\"“”\n]{8,})[\"”]")
INSTRUCTION = re.compile(r"\byou(?:r|'re)?\b|\b(?:reply|respond|classify)\b", re.IGNORECASE)
CRITERIA = re.compile(
    r"criteri|rubric|task|scale|label|categor|intent|class|format|guideline|rule", re.IGNORECASE
)
ARROW_END = re.compile(r"(?:->|=>|→)\s*$")


@dataclass(frozen=True, slots=True)
class Prompt:
    """The parts of a prompt. What was not found is empty."""

    rules: str
    """The instructions: what remains without passage, examples and input."""
    labels: Labels
    examples: Pairs
    parts: tuple[Part, ...]
    input: str
    question: str
    passage: str
    result: str
    """What the tools answered after the last user message."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """What stands before the last user message: the same for every row of a data set, so read once."""

    rules: str
    examples: Pairs
    passages: tuple[str, ...]
    sorts: bool
    """The task is to sort what the user says, so that a user message without marks is all input."""


def tidy(text: str) -> str:
    """The text with runs of blanks and blank lines squeezed: they make some expressions quadratic."""
    text = re.sub(r"[^\S\n]{3,}", "  ", text.replace("\r\n", "\n"))
    return re.sub(r"\n{4,}", "\n\n\n", text)


def split(messages: tuple[Message, ...]) -> tuple[tuple[Message, ...], str, str]:
    """(all before the last user message, that message, what tools answered after it)."""
    last = len(messages) - 1
    at = next((i for i in range(last, -1, -1) if messages[i][0] == "user"), last)
    after = messages[at + 1 :]
    system = tuple(message for message in after if message[0] in {"system", "developer"})
    result = "\n\n".join(text for role, text in after if role == "tool")
    return messages[:at] + system, messages[at][1], tidy(result)


def _is_prose(text: str) -> bool:
    """Whether this is a paragraph to read rather than a list: long, with the small words of sentences."""
    found = text.lower().split()
    return len(found) >= 30 and sum(word in STOP for word in found) >= 0.15 * len(found)


def _passages(text: str, not_this: str = "") -> tuple[str, ...]:
    """The parts that are named as one, else the paragraphs of prose."""
    named = dict.fromkeys(p.text for p in read_parts(text) if p.is_passage and len(p.text.split()) >= 12)
    paragraphs = re.split(r"\n\s*\n", text)
    return tuple(named) or tuple(p for p in paragraphs if p != not_this and _is_prose(p))


def _introduced(text: str) -> str | None:
    """What an instruction introduces: text in quotes, after a colon, or before an arrow."""
    quoted = QUOTED.findall(text)
    if quoted and CHOOSE.search(QUOTED.sub(" ", text)):
        return str(max(quoted, key=len))
    head, colon, rest = text.rpartition(":\n")
    if not colon:
        head, colon, rest = text.partition(": ")
        colon = colon if CHOOSE.search(head) else ""
    if colon and rest.strip() and len(head.split()) <= 40:
        return rest.strip()
    return (
        ARROW_END.sub("", text.rsplit("\n", maxsplit=1)[-1]).strip(" \"'-")
        if ARROW_END.search(text)
        else None
    )


def _unmarked(text: str, *, all_input: bool) -> str:
    """The text to work on when nothing names it: what an instruction introduces, all, or what stands last."""
    paragraphs = [p.strip() for p in re.split(r"\n\s*\n", text.strip())]
    last = paragraphs[-1]
    if all_input and not any(p.endswith(":") for p in paragraphs):
        return _introduced(text) or text.strip()
    if len(paragraphs) > 1:
        last = next((p for p in reversed(paragraphs) if not read_labels(p)), last)
    return _introduced(last) or last.split("\n")[-1]


def subject(text: str, parts: tuple[Part, ...], *, all_input: bool) -> str:
    """The input in one user message: the last filled part with a short name, else what is not marked."""
    named = [p for p in parts if p.text and len(p.name.split()) <= 4 and not CLASSIFY.match(p.name)]
    return (named[-1].head if named else _unmarked(text, all_input=all_input)).strip(' "“”')


def _without(text: str, piece: str) -> str:
    """The text without the last occurrence of a piece."""
    at = text.rfind(piece) if piece else -1
    return f"{text[:at]}\n\n{text[at + len(piece) :]}" if at >= 0 else text


def _around_examples(text: str, pairs: Pairs) -> tuple[str, str]:
    """What stands before the first example's input and after the last one's answer."""
    at = text.find(pairs[0][0]) if pairs else -1
    if at < 0:
        return "", text
    end = max(at, text.rfind(pairs[-1][1])) + len(pairs[-1][1])
    return text[:at], text[end:].lstrip("\"'}")


def _opening(paragraph: str) -> str:
    """The first sentence."""
    return re.split(r"[.!?]\s", paragraph, maxsplit=1)[0]


@remembered()
def read_fixed(messages: tuple[Message, ...]) -> Fixed:
    """Read all that stands before the last user message."""
    system = "\n\n".join(tidy(text) for role, text in messages if role in {"system", "developer"})
    parts = read_parts(system)
    pairs = read_examples(parts, system).pairs
    named = {part.text for part in parts}
    passages = tuple(p for p in _passages(system) if p in named or not INSTRUCTION.search(_opening(p)))
    rules = "\n\n".join(_around_examples(system, pairs))
    told = rules
    for passage in passages:
        told = told.replace(passage, " ")
    sorts = bool(CLASSIFY.search(told) or read_labels(told))
    turns = tuple(
        (subject(asked := tidy(before[1]), read_parts(asked), all_input=sorts), tidy(text))
        for before, (role, text) in pairwise(messages)
        if role == "assistant" and before[0] == "user"
    )
    examples = pairs + (turns if len(turns) >= 2 else ())  # one exchange is a conversation, not an example
    return Fixed(rules, examples, () if examples else passages, sorts)


def _question(user: str, parts: tuple[Part, ...], otherwise: str) -> str:
    named = next((p.head for p in reversed(parts) if p.is_question and p.text), "")
    if named:
        return named
    asked = [
        line.strip() for line in user.split("\n") if line.rstrip().endswith("?") and len(line.split()) < 60
    ]
    return re.split(r"(?<=[a-z]): ", asked[-1])[-1] if asked else otherwise


def _instructions_only(text: str, parts: tuple[Part, ...], *, judged: bool) -> str:
    """The text without the parts that a judge judges, compares or is told about: no instruction stands there."""
    for part in parts if judged else ():
        if part.text and not CRITERIA.search(part.name):
            text = _without(text, part.text)
    return text


def read(messages: tuple[Message, ...]) -> Prompt:
    """Read a prompt. Instructions are looked for outside passage, examples and input only."""
    fixed_messages, user, result = split(messages)
    fixed, user = read_fixed(fixed_messages), tidy(user)
    parts = read_parts(user)
    found = read_examples(parts, user)
    wanted = found.unanswered or subject(user, parts, all_input=fixed.sorts and not found.pairs)
    examples = fixed.examples + found.pairs
    before, after = _around_examples(user, found.pairs)
    passages = _passages(after, wanted) or _passages(before) or (() if examples else fixed.passages)
    if fixed.sorts and wanted == user.strip():
        passages = ()
    judged = not found.pairs and any(part.is_candidate and part.text for part in parts)
    outside, system = _instructions_only(f"{before}\n\n{after}", parts, judged=judged), fixed.rules
    for passage in passages:
        outside, system = outside.replace(passage, " "), system.replace(passage, " ")
    question = _question(outside, parts, wanted)
    passage = "\n".join(p.replace(question, " ") for p in passages).strip()
    rules = f"{system}\n\n{_without(outside, wanted)}"
    if passage:
        rules = _without(rules, question)
        if not CLASSIFY.search(rules):
            wanted, rules = question, f"{system}\n\n{_without(outside, question)}"
    labels = read_labels(rules) if not passage or CLASSIFY.search(rules) else ()
    return Prompt(rules, labels, examples, parts, wanted, question, passage, result)
