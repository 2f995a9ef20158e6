"""The demo's data, and prompts over it as a product person would write them."""

import functools
import json
import pathlib
import re
import string
from collections import Counter

from app.practice.asking import Ask
from app.practice.model import complete

ROOT = pathlib.Path(__file__).parents[2]
DEMO = ROOT / "app/demo/data"
DATA = ROOT / "tests/data"

BARE = "You read messages that customers send to an online bank. Reply with the intent of the message and nothing else."
WITHOUT = "Answer the question with a short phrase."
WITH = "Answer the question with a short phrase from the passage."


@functools.cache
def rows(path):
    """The JSON lines of a file, as a tuple of dicts."""
    return tuple(json.loads(line) for line in path.read_text().splitlines())


LABELS = json.loads((DEMO / "banking77/labels.json").read_text())
MESSAGES = rows(DEMO / "banking77/rows.jsonl")
EXAMPLES = tuple((row["text"], row["category"]) for row in rows(DEMO / "banking77/examples.jsonl"))
QUESTIONS = rows(DEMO / "squad11/rows.jsonl")


def two_each(examples):
    """The first two examples of each label."""
    seen = Counter()
    return [pair for pair in examples if (seen.update([pair[1]]) or seen[pair[1]]) <= 2]


def system(text):
    return "system", text


def user(text):
    return "user", text


def turns(examples):
    return [turn for text, answer in examples for turn in (("user", text), ("assistant", answer))]


def listing(labels):
    return f"{BARE}\n\nThe intent is one of these:\n" + "\n".join(f"- {label}" for label in labels)


def classifier(text, labels=None, examples=()):
    """The demo's classifier: bare, with the labels listed, with examples as turns."""
    return [system(listing(labels) if labels else BARE), *turns(examples), user(text)]


def answerer(question, passage=None):
    """The demo's question answerer, without and with a passage."""
    if passage is None:
        return [system(WITHOUT), user(question)]
    return [system(WITH), user(f"Passage:\n{passage}\n\nQuestion: {question}")]


def ask(messages, **options):
    """The completion of a prompt."""
    return complete(Ask(messages=tuple(messages), **options))


def say(messages, **options):
    """The text of the first choice."""
    return ask(messages, **options).replies[0].text


def normal(text):
    """SQuAD's normalisation: lower case, no punctuation, no articles, single blanks."""
    kept = "".join(character for character in text.lower() if character not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def token_f1(answer, references):
    """The best F1 of words with any reference."""

    def one(got, wanted):
        shared = sum((Counter(got) & Counter(wanted)).values())
        return 2 * shared / (len(got) + len(wanted)) if shared else float(got == wanted)

    return max(one(normal(answer), normal(reference)) for reference in references)
