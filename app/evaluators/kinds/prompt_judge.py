"""A model as the judge, asked by a prompt that people write whole: the LLM evaluator of the v5 API."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

import orjson
from pydantic import ConfigDict, Field, field_validator, model_validator

from app.core.bodies import Body
from app.core.template import CompiledTemplate, MissingInputs, compile_template
from app.evaluators.kinds.answering import (
    AnswerKind,
    SpecOptions,
    as_value,
    log_members,
    object_of,
    testcase_members,
)
from app.evaluators.kinds.comparing import NO_TARGET
from app.evaluators.kinds.contract import (
    Execution,
    ModelCall,
    ModelRef,
    Row,
    Traits,
    Verdict,
    no_output,
    storable,
)
from app.evaluators.kinds.json_output import NoJson, read_json

_ROOTS = ("log", "testcase")
_RATIONALES = ("rationale", "reasoning", "reason", "explanation")
_VERDICTS = ("verdict", "judgment")
_WORDS = {"true": True, "yes": True, "pass": True, "false": False, "no": False, "fail": False}
_MARKS = " \t*_`\"'“”.!,:;"
"""Around a verdict, and no part of it."""
_LEADS_TO_IT = re.compile(r"(?:^|[:：=>]|\s[–—-]+(?=\s)|\bis\s)[\s*_`\"'“”()\[\]]*$", re.IGNORECASE)
"""What may stand before a verdict in its line. The last word of “not true”, or of “4 out of 5”, is none."""
_REPLY_CHARS = 2_000
_EXAMPLE = """{
 "model": "gpt-4o",
 "temperature": 0,
 "template": [
  {"role": "user", "content": "Is this answer polite? Say why, then True or False on the last line.\\n\\n{{log.output}}"}
 ]
}"""


class JudgePrompt(Body):
    """The content of a prompt. What is no parameter of a call is kept as it is."""

    model_config = ConfigDict(extra="allow", frozen=True)

    model: str = Field(min_length=1)
    provider: str | None = None
    template: str | list[dict[str, Any]]
    template_language: Literal["default"] | None = None
    max_tokens: int | None = Field(None, ge=-1, lt=2**31)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    stop: str | list[str] | None = None
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    reasoning_effort: str | int | None = None
    response_format: dict[str, Any] | None = None
    other: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _about_the_log(self) -> "JudgePrompt":
        names = _compiled(self).variables
        strange = [name for name in names if re.split(r"[.\[]", name)[0] not in _ROOTS]
        if strange:
            raise ValueError(f"the template knows log and testcase, not {', '.join(strange)}")
        if not any(name.startswith("log") for name in names):
            raise ValueError("the template must show the judge something of the log, such as {{log.output}}")
        return self

    @property
    def parameters(self) -> dict[str, Any]:
        """What goes to the provider beside model, messages and the form of the answer."""
        names = ("max_tokens", "temperature", "top_p", "stop", "presence_penalty", "frequency_penalty", "seed",
                 "reasoning_effort")  # fmt: skip
        given = {name: value for name in names if (value := getattr(self, name)) not in (None, -1)}
        reserved = {"model", "messages", "stream", "stream_options", "n"}
        return given | {name: value for name, value in (self.other or {}).items() if name not in reserved}

    @property
    def in_json(self) -> bool:
        """Whether the answer is a JSON object."""
        return str((self.response_format or {}).get("type", "")).startswith("json")


class PromptJudgeOptions(SpecOptions):
    prompt: JudgePrompt = Field(json_schema_extra={"multiline": True, "first": True, "initial": _EXAMPLE})
    """The prompt as a JSON object: model, parameters, template. `{{log.output}}` is the answer, `{{log.inputs.question}}` an input, `{{testcase.target.output}}` the target."""

    @field_validator("prompt", mode="before")
    @classmethod
    def _prompt_of_a_form(cls, value: object) -> object:
        return object_of(value, '{"model": "gpt-4o", "template": "{{log.output}} …"}')


class PromptJudge(AnswerKind[PromptJudgeOptions]):
    """What does a model say of the output, asked by a prompt of yours?

    The last line of its answer is the verdict, alone or behind words such as “Verdict:” and “The answer is”; what
    stands before that line is the reason. Where the prompt asks for JSON, the
    verdict is the member `verdict` or `judgment`, or else the last one. A verdict that is none of those that may be
    given is an error, never a guess. Nothing is put around the judged text: if people you do not trust wrote it,
    the rubric of an LLM judge is safer.
    """

    name = "prompt_judge"
    title = "Prompt as judge"
    purpose = "Judges"
    returns = Traits("boolean")
    Options = PromptJudgeOptions
    evaluator_type = "llm"

    def traits(self, options: PromptJudgeOptions) -> Traits:
        asks = (ModelRef(options.prompt.model, options.prompt.provider),)
        return replace(super().traits(options), asks=asks)

    def calls(
        self, options: PromptJudgeOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Sequence[ModelCall]:
        """One call; none where there is nothing to judge."""
        values = _values(options, execution, row)
        if answers or isinstance(values, Verdict):
            return ()
        prompt = options.prompt
        filled = _compiled(prompt).fill(values)
        return [
            ModelCall(
                messages=[{"role": "user", "content": filled}] if isinstance(filled, str) else filled,
                response_format=prompt.response_format,
                model=prompt.model,
                provider=prompt.provider,
                parameters=prompt.parameters,
            )
        ]

    def judge(
        self, options: PromptJudgeOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        values = _values(options, execution, row)
        if isinstance(values, Verdict):
            return values
        reply = answers[0] if answers else None
        if reply is None:
            return Verdict(None, error="The judge gave no reply")
        said, rationale = _in_json(reply) if options.prompt.in_json else _last_line(reply)
        value = said if options.prompt.in_json else _typed(options, str(said))
        problem = options.refusal("The judge answered", value)
        if problem:
            detail = {"reply": storable(reply, _REPLY_CHARS)}
            return Verdict(None, rationale=rationale, error=storable(problem), detail=detail)
        value = as_value(value)
        return Verdict(storable(value) if isinstance(value, str) else value, rationale=rationale)


def _compiled(prompt: JudgePrompt) -> CompiledTemplate:
    return _template(orjson.dumps(prompt.template))


@lru_cache(maxsize=64)
def _template(template: bytes) -> CompiledTemplate:
    return compile_template(orjson.loads(template))


def _values(options: PromptJudgeOptions, execution: Execution, row: Row) -> dict[str, str] | Verdict:
    """The text of each name in the template, or the verdict where there is nothing to judge."""
    target = {name: value for name, value in (row.target or {}).items() if value not in (None, [])} or None
    if options.target == "needed" and target is None:
        return NO_TARGET
    testcase = {**testcase_members(row), "target": target}
    try:
        return _compiled(options.prompt).values({"log": log_members(execution), "testcase": testcase})
    except MissingInputs as missing:
        if any(name.startswith("log") for name in missing.names) and (failed := no_output(execution)):
            return failed
        if any(name.startswith("testcase.target") for name in missing.names):
            return NO_TARGET
        names = ", ".join(missing.names)
        return Verdict(None, error=f"The template needs {names}, which this log and its row do not have")


def _last_line(reply: str) -> tuple[str, str | None]:
    """The verdict's line, and what stands before it."""
    before, _, line = reply.strip().rpartition("\n")
    return line.strip(), storable(before.strip()) or None


