from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.statistics.passing import pass_at_k, pass_hat_k, passing_intervals

cases = st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n)))


@given(cases)
def test_both_equal_counting_every_choice(case):
    n, c, k = case
    chosen = list(combinations([True] * c + [False] * (n - c), k))

    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, chosen)) / len(chosen))
    assert pass_hat_k(n, c, k) == pytest.approx(sum(map(all, chosen)) / len(chosen))


def test_one_attempt_is_the_share_that_passed_and_many_do_not_overflow():
    assert pass_at_k(10, 3, 1) == pytest.approx(pass_hat_k(10, 3, 1)) == pytest.approx(0.3)
    assert 0.99 < pass_at_k(100_000, 5_000, 100) < 1


def test_rows_with_too_few_attempts_are_left_out_and_counted():
    found = passing_intervals([5, 5, 1], [2, 5, 1], 2)

    assert found["pass_at_k"].n == found["pass_hat_k"].n == 2
    assert found["pass_at_k"].warning == "1 row without a score left out"
    assert found["pass_at_k"].estimate == pytest.approx((0.7 + 1) / 2)
    assert passing_intervals([1], [1], 2) == passing_intervals([], [], 2) == {}


@pytest.mark.parametrize(("n", "c", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 0)])
def test_what_cannot_be_is_refused(n, c, k):
    with pytest.raises(ValueError, match=r"attempts|at least 1"):
        pass_at_k(n, c, k)
    with pytest.raises(ValueError, match=r"attempts|at least 1"):
        pass_hat_k(n, c, k)
