import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from app.statistics.components import (
    repeats_interval,
    row_means,
    standard_error_of_mean,
    variance_components,
)

SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_reliability_equals_the_published_example():
    """Shrout and Fleiss 1979, table 4: ICC(1,1) = .17, with the interval that statistics packages give: -.13 to .72."""
    found = variance_components(SHROUT_FLEISS)

    assert found.reliability.estimate == pytest.approx(0.17, abs=0.005)
    assert (found.reliability.lo, found.reliability.hi) == pytest.approx((-0.133, 0.723), abs=0.001)


@given(st.integers(2, 12), st.integers(2, 6), st.integers(0, 999))
def test_mean_squares_equal_those_of_scipys_f(n, k, seed):
    rows = np.random.default_rng(seed).normal(size=(n, k)) + np.arange(n)[:, None]
    found = variance_components(rows.tolist())

    f = stats.f_oneway(*rows).statistic
    assert found.within == pytest.approx(rows.var(axis=1, ddof=1).mean())
    assert found.between == pytest.approx(max(0, (f - 1) * found.within / k), abs=1e-9)


def test_the_components_of_many_rows_are_those_they_were_made_of():
    rng = np.random.default_rng(5)
    rows = rng.normal(0, 2, size=(4000, 1)) + rng.normal(0, 1, size=(4000, 3))
    found = variance_components(rows.tolist())

    assert (found.between, found.within) == pytest.approx((4, 1), rel=0.08)
    predicted = standard_error_of_mean(found.between, found.within, found.n, found.repeats)
    assert predicted == pytest.approx(rows.mean(axis=1).std(ddof=1) / np.sqrt(4000), rel=0.01)


def test_the_interval_counts_rows_and_not_repeats():
    rows = [[1, 1, 0], [0, 0, 0], [1, None, 1], [None, None, None], [0.5, 0.25, 0.75]]
    found = repeats_interval(rows)

    assert row_means(rows) == [pytest.approx(2 / 3), 0, 1, None, 0.5]
    expected = stats.t.interval(0.95, 3, np.mean([2 / 3, 0, 1, 0.5]), stats.sem([2 / 3, 0, 1, 0.5]))
    assert (found.lo, found.hi) == pytest.approx(expected)
    assert found.n == 4


def test_edges_say_what_they_cannot():
    assert variance_components([]) is None
    assert variance_components([[None]]) is None
    one = variance_components([[1, 0]])
    assert (one.between, one.within, one.flips) == (None, 0.5, (1, 1))
    single = variance_components([[1], [0]])
    assert (single.within, single.reliability, single.flips) == (None, None, (0, 0))
    equal = variance_components([[1, 1], [1, 1]])
    assert (equal.between, equal.within, equal.reliability) == (0, 0, None)
    apart = variance_components([[1, 1], [0, 0]])
    assert (apart.reliability.estimate, apart.reliability.lo) == (1, None)
    assert variance_components([[1, 0, 1], [0, 1]]).reliability.warning.startswith("rows differ")