def _in_json(reply: str) -> tuple[object, str | None]:
    """The verdict's member, and the reason beside it; no verdict where it is no JSON object."""
    try:
        said = read_json(reply, in_fence=False)
    except NoJson:
        return reply[:_REPLY_CHARS], None
    if not isinstance(said, Mapping) or not said:
        return said, None
    reason = next((said[name] for name in _RATIONALES if isinstance(said.get(name), str)), None)
    member = next((name for name in _VERDICTS if name in said), list(said)[-1])
    return said[member], storable(reason) if reason else None


def _typed(options: PromptJudgeOptions, line: str) -> object:
    """The verdict that a line holds, in the type that is wanted; the line itself where it holds none."""
    if options.answers == "text":
        return line
    bare = line.strip(_MARKS)
    if options.answers == "select":
        return _choice(options.choices, bare) or line
    if options.answers == "multi_select":
        chosen = [_choice(options.choices, part.strip(_MARKS + "[]")) for part in bare.split(",")]
        return [one for one in chosen if one] if all(chosen) else line
    word = (bare.split() or [""])[-1]
    said_alone = _LEADS_TO_IT.search(bare.removesuffix(word))
    word = word.strip(_MARKS + "()[]")
    if options.answers == "boolean":
        return _WORDS.get(word.casefold(), line) if said_alone else line
    try:
        return float(word) if said_alone else line
    except ValueError:
        return line


def _choice(choices: Sequence[str], text: str) -> str | None:
    """The choice that a text is, or leads to; the longest where several do."""
    folded = text.casefold()
    ends = [
        one
        for one in choices
        if folded.endswith(last := one.casefold()) and _LEADS_TO_IT.search(folded.removesuffix(last))
    ]
    return max(ends, key=len, default=None)
