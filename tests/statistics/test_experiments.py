import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from app.statistics.experiments import (
    Moments,
    cuped,
    mean_of,
    sample_ratio_p,
    sample_size_two_proportions,
    two_means,
    two_proportions,
)

counts = st.integers(2, 400).flatmap(lambda n: st.tuples(st.integers(1, n - 1), st.just(n)))


@given(counts, counts)
def test_two_shares_equal_statsmodels(a, b):
    found, p = two_proportions(*a, *b)

    assert (found.lo, found.hi) == pytest.approx(
        confint_proportions_2indep(*b, *a, method="newcomb"), abs=1e-9
    )
    assert p == pytest.approx(proportions_ztest([a[0], b[0]], [a[1], b[1]])[1], abs=1e-9)


numbers = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=50).filter(lambda them: np.ptp(them) > 0.01)


@given(numbers, numbers)
def test_two_means_equal_scipy(a, b):
    moments = [Moments(float(np.mean(each)), float(np.var(each, ddof=1)), len(each)) for each in (a, b)]
    found, due = two_means(*moments), stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    assert (found.lo, found.hi) == pytest.approx((due.low, due.high), rel=1e-6, abs=1e-6)
    one, due = mean_of(moments[0]), stats.ttest_1samp(a, 0).confidence_interval(0.95)
    assert (one.lo, one.hi) == pytest.approx((due.low, due.high), rel=1e-6, abs=1e-6)


def test_one_number_has_no_interval():
    one, two = Moments(1.0, None, 1), Moments(2.0, 0.5, 9)
    assert (two_means(one, two).estimate, two_means(one, two).lo, mean_of(one).lo) == (1.0, None, None)


def test_two_shares_without_variance_do_not_differ():
    found, p = two_proportions(20, 20, 20, 20)
    assert (found.estimate, p) == (0, 1)
    assert found.lo < 0 < found.hi


def test_users_needed_equal_the_published_number():
    assert sample_size_two_proportions(0.8, 0.85) == 906
    assert sample_size_two_proportions(0.85, 0.8) == 906
    with pytest.raises(ValueError, match="difference of 0"):
        sample_size_two_proportions(0.5, 0.5)


@given(st.lists(st.integers(0, 500), min_size=2, max_size=5))
def test_the_sample_ratio_equals_scipy(seen):
    if sum(seen) == 0:
        assert sample_ratio_p(seen, [1] * len(seen)) == 1
    else:
        assert sample_ratio_p(seen, [2] * len(seen)) == pytest.approx(stats.chisquare(seen).pvalue, abs=1e-12)
    with pytest.raises(ValueError, match="two arms"):
        sample_ratio_p(seen, [1])


def test_cuped_equals_residuals_saves_what_is_explained_and_is_welch_without():
    rng = np.random.default_rng(6)
    xa, xb = rng.normal(size=300), rng.normal(size=280)
    ya, yb = 2 * xa + rng.normal(size=300), 2 * xb + 0.2 + rng.normal(size=280)
    found, _, saved = cuped(xa, ya, xb, yb)

    design = np.column_stack([np.r_[np.zeros(300), np.ones(280)], np.ones(580), np.r_[xa, xb]])
    fit = np.linalg.lstsq(design, np.r_[ya, yb], rcond=None)[0]
    assert found.estimate == pytest.approx(fit[0])
    assert saved == pytest.approx(0.8, abs=0.05)
    assert found.lo < 0.2 < found.hi
    plain, welch, none = cuped(np.zeros(300), ya, np.zeros(280), yb)
    expected = stats.ttest_ind(yb, ya, equal_var=False)
    assert (welch, none) == pytest.approx((expected.pvalue, 0))
    interval = expected.confidence_interval()
    assert (plain.lo, plain.hi) == pytest.approx((interval.low, interval.high))
    assert cuped([1], [1], [1], [1]) is cuped([1, 1], [1, 1], [1, 1], [1, 1]) is None
