"""From an evaluator version's spec to something that judges: which kind, under which settings.

A spec is `{"evaluator_type": "builtin", "kind": "exact", "settings": {…}, "arguments_type": …, "return_type": …}`;
the last two follow from the first, and stand there because the API shows them. People's own Python, human and external
evaluators have the spec that clients of the API know, `{"evaluator_type": "python", "code": …}`: their kinds read and
write it.
"""

from collections.abc import Mapping
from typing import Any

from app.evaluators.kinds import BUILTIN, TYPES, all_kinds, bind, kind, read_spec, shown_spec, stored_spec
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
    "BUILTIN",
    "TYPES",
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
    "read_spec",
    "shown_spec",
    "stored_spec",
]

_JUDGED_ELSEWHERE = tuple(one.evaluator_type for one in all_kinds() if one.judged_by != "server")
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


def is_judged_here(spec: Mapping[str, Any]) -> bool:
    """Whether our workers give the verdicts. A spec that nobody can judge is theirs, too: they say why."""
    return spec.get("evaluator_type") not in _JUDGED_ELSEWHERE
