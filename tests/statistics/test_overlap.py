import numpy as np
import pytest

from app.statistics.overlap import bleu_statistic, chrf_statistic, ter_statistic

ONES = np.ones((1, 2), dtype=np.int32)


def test_counts_need_their_shape():
    with pytest.raises(ValueError, match="a row of 10"):
        bleu_statistic([[1, 2, 3]])
    with pytest.raises(ValueError, match="a row of 2"):
        ter_statistic([1, 2])


def test_a_corpus_without_anything_shared_has_0():
    assert bleu_statistic([[4, 4, 0, 0, 0, 0, 4, 3, 2, 1]] * 2)(ONES) == [0]
    assert bleu_statistic([[0, 4, 0, 0, 0, 0, 0, 0, 0, 0]] * 2)(ONES) == [0]
    assert chrf_statistic([[4, 4, 0] * 6] * 2)(ONES) == [0]
    assert chrf_statistic([[0, 0, 0] * 6] * 2)(ONES) == [0]


def test_a_corpus_that_is_its_reference_has_1():
    assert bleu_statistic([[4, 4, 4, 3, 2, 1, 4, 3, 2, 1]] * 2)(ONES) == pytest.approx(1)
    assert chrf_statistic([[4, 4, 4] * 6] * 2)(ONES) == pytest.approx(1)
    assert ter_statistic([[0, 4]] * 2)(ONES) == [0]


def test_edits_without_words_to_edit():
    assert ter_statistic([[3, 0]] * 2)(ONES) == [1]
    assert ter_statistic([[0, 0]] * 2)(ONES) == [0]
