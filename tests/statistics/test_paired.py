import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from app.statistics.paired import (
    Changes,
    count_changes,
    mcnemar,
    paired_difference,
    paired_test,
    worst_case_bounds,
)

binary_pairs = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=2, max_size=80)
thousandths = st.integers(0, 1_000).map(lambda count: count / 1_000)
score_pairs = st.lists(st.tuples(thousandths, thousandths), min_size=2, max_size=40)


def columns(pairs):
    return [one for one, _ in pairs], [two for _, two in pairs]


def table(improved, worsened, same):
    return [0] * improved + [1] * worsened + [1] * same, [1] * improved + [0] * worsened + [1] * same


@given(binary_pairs)
def test_shares_get_bonett_and_price_around_the_plain_difference(pairs):
    baseline, candidate = columns(pairs)
    found = paired_difference(baseline, candidate)
    n, up, down = len(pairs), pairs.count((0, 1)), pairs.count((1, 0))

    p1, p2 = (up + 1) / (n + 2), (down + 1) / (n + 2)
    half = 1.959964 * math.sqrt((p1 + p2 - (p1 - p2) ** 2) / (n + 2))
    assert found.estimate == pytest.approx((up - down) / n)
    assert (found.lo, found.hi) == pytest.approx((p1 - p2 - half, p1 - p2 + half), abs=1e-6)
    assert found.lo <= found.estimate <= found.hi
    assert found.method == "Bonett-Price"


@given(st.one_of(binary_pairs, score_pairs))
def test_swapping_the_versions_mirrors_everything(pairs):
    baseline, candidate = columns(pairs)
    there, back = paired_difference(baseline, candidate), paired_difference(candidate, baseline)

    assert (back.estimate, back.lo, back.hi) == pytest.approx(
        (-there.estimate, -there.hi, -there.lo), abs=1e-12
    )
    assert paired_test(baseline, candidate).p == pytest.approx(paired_test(candidate, baseline).p, abs=0.03)


@given(score_pairs)
def test_scores_equal_scipys_paired_t(pairs):
    baseline, candidate = columns(pairs)
    found = paired_difference(baseline, candidate, share=False)
    differences = np.subtract(candidate, baseline)

    if np.ptp(differences) < 1e-9:
        assert found.lo == pytest.approx(found.hi, abs=1e-9)
        return
    interval = stats.ttest_rel(candidate, baseline).confidence_interval()
    assert (found.lo, found.hi) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)


def test_two_identical_systems_are_not_told_apart_with_certainty():
    scores = [1] * 30 + [0] * 10
    found = paired_difference(scores, scores)

    assert (found.estimate, found.lo, found.hi) == pytest.approx((0, -0.0660, 0.0660), abs=1e-4)
    assert paired_test(scores, scores).p == 1
    assert paired_test([0.3, 0.4], [0.3, 0.4]).p == 1


