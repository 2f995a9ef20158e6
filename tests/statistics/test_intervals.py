import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.proportion import proportion_confint

from app.statistics.intervals import Interval, clopper_pearson, mean_interval, wilson

counts = st.integers(1, 2_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
thousandths = st.integers(0, 1_000).map(lambda count: count / 1_000)
scores = st.lists(thousandths, min_size=2, max_size=60)


@given(counts, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_equals_statsmodels_and_stays_a_share(count, confidence):
    successes, n = count
    found = wilson(successes, n, confidence)

    lo, hi = proportion_confint(successes, n, 1 - confidence, method="wilson")
    assert (found.lo, found.hi) == pytest.approx((max(lo, 0), min(hi, 1)), abs=1e-12)
    assert 0 <= found.lo <= successes / n <= found.hi <= 1


@given(counts)
def test_wilson_mirrors_failures(count):
    successes, n = count
    passed, failed = wilson(successes, n), wilson(n - successes, n)

    assert (passed.lo, passed.hi) == pytest.approx((1 - failed.hi, 1 - failed.lo), abs=1e-12)


@given(counts)
def test_clopper_pearson_equals_statsmodels_and_is_wider_than_the_point(count):
    successes, n = count
    found = clopper_pearson(successes, n)

    assert (found.lo, found.hi) == pytest.approx(proportion_confint(successes, n, 0.05, method="beta"))
    assert found.lo <= found.estimate <= found.hi


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (0, 0), (-1, 5), (6, 5)])
def test_counts_that_are_no_share_are_refused(successes, n):
    with pytest.raises(ValueError, match="no share"):
        wilson(successes, n)
    with pytest.raises(ValueError, match="no share"):
        clopper_pearson(successes, n)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_that_is_no_probability_is_refused(confidence):
    with pytest.raises(ValueError, match="confidence"):
        wilson(3, 5, confidence)
    with pytest.raises(ValueError, match="confidence"):
        mean_interval([0.1, 0.2, 0.4], confidence=confidence)


def test_no_scores_give_no_number():
    assert mean_interval([]) is None
    assert mean_interval([math.nan, None]) is None


def test_one_row_has_an_estimate_and_no_interval():
    found = mean_interval([1.0])

    assert found == Interval(1.0, None, None, 1, "none", warning="one row has no interval")
    assert found.width is None
    assert not found.excludes(0)


@pytest.mark.parametrize(("score", "bounds"), [(1, (0.8865, 1)), (0, (0, 0.1135))])
def test_all_pass_or_all_fail_is_wilson_and_not_zero_wide(score, bounds):
    found = mean_interval([score] * 30)

    assert found.method == "Wilson"
    assert (found.lo, found.hi) == pytest.approx(bounds, abs=1e-4)


def test_all_pass_in_clusters_counts_each_cluster_once():
    found = mean_interval([True] * 60, clusters=[row // 5 for row in range(60)])

    assert (found.estimate, found.n, found.clusters, found.method) == (1.0, 60, 12, "Wilson on clusters")
    assert found.lo == pytest.approx(wilson(12, 12).lo)


def test_a_column_of_zeros_is_no_share_when_the_metric_is_none():
    found = mean_interval([0.0] * 40, share=False)

    assert (found.lo, found.hi, found.method) == (0.0, 0.0, "t")
    assert found.warning == "every row has the same value"


def test_equal_scores_have_no_noise_from_rounding():
    found = mean_interval([0.1] * 30)

    assert (found.lo, found.hi) == (found.estimate, found.estimate)


@given(scores)
def test_the_mean_of_scores_equals_scipys_t_interval(values):
    found = mean_interval(values, share=False)

    if np.ptp(values) == 0:
        assert found.lo == found.hi
        return
    lo, hi = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    assert (found.lo, found.hi) == pytest.approx((lo, hi), rel=1e-6, abs=1e-9)


@given(st.data())
def test_the_clustered_interval_equals_statsmodels(data):
    n = data.draw(st.integers(20, 80))
    values = data.draw(st.lists(thousandths, min_size=n, max_size=n))
    keys = [row % 7 for row in range(n)]
    found = mean_interval(values, keys, share=False)

    if np.ptp(values) == 0:
        return
    # n/(n-1) times G/(G-1) in statsmodels; with one regressor the first is (n-1)/(n-1).
    fit = OLS(values, np.ones(n)).fit(cov_type="cluster", cov_kwds={"groups": np.array(keys)}, use_t=True)
    lo, hi = fit.conf_int()[0]
    assert (found.lo, found.hi) == pytest.approx((lo, hi), rel=1e-6, abs=1e-9)
    assert (found.method, found.clusters) == ("clustered t", 7)
    assert "only 7 clusters" in found.warning


def test_equal_scores_in_each_cluster_keep_the_degrees_of_freedom_of_clusters():
    means = [0, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1]
    found = mean_interval(
        [score for score in means for _ in range(10)], [g for g in range(12) for _ in range(10)]
    )

    assert found.width == pytest.approx(mean_interval(means, share=False).width)


@pytest.mark.parametrize(("groups", "refused"), [(1, True), (4, True), (5, False), (9, False), (10, False)])
def test_few_clusters_are_refused_then_warned_of(groups, refused):
    values = [(row * 7 % 11) / 10 for row in range(60)]
    found = mean_interval(values, [row % groups for row in range(60)])

    assert (found.lo is None) is refused
    assert bool(found.warning) is (groups < 10)
    assert found.clusters == groups


def test_rows_without_a_cluster_stand_alone():
    values = [(row * 7 % 11) / 10 for row in range(40)]

    assert mean_interval(values, [None] * 40) == mean_interval(values)
    assert mean_interval(values, list(range(40))) == mean_interval(values)
    mixed = mean_interval(values, ["a"] * 10 + [None] * 30)
    assert mixed.clusters == 31


def test_scores_that_are_missing_are_left_out_and_told():
    found = mean_interval([1, 0, None, 1, math.nan, math.inf, 1])

    assert (found.n, found.estimate) == (4, 0.75)
    assert found.warning == "3 rows without a score left out"


def test_cluster_keys_must_match_the_scores():
    with pytest.raises(ValueError, match="3 scores, but 2 cluster keys"):
        mean_interval([1, 0, 1], ["a", "b"])


def test_bounds_are_clipped_only_for_display_and_marked():
    found = mean_interval([1.0, 1.0, 1.0, 0.4], share=False)
    assert found.hi > 1

    shown = found.clipped()
    assert shown.hi == 1
    assert shown.warning == "drawn only from 0 to 1"
    assert wilson(3, 9).clipped() == wilson(3, 9)


def covered(draw, truth, runs=400):
    generator = np.random.default_rng(5)
    found = [mean_interval(*draw(generator)) for _ in range(runs)]
    return np.mean([one.lo <= truth <= one.hi for one in found])


def test_shares_cover_their_truth():
    assert covered(lambda g: (g.random(60) < 0.9,), 0.9) == pytest.approx(0.95, abs=0.035)


def test_clustered_shares_cover_their_truth_where_the_naive_interval_does_not():
    keys = [g for g in range(12) for _ in range(10)]

    def draw(generator, keyed):
        rates = np.repeat(generator.beta(1, 1, 12), 10)
        return (generator.random(120) < rates, keys if keyed else None)

    assert covered(lambda g: draw(g, True), 0.5) == pytest.approx(0.95, abs=0.035)
    assert covered(lambda g: draw(g, False), 0.5) < 0.75
