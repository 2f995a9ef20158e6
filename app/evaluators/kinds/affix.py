"""Starts or ends with a text."""

from typing import Any, Literal

from app.evaluators.kinds.comparing import NOTHING_TO_FIND, TargetKind, TargetOptions, composed, text_of
from app.evaluators.kinds.contract import Execution, Row, Traits, Verdict, no_output, storable


class AffixOptions(TargetOptions):
    where: Literal["start", "end"] = "start"
    """Look at the start of the output, or at its end."""
    texts: tuple[str, ...] = ()
    """The texts of which any will do. Empty: the target."""
    want: Literal["any", "none"] = "any"
    """One of the texts must stand there, or none may, such as an opening phrase that nobody wants to read."""
    ignore_case: bool = True
    """Treat capital and small letters as the same."""
    trim: bool = True
    """Ignore blanks and line breaks at both ends of the output."""


class Affix(TargetKind[AffixOptions]):
    """Does the output start, or end, with a text?

    For a greeting, a signature, a unit, a closing question. Looks for the same texts in every row, or for the target.
    """

    name = "affix"
    title = "Starts or ends with"
    purpose = "Comparison with a target"
    keywords = "prefix suffix starts ends"
    returns = Traits("boolean", needs_target=True)
    Options = AffixOptions

    def traits(self, options: AffixOptions) -> Traits:
        return Traits("boolean", needs_target=not options.texts)

    def judge(self, options: AffixOptions, execution: Execution, row: Row, answers: Any = ()) -> Verdict:
        if not options.texts:
            return super().judge(options, execution, row, answers)
        return no_output(execution) or self.compare(options, execution.output or "", list(options.texts))

    def compare(self, options: AffixOptions, output: str, accepted: list[Any]) -> Verdict:
        wanted = [text for text in map(text_of, accepted) if (text.strip() if options.trim else text)]
        if not wanted:
            return NOTHING_TO_FIND
        read = _read(output, options)
        found = next((text for text in wanted if _stands(read, _read(text, options), options)), None)
        if options.want == "none":
            why = None if found is None else storable(f"{options.where}s with “{found}”", 300)
            return Verdict(found is None, rationale=why)
        return Verdict(found is not None)


def _read(text: str, options: AffixOptions) -> str:
    text = composed(text)
    text = text.strip() if options.trim else text
    return text.casefold() if options.ignore_case else text


def _stands(output: str, text: str, options: AffixOptions) -> bool:
    return output.startswith(text) if options.where == "start" else output.endswith(text)
