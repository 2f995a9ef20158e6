import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta, norm

from app.statistics.sequential import (
    asymptotic_confidence_sequence,
    bernoulli_e_value,
    bounded_e_value,
    mixture_sprt,
)


def test_the_e_value_of_a_coin_equals_its_integral():
    for s, f, a in ((7, 2, 1.0), (20, 5, 0.5), (0, 0, 1.0), (3, 3, 2.0)):
        expected = quad(lambda p: p**s * (1 - p) ** f * 2 ** (s + f) * beta.pdf(p, a, a), 0, 1)[0]  # noqa: B023
        assert bernoulli_e_value(s, f, a).e == pytest.approx(expected, rel=1e-6)


def test_the_e_value_of_bounded_changes_equals_its_integral():
    changes = np.random.default_rng(5).uniform(-2, 3, 40)
    expected = quad(lambda bet: np.prod(1 + bet * changes / 4) / 2, -1, 1)[0]
    assert bounded_e_value(changes, 4).e == pytest.approx(expected, rel=1e-3)
    assert bounded_e_value([2.0] * 8 + [-2.0] * 3, 2).e == pytest.approx(bernoulli_e_value(8, 3).e, rel=1e-3)
    assert bounded_e_value([], 1).e == 1
    many = np.random.default_rng(6).normal(0, 0.1, 10_000)
    assert bounded_e_value(many, 1).e == pytest.approx(bounded_e_value(many[::-1], 1).e)
    with pytest.raises(ValueError, match="no change is larger"):
        bounded_e_value([1.5], 1)
    with pytest.raises(ValueError, match="above 0"):
        bounded_e_value([0.5], 0)


def test_the_mixture_ratio_equals_its_integral():
    values = np.random.default_rng(4).normal(0.3, 1, 40)
    v, mean, tau = values.var(ddof=1), values.mean(), 0.4
    ratio = lambda d: math.exp(40 * (d * mean - d * d / 2) / v) * norm.pdf(d, 0, tau)  # noqa: E731
    assert mixture_sprt(values, tau).e == pytest.approx(quad(ratio, -5, 5)[0], rel=1e-6)


def test_looking_at_every_toss_of_a_fair_coin_alarms_no_more_often_than_it_says():
    rng, alarms = np.random.default_rng(1), 0
    for _ in range(300):
        heads = np.cumsum(rng.integers(0, 2, 200))
        alarms += any(bernoulli_e_value(int(h), t - int(h)).e >= 20 for t, h in enumerate(heads, 1))
    assert alarms / 300 <= 0.05


def test_the_sequence_equals_its_formula_is_tightest_where_it_was_asked_and_covers_every_look():
    values = np.random.default_rng(2).normal(size=200)
    found = asymptotic_confidence_sequence(values, tightest_at=200)
    r2 = (-2 * math.log(0.05) + math.log(1 - 2 * math.log(0.05))) / 200
    half = values.std(ddof=1) * math.sqrt(
        2 * (200 * r2 + 1) / (200**2 * r2) * math.log(math.sqrt(200 * r2 + 1) / 0.05)
    )
    assert (found.lo, found.hi) == pytest.approx((values.mean() - half, values.mean() + half))
    for other in (60, 800):
        assert asymptotic_confidence_sequence(values, tightest_at=other).width > found.width

    rng, missed = np.random.default_rng(3), 0
    for _ in range(150):
        drawn = rng.normal(size=300)
        missed += any(asymptotic_confidence_sequence(drawn[:t]).excludes(0) for t in range(30, 301, 10))
    assert missed / 150 <= 0.06


def test_edges():
    assert asymptotic_confidence_sequence([]) is None
    assert asymptotic_confidence_sequence([1, 0] * 10).lo is None
    assert asymptotic_confidence_sequence([1] * 40).lo is None
    assert (bernoulli_e_value(0, 0).e, bernoulli_e_value(0, 0).p) == (pytest.approx(1), 1)
    assert math.isfinite(bernoulli_e_value(5000, 0).e)
    assert mixture_sprt([1], 1) is mixture_sprt([2, 2], 1) is None
    with pytest.raises(ValueError, match="tau"):
        mixture_sprt([1, 2], 0)
    with pytest.raises(ValueError, match="prior"):
        bernoulli_e_value(1, 1, 0)
    with pytest.raises(ValueError, match="negative"):
        bernoulli_e_value(-1, 1)
