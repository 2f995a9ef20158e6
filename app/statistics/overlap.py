"""Text overlap of a whole corpus from the counts of its rows, as functions of weights for the bootstrap.

Each takes a matrix with a row of counts for each row of the dataset: adding rows up gives the counts of the corpus,
so that a resample costs one matrix product. Scores lie between 0 and 1 where sacrebleu's lie between 0 and 100.
"""

from app.statistics.arrays import ArrayLike, Counts, Floats, np
from app.statistics.bootstrap import Statistic

BLEU_ORDER = 4


def bleu_statistic(counts: ArrayLike) -> Statistic:
    """Corpus BLEU (Papineni et al. 2002) with exponential smoothing, as sacrebleu's default.

    A row of `counts` is: length of the output, length of the nearest reference, right n-grams of the orders 1 to 4,
    all n-grams of the orders 1 to 4.
    """
    matrix = _matrix(counts, 2 + 2 * BLEU_ORDER)

    def bleu(weights: Counts) -> Floats:
        sums = weights @ matrix
        given, wanted = sums[:, 0], sums[:, 1]
        right, total = sums[:, 2 : 2 + BLEU_ORDER], sums[:, 2 + BLEU_ORDER :]
        # An order without a right n-gram counts as half of one, the next such order as a quarter, and so on.
        smoothed = np.where(right == 0, 0.5 ** np.cumsum(right == 0, axis=1), right)
        defined = (total > 0).all(axis=1) & (right > 0).any(axis=1)
        precision = np.divide(smoothed, total, out=np.ones_like(total), where=total > 0)
        short = np.divide(wanted, given, out=np.ones_like(given), where=given > 0)
        penalty = np.exp(np.minimum(0.0, 1 - short))
        return np.asarray(np.where(defined, penalty * np.exp(np.log(precision).mean(axis=1)), 0.0))

    return bleu


def chrf_statistic(counts: ArrayLike, beta: float = 2.0) -> Statistic:
    """Corpus chrF, or chrF++ with the word orders among the counts (Popović 2015, 2017).

    A row of `counts` is, for each order: n-grams of the output, n-grams of the reference, those in both.
    """
    matrix = _matrix(counts)

    def chrf(weights: Counts) -> Floats:
        sums = (weights @ matrix).reshape(len(weights), -1, 3)
        given, wanted, both = sums[:, :, 0], sums[:, :, 1], sums[:, :, 2]
        counted = (given > 0) & (wanted > 0)
        orders = np.maximum(counted.sum(axis=1), 1)
        precision = np.divide(both, given, out=np.zeros_like(both), where=counted).sum(axis=1) / orders
        recall = np.divide(both, wanted, out=np.zeros_like(both), where=counted).sum(axis=1) / orders
        below = beta**2 * precision + recall
        score = np.divide(
            (1 + beta**2) * precision * recall, below, out=np.zeros_like(below), where=below > 0
        )
        return np.asarray(score)

    return chrf


def ter_statistic(counts: ArrayLike) -> Statistic:
    """Corpus TER (Snover et al. 2006): edits per word of the reference; a row of `counts` is edits and words.

    1 where there are edits and no words, and 0 where there is neither, as sacrebleu has it.
    """
    matrix = _matrix(counts, 2)

    def ter(weights: Counts) -> Floats:
        sums = weights @ matrix
        edits, words = sums[:, 0], sums[:, 1]
        return np.asarray(np.divide(edits, words, out=(edits > 0).astype(np.float64), where=words > 0))

    return ter


def _matrix(counts: ArrayLike, width: int | None = None) -> Floats:
    matrix = np.asarray(counts, dtype=np.float64)
    if matrix.ndim != 2 or (width is not None and matrix.shape[1] != width):
        raise ValueError(
            f"counts of the shape {matrix.shape}: a row of {width or 'n'} for each row is needed"
        )
    return matrix