def test_clustered_shares_get_the_clustered_error():
    keys = [row // 4 for row in range(48)]
    baseline = [row % 3 == 0 for row in range(48)]
    candidate = [row % 3 == 0 or row // 4 % 4 == 1 for row in range(48)]
    found = paired_difference(baseline, candidate, keys)

    sums = np.bincount(keys, weights=np.subtract(candidate, baseline, dtype=float) - found.estimate)
    half = stats.t.ppf(0.975, 11) * math.sqrt(12 / 11 * (sums**2).sum()) / 48
    assert (found.lo, found.hi) == pytest.approx((found.estimate - half, found.estimate + half))
    assert (found.method, found.clusters) == ("clustered t", 12)


def test_identical_systems_in_clusters_keep_a_width():
    keys = [row // 5 for row in range(60)]
    found = paired_difference([1] * 60, [1] * 60, keys)

    assert (found.method, found.n, found.clusters) == ("Bonett-Price on clusters", 60, 12)
    assert found.hi == pytest.approx(paired_difference([1] * 12, [1] * 12).hi)


def test_a_row_missing_on_one_side_is_left_out_on_both():
    found = paired_difference([1, None, 0, 1, 1], [1, 1, math.nan, 0, 1])

    assert (found.n, found.estimate) == (3, pytest.approx(-1 / 3))
    assert found.warning == "2 rows without a score left out"


def test_edges_of_size():
    assert paired_difference([], []) is None
    assert paired_test([], []) is None
    assert worst_case_bounds([], []) is None
    one = paired_difference([0], [1])
    assert (one.estimate, one.lo, one.warning) == (1, None, "one row has no interval")
    refused = paired_difference([0.1] * 8, [0.2] * 8, [1, 1, 2, 2, 3, 3, 4, 4])
    assert refused.lo is None
    with pytest.raises(ValueError, match="2 scores of the baseline, but 1"):
        paired_difference([1, 0], [1])


def test_changes_are_counted_on_shared_rows():
    assert count_changes([0, 0, 1, 0.5, None], [1, 0, 0.2, 0.6, 1]) == Changes(higher=2, lower=1, same=1)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 30))
def test_exact_mcnemar_equals_statsmodels(improved, worsened, same):
    if improved + worsened + same == 0:
        return
    found = paired_test(*table(improved, worsened, same))

    expected = statsmodels_mcnemar([[same, worsened], [improved, 0]], exact=True).pvalue
    assert found.p == pytest.approx(min(1, expected))
    assert found.name == "exact McNemar"
    if improved + worsened:
        middle = stats.binom.pmf(min(improved, worsened), improved + worsened, 0.5)
        assert found.mid_p == pytest.approx(
            2 * stats.binom.cdf(min(improved, worsened), improved + worsened, 0.5) - middle
        )
    else:
        assert (found.p, found.mid_p) == (1, 1)


@pytest.mark.parametrize(
    ("improved", "worsened"),
    [(6, 0), (0, 6), (480, 520), (500, 500), (501, 500), (900, 1100), (12_000, 12_300)],
)
def test_exact_mcnemar_of_few_and_of_many_rows(improved, worsened):
    found = mcnemar(improved, worsened, improved + worsened)
    fewer, discordant = min(improved, worsened), improved + worsened
    tail = stats.binom.cdf(fewer, discordant, 0.5)
    assert found.p == pytest.approx(min(1, 2 * tail), rel=1e-8)
    assert found.mid_p == pytest.approx(2 * tail - stats.binom.pmf(fewer, discordant, 0.5), rel=1e-8)


def test_exact_mcnemar_is_exact_to_the_last_digit():
    """0.0625 is told as 0.062: a digit more would be another p."""
    assert mcnemar(6, 0, 60).p == 2 / 64
    assert mcnemar(1, 3, 60).p == 10 / 16


@given(st.lists(st.integers(-100, 100), min_size=1, max_size=9))
def test_the_sign_flip_is_exact_on_few_rows(hundredths):
    found = paired_test([0.0] * len(hundredths), [one / 100 for one in hundredths], share=False)

    patterns = itertools.product((-1, 1), repeat=len(hundredths))
    sums = [abs(np.dot(signs, hundredths)) for signs in patterns]
    assert found.p == pytest.approx(np.mean([one >= abs(sum(hundredths)) for one in sums]))
    assert found.name == "exact sign-flip permutation"


def test_many_rows_draw_their_flips_with_a_stored_seed_and_never_reach_zero():
    generator = np.random.default_rng(3)
    baseline = generator.normal(size=60)
    candidate = baseline + generator.normal(0.2, 1, size=60)
    found, again = paired_test(baseline, candidate), paired_test(baseline, candidate)

    assert found == again
    assert found.name == "sign-flip permutation, 10,000 flips, seed 20240611"
    oracle = stats.permutation_test(
        (candidate - baseline,),
        np.mean,
        permutation_type="samples",
        n_resamples=9_999,
        random_state=generator,
    )
    assert found.p == pytest.approx(oracle.pvalue, abs=0.02)
    assert paired_test([0.0] * 40, [0.5] * 40).p == 1 / 10_001


def test_very_many_rows_use_the_normal_limit():
    generator = np.random.default_rng(3)
    differences = generator.normal(0.02, 1, size=12_000)
    found = paired_test(np.zeros(12_000), differences)

    assert found.name.endswith("normal limit")
    assert found.p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, rel=0.02)


def test_clusters_flip_whole():
    baseline, keys = [0.0] * 24, [row // 4 for row in range(24)]
    candidate = [0.1 + row / 100 for row in range(24)]

    assert paired_test(baseline, candidate, keys).p == 2 / 2**6
    assert paired_test(baseline, candidate, keys).name == "exact sign-flip permutation, by cluster"
    binary = paired_test([0] * 24, [1] * 24, keys)
    assert binary.p == 2 / 2**6


def test_missing_rows_bound_the_difference():
    baseline = [1, 0, None, 0, 1, 0]
    candidate = [1, 1, 1, None, 1, 1]
    bounds = worst_case_bounds(baseline, candidate)

    assert (bounds.missing_baseline, bounds.missing_candidate) == (1, 1)
    assert bounds.worst.estimate == pytest.approx(2 / 6)
    assert bounds.best.estimate == pytest.approx(4 / 6)
    assert bounds.worst.n == 6


def test_missing_rows_on_another_scale():
    bounds = worst_case_bounds([3, None], [None, 5], fail=1, success=5)

    assert bounds.worst.estimate == pytest.approx(-1)
    assert bounds.best.estimate == pytest.approx(3)


@given(binary_pairs, st.data())
def test_the_truth_lies_within_the_worst_case(pairs, data):
    baseline, candidate = columns(pairs)
    hidden = [None if data.draw(st.booleans()) else score for score in candidate]
    bounds = worst_case_bounds(baseline, hidden)

    truth = np.mean(np.subtract(candidate, baseline))
    assert bounds.worst.estimate - 1e-9 <= truth <= bounds.best.estimate + 1e-9


@pytest.mark.parametrize(("n", "discordance", "lowest"), [(30, 0.07, 0.97), (200, 0.2, 0.92)])
def test_bonett_price_covers_the_truth_where_t_does_not(n, discordance, lowest):
    generator = np.random.default_rng(11)
    up, down = discordance * 0.75, discordance * 0.25
    hits = {True: 0, False: 0}
    for _ in range(400):
        draw = generator.random(n)
        baseline, candidate = (draw >= up).astype(float), ((draw < up) | (draw >= up + down)).astype(float)
        for share in hits:
            found = paired_difference(baseline, candidate, share=share)
            hits[share] += found.lo <= up - down <= found.hi

    assert hits[True] / 400 >= lowest
    if n == 30:
        assert hits[False] / 400 < 0.9
