"""What evaluators of every origin have in common that people, programs or services answer: which answers there are."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field, field_validator, model_validator
from pydantic.config import JsonDict

from app.core.errors import Invalid
from app.core.json_values import NotStorable, loads
from app.evaluators.kinds.contract import (
    LARGEST,
    Execution,
    Kind,
    KindOptions,
    ReturnType,
    Row,
    Traits,
    Value,
)

_CHOSEN: JsonDict = {"only_where": {"answers": ["select", "multi_select"]}}
_NUMBER: JsonDict = {"only_where": {"answers": ["number"]}}
_HAS_A_BETTER: JsonDict = {"only_where": {"answers": ["boolean", "number"]}}


class AnswerOptions(KindOptions):
    """The answers that an evaluator may give."""

    answers: ReturnType = "boolean"
    """What the answer is: yes or no, a number, one of the choices, several of them, or a text."""
    choices: tuple[str, ...] = Field((), json_schema_extra=_CHOSEN)
    """What there is to choose from, if the answer is a choice."""
    good: tuple[str, ...] = Field((), title="Good choices", json_schema_extra=_CHOSEN)
    """Which of the choices are good ones, if some are: the score is the share of good answers then."""
    bad: tuple[str, ...] = Field((), title="Bad choices", json_schema_extra=_CHOSEN)
    """Which of the choices are bad ones. Where none is called good, the score is the share of answers that are not bad."""
    lowest: float | None = Field(None, allow_inf_nan=False, json_schema_extra=_NUMBER)
    """The smallest number that may be given."""
    highest: float | None = Field(None, allow_inf_nan=False, json_schema_extra=_NUMBER)
    """The largest number that may be given. From 0 to 1 is read as a percentage."""
    step: float | None = Field(None, gt=0, allow_inf_nan=False, json_schema_extra=_NUMBER)
    """How far apart the numbers of the scale are. Empty: any number."""
    wanted: Literal["higher", "lower", "neither"] = Field("higher", json_schema_extra=_HAS_A_BETTER)
    """Whether a higher or a lower score is the better one. Neither: of a number, reports say higher and lower, and not better and worse."""
    target: Literal["needed", "not needed"] = "not needed"
    """Whether rows without a target are left out."""

    LEAST_CHOICES: ClassVar[int] = 0
    """How many different choices there must be. Without any, every text is one."""

    @model_validator(mode="after")
    def _whole(self) -> "AnswerOptions":
        if self.answers in ("select", "multi_select") and len(set(self.choices)) < self.LEAST_CHOICES:
            raise ValueError("there is nothing to choose from: list the choices (`options` in the API)")
        if self.lowest is not None and self.highest is not None and self.lowest >= self.highest:
            raise ValueError("the largest number must be above the smallest")
        if problem := wrong_valence(self.choices, self.good, self.bad):
            raise ValueError(problem)
        return self

    @property
    def traits(self) -> Traits:
        """How answers are read."""
        is_share = (self.lowest, self.highest) == (0, 1)
        unit = "points" if self.answers == "number" and not is_share else None
        chosen = self.answers == "select"
        ends = (
            (self.lowest, self.highest)
            if unit and self.lowest is not None and self.highest is not None
            else None
        )
        return Traits(
            self.answers,
            "lower" if self.wanted == "lower" and not chosen else "higher",
            unit,
            needs_target=self.target == "needed",
            good=self.good if chosen else (),
            bad=self.bad if chosen else (),
            scale=ends,
            neutral=self.wanted == "neither" and self.answers == "number",
        )

    def refusal(self, said: str, value: object) -> str | None:
        """Why `value` is none of the answers that may be given, in a sentence that begins with `said`; None where it is one."""
        fits, wanted = {
            "boolean": (isinstance(value, bool), "true or false"),
            "number": (isinstance(value, int | float) and not isinstance(value, bool), "a number"),
            "multi_select": (
                isinstance(value, list) and all(isinstance(one, str) for one in value),
                "a list of choices",
            ),
            "select": (isinstance(value, str), "a choice"),
            "text": (isinstance(value, str), "a text"),
        }[self.answers]
        if not fits:
            return f"{said} {value!r:.100}, and not {wanted}"
        if self.answers == "number" and isinstance(value, int | float):
            problem = self._outside(value)
            return f"{said} {value!r:.40}, which is {problem}" if problem else None
        chosen: Sequence[object] = value if isinstance(value, list) else [value]
        if len(set(map(str, chosen))) < len(chosen):
            return f"{said} {value!r:.100}, which names a choice twice"
        if "select" not in self.answers:
            return None
        if self.choices:
            strange = [one for one in chosen if one not in self.choices]
            return f"{said} {strange[0]!r:.100}, which is none of the choices" if strange else None
        return _unlisted(said, [str(one) for one in chosen])

    def _outside(self, value: float) -> str | None:
        """What is wrong with a number; None where nothing is."""
        below = self.lowest is not None and value < self.lowest
        above = self.highest is not None and value > self.highest
        if below or above or not abs(value) <= LARGEST:
            return "outside its limits"
        if self.step:
            steps = (value - (self.lowest or 0)) / self.step
            # So many steps cannot be counted, and any number is one of them.
            if math.isfinite(steps) and abs(steps - round(steps)) > _STEP_ERROR * max(1.0, abs(steps)):
                return f"between the steps of {self.step:g}"
        return None


def _unlisted(said: str, chosen: Sequence[str]) -> str | None:
    """Why choices that nobody listed are not taken: statistics count each of them."""
    if len(chosen) > _MOST_UNLISTED:
        return (
            f"{said} {len(chosen):,} choices, of {_MOST_UNLISTED:,} at most that the evaluator does not list"
        )
    if any(len(one) > _LONGEST_UNLISTED for one in chosen):
        return f"{said} a choice of over {_LONGEST_UNLISTED:,} characters that the evaluator does not list"
    return None


def refuse_muddled(choices: Sequence[str]) -> None:
    """Look whether choices can be told apart. Versions that were saved with others still judge.

    Raises:
        Invalid: one of them is empty, or there twice.
    """
    problem = "One of the choices is empty: give it a name." if not all(map(str.strip, choices)) else ""
    if not problem and (twice := [one for one, times in Counter(choices).items() if times > 1]):
        problem = f"The choice “{twice[0]:.100}” is there twice: leave one out."
    if problem:
        raise Invalid(problem, fields={"choices": problem})


def wrong_valence(choices: Sequence[str], good: Sequence[str], bad: Sequence[str]) -> str | None:
    """What is wrong with the choices that are called good or bad; None where nothing is."""
    if strange := [one for one in (*good, *bad) if one not in choices]:
        return f"“{strange[0]}” is none of the choices"
    both = [one for one in good if one in bad]
    return f"“{both[0]}” is called both good and bad" if both else None


def spec_options(choices: Sequence[str], good: Sequence[str], bad: Sequence[str]) -> list[dict[str, str]]:
    """The choices as specs have them, each with what it is called."""
    valences = dict.fromkeys(good, "positive") | dict.fromkeys(bad, "negative")
    return [{"name": each, "valence": valences.get(each, "neutral")} for each in choices]


class SpecOptions(AnswerOptions):
    """The options of an evaluator whose spec clients of the API know."""

    attributes: dict[str, Any] = Field(default_factory=dict, json_schema_extra={"multiline": True})
    """What tells one version from another, as a JSON object: the commit of your program, or its text."""

    @field_validator("attributes", mode="before")
    @classmethod
    def _of_a_form(cls, value: object) -> object:
        return object_of(value, '{"commit": "4f2a1c"}')


def object_of(value: object, example: str) -> object:
    """The JSON object that a form sent as a text; anything else as it is.

    Raises:
        ValueError: the text is no JSON object.
    """
    if not isinstance(value, str):
        return value
    try:
        found = loads(value or "{}")
    except NotStorable:
        found = None
    if not isinstance(found, Mapping):
        raise ValueError(f"this is a JSON object, such as {example}")  # noqa: TRY004 - becomes a message
    return found


_STEP_ERROR = 1e-9
"""How far a number may be from its step, in steps: 0.3 is no sum of three tenths in a computer."""


def as_value(value: Any) -> Value:
    """An answer that is not refused, as verdicts hold it: whole numbers are numbers like others."""
    return value if isinstance(value, bool | str | list) else float(value)


def _is_nought(limit: object) -> bool:
    return type(limit) in (int, float) and limit == 0


_VALENCES = {"higher": "positive", "lower": "negative", "neither": "neutral"}
_LONGEST_UNLISTED = 1_000
"""Characters of a choice that no evaluator lists."""
_MOST_UNLISTED = 100
"""Choices of one answer that no evaluator lists."""


def _wanted(spec: Mapping[str, Any]) -> str:
    valence = spec.get("number_valence")
    if valence == "neutral" and spec.get("return_type") == "number":
        return "neither"
    return "lower" if valence == "negative" else "higher"


AnswerT = TypeVar("AnswerT", bound=SpecOptions)


class AnswerKind(Kind[AnswerT]):
    """A kind whose evaluators say themselves what they answer, with a spec that clients of the API know."""

    sees_traces = True

    def traits(self, options: AnswerT) -> Traits:
        return options.traits

    def refuse(self, options: AnswerT) -> None:
        refuse_muddled(options.choices)

    def write_spec(self, options: AnswerT) -> dict[str, Any]:
        own = options.model_dump(mode="json", include=self._own_members(), exclude_none=True)
        limits = {"min": options.lowest, "max": options.highest, "step": options.step}
        return {
            "evaluator_type": self.evaluator_type,
            **{name: value for name, value in own.items() if name != "attributes" or value},
            "arguments_type": "target_required" if options.target == "needed" else "target_free",
            "return_type": options.answers,
            "options": spec_options(options.choices, options.good, options.bad),
            "number_limits": {name: limit for name, limit in limits.items() if limit is not None} or None,
            "number_valence": _VALENCES[options.wanted],
        }

    def read_spec(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        limits, choices = spec.get("number_limits") or {}, spec.get("options") or []
        if (
            not isinstance(limits, Mapping)
            or not isinstance(choices, list)
            or not all(isinstance(each, Mapping) and isinstance(each.get("name"), str) for each in choices)
        ):
            text = "`options` is a list of objects with a `name`, `number_limits` an object with `min` and `max`."
            raise Invalid(text, fields={"spec.options": text})

        if _is_nought(limits.get("min")) and _is_nought(limits.get("max")):
            limits = {"step": limits.get("step")}  # from 0 to 0 is how clients say that there are none

        def of(valence: str) -> list[str]:
            return [each["name"] for each in choices if each.get("valence") == valence]

        return {name: spec[name] for name in self._own_members() if spec.get(name) is not None} | {
            "answers": spec.get("return_type") or "boolean",
            "choices": [each["name"] for each in choices],
            "good": of("positive"),
            "bad": of("negative"),
            "lowest": limits.get("min"),
            "highest": limits.get("max"),
            "step": limits.get("step"),
            "wanted": _wanted(spec),
            "target": "needed" if spec.get("arguments_type") == "target_required" else "not needed",
        }

    def _own_members(self) -> set[str]:
        """The options beside those of the answers: they stand in the spec under their own names."""
        return set(self.Options.model_fields) - set(AnswerOptions.model_fields)


ABOUT_LOG = (
    "id", "file_id", "version_id", "run_id", "environment", "session_id", "user", "source", "source_datapoint_id", "trace_id",
    "trace_parent_id", "log_status", "created_at", "start_time", "end_time", "metadata", "stdout", "provider", "model",
    "tool_choice", "reasoning_tokens", "prompt_cost", "output_cost", "provider_request", "provider_response",
)  # fmt: skip
"""Members of the API's logs that programs find beside those that other evaluators judge by."""


