"""Context precision, as in RAGAS."""

from collections.abc import Sequence
from itertools import accumulate

from app.evaluators.kinds.comparing import TargetUnclear
from app.evaluators.kinds.contract import Execution, ModelCall, Row, Traits, Verdict, storable
from app.evaluators.kinds.passages import (
    MALFORMED,
    PassageKind,
    ReferenceOptions,
    call,
    nothing_to_read,
    passages_of,
    question_of,
    read_verdicts,
    reference_of,
)


class ContextPrecision(PassageKind[ReferenceOptions]):
    """Do the useful passages stand at the top?

    A model tells of each passage whether it was of use to arrive at the answer: the target, where there is one, else
    the output. The score is the mean of the precision at the place of each useful passage, so that useless ones
    above it cost. Where no passage is of use there is no score. One call a row.
    """

    name = "context_precision"
    title = "Context precision"
    keywords = "RAG relevance"
    returns = Traits("number")
    Options = ReferenceOptions

    def missing(self, options: ReferenceOptions, execution: Execution, row: Row) -> Verdict | None:
        if nothing := nothing_to_read(options, execution, row):
            return nothing
        try:
            reference_of(options, row)
        except TargetUnclear as unclear:
            return Verdict(None, error=storable(str(unclear)))
        return None

    def asked(
        self, options: ReferenceOptions, execution: Execution, row: Row, answers: Sequence[str | None]
    ) -> ModelCall | None:
        if answers:
            return None
        return call(
            options,
            "For each passage, in the order given, tell whether it was useful to arrive at this answer to the "
            "question. Give the reason in a sentence first.",
            {
                "question": question_of(options, row, execution),
                "answer": reference_of(options, row) or execution.output or "",
                "passage": passages_of(options, row, execution),
            },
            "verdicts",
            {"reason": {"type": "string"}, "useful": {"type": "boolean"}},
        )

    def scored(
        self, options: ReferenceOptions, execution: Execution, row: Row, answers: Sequence[str | None]
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
