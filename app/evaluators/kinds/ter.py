"""Translation edit rate."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from app.evaluators.kinds.comparing import TargetKind, TargetOptions
from app.evaluators.kinds.contract import CorpusMetric, Execution, Traits, Verdict
from app.evaluators.kinds.overlap import corpus_metric, forget, texts_to_compare
from app.statistics.overlap import ter_statistic

MOST_WORDS = 100
"""Looking for words that moved grows with the square of the length: two texts of 200 words can take four seconds."""

_MOST_IN_ALL = 1_000
"""Words of all targets of a row: each of them is looked through so."""
_FEW_WORDS = 10
"""Of an output that is compared in some milliseconds."""


class TerOptions(TargetOptions):
    punctuation: bool = True
    """Signs such as commas and full stops count."""
    ignore_case: bool = True
    """Treat capital and small letters as the same, as is usual for TER."""


class Ter(TargetKind[TerOptions]):
    """How many edits per word of the target turn the output into it?

    Translation edit rate as sacrebleu counts it, divided by 100: insertions, deletions, replacements and moves of
    runs of words. Lower is better, 0 is the same, and it may be over 1. If the target is a list, the fewest edits
    count, by the mean length of its items. The score of all rows together is corpus TER. Texts over 100 words are
    not compared.
    """

    name = "ter"
    title = "Translation edit rate"
    purpose = "Text overlap"
    keywords = "translation"
    returns = Traits("number", wanted="lower", unit="points", needs_target=True)
    Options = TerOptions

    def load(self, options: TerOptions) -> None:
        _metric(options.punctuation, options.ignore_case)

    def takes_long(self, options: TerOptions, execution: Execution) -> bool:
        return len((execution.output or "").split()) > _FEW_WORDS

    def compare(self, options: TerOptions, output: str, accepted: list[Any]) -> Verdict:
        targets = texts_to_compare(output, accepted)
        if isinstance(targets, Verdict):
            return targets
        lengths = [len(text.split()) for text in (output, *targets)]
        if max(lengths) > MOST_WORDS:
            return Verdict(
                None, error=f"too long to compare: {max(lengths):,} words, at most {MOST_WORDS} are"
            )
        if sum(lengths) > _MOST_IN_ALL:
            said = f"{sum(lengths):,} words in all targets, at most {_MOST_IN_ALL:,} are"
            return Verdict(None, error=f"too long to compare: {said}")
        metric = _metric(options.punctuation, options.ignore_case)
        found = metric.sentence_score(output, targets)
        forget(metric.tokenizer)
        return Verdict(
            found.score / 100,
            detail={"counts": [found.num_edits, found.ref_length], "references": len(targets)},
        )

    def summarise(
        self, options: TerOptions, verdicts: Sequence[Verdict]
    ) -> Mapping[str, CorpusMetric] | None:
        """Corpus TER; None for no rows."""
        return corpus_metric(
            verdicts,
            ter_statistic,
            name="ter",
            title="Corpus TER",
            wanted="lower",
            unit="points",
            counted_by=_metric(options.punctuation, options.ignore_case),
        )


@lru_cache
def _metric(punctuation: bool, ignore_case: bool) -> Any:
    from sacrebleu.metrics.ter import TER  # noqa: PLC0415 - slow to import

    return TER(no_punct=not punctuation, case_sensitive=not ignore_case)
