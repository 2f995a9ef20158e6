"""From an evaluator version's spec to something that judges: which kind, under which settings.

A spec is `{"evaluator_type": "builtin", "kind": "exact", "settings": {…}, "arguments_type": …, "return_type": …}`;
the last two follow from the first, and stand there because the API shows them. People's own Python has the spec that clients
of the API know, `{"evaluator_type": "python", "code": …}`: `kinds.code` reads and writes it.
"""

from collections.abc import Mapping
from typing import Any

from app.core.errors import Invalid
from app.evaluators.kinds import code, kind
from app.evaluators.kinds.contract import (
    BoundEvaluator,
    CorpusMetric,
    EmbeddingCall,
    Execution,
    ModelCall,
    ModelRef,
    Row,
    Traits,
    Verdict,
)

__all__ = [
    "BoundEvaluator",
    "CorpusMetric",
    "EmbeddingCall",
    "Execution",
    "ModelCall",
    "ModelRef",
    "Row",
    "Traits",
    "Verdict",
    "bind",
    "make_spec",
]

BUILTIN, PYTHON = "builtin", "python"


def make_spec(kind_name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of an evaluator: settings checked and all of them written out.

    So a default that changes one day, such as a rubric, never changes what an existing version does.

    Raises:
        NotFound: no such kind.
        Invalid: names each setting that is wrong.
    """
    bound = kind(kind_name).prepare(settings)
    bound.kind.refuse(bound.options)
    written = bound.options.model_dump(mode="json", exclude_none=True)
    if kind_name == code.Code.name:
        return code.spec_of(written, bound.traits)
    return {
        "evaluator_type": BUILTIN,
        "kind": kind_name,
        "settings": written,
        "arguments_type": "target_required" if bound.traits.needs_target else "target_free",
        "return_type": bound.traits.return_type,
    }


def read_spec(spec: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The kind that a spec names, and its settings; the name is empty for a type that is judged elsewhere.

    Raises:
        Invalid: a member is not of the shape that it must have.
    """
    if spec.get("evaluator_type") == PYTHON:
        return code.Code.name, code.options_of(spec)
    if spec.get("evaluator_type") == BUILTIN and isinstance(spec.get("kind"), str):
        return spec["kind"], dict(spec.get("settings") or {})
    return "", {}


def bind(spec: Mapping[str, Any]) -> BoundEvaluator:
    """The evaluator that a spec describes, ready to judge.

    Raises:
        NotFound: no such kind.
        Invalid: the spec is of a type that is judged elsewhere (people, users' own programs), or a setting is wrong.
    """
    name, settings = read_spec(spec)
    if not name:
        raise Invalid(f"An evaluator of type “{spec.get('evaluator_type')}” is not judged by the server")
    return kind(name).prepare(settings)
