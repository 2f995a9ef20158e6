"""A training file: a JSON object with `messages` on each line, as for fine-tuning a chat model."""

from typing import Any

import orjson

from app.practice.asking import count_tokens
from app.practice.reading import read
from app.practice.requests import ROLES
from app.practice.tuning import MOST_ANSWERS, Example

LEAST_EXAMPLES = 10
MOST_EXAMPLES = 20_000
_MOST_SAID = 10
_SPOKEN = ROLES - {"tool", "function"}


class BadFile(Exception):
    """Nothing can be learned from the file; the message says what is wrong with which lines."""


def read_training(raw: bytes, *, least: int = LEAST_EXAMPLES) -> tuple[list[Example], int]:
    """(what is asked and what is answered in each line, tokens of the file).

    Raises:
        BadFile: names the first ten lines that cannot be used, and how many there are.
    """
    examples: list[Example] = []
    problems: list[str] = []
    tokens = wrong = 0
    for number, line in enumerate(raw.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            example, size = _example(line)
        except ValueError as error:
            wrong += 1
            if len(problems) < _MOST_SAID:
                problems.append(f"line {number}: {error}")
            continue
        examples.append(example)
        tokens += size
        if len(examples) > MOST_EXAMPLES:
            raise BadFile(f"The practice model learns from at most {MOST_EXAMPLES:,} examples.")
    if problems:
        more = f"; and {wrong - len(problems):,} more" if wrong > len(problems) else ""
        raise BadFile(
            f"{wrong:,} line{'s' if wrong != 1 else ''} cannot be used: {'; '.join(problems)}{more}."
        )
    if len(examples) < least:
        raise BadFile(f"The file has {len(examples)} examples; at least {least} are needed.")
    answers = len({answer for _, answer in examples})
    if answers > MOST_ANSWERS:
        raise BadFile(
            f"The file has {answers:,} different answers: the practice model is no LLM, and learns to choose among at most"
            f" {MOST_ANSWERS}."
        )
    return examples, tokens


def _example(line: bytes) -> tuple[Example, int]:
    """The example of a line, and its tokens. ValueError says what is wrong with it."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"not valid JSON ({error})") from None
    messages: Any = value.get("messages") if isinstance(value, dict) else None
    if not isinstance(messages, list) or not messages:
        raise ValueError("it must be an object with a list of `messages`")
    said = [_message(message, at) for at, message in enumerate(messages)]
    if said[-1][0] != "assistant" or not said[-1][1].strip():
        raise ValueError("the last message must be the assistant's, with the answer to learn")
    if all(role != "user" for role, _ in said):
        raise ValueError("no message is the user's")
    return (asked(tuple(said[:-1])), said[-1][1]), count_tokens(sum(len(text) for _, text in said))


def _message(message: object, at: int) -> tuple[str, str]:
    role, content = (
        (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
    )
    if not isinstance(role, str) or role not in _SPOKEN:
        raise ValueError(f"messages[{at}] needs a role: system, developer, user or assistant")
    if not isinstance(content, str):
        raise ValueError(f"messages[{at}] needs a text as its content")  # noqa: TRY004 - the line is wrong
    return role, content


def asked(messages: tuple[tuple[str, str], ...]) -> str:
    """What a conversation asks, as the model reads it: the input, without the instructions around it."""
    return read(messages).input