PROVIDER_BODIES = ("provider_request", "provider_response")
FILE_TYPES = ("prompt", "tool", "flow", "agent")
"""The members of which a log has one: its file at its version."""


def log_members(execution: Execution) -> dict[str, Any]:
    """The log as programs know it: every member is there, and null where it is not known."""
    about = {name: execution.about.get(name) for name in ABOUT_LOG}
    file = execution.file or {}
    return {
        **about,
        **{name: file if name == file.get("type") else None for name in FILE_TYPES},
        "metadata": about["metadata"] or {},
        "output": execution.output,
        "output_message": execution.output_message,
        "error": execution.error,
        "inputs": execution.inputs,
        "messages": list(execution.messages),
        "finish_reason": execution.finish_reason,
        "prompt_tokens": execution.prompt_tokens,
        "output_tokens": execution.output_tokens,
        "provider_latency": None if execution.latency_ms is None else execution.latency_ms / 1000,
        "cost": execution.cost_usd,
        "save": True,
        "trace_flow_id": None,
        "evaluator_logs": [],
        "trace_children": list(execution.children),
    }


def testcase_members(row: Row) -> dict[str, Any]:
    """The row as programs know it: a datapoint of the API."""
    return {
        "id": row.id,
        "inputs": row.inputs,
        "messages": list(row.messages),
        "target": row.target,
        "context": row.context,
        "metadata": row.metadata,
    }
