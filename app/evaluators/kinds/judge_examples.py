"""Verdicts of people that a judge is shown before it judges."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from pydantic import ConfigDict, Field, StrictBool

from app.core.bodies import Body
from app.core.template import CompiledTemplate
from app.evaluators.kinds.judge_texts import fenced_all

MOST_EXAMPLES = 20


class JudgeExample(Body):
    """What was judged, by the names that the rubric has for it, and what people said of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    material: dict[str, str] = Field(min_length=1)
    verdict: StrictBool | float | str
    reason: str = ""


def examples_for(examples: Sequence[JudgeExample], values: Mapping[str, str]) -> list[JudgeExample]:
    """The examples to show before these values are judged: all but those of the same row, which would give the verdict away."""
    return [one for one in examples if not _same_row(one.material, values)]


def _same_row(material: Mapping[str, str], values: Mapping[str, str]) -> bool:
    """Whether all that is known of the row is the same; of a rubric that shows nothing of it, all that is judged."""
    names = [name for name in values if name.startswith("testcase")] or list(values)
    return all(material.get(name) == values[name] for name in names)


def turns(examples: Sequence[JudgeExample], rubric: CompiledTemplate, *, fence: bool) -> list[dict[str, Any]]:
    """Each example as if it had been asked and answered before."""
    messages = []
    for one in examples:
        texts = {name: one.material[name] for name in rubric.variables}
        said = {"rationale": one.reason, "verdict": one.verdict}
        messages += [
            {"role": "user", "content": str(rubric.fill(fenced_all(texts) if fence else texts))},
            {"role": "assistant", "content": orjson.dumps(said).decode()},
        ]
    return messages
