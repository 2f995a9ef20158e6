"""The evaluator kinds there are. A new one is a file beside this, its test, and a line below."""

from typing import Any

from app.core.errors import NotFound
from app.evaluators.kinds.class_match import ClassMatch
from app.evaluators.kinds.code import Code
from app.evaluators.kinds.contains import Contains
from app.evaluators.kinds.contract import Kind
from app.evaluators.kinds.cost import Cost
from app.evaluators.kinds.exact import Exact
from app.evaluators.kinds.exact_match_squad import ExactMatchSquad
from app.evaluators.kinds.json_field import JsonField
from app.evaluators.kinds.json_valid import JsonValid
from app.evaluators.kinds.latency import Latency
from app.evaluators.kinds.llm_judge import LlmJudge
from app.evaluators.kinds.numeric import Numeric
from app.evaluators.kinds.token_f1 import TokenF1

_KINDS: dict[str, Kind[Any]] = {
    one.name: one
    for one in (
        Exact(),
        Contains(),
        ClassMatch(),
        TokenF1(),
        ExactMatchSquad(),
        Numeric(),
        JsonValid(),
        JsonField(),
        LlmJudge(),
        Code(),
        Latency(),
        Cost(),
    )
}


def kind(name: str) -> Kind[Any]:
    """The kind of that name. NotFound when there is none."""
    found = _KINDS.get(name)
    if found is None:
        raise NotFound(f"There is no evaluator kind “{name}”: there are {', '.join(_KINDS)}")
    return found


def all_kinds() -> list[Kind[Any]]:
    """Every kind, in the order that people see them in."""
    return list(_KINDS.values())
