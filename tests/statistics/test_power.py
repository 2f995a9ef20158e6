import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.statistics.paired import paired_test
from app.statistics.power import design_effect, rows_needed, smallest_detectable_difference


@pytest.mark.parametrize(
    ("discordance", "difference", "rows"),
    [
        (0.1, 0.03, 870),
        (0.1, 0.05, 312),
        (0.2, 0.05, 626),
        (0.2, 0.1, 155),
        (0.35, 0.15, 120),
        (0.5, 0.2, 96),
    ],
)
def test_rows_for_a_share_equal_the_published_table(discordance, difference, rows):
    assert rows_needed(difference, discordance) == pytest.approx(rows, abs=1)
    assert rows_needed(-difference, discordance) == rows_needed(difference, discordance)


def test_rows_for_a_score_equal_millers_example():
    assert rows_needed(0.03, sd=1 / 3) == 969


@given(st.integers(40, 100_000), st.floats(0.02, 1), st.floats(0.5, 0.99))
def test_the_smallest_difference_inverts_the_rows_needed(n, discordance, power):
    found = smallest_detectable_difference(n, discordance, power)

    assert 0 < found <= 1
    assert rows_needed(found, discordance, power) == pytest.approx(n, rel=1e-6, abs=1)


@given(st.integers(2, 100_000), st.floats(0.01, 10))
def test_the_smallest_difference_of_scores_inverts_too(n, sd):
    assert rows_needed(smallest_detectable_difference(n, sd=sd), sd=sd) == pytest.approx(n, abs=1)


@given(st.integers(30, 10_000), st.floats(0.05, 1))
def test_more_rows_find_less(n, discordance):
    assert smallest_detectable_difference(2 * n, discordance) < smallest_detectable_difference(n, discordance)


def test_a_difference_never_exceeds_the_rows_that_differ():
    found = smallest_detectable_difference(30, 0.02)

    # 2% of rows cannot hold it, so it brings its own discordance.
    assert found == pytest.approx(smallest_detectable_difference(30, found), abs=1e-6)


def test_too_few_rows_find_nothing():
    assert smallest_detectable_difference(0) is None
    assert smallest_detectable_difference(0, sd=1) is None
    assert smallest_detectable_difference(3) is None


def test_clusters_multiply_the_rows():
    assert rows_needed(0.05, design_effect=2) == pytest.approx(2 * rows_needed(0.05), abs=1)
    assert smallest_detectable_difference(800, design_effect=2) == smallest_detectable_difference(400)


def test_the_design_effect_is_the_size_of_clusters_that_agree():
    generator = np.random.default_rng(2)
    alike = np.repeat(generator.random(200), 5)
    keys = [row // 5 for row in range(1_000)]

    assert design_effect(alike, keys) == pytest.approx(5, rel=0.02)
    assert design_effect(generator.random(1_000), keys) == pytest.approx(1, abs=0.25)
    assert design_effect([1, 1, 1], [1, 1, 2]) == 1
    assert design_effect([1], [1]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: rows_needed(0),
        lambda: rows_needed(0.1, 0),
        lambda: rows_needed(1.5),
        lambda: rows_needed(0.1, power=1),
        lambda: smallest_detectable_difference(10, power=0.2),
        lambda: smallest_detectable_difference(10, design_effect=0),
    ],
)
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"difference of 0|share|power|design effect"):
        wrong()


def test_the_power_promised_is_the_power_found():
    n, psi = 300, 0.2
    d = smallest_detectable_difference(n, psi)
    generator = np.random.default_rng(8)
    found = 0
    for _ in range(400):
        draw = generator.random(n)
        up = draw < (psi + d) / 2
        down = (draw >= (psi + d) / 2) & (draw < psi)
        found += paired_test(down | (draw > 0.5) & ~up, up | (draw > 0.5) & ~down).mid_p < 0.05
    assert found / 400 == pytest.approx(0.8, abs=0.06)
