"""What the demo holds: two prompts in several versions, their rows, and how their answers are judged."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.datasets.schemas import DatapointContent

DATA = Path(__file__).parent / "data"
MODEL = {"model": "practice-1", "provider": "practice", "temperature": 0}

INTENT_PATH = "Support/Intent classifier"
INTENT_ROWS_PATH = "Support/Banking messages"
ANSWER_PATH = "Reading/Question answerer"
ANSWER_ROWS_PATH = "Reading/Encyclopedia questions"

_INTENT_ASK = {"role": "user", "content": "Message: {{message}}"}


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _labels() -> list[str]:
    return list(json.loads((DATA / "banking77" / "labels.json").read_text(encoding="utf-8")))


def intent_versions() -> list[tuple[str, dict[str, Any]]]:
    """Three versions of the classifier, each one change on the one before, with the reason for it."""
    bare = (
        "You read messages that customers send to an online bank. "
        "Reply with the intent of the message and nothing else."
    )
    listed = f"{bare}\n\nThe intent is one of these:\n" + "\n".join(f"- {label}" for label in _labels())
    examples = [
        message
        for example in _lines(DATA / "banking77" / "examples.jsonl")
        for message in (
            {"role": "user", "name": "example", "content": f"Message: {example['text']}"},
            {"role": "assistant", "name": "example", "content": example["category"]},
        )
    ]
    return [
        (
            "First try: ask for the intent",
            MODEL | {"template": [{"role": "system", "content": bare}, _INTENT_ASK]},
        ),
        (
            "List the 77 intents to choose from",
            MODEL | {"template": [{"role": "system", "content": listed}, _INTENT_ASK]},
        ),
        (
            "Add five examples of each intent",
            MODEL | {"template": [{"role": "system", "content": listed}, *examples, _INTENT_ASK]},
        ),
    ]


def intent_rows() -> Iterator[DatapointContent]:
    """Messages with the intent that people gave them."""
    for row in _lines(DATA / "banking77" / "rows.jsonl"):
        yield DatapointContent(
            inputs={"message": row["text"]}, target={"intent": row["category"]}, split="test"
        )


def answer_versions() -> list[tuple[str, dict[str, Any]]]:
    """Two versions of the question answerer: without and with the passage."""
    alone = {"role": "system", "content": "Answer the question with a short phrase."}
    reading = {"role": "system", "content": "Answer the question with a short phrase from the passage."}
    question = {"role": "user", "content": "{{question}}"}
    both = {"role": "user", "content": "Passage:\n{{passage}}\n\nQuestion: {{question}}"}
    return [
        ("Ask the question alone", MODEL | {"template": [alone, question]}),
        ("Give the passage that holds the answer", MODEL | {"template": [reading, both]}),
    ]


def answer_rows() -> Iterator[DatapointContent]:
    """Questions with their passage. Questions on one article share a cluster."""
    for row in _lines(DATA / "squad11" / "rows.jsonl"):
        yield DatapointContent(
            inputs={"question": row["question"], "passage": row["passage"]},
            target={"answer": row["answers"]},
            context=[row["passage"]],
            cluster=row["article"],
            split="test",
        )


EVALUATORS: dict[str, dict[str, Any]] = {
    "Support/Right intent": {"kind": "class_match"},
    "Reading/Token F1": {"kind": "token_f1"},
    "Reading/Exact answer": {"kind": "exact_match_squad"},
    "Shared/Latency": {"kind": "latency"},
}
