"""From an evaluator version's spec to something that judges: which kind, under which settings.

A spec is `{"evaluator_type": "builtin", "kind": "exact", "settings": {…}, "arguments_type": …, "return_type": …}`;
the last two follow from the first, and stand there because the API shows them. People's own Python, human and external
evaluators have the spec that clients of the API know, `{"evaluator_type": "python", "code": …}`: their kinds read and
write it.
"""

from collections.abc import Mapping
from typing import Any

from app.core.errors import Invalid
from app.evaluators.kinds import all_kinds, kind
from app.evaluators.kinds.contract import (
    BoundEvaluator,
    Call,
    CorpusMetric,
    EmbeddingCall,
    Execution,
    ModelCall,
    ModelRef,
    Row,
    Traits,
    Verdict,
    WebhookCall,
)

__all__ = [
    "BoundEvaluator",
    "Call",
    "CorpusMetric",
    "EmbeddingCall",
    "Execution",
    "ModelCall",
    "ModelRef",
    "Row",
    "Traits",
    "Verdict",
    "WebhookCall",
    "bind",
    "is_judged_here",
    "make_spec",
]

BUILTIN = "builtin"
_BY_TYPE = {one.evaluator_type: one for one in all_kinds() if one.evaluator_type != BUILTIN}
TYPES = (BUILTIN, *_BY_TYPE)
"""The types of evaluators that a spec can name."""
JUDGED_ELSEWHERE = tuple(one.evaluator_type for one in _BY_TYPE.values() if one.judged_by != "server")
"""The types whose verdicts are sent to us: workers leave them alone, and no run waits for them."""


def make_spec(kind_name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of an evaluator: settings checked and all of them written out.

    So a default that changes one day, such as a rubric, never changes what an existing version does.

    Raises:
        NotFound: no such kind.
        Invalid: names each setting that is wrong.
    """
    bound = kind(kind_name).prepare(settings)
    bound.kind.refuse(bound.options)
    return bound.kind.write_spec(bound.options)


def read_spec(spec: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The kind that a spec names, and its settings; the name is empty for a type that we do not know.

    Raises:
        Invalid: a member is not of the shape that it must have.
    """
    if found := _BY_TYPE.get(str(spec.get("evaluator_type"))):
        return found.name, found.read_spec(spec)
    if spec.get("evaluator_type") == BUILTIN and isinstance(spec.get("kind"), str):
        return spec["kind"], dict(spec.get("settings") or {})
    return "", {}


def is_judged_here(spec: Mapping[str, Any]) -> bool:
    """Whether our workers give the verdicts. A spec that nobody can judge is theirs, too: they say why."""
    return spec.get("evaluator_type") not in JUDGED_ELSEWHERE


def bind(spec: Mapping[str, Any]) -> BoundEvaluator:
    """The evaluator that a spec describes, ready to judge.

    Raises:
        NotFound: no such kind.
        Invalid: the spec is of a type that we do not know, or a setting is wrong.
    """
    name, settings = read_spec(spec)
    if not name:
        raise Invalid(
            f"There is no evaluator type “{spec.get('evaluator_type')}”: there are {', '.join(TYPES)}"
        )
    return kind(name).prepare(settings)
