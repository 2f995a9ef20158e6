"""What the templates of judges include, `{{ include("judges/tone") }}`: put in whenever one is made ready to judge."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.core.errors import Invalid
from app.evaluators.binding import BoundEvaluator, bind, read_spec
from app.evaluators.kinds.composite import Composite
from app.evaluators.kinds.llm_judge import LlmJudge
from app.evaluators.kinds.pairwise_judge import PairwiseJudge
from app.evaluators.kinds.prompt_judge import PromptJudge
from app.files.include_syntax import includes_others
from app.files.includes import Includes

_TEXTS = {LlmJudge.name: "rubric", PairwiseJudge.name: "criteria"}
"""The settings of built-in kinds that a model reads."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a template stands in a spec: `holder[name]`."""

    holder: dict[str, Any]
    name: str
    setting: str
    """The setting that it is, or is a part of."""
    part: str | None
    """The evaluator that it is of, where several are one."""

    @property
    def includes_others(self) -> bool:
        return includes_others(self.holder.get(self.name))


def bind_with_included(includes: Includes, spec: Mapping[str, Any]) -> BoundEvaluator:
    """The evaluator that a spec describes, with what its templates include now.

    Raises:
        NotFound: as `bind`.
        Invalid: as `bind`, or an include cannot be put in: as `Includes.expand`.
    """
    bound = bind(spec)
    full = copy.deepcopy(dict(spec))
    places = [place for place in _places(full) if place.includes_others]
    if not places:
        return bound
    included: dict[str | None, dict[str, Any]] = {}
    for place in places:
        try:
            expanded = includes.expand(place.holder[place.name], place.holder.get("template_language"))
        except Invalid as refused:
            raise _in_place(place, refused.message) from None
        place.holder[place.name] = expanded.template
        met = {one.include.text: one.said for one in expanded.included}
        included.setdefault(place.part, {}).update(met)
    said = {part: tuple(met.values()) for part, met in included.items()}
    return replace(bind(full), included=said)


def _places(spec: dict[str, Any], part: str | None = None) -> Iterator[_Place]:
    """Those of a spec that can be bound."""
    name, _ = read_spec(spec)
    settings = spec.get("settings") or {}
    if name == PromptJudge.name:
        prompt = spec.get("prompt") or settings.get("prompt")
        if isinstance(prompt, dict):
            yield _Place(prompt, "template", "prompt", part)
    elif name in _TEXTS:
        yield _Place(settings, _TEXTS[name], _TEXTS[name], part)
    elif name == Composite.name:
        for each in settings.get("parts") or ():
            yield from _places(each["spec"], str(each["path"]).rpartition("/")[2])


def _in_place(place: _Place, problem: str) -> Invalid:
    said = f"“{place.part}”: {problem}" if place.part else problem
    return Invalid(said, fields={"parts" if place.part else place.setting: said})
