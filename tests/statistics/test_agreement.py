import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from app.statistics.agreement import cohen_kappa, contingency, spearman

pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=10, max_size=80)


@given(pairs, st.sampled_from(["none", "linear", "quadratic"]))
@example([(1, 0)] * 8 + [(1, 1), (2, 0)], "linear")
@example([(1, 0)] * 4 + [(1, 1)] + [(2, 0)] * 4 + [(2, 1)], "linear")
def test_kappa_and_its_interval_equal_statsmodels_and_scikit_learn(found, weights):
    first, second = zip(*found, strict=True)
    assume(len(set(first)) > 1 and len(set(second)) > 1)
    table = contingency(first, second, range(4))
    kappa = cohen_kappa(table, weights=weights)

    shape = {"none": None, "linear": "linear", "quadratic": "quadratic"}[weights]
    assert kappa.estimate == pytest.approx(
        cohen_kappa_score(first, second, labels=range(4), weights=shape), abs=1e-9
    )
    with np.errstate(divide="ignore", invalid="ignore"):  # its test of zero kappa divides by a variance of 0
        expected = cohens_kappa(
            table.counts, wt={"none": None, "linear": "linear", "quadratic": "fc"}[weights]
        )
    if kappa.lo is not None:
        assert (kappa.hi - kappa.lo) / 2 == pytest.approx(
            1.959964 * expected.std_kappa,
            rel=1e-5,
            abs=1e-7,  # near 0 it loses half its digits
        )


def test_kappa_collapses_where_nearly_all_pass():
    """Why agreement and AC1 stand beside it: 95 agreed passes, 5 disagreements."""
    table = contingency([1] * 95 + [1, 1, 0, 0, 0], [1] * 95 + [0, 0, 1, 1, 1])
    assert cohen_kappa(table).estimate < 0


def test_a_rater_with_one_label_leaves_kappa_undefined():
    assert cohen_kappa(contingency([1] * 20, [1] * 20)) is None
    assert cohen_kappa(contingency([1] * 20, [1, 0] * 10)) is None
    assert cohen_kappa(contingency([], [])) is None


def test_edges_of_kappa():
    assert cohen_kappa(contingency([1, 0, 1], [1, 0, 0])).lo is None
    perfect = cohen_kappa(contingency([1, 0] * 10, [1, 0] * 10))
    assert (perfect.estimate, perfect.lo) == (1, None)
    spreadless = cohen_kappa(
        contingency([1] * 5 + [2] * 5, [0] * 4 + [1] + [0] * 4 + [1], [0, 1, 2]), weights="linear"
    )
    assert (spreadless.lo, spreadless.warning) == (None, "the counts show no spread")
    gaps = contingency([1, None, 0], [1, 1, None])
    assert (gaps.n, gaps.left_out) == (1, 2)
    with pytest.raises(ValueError, match="none of the categories"):
        contingency([1], [2], [0, 1])
    with pytest.raises(ValueError, match="first rater"):
        contingency([1], [])


def test_the_interval_of_a_rank_correlation_covers_the_truth_as_often_as_it_says():
    """Of two normal columns that correlate by .5, whose ranks correlate by 6/pi asin(.25)."""
    rng, hits = np.random.default_rng(8), 0
    for _ in range(1000):
        a = rng.normal(size=60)
        found, _p = spearman(a, 0.5 * a + np.sqrt(0.75) * rng.normal(size=60))
        hits += found.lo < 6 / np.pi * np.arcsin(0.25) < found.hi
    assert 0.93 < hits / 1000 < 0.975


@given(st.integers(0, 999), st.integers(10, 60))
def test_rank_correlation_equals_scipy(seed, n):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 6, n).astype(float), rng.integers(0, 6, n).astype(float)
    assume(np.ptp(a) > 0 and np.ptp(b) > 0)
    found, p = spearman(a, b)

    expected = stats.spearmanr(a, b)
    assert (found.estimate, p) == pytest.approx((expected.statistic, expected.pvalue), abs=1e-9)
    assert found.lo is None or found.lo < found.estimate < found.hi
    assert spearman(a, np.ones(n)) is None


def test_a_step_of_a_scale_that_nobody_used_changes_no_weighted_kappa():
    first, second = [1, 9, 10, 10, 9, 1, 10, 1, 9, 10], [1, 9, 9, 10, 10, 9, 10, 1, 1, 10]
    used = contingency(first, second, [1, 9, 10])
    found = cohen_kappa(used, weights="quadratic", scale=[1, 9, 10])
    assert found.estimate == pytest.approx(
        cohen_kappa_score(first, second, labels=range(1, 11), weights="quadratic")
    )
    whole = cohen_kappa(contingency(first, second, range(1, 11)), weights="quadratic")
    assert (found.lo, found.hi) == pytest.approx((whole.lo, whole.hi))
