"""Edit distance."""

from typing import Any, Literal

from app.evaluators.kinds.comparing import TargetKind, TargetOptions, composed, text_of, too_long
from app.evaluators.kinds.contract import Traits, Verdict


class EditDistanceOptions(TargetOptions):
    answer: Literal["similarity", "edits"] = "similarity"
    """A similarity from 0 to 1, which is 1 less the edits divided by the longer length; or the number of edits."""
    unit: Literal["characters", "words"] = "characters"
    """What is edited: characters, or whole words."""
    ignore_case: bool = False
    """Treat capital and small letters as the same."""
    trim: bool = True
    """Ignore blanks and line breaks at both ends."""


class EditDistance(TargetKind[EditDistanceOptions]):
    """How many edits turn the output into the target?

    Levenshtein's distance: the fewest insertions, deletions and replacements. For transcripts, codes and corrections,
    where almost right is worth something. If the target is a list, the nearest of its items counts. Texts over
    100,000 characters are not compared.
    """

    name = "edit_distance"
    title = "Edit distance"
    purpose = "Text overlap"
    keywords = "Levenshtein"
    returns = Traits("number", needs_target=True)
    Options = EditDistanceOptions

    def traits(self, options: EditDistanceOptions) -> Traits:
        if options.answer == "edits":
            return Traits("number", wanted="lower", unit="points", needs_target=True)
        return self.returns

    def compare(self, options: EditDistanceOptions, output: str, accepted: list[Any]) -> Verdict:
        from rapidfuzz.distance import Levenshtein  # noqa: PLC0415 - the start must not wait for it

        targets = [text_of(one) for one in accepted]
        if refusal := too_long(output, *targets):
            return refusal
        found = _shaped(output, options)
        if options.answer == "edits":
            return Verdict(float(min(Levenshtein.distance(found, _shaped(one, options)) for one in targets)))
        return Verdict(
            max(Levenshtein.normalized_similarity(found, _shaped(one, options)) for one in targets)
        )


def _shaped(text: str, options: EditDistanceOptions) -> str | list[str]:
    text = composed(text.strip() if options.trim else text)
    if options.ignore_case:
        text = text.casefold()
    return text.split() if options.unit == "words" else text
