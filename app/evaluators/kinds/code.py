"""Python that people write themselves."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from app.core.errors import Invalid
from app.evaluators.kinds.code_examples import EXAMPLES
from app.evaluators.kinds.contract import (
    Beginning,
    Execution,
    Kind,
    KindOptions,
    ReturnType,
    Row,
    Traits,
    Value,
    Verdict,
    Wanted,
    storable,
)
from app.sandbox.frames import Answer
from app.sandbox.selftest import state
from app.sandbox.supervisor import SandboxUnavailable, sandbox

_NUMERIC = re.compile(r"\b(?:numpy|rapidfuzz)\b")
_MOST_CODE = 64 * 1024


class CodeOptions(KindOptions):
    code: str = Field(
        min_length=1,
        max_length=_MOST_CODE,
        json_schema_extra={"multiline": True, "language": "python", "initial": EXAMPLES[0].code},
    )
    """The last function of it is called, with the log, or with the log and the test case: `def evaluate(log, testcase)`. Python's standard library is there, and numpy and rapidfuzz; no files, no network."""
    answers: ReturnType = "boolean"
    """What it returns: True or False, a number, one of the choices, a list of them, or a text."""
    choices: tuple[str, ...] = ()
    """What it may return, if that is a choice."""
    lowest: float | None = Field(None, allow_inf_nan=False)
    """The smallest number that it may return."""
    highest: float | None = Field(None, allow_inf_nan=False)
    """The largest number that it may return. From 0 to 1 is read as a percentage."""
    wanted: Wanted = "higher"
    """Whether a higher or a lower score is the better one."""
    target: Literal["needed", "not needed"] = "not needed"
    """Whether rows without a target are left out."""

    @model_validator(mode="after")
    def _whole(self) -> "CodeOptions":
        if self.answers in ("select", "multi_select") and len(set(self.choices)) < 2:
            raise ValueError("a choice needs at least two different choices")
        if self.lowest is not None and self.highest is not None and self.lowest >= self.highest:
            raise ValueError("the largest number must be above the smallest")
        return self


