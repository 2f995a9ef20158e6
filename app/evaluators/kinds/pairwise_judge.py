"""A model compares the output with another answer to the same row."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Literal

import orjson
from pydantic import Field, field_validator

from app.evaluators.kinds.comparing import NO_TARGET, TargetUnclear, accepted_values, text_of
from app.evaluators.kinds.contract import (
    CorpusMetric,
    Execution,
    Kind,
    KindOptions,
    ModelCall,
    ModelRef,
    Row,
    Traits,
    Verdict,
    no_output,
    storable,
)
from app.evaluators.kinds.judge_texts import NO_INSTRUCTIONS, fenced, read_reply, reply_in
from app.evaluators.kinds.passages import MALFORMED
from app.evaluators.kinds.places import checked_place, question_at, text_at
from app.evaluators.kinds.verdict_members import is_of_certainty
from app.statistics.bootstrap import mean_statistic

Winner = Literal["output", "other", "tie"]

CRITERIA = """\
Which answer serves the person who asked better?

It does what was asked for, is correct, and says no more than is of use.
Length, order and tone do not count by themselves.
"""
_TARGET = "testcase.target"
_PLACES = ("testcase.target", "testcase.metadata", "testcase.inputs", "testcase.context")
_NOTHING = Execution(None, None, None, None, None, None, {}, [], None)
"""The other answer is part of the row, not of what a version did."""
_POINTS: Mapping[Winner, float] = {"output": 1.0, "tie": 0.5, "other": 0.0}
_WORDS: Mapping[Winner, str] = {
    "output": "Better than the other answer",
    "other": "Worse than the other answer",
    "tie": "As good as the other answer",
}
_REASON_CHARS = 1_500


class PairwiseJudgeOptions(KindOptions):
    model: str = Field(min_length=1)
    """The model that compares. Better not one of the family of either answer."""
    provider: str | None = None
    """Where the model is. Empty: the workspace's only provider; with several, that of the model's maker, or the one called `openai`."""
    against: str = _TARGET
    """Where the other answer is: `testcase.target`, or a place of the row such as `testcase.target.reply` or `testcase.metadata.other`."""
    criteria: str = Field(CRITERIA, min_length=1, json_schema_extra={"multiline": True})
    """Which of two answers is the better one. The judge is shown what was asked and both answers; not whose they are. `{{ include("judges/tone") }}` puts in a prompt or a snippet, as it is when this is saved."""
    question: str | None = None
    """Where stands what was asked, such as `testcase.inputs.question`. Empty: all inputs."""
    temperature: float | None = Field(None, ge=0, le=2, json_schema_extra={"initial": 0})
    """0 makes verdicts repeatable. Empty: the provider's own default; some models refuse any other."""

    @field_validator("against", "question")
    @classmethod
    def _a_place(cls, value: str | None) -> str | None:
        return checked_place(value, _PLACES)


