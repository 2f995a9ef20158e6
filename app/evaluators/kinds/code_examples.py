"""Programs to begin with, in the editor of Python evaluators."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Example:
    """A program, what it is for, and the settings that belong to it."""

    name: str
    title: str
    code: str
    settings: dict[str, Any] = field(default_factory=dict)


EXAMPLES = (
    Example(
        "names-an-input",
        "The answer names what the question was about",
        '''\
def evaluate(log, testcase):
    """Pass if the answer names the order that the customer asked about."""
    return testcase["inputs"]["order"] in log["output"]
''',
    ),
    Example(
        "every-keyword",
        "Share of the wanted keywords that occur",
        '''\
def evaluate(log, testcase):
    """How many of the target's keywords the answer has, from 0 to 1."""
    answer = log["output"].lower()
    keywords = testcase["target"]["keywords"]
    if not keywords:
        return None
    found = [word for word in keywords if word.lower() in answer]
    print("missing:", sorted(set(keywords) - set(found)))
    return len(found) / len(keywords)
''',
        {"answers": "number", "lowest": 0, "highest": 1, "target": "needed"},
    ),
    Example(
        "json-fields",
        "JSON with all fields, each of its type",
        '''\
import json

WANTED = {"name": str, "age": int, "tags": list}


def evaluate(log):
    """Pass if the answer is a JSON object that has every field, of the right type."""
    try:
        answer = json.loads(log["output"])
    except ValueError as error:
        print("no JSON:", error)
        return False
    if not isinstance(answer, dict):
        print("no object, but", type(answer).__name__)
        return False
    # Not isinstance: True and False are integers to Python.
    wrong = [name for name, kind in WANTED.items() if type(answer.get(name)) is not kind]
    print("wrong or missing:", wrong)
    return not wrong
''',
    ),
    Example(
        "arithmetic",
        "The last number of the answer is right",
        '''\
import math
import re


def evaluate(log, testcase):
    """Pass if the last number in the answer is the target, to six digits."""
    numbers = re.findall(r"-?\\d[\\d,]*(?:\\.\\d+)?", log["output"])
    if not numbers:
        return False
    said = float(numbers[-1].replace(",", ""))
    return math.isclose(said, float(testcase["target"]["output"]), rel_tol=1e-6)
''',
        {"target": "needed"},
    ),
    Example(
        "similar-text",
        "How similar the answer is to the target",
        '''\
from rapidfuzz import fuzz


def evaluate(log, testcase):
    """0 to 1: words in any order, small misspellings forgiven."""
    return fuzz.token_sort_ratio(log["output"], testcase["target"]["output"]) / 100
''',
        {"answers": "number", "lowest": 0, "highest": 1, "target": "needed"},
    ),
    Example(
        "reading-ease",
        "Reading ease (Flesch), English",
        '''\
import re


def syllables(word):
    return max(1, len(re.findall(r"[aeiouy]+", word.lower().removesuffix("e"))))


def evaluate(log):
    """Flesch's reading ease: 100 is very easy, 30 is hard to read."""
    words = re.findall(r"[A-Za-z']+", log["output"])
    sentences = max(1, len(re.findall(r"[.!?]+", log["output"])))
    if not words:
        return None
    return 206.835 - 1.015 * len(words) / sentences - 84.6 * sum(map(syllables, words)) / len(words)
''',
        {"answers": "number"},
    ),
    Example(
        "tone",
        "Which tone the answer has, by its words",
        '''\
WORDS = {
    "apologetic": {"sorry", "apologise", "apologize", "regret"},
    "cheerful": {"great", "happy", "glad", "wonderful"},
}


def evaluate(log):
    """The first tone whose words occur, else neutral."""
    said = set(log["output"].lower().replace(",", " ").replace(".", " ").split())
    return next((tone for tone, words in WORDS.items() if said & words), "neutral")
''',
        {"answers": "select", "choices": ["apologetic", "cheerful", "neutral"]},
    ),
    Example(
        "topics",
        "All topics that the answer touches",
        '''\
import re

TOPICS = {
    "price": r"price|cost|fee|\\$|€",
    "delivery": r"deliver|ship|arriv",
    "returns": r"return|refund|exchange",
}


def evaluate(log):
    """The topics whose words occur; there may be several."""
    return [topic for topic, words in TOPICS.items() if re.search(words, log["output"], re.I)]
''',
        {"answers": "multi_select", "choices": ["price", "delivery", "returns"]},
    ),
    Example(
        "tool-arguments",
        "The right tool was called with valid arguments",
        '''\
import json


def evaluate(log, testcase):
    """Pass if the first call is of the wanted tool, and its arguments are those of the target."""
    calls = (log["output_message"] or {}).get("tool_calls") or []
    if not calls:
        print("no tool was called")
        return False
    function = calls[0]["function"]
    arguments = json.loads(function["arguments"])
    print(function["name"], arguments)
    wanted = testcase["target"]
    return function["name"] == wanted["name"] and arguments == wanted["arguments"]
''',
        {"target": "needed"},
    ),
    Example(
        "agreement",
        "Distance of two lists of numbers",
        '''\
import json

import numpy as np


def evaluate(log, testcase):
    """Root mean square error between the numbers of the answer and those of the target."""
    said, wanted = np.array(json.loads(log["output"])), np.array(testcase["target"]["numbers"])
    if said.shape != wanted.shape:
        raise ValueError(f"the answer has {said.size} numbers, and the target {wanted.size}")
    return np.sqrt(np.mean((said - wanted) ** 2))
''',
        {"answers": "number", "wanted": "lower", "target": "needed"},
    ),
)
