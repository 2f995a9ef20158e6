"""BLEU."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from app.evaluators.kinds.comparing import TargetKind, TargetOptions
from app.evaluators.kinds.contract import CorpusMetric, Traits, Verdict
from app.evaluators.kinds.overlap import corpus_metric, forget, texts_to_compare
from app.statistics.overlap import bleu_statistic

Tokenizer = Literal["13a", "intl", "zh", "char"]


class BleuOptions(TargetOptions):
    tokenizer: Tokenizer = "13a"
    """How texts are cut into words: `13a` is the usual one, `intl` knows more signs, `zh` is for Chinese, `char` for other languages without blanks."""
    ignore_case: bool = False
    """Treat capital and small letters as the same."""


class Bleu(TargetKind[BleuOptions]):
    """How many runs of one to four words does the output share with the target, from 0 to 1?

    BLEU as sacrebleu counts it, divided by 100. Each row has its sentence score; the score of all rows together is
    corpus BLEU, which is what papers report. If the target is a list, all its items are references. An alarm for
    changes in a translation rather than a measure of its quality. Texts over 100,000 characters are not compared.
    """

    name = "bleu"
    title = "BLEU"
    purpose = "Text overlap"
    keywords = "translation"
    returns = Traits("number", needs_target=True)
    Options = BleuOptions

    def load(self, options: BleuOptions) -> None:
        _metric(options.tokenizer, options.ignore_case)

    def compare(self, options: BleuOptions, output: str, accepted: list[Any]) -> Verdict:
        targets = texts_to_compare(output, accepted)
        if isinstance(targets, Verdict):
            return targets
        metric = _metric(options.tokenizer, options.ignore_case)
        found = metric.sentence_score(output, targets)
        forget(metric.tokenizer)
        counts = [found.sys_len, found.ref_len, *found.counts, *found.totals]
        score = min(1.0, found.score / 100)  # of equal texts it is 100.00000000000004
        return Verdict(score, detail={"counts": counts, "references": len(targets)})

    def summarise(
        self, options: BleuOptions, verdicts: Sequence[Verdict]
    ) -> Mapping[str, CorpusMetric] | None:
        """Corpus BLEU; None for no rows."""
        counted_by = _metric(options.tokenizer, options.ignore_case, of_corpus=True)
        return corpus_metric(
            verdicts, bleu_statistic, name="bleu", title="Corpus BLEU", counted_by=counted_by
        )


@lru_cache
def _metric(tokenizer: Tokenizer, ignore_case: bool, *, of_corpus: bool = False) -> Any:
    from sacrebleu.metrics.bleu import BLEU  # noqa: PLC0415 - slow to import

    # A sentence may have no run of four words: only the orders that it has are averaged.
    return BLEU(tokenize=tokenizer, lowercase=ignore_case, effective_order=not of_corpus, force=True)
