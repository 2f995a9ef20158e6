"""Several evaluators as one: weighted, or all of them; for a row only those that it names, where it names some."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from app.core.errors import DomainError, Invalid
from app.evaluators.kinds.contract import (
    BoundEvaluator,
    Call,
    Execution,
    Kind,
    KindOptions,
    ModelRef,
    Row,
    Traits,
    Verdict,
    storable,
)
from app.evaluators.kinds.json_output import ABSENT, list_in, reach
from app.evaluators.kinds.places import checked_place

MOST_PARTS = 20
_LONGEST_NAME = 1000
_MOST_OWN = 50
_OWN_SPEC = {"evaluator_type": "builtin"}
Find = Callable[[Mapping[str, Any]], BoundEvaluator]
"""Binds the evaluator of a spec."""


class Part(BaseModel):
    """One of the evaluators, as it was when the composite was saved."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    path: str = Field(min_length=1, max_length=_LONGEST_NAME)
    """What reports call it: the path of its file."""
    version_id: str | None = None
    """Which version of the file it was. `spec` is that version's, so that a composite never changes."""
    spec: dict[str, Any]
    weight: float = Field(1, gt=0, le=1_000_000, allow_inf_nan=False)
    at_least: float | None = Field(None, allow_inf_nan=False)
    """A number passes from here on; without both limits, a share counts as it is."""
    at_most: float | None = Field(None, allow_inf_nan=False)
    """A number passes up to here."""
    passes: tuple[str, ...] = ()
    """Which choices pass. Empty: those that the evaluator itself calls good."""

    @property
    def short_name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


class CompositeOptions(KindOptions):
    parts: tuple[Part, ...] = Field(
        (), title="Evaluators", max_length=MOST_PARTS, json_schema_extra={"widget": "parts"}
    )
    """The evaluators, each in the version that is deployed of it now. A number passes within its limits; a share without limits counts as it is."""
    rule: Literal["weighted", "all", "any"] = "weighted"
    """The weighted mean of what they say, from 0 to 1; or whether all of them pass, or any. A share without limits passes at 1 only: give it one if 0.8 is enough."""
    chosen_by: str | None = Field(None, title="Rows choose in", max_length=500)
    """Where a row says which of them hold for it, such as `testcase.metadata.assertions`: a list of their names, each counted once; from CSV its JSON. It may hold assertions of its own, too: `{"kind": "contains", "settings": {"text": "refund"}}`. Empty: all hold for every row."""

    @field_validator("chosen_by")
    @classmethod
    def _is_a_place(cls, value: str | None) -> str | None:
        return checked_place(value, ("testcase.metadata", "testcase.inputs", "testcase.target"))

    @model_validator(mode="after")
    def _whole(self) -> "CompositeOptions":
        if not self.parts and not self.chosen_by:
            raise ValueError("choose the evaluators, or say where rows name theirs")
        names = [part.path for part in self.parts]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"“{twice}” is there twice")
        return self


@dataclass(frozen=True, slots=True)
class _Holding:
    """An evaluator that holds for a row."""

    part: Part
    bound: BoundEvaluator


