import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.discrete.discrete_model import Logit

from app.statistics.judges import (
    Confusion,
    length_bias,
    position_bias,
    prediction_powered_mean,
    rogan_gladen,
)


def test_a_corrected_rate_equals_the_formula_of_rogan_and_gladen():
    found = rogan_gladen(300, 500, Confusion(90, 100, 80, 100))

    assert found.estimate == pytest.approx((0.6 + 0.8 - 1) / 0.7)
    assert found.lo < found.estimate < found.hi


def test_the_corrected_rate_covers_the_truth_as_often_as_it_says():
    """By simulation: a judge with sensitivity .9 and specificity .8 on outputs of which 70% are good."""
    rng, hits = np.random.default_rng(7), 0
    for _ in range(1000):
        judged = rng.binomial(500, 0.7 * 0.9 + 0.3 * 0.2)
        labels = Confusion(rng.binomial(100, 0.9), 100, rng.binomial(100, 0.8), 100)
        found = rogan_gladen(judged, 500, labels)
        hits += found.lo <= 0.7 <= found.hi
    assert 0.93 < hits / 1000 < 0.975


def test_a_judge_that_cannot_tell_is_refused():
    with pytest.raises(ValueError, match="too badly"):
        rogan_gladen(5, 10, Confusion(55, 100, 60, 100))
    with pytest.raises(ValueError, match="label at least one good item"):
        rogan_gladen(5, 10, Confusion(0, 0, 60, 100))
    assert "no share" in rogan_gladen(5, 500, Confusion(90, 100, 80, 100)).warning
    assert rogan_gladen(10, 10, Confusion(10, 10, 10, 10)).lo is None


def test_prediction_power_equals_its_closed_form():
    h, j, rest = [1, 0, 1, 1, 0, 1], [1, 0, 1, 0, 0, 1], [1, 0, 0, 1, 1, 1, 0, 1]
    found = prediction_powered_mean(h, j, rest, weight=0.5)

    gaps = np.array(h) - 0.5 * np.array(j)
    variance = gaps.var(ddof=1) / 6 + 0.25 * np.var(j + rest, ddof=1) / 8
    assert found.corrected.estimate == pytest.approx(0.5 * np.mean(rest) + gaps.mean())
    assert found.corrected.hi - found.corrected.estimate == pytest.approx(1.959964 * variance**0.5, rel=1e-6)
    assert found.effective_labels == pytest.approx(6 * (np.var(h, ddof=1) / 6) / variance)


def test_prediction_power_is_unbiased_and_covers_whatever_the_judge_is_like():
    """With 60 labels the interval covers .91, which is why a warning comes under 100; here it is 150."""
    rng, means, hits, worth = np.random.default_rng(3), [], 0, []
    for _ in range(800):
        truth = rng.random(1000) < 0.7
        judge = np.where(rng.random(1000) < 0.85, truth, rng.random(1000) < 0.9).astype(float)  # lenient
        found = prediction_powered_mean(truth[:150], judge[:150], judge[150:])
        means.append(found.corrected.estimate)
        hits += found.corrected.lo <= 0.7 <= found.corrected.hi
        worth.append(found.effective_labels)
    assert np.mean(means) == pytest.approx(0.7, abs=0.005)
    assert 0.92 < hits / 800 < 0.97
    assert np.mean(worth) > 225  # of 150 labels


def test_the_weight_that_is_found_is_the_best():
    rng = np.random.default_rng(9)
    truth = rng.normal(size=900)
    judge = truth + rng.normal(size=900)
    found = prediction_powered_mean(truth[:300], judge[:300], judge[300:])

    assert 0 < found.weight < 1
    for off in (-0.1, 0.1):
        other = prediction_powered_mean(truth[:300], judge[:300], judge[300:], weight=found.weight + off)
        assert other.corrected.width > found.corrected.width


def test_a_judge_of_no_use_leaves_the_labels_alone():
    found = prediction_powered_mean([1, 0, 1, 0], [1, 1, 1, 1], [1, 1, 1])
    assert (found.weight, found.effective_labels) == (0, pytest.approx(4))
    assert found.corrected.estimate == found.human.estimate == 0.5
    assert prediction_powered_mean([1], [1], [1]) is prediction_powered_mean([], [], []) is None
    assert prediction_powered_mean([1, 1], [1, 0], [1, 0]).human.lo is None


def test_position_bias_counts_answers_and_places():
    one = ["first"] * 6 + ["first"] * 5 + ["second"] + ["tie", "tie"]
    other = ["second"] * 6 + ["first"] * 5 + ["second"] + ["tie", "first"]
    found = position_bias(one, other)

    assert (found.consistent.estimate, found.consistent.n) == (7 / 14, 14)
    assert (found.first_place.estimate, found.first_place.n) == (5 / 6, 6)
    assert found.test.p == pytest.approx(stats.binomtest(5, 6).pvalue)
    assert found.half_ties == 1
    assert position_bias([], []) is None
    assert position_bias(["first"], ["second"]).test is None


@settings(max_examples=30)
@given(st.integers(0, 999), st.booleans())
def test_length_bias_equals_statsmodels(seed, with_human):
    rng = np.random.default_rng(seed)
    length, human = rng.normal(0, 800, 200), rng.integers(0, 2, 200)
    picked = rng.random(200) < 1 / (1 + np.exp(-(0.2 + 1.1 * length / 1000 + 0.8 * human)))
    found = length_bias(picked, length, human if with_human else None)

    columns = [np.ones(200), length / 1000, *([human] if with_human else [])]
    fit = Logit(picked.astype(float), np.column_stack(columns)).fit(disp=0)
    assert (found.slope.estimate, found.p) == pytest.approx((fit.params[1], fit.pvalues[1]), abs=1e-6)
    assert (found.slope.lo, found.slope.hi) == pytest.approx(tuple(fit.conf_int()[1]), abs=1e-5)
    margin = fit.predict(np.column_stack([columns[0], np.zeros(200), *columns[2:]])).mean()
    assert found.controlled.estimate == pytest.approx(margin, abs=1e-6)


def test_length_bias_is_undefined_where_it_has_no_answer():
    assert length_bias([], []) is length_bias([1, 1], [3, 4]) is length_bias([1, 0], [3, 3]) is None
    assert length_bias([0, 0, 1, 1], [-2, -1, 1, 2]) is None
