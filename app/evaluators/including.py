"""What the templates of judges include, `{{ include("judges/tone") }}`: put in when one is saved, so that a version of a judge
asks the same whenever it judges."""

import copy
from collections.abc import Mapping
from typing import Any

from app.core.errors import Invalid
from app.evaluators.binding import bind, read_spec
from app.evaluators.kinds.llm_judge import LlmJudge
from app.evaluators.kinds.pairwise_judge import PairwiseJudge
from app.evaluators.kinds.prompt_judge import PromptJudge
from app.files.include_syntax import includes_others
from app.files.includes import Includes

_TEXTS = {LlmJudge.name: "rubric", PairwiseJudge.name: "criteria"}
"""The settings of built-in kinds that a model reads."""


def with_included(includes: Includes, spec: Mapping[str, Any]) -> dict[str, Any]:
    """A spec that was checked, with what its template includes now in the place of the includes. The parts of composites are
    versions that were saved so themselves.

    Raises:
        Invalid: an include cannot be put in, as `Includes.expand`, or the whole could not judge.
    """
    full = copy.deepcopy(dict(spec))
    name, _ = read_spec(full)
    settings = full.get("settings") or {}
    if name == PromptJudge.name:
        setting, holder, member = "prompt", full.get("prompt") or settings.get("prompt"), "template"
    else:
        setting = member = _TEXTS.get(name, "")
        holder = settings
    if not isinstance(holder, dict) or not includes_others(holder.get(member)):
        return full
    try:
        holder[member] = includes.expand(holder[member], holder.get("template_language")).template
    except Invalid as refused:
        raise Invalid(refused.message, fields={setting: refused.message}) from None
    bound = bind(full)
    bound.kind.refuse(bound.options)
    return full