class Composite(Kind[CompositeOptions]):
    """What do several evaluators say together?

    A weighted mean of them, or whether all or any of them pass. Where one does not apply to a row, it is left out;
    where one fails, there is no verdict, and the error names it. Lower-is-better shares count from the other end, and no passes where it is the better answer. A row
    can say itself which of them hold for it, and bring assertions of its own, as a test case does.
    """

    name = "composite"
    title = "Several together"
    purpose = "Several together"
    keywords = "combine ensemble weighted all any assertions"
    returns = Traits("number")
    Options = CompositeOptions
    waits = True
    sees_traces = True  # where a part does
    asks_slowly = True  # a row may bring fifty large expressions, which are compiled first

    def __init__(self, find: Find, files: Mapping[str, bytes] | None = None) -> None:
        self._find = find
        self._files = files or {}
        self._bound_to = lru_cache(maxsize=64)(self._bind)  # checking settings takes longer than most judging

    def given(self, files: Mapping[str, bytes]) -> "Composite":
        """The same, whose parts are given the files that they hold."""
        return Composite(self._find, files)

    def traits(self, options: CompositeOptions) -> Traits:
        traits = [self._bound(part).traits for part in options.parts]
        calls = Counter[ModelRef]()
        for one in traits:
            calls.update(dict.fromkeys(one.asks, one.calls))
        return Traits(
            "number" if options.rule == "weighted" else "boolean",
            needs_target=bool(traits) and not options.chosen_by and all(one.needs_target for one in traits),
            asks=tuple(calls),
            calls=max(calls.values(), default=1),
            files=tuple(dict.fromkeys(name for one in traits for name in one.files)),
            program_s=sum(one.program_s for one in traits),
        )

    def refuse(self, options: CompositeOptions) -> None:
        """Look at each part: whether the server judges by it, and whether what it says can be counted."""
        for part in options.parts:
            bound = self._bound(part)
            problem = _uncountable(part, bound) or _idle_limits(part, bound)
            if problem:
                raise Invalid(problem, fields={"parts": problem})
            bound.kind.refuse(bound.options)

    def load(self, options: CompositeOptions) -> None:
        for part in options.parts:
            self._bound(part).load()

    def calls(
        self, options: CompositeOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Sequence[Call]:
        """The next calls of all parts that hold for the row, together."""
        return self._replayed(self._holding(options, row)[0], execution, row, answers)[1]

    def judge(
        self, options: CompositeOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        holding, problem = self._holding(options, row)
        if problem:
            return Verdict(None, error=problem)
        own, _ = self._replayed(holding, execution, row, answers)
        verdicts = [one.bound.judge(execution, row, said) for one, said in zip(holding, own, strict=True)]
        engines = dict.fromkeys(verdict.engine for verdict in verdicts if verdict.engine)
        prints = [
            f"{one.part.short_name}:\n{verdict.prints}"
            for one, verdict in zip(holding, verdicts, strict=True)
            if verdict.prints
        ]
        return replace(
            _together(options.rule, holding, verdicts),
            engine="; ".join(engines) or None,
            prints=storable("\n".join(prints)) or None,
            late=any(verdict.late for verdict in verdicts),
        )

    def _bound(self, part: Part) -> BoundEvaluator:
        try:
            return self._bound_to(orjson.dumps(part.spec))
        except DomainError as error:
            said = f"“{part.path}”: {error.message}"
            raise Invalid(said, fields={"parts": said}) from None

    def _bind(self, spec: bytes) -> BoundEvaluator:
        bound = self._find(orjson.loads(spec))
        return bound.given(self._files) if bound.traits.files and self._files else bound

    def _holding(self, options: CompositeOptions, row: Row) -> tuple[list[_Holding], str | None]:
        """The evaluators that hold for a row, or what is wrong with what the row says of them."""
        every = {part.path: part for part in options.parts}
        if not options.chosen_by:
            return [_Holding(part, self._bound(part)) for part in options.parts], None
        named = list_in(_found(row, options.chosen_by))
        if named is ABSENT or named in (None, ""):
            named = []
        if not isinstance(named, list) or len(named) > _MOST_OWN:
            return [], f"“{options.chosen_by}” is no list of at most {_MOST_OWN} assertions"
        holding: list[_Holding] = []
        for number, one in enumerate(named, start=1):
            try:
                held = self._held(one, every, number)
                if all(other.part is not held.part for other in holding):
                    holding.append(held)
            except ValidationError as error:
                return [], storable(f"assertion {number}: {error.errors()[0]['msg']}")
            except DomainError as error:
                return [], storable(f"assertion {number}: {error.message}")
        return holding, None

    def _held(self, named: object, every: Mapping[str, Part], number: int) -> _Holding:
        if isinstance(named, str):
            found = [every[named]] if named in every else [p for p in every.values() if p.short_name == named]
            if not found:
                raise Invalid(f"there is no evaluator “{named}” here")
            if len(found) > 1:
                paths = " or ".join(f"“{part.path}”" for part in found)
                raise Invalid(f"“{named}” may be {paths}: write the whole path")
            return _Holding(found[0], self._bound(found[0]))
        if not isinstance(named, Mapping) or not isinstance(named.get("kind"), str):
            raise Invalid("it is neither a name nor an object with a “kind”")
        limits = {
            key: named[key]
            for key in ("weight", "at_least", "at_most", "passes")
            if named.get(key) is not None
        }
        spec = _OWN_SPEC | {"kind": named["kind"], "settings": named.get("settings") or {}}
        part = Part(path=str(named.get("name") or f"{number}. {named['kind']}"), spec=spec, **limits)
        bound = self._bound(part)
        if problem := _uncountable(part, bound) or _not_in_a_row(bound):
            raise Invalid(problem)
        return _Holding(part, bound)

    def _replayed(
        self, holding: Sequence[_Holding], execution: Execution, row: Row, answers: Sequence[str | None]
    ) -> tuple[list[list[str | None]], list[Call]]:
        """The answers of each part, dealt out as they were asked for; and what is to be asked next."""
        own: list[list[str | None]] = [[] for _ in holding]
        left = list(answers)
        while True:
            rounds = [one.bound.calls(execution, row, said) for one, said in zip(holding, own, strict=True)]
            asked = [
                replace(call, part=one.part.short_name)
                for one, each in zip(holding, rounds, strict=True)
                for call in each
            ]
            if not asked or len(left) < len(asked):
                return own, asked
            for answered, each in zip(own, rounds, strict=True):
                answered.extend(left[: len(each)])
                del left[: len(each)]


def _uncountable(part: Part, bound: BoundEvaluator) -> str | None:
    """Why what a part says can neither pass nor count as a share; None where it can."""
    traits, name = bound.traits, part.path
    if bound.kind.judged_by != "server":
        return f"“{name}” is judged elsewhere, and a composite needs its verdicts at once"
    if bound.kind.name == Composite.name:
        return f"“{name}” is made of several itself: take its parts"
    if traits.return_type in ("text", "multi_select"):
        return f"“{name}” answers with what cannot be counted ({traits.return_type})"
    if traits.return_type == "select" and not part.passes and not traits.is_share:
        return f"Say which choices of “{name}” pass"
    choices = getattr(bound.options, "choices", ()) if traits.return_type == "select" else ()
    if choices and (strange := [one for one in part.passes if one not in choices]):
        return f"“{strange[0]}” is none of the choices of “{name}”: there are {', '.join(choices)}"
    return _wrong_limits(part, traits) if traits.return_type == "number" else None


def _idle_limits(part: Part, bound: BoundEvaluator) -> str | None:
    """Why limits of a part would say nothing; None where they do, or there are none."""
    type_ = bound.traits.return_type
    if type_ == "number" or (part.at_least is None and part.at_most is None):
        return None
    answer = "yes or no" if type_ == "boolean" else "with a choice"
    return f"“{part.path}” answers {answer}: leave its limits out, which are of numbers"


def _wrong_limits(part: Part, traits: Traits) -> str | None:
    lowest, highest = part.at_least, part.at_most
    if traits.unit is not None and lowest is None and highest is None:
        return f"“{part.path}” is no share: say from where on, or up to where, it passes"
    if lowest is not None and highest is not None and lowest > highest:
        return f"No number is at least {lowest:g} and at most {highest:g}: “{part.path}” could never pass"
    return None


def _not_in_a_row(bound: BoundEvaluator) -> str | None:
    """Why a row cannot bring such an evaluator; None where it can."""
    if bound.asks or bound.traits.files or bound.kind.name in ("webhook", "code"):
        return f"a row cannot bring “{bound.kind.name}”: make it one of the evaluators, and name it"
    return None


def _together(rule: str, holding: Sequence[_Holding], verdicts: Sequence[Verdict]) -> Verdict:
    scored: list[tuple[Part, float]] = []
    told: list[str] = []
    parts: list[dict[str, Any]] = []
    detail = {"parts": parts}
    for one, verdict in zip(holding, verdicts, strict=True):
        name = one.part.short_name
        if verdict.error is not None:
            return Verdict(None, error=storable(f"{name}: {verdict.error}"), detail=detail)
        score = _score(one, verdict)
        reason = verdict.rationale
        parts.append({"name": one.part.path, "score": score, "value": verdict.value, "rationale": reason})
        said = "does not apply" if score is None else f"{score:.4g}"
        told.append(f"{name}: {said}" + (f" ({reason})" if reason else ""))
        if score is not None:
            scored.append((one.part, score))
    rationale = storable("; ".join(told))
    if not scored:
        return Verdict(None, rationale="none of the evaluators applies to this row", detail=detail)
    if rule == "weighted":
        weights = math.fsum(part.weight for part, _ in scored)
        return Verdict(
            math.fsum(part.weight * score for part, score in scored) / weights, rationale, detail=detail
        )
    passed = [score == 1 for _, score in scored]
    return Verdict(all(passed) if rule == "all" else any(passed), rationale, detail=detail)


def _score(one: _Holding, verdict: Verdict) -> float | None:
    """A verdict from 0 to 1; None where there is none."""
    value, part = verdict.value, one.part
    if value is None:
        return None
    if isinstance(value, bool):
        return float(value is (one.bound.traits.wanted == "higher"))
    if isinstance(value, str):
        return float(value in part.passes) if part.passes else one.bound.traits.score_of(value)
    assert isinstance(value, float | int)  # noqa: S101 - others are refused
    if part.at_least is not None or part.at_most is not None:
        enough = part.at_least is None or value >= part.at_least
        return float(enough and (part.at_most is None or value <= part.at_most))
    share = min(1.0, max(0.0, float(value)))
    return 1 - share if one.bound.traits.wanted == "lower" else share


def _found(row: Row, place: str) -> Any:
    """What stands at a place of a row; None where there is nothing."""
    known = {"metadata": row.metadata, "inputs": row.inputs, "target": row.target}
    return reach(known, place.removeprefix("testcase."))