class Code(Kind[CodeOptions]):
    """What does your own Python say of the output?

    A function that is given the log and the test case, and returns True or False, a number, a choice or a text. It
    runs in a sandbox, a fresh one for each row: without files, network or other processes, for 5 seconds at most, in
    512 MiB. What it prints is kept.
    """

    name = "code"
    title = "Python code"
    purpose = "Your own code"
    returns = Traits("boolean")
    Options = CodeOptions
    beginnings = tuple(Beginning(one.name, one.title, {"code": one.code} | one.settings) for one in EXAMPLES)
    waits = True

    def traits(self, options: CodeOptions) -> Traits:
        is_share = (options.lowest, options.highest) == (0, 1)
        unit = "points" if options.answers == "number" and not is_share else None
        return Traits(options.answers, options.wanted, unit, needs_target=options.target == "needed")

    def refuse(self, options: CodeOptions) -> None:
        """Read the program, without running any of it."""
        if problem := _not_here():
            raise Invalid(problem, fields={"code": problem})
        answer = sandbox().run("check", {"code": options.code})
        if answer.error is not None:
            said = f"line {answer.line}: {answer.error}" if answer.line else answer.error
            raise Invalid(said, fields={"code": said})

    def judge(
        self, options: CodeOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        if options.target == "needed" and not row.target:
            return Verdict(None, rationale="no target")
        if problem := _not_here():
            return Verdict(None, error=problem)
        given = {"code": options.code, "arguments": [_log(execution), _testcase(row)]}
        flavour = "numeric" if _NUMERIC.search(options.code) else "standard"
        try:
            answer = sandbox().run("evaluate", given, flavour=flavour)
        except SandboxUnavailable as unavailable:
            return Verdict(None, error=f"The code did not run: {unavailable}")
        return _verdict(answer, options, sandbox().engine)


def _verdict(answer: Answer, options: CodeOptions, engine: str) -> Verdict:
    prints = storable(answer.prints) or None
    if answer.error is not None:
        said = f"line {answer.line}: {answer.error}" if answer.line else answer.error
        return Verdict(None, error=storable(said), prints=prints, engine=engine)
    if answer.value is None:
        return Verdict(None, rationale="the code returned None", prints=prints, engine=engine)
    if unfit := _unfit(answer.value, options):
        return Verdict(None, error=unfit, prints=prints, engine=engine)
    return Verdict(_as_value(answer.value), prints=prints, engine=engine)


def _not_here() -> str:
    """Why no code runs on this machine; empty where it does."""
    found = state()
    if found.engine:
        return ""
    return f"There is no safe sandbox on this host, so that no code runs: {found.explanation}"


def _log(execution: Execution) -> dict[str, Any]:
    """The log as programs know it: the members of the API's logs that a judgment may rest on."""
    return {
        "output": execution.output,
        "output_message": execution.output_message,
        "error": execution.error,
        "inputs": execution.inputs,
        "messages": list(execution.messages),
        "prompt_tokens": execution.prompt_tokens,
        "output_tokens": execution.output_tokens,
        "provider_latency": None if execution.latency_ms is None else execution.latency_ms / 1000,
        "cost": execution.cost_usd,
    }


def _testcase(row: Row) -> dict[str, Any]:
    return {
        "inputs": row.inputs,
        "messages": list(row.messages),
        "target": row.target,
        "context": row.context,
        "metadata": row.metadata,
    }


def _as_value(value: bool | float | str | list[str]) -> Value:
    return value if isinstance(value, bool | str | list) else float(value)


def _unfit(value: bool | float | str | list[str], options: CodeOptions) -> str | None:
    """Why what was returned is not what the evaluator says it returns."""
    kind = options.answers
    if kind == "boolean":
        fits, wanted = isinstance(value, bool), "True or False"
    elif kind == "number":
        fits, wanted = isinstance(value, int | float) and not isinstance(value, bool), "a number"
    elif kind == "multi_select":
        fits, wanted = isinstance(value, list), "a list of choices"
    else:
        fits, wanted = isinstance(value, str), "a text" if kind == "text" else "a choice"
    if not fits:
        return f"It returned {value!r:.100}, and not {wanted}"
    if kind == "number" and isinstance(value, int | float):
        below = options.lowest is not None and value < options.lowest
        above = options.highest is not None and value > options.highest
        return f"It returned {value:g}, which is outside its limits" if below or above else None
    chosen = value if isinstance(value, list) else [value]
    strange = [one for one in chosen if one not in options.choices] if kind.endswith("select") else []
    return f"It returned {strange[0]!r:.100}, which is none of the choices" if strange else None


def spec_of(options: Mapping[str, Any], traits: Traits) -> dict[str, Any]:
    """The spec of a program, in the shape that clients of the API know."""
    limits = {
        name: options[key]
        for name, key in (("min", "lowest"), ("max", "highest"))
        if options.get(key) is not None
    }
    return {
        "evaluator_type": "python",
        "code": options["code"],
        "arguments_type": "target_required" if traits.needs_target else "target_free",
        "return_type": traits.return_type,
        "options": [{"name": each, "valence": "neutral"} for each in options.get("choices", ())],
        "number_limits": limits or None,
        "number_valence": "positive" if traits.wanted == "higher" else "negative",
    }


def options_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a spec in that shape comes to. Where it says nothing, the usual holds.

    Raises:
        Invalid: a member is not of the shape that it must have.
    """
    limits, choices = spec.get("number_limits") or {}, spec.get("options") or []
    if (
        not isinstance(limits, Mapping)
        or not isinstance(choices, list)
        or not all(isinstance(each, Mapping) and isinstance(each.get("name"), str) for each in choices)
    ):
        text = "`options` is a list of objects with a `name`, `number_limits` an object with `min` and `max`."
        raise Invalid(text, fields={"spec.options": text})
    return {
        "code": spec.get("code"),
        "answers": spec.get("return_type") or "boolean",
        "choices": [each["name"] for each in choices],
        "lowest": limits.get("min"),
        "highest": limits.get("max"),
        "wanted": "lower" if spec.get("number_valence") == "negative" else "higher",
        "target": "not needed",
    } | ({"target": "needed"} if spec.get("arguments_type") == "target_required" else {})
