"""What the library holds: a JSON file for each starting prompt in `starts`, read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from app.core.errors import NotFound

_STARTS = Path(__file__).parent / "starts"
ORDER = (
    "classify", "extract", "answer", "know-when-not-to", "summarise", "rewrite", "translate", "moderate", "call-a-tool", "judge",
)  # fmt: skip
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StartEvaluator:
    """An evaluator of a starting prompt, and the score that the practice model reaches by it."""

    name: str
    kind: str
    settings: Json
    practice_score: float
    """The mean over the rows, from 0 to 1: what a run with the practice model comes to."""
    practice_interval: Sequence[float]
    """Its 95% interval over these rows, as a report gives it: Wilson's of a share, else by t."""


@dataclass(frozen=True, slots=True)
class Start:
    """A starting prompt: what it is for, its content without a model, its rows, and what judges its answers."""

    name: str
    title: str
    about: str
    content: Json
    rows: Sequence[Json]
    evaluators: Sequence[StartEvaluator]
    """The first one is what the task is about."""


@cache
def list_starts() -> Mapping[str, Start]:
    """All of them by their names, the most common tasks first."""
    return {name: read_start(name, orjson.loads((_STARTS / f"{name}.json").read_bytes())) for name in ORDER}


def get_start(name: str) -> Start:
    """One of them.

    Raises:
        NotFound: there is none of this name.
    """
    if found := list_starts().get(name):
        return found
    raise NotFound(f"The library has no “{name:.60}”. It has {', '.join(ORDER)}.")


def read_start(name: str, said: Json) -> Start:
    """A starting prompt from what its file says."""
    content = {
        key: value for key, value in said.items() if key not in ("title", "about", "rows", "evaluators")
    }
    evaluators = [StartEvaluator(**one) for one in said["evaluators"]]
    return Start(name, said["title"], said["about"], content, said["rows"], evaluators)
