"""chrF."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from app.evaluators.kinds.comparing import TargetKind, TargetOptions
from app.evaluators.kinds.contract import CorpusMetric, Traits, Verdict
from app.evaluators.kinds.overlap import corpus_metric, texts_to_compare
from app.statistics.overlap import chrf_statistic


class ChrfOptions(TargetOptions):
    words: bool = False
    """Count single words and pairs of words too: chrF++."""
    ignore_case: bool = False
    """Treat capital and small letters as the same."""


class Chrf(TargetKind[ChrfOptions]):
    """How many runs of one to six characters does the output share with the target, from 0 to 1?

    chrF as sacrebleu counts it, divided by 100: an F-score in which recall weighs twice as much. Fairer than BLEU to
    languages with many endings or without blanks. If the target is a list, the best of its items counts. The score
    of all rows together is corpus chrF. Texts over 100,000 characters are not compared.
    """

    name = "chrf"
    title = "chrF"
    purpose = "Text overlap"
    keywords = "translation"
    returns = Traits("number", needs_target=True)
    Options = ChrfOptions

    def load(self, options: ChrfOptions) -> None:
        _metric(options.words, options.ignore_case)

    def compare(self, options: ChrfOptions, output: str, accepted: list[Any]) -> Verdict:
        targets = texts_to_compare(output, accepted)
        if isinstance(targets, Verdict):
            return targets
        metric = _metric(options.words, options.ignore_case)
        # Its public score does not tell the counts.
        (counts,) = metric._extract_corpus_statistics([output], [[one] for one in targets])  # noqa: SLF001
        score = metric._compute_score_from_stats(counts).score  # noqa: SLF001
        return Verdict(score / 100, detail={"counts": counts, "references": len(targets)})

    def summarise(
        self, options: ChrfOptions, verdicts: Sequence[Verdict]
    ) -> Mapping[str, CorpusMetric] | None:
        """Corpus chrF; None for no rows."""
        title = "Corpus chrF++" if options.words else "Corpus chrF"
        return corpus_metric(
            verdicts,
            chrf_statistic,
            name="chrf",
            title=title,
            counted_by=_metric(options.words, options.ignore_case),
        )


@lru_cache
def _metric(words: bool, ignore_case: bool) -> Any:
    from sacrebleu.metrics.chrf import CHRF  # noqa: PLC0415 - slow to import

    return CHRF(word_order=2 if words else 0, lowercase=ignore_case)
