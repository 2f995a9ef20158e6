"""Faithfulness, as in RAGAS."""

from collections.abc import Sequence

from app.evaluators.kinds.contract import Execution, ModelCall, Row, Traits, Verdict, no_output
from app.evaluators.kinds.judge_texts import read_list
from app.evaluators.kinds.passages import (
    FOUND_NONE,
    MALFORMED,
    PassageKind,
    PassageOptions,
    call,
    found_none,
    named,
    nothing_to_read,
    passages_of,
    question_of,
    read_verdicts,
)

_MOST_STATEMENTS = 100


class Faithfulness(PassageKind[PassageOptions]):
    """Does the answer say only what the passages say?

    A model splits the answer into statements, and then tells of each whether the passages say it: the score is the
    share of those that they do. An answer that states nothing has no score, and neither has a row whose passages are
    not known; where none was found, an empty list, what is stated has no support, and the score is 0. A faithful answer may still be wrong,
    where the passages are: look at correctness beside it. Two calls a row.
    """

    name = "faithfulness"
    title = "Faithfulness"
    keywords = "RAG hallucination groundedness"
    returns = Traits("number", calls=2)
    Options = PassageOptions

    def missing(self, options: PassageOptions, execution: Execution, row: Row) -> Verdict | None:
        if found_none(options, row, execution):  # what the answer states, it states without them
            return no_output(execution)
        return nothing_to_read(options, execution, row)

    def asked(
        self, options: PassageOptions, execution: Execution, row: Row, answers: Sequence[str | None]
    ) -> ModelCall | None:
        if not answers:
            return call(
                options,
                "Split the answer into statements. Each says one thing, as a whole sentence that can be understood by "
                "itself: names in place of pronouns. Leave out what states nothing, such as greetings and questions.",
                {"question": question_of(options, row, execution), "answer": execution.output or ""},
                "statements",
                {},
            )
        statements = _statements(answers)
        if len(answers) > 1 or not statements or found_none(options, row, execution):
            return None
        return call(
            options,
            "For each statement, in the order given, tell whether it follows directly from the passages. Give the "
            "reason in a sentence first. What you know yourself does not count.",
            {"passage": passages_of(options, row, execution), "statement": statements},
            "verdicts",
            {"reason": {"type": "string"}, "supported": {"type": "boolean"}},
        )

    def scored(
        self, options: PassageOptions, execution: Execution, row: Row, answers: Sequence[str | None]
    ) -> Verdict:
        statements = _statements(answers)
        if statements is None:
            return Verdict(None, error=MALFORMED)
        if not statements:
            return Verdict(None, rationale="the answer states nothing")
        if found_none(options, row, execution):
            return Verdict(0.0, rationale=FOUND_NONE)
        verdicts = read_verdicts(
            answers[1] if len(answers) > 1 else None, "verdicts", "supported", len(statements)
        )
        if verdicts is None:
            return Verdict(None, error=MALFORMED)
        bad = [text for text, said in zip(statements, verdicts, strict=True) if not said["supported"]]
        return Verdict(1 - len(bad) / len(statements), rationale=named(bad, "not in the passages"))


def _statements(answers: Sequence[str | None]) -> list[str] | None:
    """What the answer states; None where the first reply is no list of texts."""
    found = read_list(answers[0] if answers else None, "statements")
    if found is None or not all(isinstance(one, str) for one in found):
        return None
    return [one for one in found if one.strip()][:_MOST_STATEMENTS]
