"""A model as the judge, asked by a prompt that people write whole: the LLM evaluator of the v5 API."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

import orjson
from pydantic import ConfigDict, Field, field_validator, model_validator

from app.core.bodies import Body
from app.core.errors import Invalid
from app.core.jinja_template import JinjaTemplate
from app.core.template import CompiledTemplate, MissingInputs, Rendered, compile_template
from app.evaluators.kinds.answering import (
    FILE_TYPES,
    PROVIDER_BODIES,
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
from app.evaluators.kinds.judge_texts import read_reply
from app.evaluators.kinds.last_line import read_last_line
from app.evaluators.kinds.verdict_members import (
    ALONE,
    folded,
    is_beside,
    is_of_certainty,
    is_reason,
    verdict_in,
)
from app.evaluators.kinds.verdict_values import WORDS, value_of
from app.files.include_syntax import includes_others

_ROOTS = ("log", "testcase")
_QUOTED = re.compile(r"[\"'`]([^\"'`\n]{1,80})[\"'`](\s?:)?")
NO_CHOICES = "The judge has no choices that a verdict could be read by: list them (`options` in the API)"
_LACKS_CHOICES = Verdict(None, error=NO_CHOICES)
_REPLY_CHARS = 2_000
_FEW_TOKENS = 5
"""With so few, a prompt asks for nothing but the verdict."""
_EXAMPLE = """{
 "model": "gpt-4o",
 "temperature": 0,
 "template": [
  {"role": "user", "content": "Is this answer polite? Say why, then True or False on the last line.\\n\\n{{log.output}}"}
 ]
}"""


_OF_ITS_ORIGIN = (
    *FILE_TYPES, *PROVIDER_BODIES, "file_id", "run_id", "trace_id", "trace_parent_id", "trace_flow_id", "tool_choice", "save",
    "evaluator_logs",
)  # fmt: skip


class JudgePrompt(Body):
    """The content of a prompt. What is no parameter of a call is kept as it is."""

    model_config = ConfigDict(extra="allow", frozen=True)

    model: str = Field(min_length=1)
    provider: str | None = None
    template: str | list[dict[str, Any]]
    template_language: Literal["default", "jinja"] | None = None
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

    @field_validator("template")
    @classmethod
    def _of_messages(cls, template: str | list[dict[str, Any]]) -> str | list[dict[str, Any]]:
        for number, message in enumerate(template if isinstance(template, list) else (), start=1):
            content = message.get("content")
            parts = content if isinstance(content, list) else []
            if not (content is None or isinstance(content, str | list)) or not all(map(_is_part, parts)):
                msg = f'message {number}: its content is a text, or a list of parts such as {{"type": "text", "text": "…"}}'
                raise ValueError(msg)
        return template

    @model_validator(mode="after")
    def _about_the_log(self) -> "JudgePrompt":
        compiled = _compiled(self)
        # A template in Jinja is read in the sandbox, when it is saved: what is stored is told of without. One that includes
        # others is looked at with them.
        known = isinstance(compiled, CompiledTemplate) and not includes_others(self.template)
        if known and (problem := _problem(compiled.variables)):
            raise ValueError(problem)
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
    """The prompt as a JSON object: model, parameters, template. `{{log.output}}` is the answer, `{{log.inputs.question}}` an input, `{{testcase.target.output}}` the target. `{{ include("judges/tone") }}` puts in a prompt or a snippet, as it is when this is saved."""

    @field_validator("prompt", mode="before")
    @classmethod
    def _prompt_of_a_form(cls, value: object) -> object:
        return object_of(value, '{"model": "gpt-4o", "template": "{{log.output}} …"}')

    @model_validator(mode="after")
    def _of_several(self) -> "PromptJudgeOptions":
        if "select" in self.answers and len(set(self.choices)) == 1:
            raise ValueError("with one choice there is none: list another one (`options` in the API)")
        return self

    @property
    def lacks_choices(self) -> bool:
        """Whether no verdict could be read. Clients of the API save such judges, and send verdicts of their own."""
        return "select" in self.answers and not self.choices


class PromptJudge(AnswerKind[PromptJudgeOptions]):
    """What does a model say of the output, asked by a prompt of yours?

    The last line of its answer holds the verdict and nothing else: “True”, “4/5” where 5 is the largest number, “**Verdict:** True”, “Score (1-5): 4”, “The
    final answer is no.”; or the verdict alone below “Verdict:” or “### Verdict”. Beside such usual names counts the one that the prompt asks for with its
    answers, such as “Polite: yes or no”, but none by which it shows what is judged. Several choices stand behind a name, or each in a line below it. What
    stands above is the reason: a whole sentence, a list, or lines such as “Tone: 3”, none of which gives another verdict. Only “Final verdict:” or
    “Overall:” may come behind several different ones. Everything else is an error, not a guess: a reason behind the verdict, a line that quotes it. Where
    the prompt asks for JSON, the verdict is the member `final_verdict`, `overall` and the like, or else `verdict` or `judgment`, or else `score` or `rating`, and no
    other of such a name may differ; or the only one beside the reason, by the name that the prompt quotes: JSON is the safer form. With so few
    `max_tokens` that only the verdict has room, it may be cut off behind it. Nothing is put around the judged text: if people you do not trust wrote it,
    the rubric of an LLM judge is safer.
    """

    name = "prompt_judge"
    title = "Prompt as judge"
    purpose = "Judges"
    keywords = "LLM-as-a-judge G-Eval"
    returns = Traits("boolean")
    Options = PromptJudgeOptions
    evaluator_type = "llm"
    asks_slowly = True  # a template in Jinja is rendered in the sandbox

    def refuse(self, options: PromptJudgeOptions) -> None:
        """Look at the choices, and at what the template names."""
        super().refuse(options)
        compiled = _compiled(options.prompt)
        if isinstance(compiled, JinjaTemplate) and not includes_others(options.prompt.template):
            compiled.check()
            if problem := _problem(compiled.variables):
                raise Invalid(f"Prompt: {problem}", fields={"prompt": problem})

    def traits(self, options: PromptJudgeOptions) -> Traits:
        asks = (ModelRef(options.prompt.model, options.prompt.provider),)
        return replace(super().traits(options), asks=asks)

    def calls(
        self, options: PromptJudgeOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Sequence[ModelCall]:
        """One call; none where there is nothing to judge."""
        if answers:
            return ()
        filled = _filled(options, execution, row)
        if isinstance(filled, Verdict):
            return ()
        prompt = options.prompt
        return [
            ModelCall(
                messages=[{"role": "user", "content": filled}] if isinstance(filled, str) else filled,
                response_format=prompt.response_format,
                model=prompt.model,
                provider=prompt.provider,
                parameters=prompt.parameters,
                whole=_whole(options),
            )
        ]

    def judge(
        self, options: PromptJudgeOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        reply = answers[0] if answers else None
        if reply is None:
            filled = _filled(options, execution, row)
            return filled if isinstance(filled, Verdict) else Verdict(None, error="The judge gave no reply")
        if options.prompt.in_json:
            value, rationale, problem = _in_json(options, reply)
        else:
            read = read_last_line(options, reply, _asked(options.prompt))
            value, rationale = read.value, storable(read.rationale) or None
            problem = _why_none(options, read.text)
        if value is not None:
            problem = options.refusal("The judge answered", value) or ""
        if problem:
            return _refused(problem, rationale, reply)
        value = as_value(value)
        return Verdict(storable(value) if isinstance(value, str) else value, rationale=rationale)


def _why_none(options: PromptJudgeOptions, last: str) -> str:
    """Why a reply that ends with this line holds no verdict. Where the line alone would be one, others say whose it is, or
    something else."""
    if value_of(options, last, is_named=False) is None and (
        problem := options.refusal("The judge answered", last)
    ):
        return problem
    return (
        f"The judge ended with {last!r:.100}, and said something else before, or what may go on in it: let it say why in whole"
        " sentences, and the verdict in a line of its own behind its name, such as “Verdict:”"
    )


def _refused(problem: str, rationale: str | None, reply: str) -> Verdict:
    detail = {"reply": storable(reply, _REPLY_CHARS)}
    return Verdict(None, rationale=rationale, error=storable(problem), detail=detail)


def _whole(options: PromptJudgeOptions) -> frozenset[str]:
    """The verdicts that a reply may be cut off behind: those that the largest number of tokens leaves room for, and for little
    else. Behind a verdict that another one begins with, the rest may be missing.
    """
    given = options.prompt.parameters
    limit = given.get("max_tokens", given.get("max_completion_tokens"))
    if options.answers not in ("boolean", "select") or not isinstance(limit, int):
        return frozenset()
    verdicts = [one.casefold() for one in options.choices] if options.answers == "select" else list(WORDS)
    return frozenset(
        one
        for one in verdicts
        if limit <= max(_FEW_TOKENS, len(one)) and sum(other.startswith(one) for other in verdicts) == 1
    )


def _asked(prompt: JudgePrompt) -> str:
    """The texts of the template, in which placeholders stand for what is judged."""
    if isinstance(prompt.template, str):
        return prompt.template
    contents = [message.get("content") for message in prompt.template]
    parts = [
        part
        for content in contents
        for part in (content if isinstance(content, list) else [{"text": content}])
    ]
    return "\n".join(text for part in parts if isinstance(text := part.get("text"), str))


def _is_part(part: object) -> bool:
    return isinstance(part, Mapping) and isinstance(part.get("text", ""), str)


def _compiled(prompt: JudgePrompt) -> CompiledTemplate | JinjaTemplate:
    return _template(orjson.dumps(prompt.template), jinja=prompt.template_language == "jinja")


@lru_cache(maxsize=64)
def _template(template: bytes, *, jinja: bool) -> CompiledTemplate | JinjaTemplate:
    read = orjson.loads(template)
    return JinjaTemplate(read) if jinja else compile_template(read)


def _problem(names: Sequence[str]) -> str | None:
    """What is wrong with the names that a template takes."""
    strange = [name for name in names if re.split(r"[.\[]", name)[0] not in _ROOTS]
    if strange:
        return f"the template knows log and testcase, not {', '.join(strange)}"
    if not any(name.startswith("log") for name in names):
        return "the template must show the judge something of the log, such as {{log.output}}"
    return None


def _filled(options: PromptJudgeOptions, execution: Execution, row: Row) -> Rendered | Verdict:
    """The template filled in, or the verdict where there is nothing to judge."""
    target = {name: value for name, value in (row.target or {}).items() if value not in (None, [])} or None
    if options.lacks_choices or (options.target == "needed" and target is None):
        return _LACKS_CHOICES if options.lacks_choices else NO_TARGET
    compiled = _compiled(options.prompt)
    named = set() if isinstance(compiled, JinjaTemplate) else set(compiled.variables)
    about = {"log": _shown(execution, named), "testcase": {**testcase_members(row), "target": target}}
    if isinstance(compiled, JinjaTemplate):
        return _rendered(compiled, about, no_output(execution))
    try:
        return compiled.fill(compiled.values(about))
    except MissingInputs as missing:
        if any(name.startswith("log") for name in missing.names) and (failed := no_output(execution)):
            return failed
        if any(name.startswith("testcase.target") for name in missing.names):
            return NO_TARGET
        names = ", ".join(missing.names)
        return Verdict(None, error=f"The template needs {names}, which this log and its row do not have")


def _shown(execution: Execution, named: AbstractSet[str]) -> dict[str, Any]:
    """The log as a prompt is shown it. What tells of where it came from is there only where the prompt names it: a judge is
    told by a bare `{{log}}` what was answered, and not by which prompt."""
    hidden = {name for name in _OF_ITS_ORIGIN if not any(each.startswith(f"log.{name}") for each in named)}
    return {name: value for name, value in log_members(execution).items() if name not in hidden}


def _rendered(
    template: JinjaTemplate, about: Mapping[str, Any], without: Verdict | None
) -> Rendered | Verdict:
    """The template filled in; of a log `without` an output, if it shows something else of it."""
    try:
        return template.render(about, nothing_in="log" if without else None)
    except Invalid as invalid:
        return without or Verdict(None, error=storable(invalid.message))


def _in_json(options: PromptJudgeOptions, reply: str) -> tuple[object, str | None, str]:
    """The verdict's member, the reason beside it, and what is wrong where no member is clearly the verdict."""
    try:
        said = read_reply(reply)
    except orjson.JSONDecodeError:
        return None, None, f"The judge answered {reply!r:.100}, and not a JSON object"
    problem = f"The judge answered {said!r:.100}, in which no member is clearly the verdict"
    by_name = {folded(name): value for name, value in said.items()} if isinstance(said, Mapping) else {}
    if not by_name or len(by_name) < len(said):
        return None, None, problem
    reasons = (value for name, value in by_name.items() if is_reason(options, name))
    reason = next((value for value in reasons if isinstance(value, str)), None)
    found = verdict_in(options, by_name, _alone(options))
    return found, storable(reason) if reason else None, problem


def _alone(options: PromptJudgeOptions) -> AbstractSet[str]:
    """The names by which a verdict is read that stands alone beside the reason: the one of the schema, or of the object that the
    prompt shows; where it shows none, what it quotes, or a usual one."""
    prompt = options.prompt
    schema: Any = prompt.response_format
    for name in ("json_schema", "schema", "properties"):
        schema = schema.get(name) if isinstance(schema, Mapping) else None
    quoted = [(folded(name), colon) for name, colon in _QUOTED.findall(_asked(prompt))]
    shown = (
        [*map(folded, schema)] if isinstance(schema, Mapping) else [name for name, colon in quoted if colon]
    )
    reasons = [name for name in shown if is_reason(options, name) or is_of_certainty(name)]
    if members := {name for name in shown if not is_beside(options, name)} or {*shown} - {*reasons}:
        return members if len(members) == 1 else frozenset()
    return ALONE | {name for name, _ in quoted}
