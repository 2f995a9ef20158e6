"""What the kinds share that count n-grams or edits with sacrebleu."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.evaluators.kinds.comparing import text_of, too_long
from app.evaluators.kinds.contract import CorpusMetric, Verdict, Wanted
from app.statistics.arrays import np
from app.statistics.bootstrap import Statistic

if TYPE_CHECKING:
    from collections.abc import Callable


def texts_to_compare(output: str, accepted: Sequence[Any]) -> list[str] | Verdict:
    """The references, or the verdict where a text is too long."""
    targets = [text_of(one) for one in accepted]
    return too_long(output, *targets) or targets


def forget(tokenizer: Any) -> None:
    """Empty the cache of one of sacrebleu's tokenizers: it holds 65,536 texts of any length, in every worker."""
    for one in (tokenizer, getattr(tokenizer, "_post_tokenizer", None)):
        if one is not None:
            cached: Any = type(one).__call__
            cached.cache_clear()


def corpus_metric(
    verdicts: Sequence[Verdict],
    statistic_of: "Callable[[Any], Statistic]",
    *,
    name: str,
    title: str,
    wanted: Wanted = "higher",
    unit: str | None = None,
    counted_by: Any,
) -> Mapping[str, CorpusMetric] | None:
    """The score of the counts that the verdicts noted, added up; None for no rows.

    Its detail has the signature of `counted_by`, sacrebleu's metric of a corpus, by which others can count the same.
    """
    if not verdicts:
        return None
    details = [verdict.detail or {} for verdict in verdicts]
    statistic = statistic_of([detail["counts"] for detail in details])
    references = {detail.get("references", 0) for detail in details}
    detail = {"signature": _signature(counted_by, sorted(references))} if all(references) else None
    value = float(statistic(np.ones((1, len(verdicts)), dtype=np.int32))[0])
    return {name: CorpusMetric(title, value, wanted, unit, statistic, detail)}


def _signature(metric: Any, references: Sequence[int]) -> str:
    """How a metric counts, and how many references a row has; sacrebleu tells it once it has counted something."""
    streams = [["a" if at < many else None for many in references] for at in range(references[-1])]
    metric.corpus_score(["a"] * len(references), streams)
    return str(metric.get_signature())
