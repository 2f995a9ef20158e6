import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from app.statistics.bootstrap import (
    bootstrap_interval,
    bootstrap_intervals,
    mean_statistic,
    paired_bootstrap,
    percentile_statistic,
    ratio_statistic,
)
from app.statistics.intervals import mean_interval

generator = np.random.default_rng(4)
LATENCIES = generator.lognormal(0, 0.7, 600)


def expanded(values, weights):
    return np.repeat(values, weights)


@given(st.data())
def test_a_weighted_percentile_is_that_of_the_rows_drawn(data):
    values = data.draw(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
    weights = data.draw(st.lists(st.integers(0, 4), min_size=len(values), max_size=len(values)))
    if sum(weights) == 0:
        return
    share = data.draw(st.floats(0, 1))
    found = percentile_statistic(values, share)(np.array([weights, [1] * len(values)], dtype=np.int32))

    assert found[0] == pytest.approx(np.quantile(expanded(values, weights), share), rel=1e-9, abs=1e-6)
    assert found[1] == pytest.approx(np.quantile(values, share), rel=1e-9, abs=1e-6)


def test_a_percentile_of_missing_values_is_refused():
    with pytest.raises(ValueError, match="finite"):
        percentile_statistic([1, np.nan], 0.5)


def test_a_mean_agrees_with_scipys_bootstrap_and_with_t():
    found = bootstrap_interval(mean_statistic(LATENCIES), 600)
    oracle = stats.bootstrap(
        (LATENCIES,), np.mean, method="percentile", random_state=generator
    ).confidence_interval

    assert found.estimate == pytest.approx(LATENCIES.mean())
    assert (found.lo, found.hi) == pytest.approx((oracle.low, oracle.high), rel=0.01)
    assert found.width == pytest.approx(mean_interval(LATENCIES).width, rel=0.05)
    assert found.method == "bootstrap, percentile, 10,000 resamples, seed 20240611"


def test_few_rows_get_bca_as_scipys():
    few = LATENCIES[:40]
    found = bootstrap_interval(mean_statistic(few), 40)
    oracle = stats.bootstrap((few,), np.mean, method="BCa", random_state=generator).confidence_interval

    assert (found.lo, found.hi) == pytest.approx((oracle.low, oracle.high), rel=0.02)
    assert "BCa" in found.method


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    statistic = percentile_statistic(LATENCIES, 0.95)
    found = bootstrap_interval(statistic, 600)

    assert found == bootstrap_interval(statistic, 600)
    assert found.lo <= found.estimate <= found.hi
    assert found != bootstrap_interval(statistic, 600, seed=1)


def test_the_paired_difference_uses_the_same_resamples_for_both():
    slower = LATENCIES + 0.25
    found = paired_bootstrap(percentile_statistic(LATENCIES, 0.95), percentile_statistic(slower, 0.95), 600)

    assert (found.estimate, found.lo, found.hi) == pytest.approx((0.25, 0.25, 0.25))
    assert found.method.startswith("paired bootstrap, percentile")


def test_clusters_are_drawn_whole():
    values = np.repeat(generator.random(300), 4)
    keys = [row // 4 for row in range(1_200)]
    found = bootstrap_interval(mean_statistic(values), 1_200, keys)
    naive = bootstrap_interval(mean_statistic(values), 1_200)

    assert found.width == pytest.approx(mean_interval(values, keys).width, rel=0.05)
    assert found.width == pytest.approx(2 * naive.width, rel=0.08)
    assert found.clusters == 300


def test_clusters_of_unequal_size_still_give_percentiles():
    keys = np.repeat(np.arange(24), np.arange(1, 25))
    found = bootstrap_interval(percentile_statistic(LATENCIES[:300], 0.95), 300, keys.tolist())

    assert found.lo <= found.estimate <= found.hi
    assert "BCa" in found.method


def test_edges_of_size():
    assert bootstrap_interval(mean_statistic([]), 0) is None
    one = bootstrap_interval(mean_statistic([3]), 1)
    assert (one.estimate, one.lo, one.warning) == (3, None, "one row has no interval")
    refused = bootstrap_interval(mean_statistic([1, 2, 3, 4]), 4, ["a", "a", "b", "b"])
    assert refused.lo is None
    flat = bootstrap_interval(mean_statistic([2.0] * 50), 50)
    assert (flat.lo, flat.hi) == (2, 2)


def test_a_ratio_that_is_undefined_says_so():
    costs, successes = [1.0] * 30, [0] * 28 + [1] * 2
    found = bootstrap_interval(ratio_statistic(costs, successes), 30)

    assert found.estimate == 15
    assert found.warning.startswith("undefined in ")
    assert bootstrap_interval(ratio_statistic(costs, [0] * 30), 30) is None
    rare = bootstrap_interval(ratio_statistic([1.0] * 6, [-1, -1, -1, 1, 1, 2]), 6, resamples=100)
    assert rare is None or rare.estimate == 6


def test_many_rows_get_fewer_resamples_and_say_so():
    values = generator.random(60_000)
    found = bootstrap_interval(mean_statistic(values), 60_000)

    assert "1,000 resamples" in found.method
    assert found.width == pytest.approx(mean_interval(values).width, rel=0.15)


def test_memory_stays_bounded():
    sizes = []

    def watched(weights):
        sizes.append(weights.size)
        return weights.mean(axis=1)

    bootstrap_interval(watched, 5_000)
    assert max(sizes) <= 1 << 20
    assert sum(sizes) == 5_000 * 10_001


def test_percentiles_cover_their_truth():
    truth = float(np.exp(stats.norm.ppf(0.9)))
    draws = np.random.default_rng(9)
    found = [
        bootstrap_interval(percentile_statistic(draws.lognormal(size=250), 0.9), 250, resamples=1_000)
        for _ in range(200)
    ]
    assert np.mean([one.lo <= truth <= one.hi for one in found]) == pytest.approx(0.95, abs=0.05)


def test_several_statistics_share_resamples_and_have_the_intervals_that_each_has_alone():
    statistics = {"mean": mean_statistic(LATENCIES), "p95": percentile_statistic(LATENCIES, 0.95)}
    clusters = [number // 10 for number in range(600)]
    for of in (None, clusters):
        together = bootstrap_intervals(statistics, 600, of)
        assert together == {key: bootstrap_interval(one, 600, of) for key, one in statistics.items()}
    assert bootstrap_intervals(statistics, 0) == {}
    undefined = ratio_statistic([1, 1], [0, 0])
    assert set(bootstrap_intervals({"a": undefined, "b": mean_statistic([1, 2])}, 2)) == {"b"}
