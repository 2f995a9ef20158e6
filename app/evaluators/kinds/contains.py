"""Contains a text."""

from typing import Any, Literal

from app.evaluators.kinds.comparing import (
    NOTHING_TO_FIND,
    TargetKind,
    TargetOptions,
    composed,
    parted,
    stands_alone,
    text_of,
)
from app.evaluators.kinds.contract import Execution, Row, Traits, Verdict, no_output, storable


class ContainsOptions(TargetOptions):
    text: str | None = None
    """The text to look for. Empty: the target."""
    want: Literal["any", "all", "none"] = "any"
    """If the target is a list: any of its items, all of them, or none."""
    ignore_case: bool = True
    """Treat capital and small letters as the same."""
    whole_words: bool = False
    """Do not find “art” in “start”."""


class Contains(TargetKind[ContainsOptions]):
    """Does the output contain a text?

    Looks for the target, or for the same text in every row: a required notice, or with “none” a forbidden word.
    """

    name = "contains"
    title = "Contains"
    purpose = "Comparison with a target"
    keywords = "substring includes keyword"
    returns = Traits("boolean", needs_target=True)
    Options = ContainsOptions

    def traits(self, options: ContainsOptions) -> Traits:
        return Traits("boolean", needs_target=not options.text)

    def judge(self, options: ContainsOptions, execution: Execution, row: Row, answers: Any = ()) -> Verdict:
        if not options.text:
            return super().judge(options, execution, row, answers)
        return no_output(execution) or self.compare(options, execution.output or "", [options.text])

    def compare(self, options: ContainsOptions, output: str, accepted: list[Any]) -> Verdict:
        wanted = [text for text in map(text_of, accepted) if text]
        if not wanted:
            return NOTHING_TO_FIND
        read = _read(output, options)
        found = [text for text in wanted if _holds(read, _read(text, options), options)]
        if options.want == "none":
            return Verdict(not found, rationale=storable(f"found {', '.join(found)}", 300) if found else None)
        return Verdict(bool(found) if options.want == "any" else len(found) == len(wanted))


def _read(text: str, options: ContainsOptions) -> str:
    text = composed(text)
    text = text.casefold() if options.ignore_case else text
    return parted(text) if options.whole_words else text


def _holds(output: str, text: str, options: ContainsOptions) -> bool:
    if not options.whole_words:
        return text in output
    return stands_alone(text, output)
