"""Python that people write themselves."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field

from app.core.errors import Invalid
from app.evaluators.kinds.answering import AnswerKind, SpecOptions, as_value, log_members, testcase_members
from app.evaluators.kinds.code_examples import EXAMPLES
from app.evaluators.kinds.contract import Beginning, Execution, Row, Traits, Verdict, storable
from app.evaluators.kinds.sandboxed import engine_for_code
from app.sandbox.frames import Answer
from app.sandbox.selftest import state
from app.sandbox.supervisor import Limits, Sandbox, SandboxUnavailable

_NUMERIC = re.compile(r"\b(?:numpy|rapidfuzz)\b")
_MOST_CODE = 64 * 1024
USUAL_S = 5
"""How long a program may take for one row, where nothing else is said."""


class CodeOptions(SpecOptions):
    code: str = Field(
        min_length=1,
        max_length=_MOST_CODE,
        json_schema_extra={
            "multiline": True,
            "language": "python",
            "first": True,
            "initial": EXAMPLES[0].code,
        },
    )
    """The last function of it is called, with the log, or with the log and the test case: `def evaluate(log, testcase)`. Python's standard library is there, and numpy and rapidfuzz; no files, no network."""
    timeout_s: int = Field(USUAL_S, ge=1, le=30, title="Seconds a row")
    """How long it may take for one row. Where it takes longer the row has no score, and after 20 such rows in a row it judges nothing more of what this worker has left of the run."""


class Code(AnswerKind[CodeOptions]):
    """What does your own Python say of the output?

    A function that is given the log and the test case, and returns True or False, a number, a choice or a text. It
    runs in a sandbox, a fresh one for each row: without files, network or other processes, for 5 seconds unless you
    say otherwise, in 512 MiB. What it prints is kept.

    The log and the test case have the members of the API's logs and datapoints; what is not known is None. One of `prompt`,
    `tool`, `flow` and `agent` is the file that answered, at its version. Of a flow's or an
    agent's `trace_children`, the first 100 of the whole trace are there.
    """

    name = "code"
    title = "Python code"
    purpose = "Your own code"
    keywords = "custom function script"
    returns = Traits("boolean")
    Options = CodeOptions
    beginnings = tuple(Beginning(one.name, one.title, {"code": one.code} | one.settings) for one in EXAMPLES)
    evaluator_type = "python"
    waits = True

    def traits(self, options: CodeOptions) -> Traits:
        return replace(super().traits(options), program_s=options.timeout_s)

    def write_spec(self, options: CodeOptions) -> dict[str, Any]:
        """Without the usual time, which is what versions had before there was a choice: the same program stays the same version."""
        spec = super().write_spec(options)
        if options.timeout_s == USUAL_S:
            del spec["timeout_s"]
        return spec

    def read_spec(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        return {"timeout_s": USUAL_S, **super().read_spec(spec)}

    def refuse(self, options: CodeOptions) -> None:
        """Look at the choices, and read the program, without running any of it."""
        super().refuse(options)
        engine, problem = engine_for_code()
        if engine is None:
            raise Invalid(problem, fields={"code": problem})
        answer = engine.run("check", {"code": options.code})
        if answer.error is not None:
            said = f"line {answer.line}: {answer.error}" if answer.line else answer.error
            raise Invalid(said, fields={"code": said})

    def judge(
        self, options: CodeOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        if options.target == "needed" and not row.target:
            return Verdict(None, rationale="no target")
        engine, problem = engine_for_code()
        if engine is None:
            return Verdict(None, error=problem)
        given = {"code": options.code, "arguments": [log_members(execution), testcase_members(row)]}
        flavour = "numeric" if _NUMERIC.search(options.code) else "standard"
        if isinstance(engine, Sandbox) and not (found := state(flavour)).engine:
            return Verdict(None, error=f"The code did not run: {found.explanation}")
        try:
            answer = engine.run("evaluate", given, limits=Limits(wall_s=options.timeout_s), flavour=flavour)
        except SandboxUnavailable as unavailable:
            return Verdict(None, error=f"The code did not run: {unavailable}", late=None)
        return _verdict(answer, options, engine.engine)


def _verdict(answer: Answer, options: CodeOptions, engine: str) -> Verdict:
    prints = storable(answer.prints) or None
    if answer.error is not None:
        said = f"line {answer.line}: {answer.error}" if answer.line else answer.error
        if answer.too_large:
            said = f"The log and its row do not fit into the sandbox. {answer.error}: log shorter inputs, messages and traces"
        return Verdict(None, error=storable(said), prints=prints, engine=engine, late=answer.late)
    if answer.value is None:
        return Verdict(None, rationale="the code returned None", prints=prints, engine=engine)
    if problem := options.refusal("It returned", answer.value):
        return Verdict(None, error=problem, prints=prints, engine=engine)
    return Verdict(as_value(answer.value), prints=prints, engine=engine)
