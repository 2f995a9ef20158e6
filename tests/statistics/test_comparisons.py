import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from app.statistics.comparisons import benjamini_hochberg, holm

p_values = st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.01, 0.5, 1.0]), min_size=1, max_size=30)


@given(p_values)
def test_adjusted_p_values_equal_statsmodels(p):
    assert list(holm(p)) == pytest.approx(list(multipletests(p, method="holm")[1]), abs=1e-12)
    assert list(benjamini_hochberg(p)) == pytest.approx(list(multipletests(p, method="fdr_bh")[1]), abs=1e-12)


@given(p_values)
def test_an_adjusted_p_is_a_probability_and_never_smaller(p):
    for adjusted in (holm(p), benjamini_hochberg(p)):
        assert all(min(1, raw) <= found + 1e-12 <= 1 + 2e-12 for raw, found in zip(p, adjusted, strict=True))


def test_no_tests_are_no_answer_and_no_probability_is_refused():
    assert list(holm([])) == list(benjamini_hochberg([])) == []
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, 1.5])
    with pytest.raises(ValueError, match="between 0 and 1"):
        benjamini_hochberg([float("nan")])