class PairwiseJudge(Kind[PairwiseJudgeOptions]):
    """Is the output better than another answer to the same row?

    A model sees both answers and says which is better: 1 for the output, 0 for the other, and 0.5 for a tie, so that the mean
    is the share of wins. Judges favour a place: they are asked in both orders at the same time, and where
    the two verdicts disagree it is a tie. The report says how often they agree; below some 80%, trust the reasons more than
    the score. Equal answers are a tie without a call.
    """

    name = "pairwise_judge"
    title = "Pairwise judge"
    purpose = "Judges"
    keywords = "LLM-as-a-judge preference win rate arena A/B"
    returns = Traits("number", calls=2)
    Options = PairwiseJudgeOptions

    def traits(self, options: PairwiseJudgeOptions) -> Traits:
        return Traits(
            "number",
            needs_target=options.against.startswith(_TARGET),
            asks=(ModelRef(options.model, options.provider),),
            calls=2,
        )

    def calls(
        self,
        options: PairwiseJudgeOptions,
        execution: Execution,
        row: Row,
        answers: Sequence[str | None] = (),
    ) -> Sequence[ModelCall]:
        """Two calls, one in each order; none where there is nothing to compare."""
        other = _other(options, execution, row)
        if answers or isinstance(other, Verdict):
            return ()
        asked = question_at(options.question, row, execution, but=options.against)
        pair = execution.output or "", other
        return [_call(options, asked, *texts) for texts in (pair, pair[::-1])]

    def judge(
        self,
        options: PairwiseJudgeOptions,
        execution: Execution,
        row: Row,
        answers: Sequence[str | None] = (),
    ) -> Verdict:
        other = _other(options, execution, row)
        if isinstance(other, Verdict):
            return other
        read = [_read(answer) for answer in [*answers, None, None][:2]]
        if read[0] is None or read[1] is None:
            problem = "The judge gave no reply" if None in answers else MALFORMED
            return Verdict(None, error=f"{problem}, in one order at least")
        first = _winner(read[0][0], "output", "other"), read[0][1]
        second = _winner(read[1][0], "other", "output"), read[1][1]
        agree = first[0] == second[0]
        winner: Winner = first[0] if agree else "tie"
        said = f"{_WORDS[winner]}, in both orders." if agree else "A tie: the verdict changes with the order."
        noted = [
            {"shown_first": place, "better": better, "rationale": reason}
            for place, (better, reason) in zip(("output", "other"), (first, second), strict=True)
        ]
        return Verdict(
            _POINTS[winner],
            rationale=storable(f"{said} {first[1]}".strip()),
            detail={"orders": noted, "consistent": agree},
        )

    def summarise(
        self, options: PairwiseJudgeOptions, verdicts: Sequence[Verdict]
    ) -> Mapping[str, CorpusMetric] | None:
        """The share of rows on which both orders agree (Zheng et al. 2023, “Judging LLM-as-a-Judge”); None where none was judged."""
        details = [one.detail for one in verdicts if one.detail and "consistent" in one.detail]
        if not details:
            return None
        consistent = [float(detail["consistent"]) for detail in details]
        title = "Same verdict in both orders"
        return {
            "consistency": CorpusMetric(title, fmean(consistent), "higher", None, mean_statistic(consistent))
        }


def _other(options: PairwiseJudgeOptions, execution: Execution, row: Row) -> str | Verdict:
    """The other answer, or the verdict where there is nothing to ask."""
    missing = no_output(execution)
    if missing is not None:
        return missing
    try:
        other = answer_beside(options, row)
    except TargetUnclear as unclear:
        return Verdict(None, error=storable(str(unclear)))
    if not other.strip():
        return (
            NO_TARGET if options.against.startswith(_TARGET) else Verdict(None, rationale="no other answer")
        )
    if other.strip() == (execution.output or "").strip():
        return Verdict(0.5, rationale="The two answers are the same.")
    return other


def answer_beside(options: PairwiseJudgeOptions, row: Row) -> str:
    """The other answer to a row; empty where there is none.

    Raises:
        TargetUnclear: the target has several fields, and none is named.
    """
    if options.against != _TARGET:
        return text_at(options.against, row, _NOTHING)
    accepted = accepted_values(row.target, None)
    return text_of(accepted[0]) if accepted else ""


def _call(options: PairwiseJudgeOptions, asked: str, first: str, second: str) -> ModelCall:
    task = (
        "You compare two answers by the rules that you are given and by nothing else. Their order and length "
        f"mean nothing.\n\n{options.criteria.strip()}\n\nGive your reasons in one to three sentences, then which is "
        f"better: A, B, or tie where neither is.\n{NO_INSTRUCTIONS}"
    )
    material = [fenced("question", asked), fenced("A", first), fenced("B", second)]
    better = {"type": "string", "enum": ["A", "B", "tie"]}
    return ModelCall(
        messages=[{"role": "system", "content": task}, {"role": "user", "content": "\n\n".join(material)}],
        response_format=reply_in({"rationale": {"type": "string"}, "better": better}, "comparison"),
        model=options.model,
        provider=options.provider,
        parameters={} if options.temperature is None else {"temperature": options.temperature},
    )


def _read(reply: str | None) -> tuple[str, str] | None:
    """Which is better and why; None where the reply is not in the form asked for."""
    try:
        said = read_reply(reply or "null")
    except orjson.JSONDecodeError:
        return None
    if not isinstance(said, dict):
        return None
    if any(name not in ("better", "rationale") and not is_of_certainty(name) for name in said):
        return None
    better, reason = said.get("better"), said.get("rationale")
    if better not in ("A", "B", "tie") or not isinstance(reason, str):
        return None
    return better, storable(reason, _REASON_CHARS)


def _winner(better: str, first: Winner, second: Winner) -> Winner:
    return {"A": first, "B": second}.get(better, "tie")
