"""What the kinds share that count n-grams or edits with sacrebleu."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.evaluators.kinds.comparing import text_of, too_long
from app.evaluators.kinds.contract import CorpusMetric, Verdict, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.statistics.bootstrap import Statistic


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
) -> Mapping[str, CorpusMetric] | None:
    """The score of the counts that the verdicts noted, added up; None for no rows."""
    import numpy as np  # noqa: PLC0415 - slow to import

    if not verdicts:
        return None
    statistic = statistic_of([(verdict.detail or {})["counts"] for verdict in verdicts])
    value = float(statistic(np.ones((1, len(verdicts)), dtype=np.int32))[0])
    return {name: CorpusMetric(title, value, wanted, unit, statistic)}
