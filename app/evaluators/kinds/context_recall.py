"""Context recall, as in RAGAS."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

from collections.abc import Sequence

from app.evaluators.kinds.comparing import NO_TARGET, TargetUnclear
from app.evaluators.kinds.contract import Execution, ModelCall, Row, Traits, Verdict, no_output, storable
from app.evaluators.kinds.passages import (
    FOUND_NONE,
    MALFORMED,
    NO_PASSAGES,
    PassageKind,
    ReferenceOptions,
    call,
    found_none,
    named,
    passages_of,
    question_of,
    read_verdicts,
    reference_of,
)


class ContextRecall(PassageKind[ReferenceOptions]):
    """Do the passages hold all that the right answer says?

    A model splits the target into statements and tells of each whether it follows from the passages: the score is
    the share of those that do. It looks at what was found, not at what was answered. A target that states nothing
    has no score, and neither has a row whose passages are not known; where none was found, an empty list, the score is
    0. One call a row.
    """

    name = "context_recall"
    title = "Context recall"
    keywords = "RAG"
    returns = Traits("number", needs_target=True)
    Options = ReferenceOptions

    def missing(self, options: ReferenceOptions, execution: Execution, row: Row) -> Verdict | None:
        if failed := no_output(execution):
            return failed
        try:
            reference = reference_of(options, row)
        except TargetUnclear as unclear:
            return Verdict(None, error=storable(str(unclear)))
        if reference is None:
            return NO_TARGET
        if found_none(options, row, execution):
            return Verdict(0.0, rationale=FOUND_NONE)
        return None if passages_of(options, row, execution) else NO_PASSAGES

    def asked(
        self, options: ReferenceOptions, execution: Execution, row: Row, answers: Sequence[str | None]
    ) -> ModelCall | None:
        if answers:
            return None
        return call(
            options,
            "Split the reference answer into statements, each a whole sentence that says one thing. For each, tell "
            "whether it follows from the passages. Give the reason in a sentence before.",
            {
                "question": question_of(options, row, execution),
                "reference": reference_of(options, row) or "",
                "passage": passages_of(options, row, execution),
            },
            "statements",
            {"statement": {"type": "string"}, "reason": {"type": "string"}, "supported": {"type": "boolean"}},
        )

    def scored(
        self, options: ReferenceOptions, execution: Execution, row: Row, answers: Sequence[str | None]
    ) -> Verdict:
        verdicts = read_verdicts(answers[0] if answers else None, "statements", "supported")
        if verdicts is None:
            return Verdict(None, error=MALFORMED)
        if not verdicts:
            return Verdict(None, rationale="the target states nothing")
        bad = [str(one.get("statement", "")) for one in verdicts if not one["supported"]]
        return Verdict(1 - len(bad) / len(verdicts), rationale=named(bad, "not in the passages"))
