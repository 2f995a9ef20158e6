"""The evaluator kinds there are. A new one is a file beside this, its test, and a line below."""

import re
from collections.abc import Mapping
from typing import Any, get_args

from app.core.errors import Invalid, NotFound
from app.evaluators.kinds.abstention import Abstention
from app.evaluators.kinds.affix import Affix
from app.evaluators.kinds.answer_relevancy import AnswerRelevancy
from app.evaluators.kinds.bleu import Bleu
from app.evaluators.kinds.chrf import Chrf
from app.evaluators.kinds.class_match import ClassMatch
from app.evaluators.kinds.code import Code
from app.evaluators.kinds.composite import Composite
from app.evaluators.kinds.contains import Contains
from app.evaluators.kinds.context_precision import ContextPrecision
from app.evaluators.kinds.context_recall import ContextRecall
from app.evaluators.kinds.contract import BoundEvaluator, Kind, Purpose
from app.evaluators.kinds.cost import Cost
from app.evaluators.kinds.edit_distance import EditDistance
from app.evaluators.kinds.embedding_similarity import EmbeddingSimilarity
from app.evaluators.kinds.exact import Exact
from app.evaluators.kinds.exact_match_squad import ExactMatchSquad
from app.evaluators.kinds.external import External
from app.evaluators.kinds.faithfulness import Faithfulness
from app.evaluators.kinds.finish_reason import FinishReason
from app.evaluators.kinds.human import Human
from app.evaluators.kinds.json_field import JsonField
from app.evaluators.kinds.json_schema import JsonSchema
from app.evaluators.kinds.json_valid import JsonValid
from app.evaluators.kinds.language import Language
from app.evaluators.kinds.latency import Latency
from app.evaluators.kinds.length import Length
from app.evaluators.kinds.lexical_similarity import LexicalSimilarity
from app.evaluators.kinds.llm_judge import LlmJudge
from app.evaluators.kinds.numeric import Numeric
from app.evaluators.kinds.pairwise_judge import PairwiseJudge
from app.evaluators.kinds.personal_data import PersonalData
from app.evaluators.kinds.prompt_judge import PromptJudge
from app.evaluators.kinds.ragas_metric import RagasMetric
from app.evaluators.kinds.regex import Regex
from app.evaluators.kinds.retrieval import Retrieval
from app.evaluators.kinds.rouge import Rouge
from app.evaluators.kinds.slots import Slots
from app.evaluators.kinds.sql_match import SqlMatch
from app.evaluators.kinds.ter import Ter
from app.evaluators.kinds.token_f1 import TokenF1
from app.evaluators.kinds.tokens import Tokens
from app.evaluators.kinds.tool_calls import ToolCalls
from app.evaluators.kinds.webhook import Webhook

BUILTIN = "builtin"


def kind(name: str) -> Kind[Any]:
    """The kind of that name. NotFound when there is none."""
    found = _KINDS.get(name)
    if found is None:
        raise NotFound(f"There is no evaluator kind “{name}”: there are {', '.join(_KINDS)}")
    return found


def all_kinds() -> list[Kind[Any]]:
    """Every kind, in the order that people see them in."""
    return list(_KINDS.values())


def kinds_by_purpose(text: str = "") -> dict[Purpose, list[Kind[Any]]]:
    """The kinds that have every word of `text`, or a word that begins so, in title, help, heading or keywords; by heading."""
    words = [re.compile(rf"(?<![^\W_]){re.escape(word)}") for word in text.casefold().split()]
    found: dict[Purpose, list[Kind[Any]]] = {purpose: [] for purpose in get_args(Purpose)}
    for one in all_kinds():
        looked_in = f"{one.name} {one.title} {one.purpose} {one.keywords} {one.help}".casefold()
        if all(word.search(looked_in) for word in words):
            found[one.purpose].append(one)
    return {purpose: kinds for purpose, kinds in found.items() if kinds}


def shown_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A stored spec as the API shows it: the type of a built-in evaluator is `external`, for clients know four types only, and
    read all that holds a fifth as something else. Which one it is, its `kind` and `settings` say."""
    return dict(spec) | ({"evaluator_type": External.evaluator_type} if _is_of(spec, BUILTIN) else {})


def stored_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody sent, with the type under which it is stored, where it is what the API shows of a built-in evaluator."""
    is_shown = _is_of(spec, External.evaluator_type) and "settings" in spec
    return dict(spec) | ({"evaluator_type": BUILTIN} if is_shown else {})


def _is_of(spec: Mapping[str, Any], type_: str) -> bool:
    return spec.get("evaluator_type") == type_ and isinstance(spec.get("kind"), str)


def read_spec(spec: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The kind that a spec names, and its settings; the name is empty for a type that we do not know.

    Raises:
        Invalid: a member is not of the shape that it must have.
    """
    spec = stored_spec(spec)
    if found := BY_TYPE.get(str(spec.get("evaluator_type"))):
        return found.name, found.read_spec(spec)
    if _is_of(spec, BUILTIN):
        settings = spec.get("settings") or {}
        if not isinstance(settings, Mapping):
            raise Invalid("`settings` is an object.", fields={"spec.settings": "Give an object."})
        return spec["kind"], dict(settings)
    return "", {}


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


_KINDS: dict[str, Kind[Any]] = {
    one.name: one
    for one in (
        Exact(),
        Contains(),
        Affix(),
        ClassMatch(),
        ExactMatchSquad(),
        Numeric(),
        Abstention(),
        EmbeddingSimilarity(),
        TokenF1(),
        EditDistance(),
        LexicalSimilarity(),
        Rouge(),
        Bleu(),
        Chrf(),
        Ter(),
        JsonField(),
        Slots(),
        ToolCalls(),
        SqlMatch(),
        JsonValid(),
        JsonSchema(),
        Regex(),
        Length(),
        Language(),
        Retrieval(),
        PersonalData(),
        LlmJudge(),
        PromptJudge(),
        PairwiseJudge(),
        Faithfulness(),
        AnswerRelevancy(),
        ContextPrecision(),
        ContextRecall(),
        RagasMetric(),
        Composite(bind),
        Code(),
        Webhook(),
        External(),
        Human(),
        Latency(),
        Cost(),
        Tokens(),
        FinishReason(),
    )
}
BY_TYPE = {one.evaluator_type: one for one in _KINDS.values() if one.evaluator_type != BUILTIN}
"""The kinds whose specs name a type of their own."""
TYPES = (BUILTIN, *BY_TYPE)
"""The types of evaluators that a spec can name."""
