"""ROUGE."""

from functools import lru_cache
from typing import Any, Literal

from app.evaluators.kinds.comparing import TargetKind, TargetOptions
from app.evaluators.kinds.contract import Traits, Verdict
from app.evaluators.kinds.overlap import texts_to_compare

_MOST_CELLS = 2_000_000
"""Words of the output times words of the target, for ROUGE-L: half a second's work."""


class RougeOptions(TargetOptions):
    measure: Literal["rouge1", "rouge2", "rougeL"] = "rougeL"
    """What is shared: single words, pairs of neighbours, or the longest run of words in the same order, with gaps."""
    stem: bool = False
    """Count English words as the same that differ only in their ending."""


class Rouge(TargetKind[RougeOptions]):
    """How many words or pairs of words does a summary share with the target, from 0 to 1?

    The F-measure of ROUGE, as rouge-score counts it. If the target is a list, the best of its items counts. Words are
    of the letters a to z and digits: other scripts share nothing. An alarm for changes rather than a measure of
    quality. ROUGE-L does not compare more than two million pairs of words, such as 2,000 with 1,000.
    """

    name = "rouge"
    title = "ROUGE"
    purpose = "Text overlap"
    returns = Traits("number", needs_target=True)
    Options = RougeOptions

    def load(self, options: RougeOptions) -> None:
        _scorer(options.measure, options.stem)

    def compare(self, options: RougeOptions, output: str, accepted: list[Any]) -> Verdict:
        targets = texts_to_compare(output, accepted)
        if isinstance(targets, Verdict):
            return targets
        scorer, tokenizer = _scorer(options.measure, options.stem)
        if options.measure == "rougeL":
            cells = len(tokenizer.tokenize(output)) * max(len(tokenizer.tokenize(one)) for one in targets)
            if cells > _MOST_CELLS:
                said = f"too long to compare: {cells:,} pairs of words, at most {_MOST_CELLS:,} are"
                return Verdict(None, error=said)
        return Verdict(float(scorer.score_multi(targets, output)[options.measure].fmeasure))


@lru_cache
def _scorer(measure: str, stem: bool) -> tuple[Any, Any]:
    from rouge_score.rouge_scorer import RougeScorer  # noqa: PLC0415 - takes seconds to import
    from rouge_score.tokenizers import DefaultTokenizer  # noqa: PLC0415

    tokenizer = DefaultTokenizer(stem)
    return RougeScorer([measure], tokenizer=tokenizer), tokenizer
