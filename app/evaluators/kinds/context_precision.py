"""Context precision, as in RAGAS."""

from collections.abc import Sequence
from itertools import accumulate

from app.evaluators.kinds.comparing import accepted_values, text_of
from app.evaluators.kinds.contract import Execution, ModelCall, Row, Traits, Verdict
from app.evaluators.kinds.passages import (
    MALFORMED,
    PassageKind,
    PassageOptions,
    call,
    nothing_to_read,
    passages_of,
    question_of,
    read_verdicts,
)


class ContextPrecision(PassageKind[PassageOptions]):
    """Do the useful passages stand at the top?

    A model tells of each passage whether it was of use to arrive at the answer: the target, where there is one, else
    the output. The score is the mean of the precision at the place of each useful passage, so that useless ones
    above it cost. Where no passage is of use there is no score. One call a row.
    """

    name = "context_precision"
    title = "Context precision"
    returns = Traits("number")
    Options = PassageOptions

    def missing(self, options: PassageOptions, execution: Execution, row: Row) -> Verdict | None:
        return nothing_to_read(options, execution, row)

    def asked(
        self, options: PassageOptions, execution: Execution, row: Row, answers: Sequence[str | None]
    ) -> ModelCall | None:
        if answers:
            return None
        accepted = [text_of(one) for one in accepted_values(row.target, None)] if row.target else []
        return call(
            options,
            "For each passage, in the order given, tell whether it was useful to arrive at this answer to the "
            "question. Give the reason in a sentence first.",
            {
                "question": question_of(options, row, execution),
                "answer": accepted[0] if accepted else execution.output or "",
                "passage": passages_of(options, row, execution),
            },
            "verdicts",
            {"reason": {"type": "string"}, "useful": {"type": "boolean"}},
        )

    def scored(
        self, options: PassageOptions, execution: Execution, row: Row, answers: Sequence[str | None]
    ) -> Verdict:
        count = len(passages_of(options, row, execution))
        verdicts = read_verdicts(answers[0] if answers else None, "verdicts", "useful", count)
        if verdicts is None:
            return Verdict(None, error=MALFORMED)
        useful = [bool(one["useful"]) for one in verdicts]
        if not any(useful):
            return Verdict(None, rationale="no passage is of use")
        return Verdict(average_precision(useful), rationale=f"{sum(useful)} of {count} passages are of use")


def average_precision(useful: Sequence[bool]) -> float:
    """sum over k of (precision at k × useful at k) / number of useful; at least one must be."""
    found = accumulate(map(int, useful))
    precisions = [
        hits / place for place, (hits, good) in enumerate(zip(found, useful, strict=True), 1) if good
    ]
    return sum(precisions) / len(precisions)
