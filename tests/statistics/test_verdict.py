import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.statistics.intervals import Interval
from app.statistics.paired import paired_difference
from app.statistics.verdict import verdict


def delta(lo, hi, n=100):
    return Interval((lo + hi) / 2, lo, hi, n, "t")


def word(change, n=100, **more):
    return verdict(change, n=n, **more).name


def test_the_rows_of_the_table_hold_in_order():
    better, unclear = delta(0.01, 0.07), delta(-0.01, 0.07)

    assert word(better, failed_all=True, running=True, n=3) == "failed"
    assert word(better, running=True, n=3) == "scoring"
    assert word(better, n=29) == "too_few"
    assert word(better, n=30) == "better"
    assert word(delta(-0.07, -0.01)) == "worse"
    assert (
        word(delta(-0.01, 0.02), smallest_difference=0.03, delta90=delta(-0.008, 0.018))
        == "no_relevant_difference"
    )
    assert word(unclear, smallest_difference=0.03, delta90=delta(0.0, 0.06)) == "no_clear_change"
    assert word(delta(-0.12, 0.09), share=True) == "too_few"
    assert word(delta(-0.12, 0.09)) == "no_clear_change"
    assert word(unclear, share=True) == "no_clear_change"


def test_a_clear_change_is_better_or_worse_though_it_may_not_matter():
    assert word(delta(0.001, 0.009), smallest_difference=0.05, delta90=delta(0.002, 0.008)) == "better"


def test_lower_is_better_where_lower_is_wanted():
    assert word(delta(-0.5, -0.1), wanted="lower") == "better"
    assert word(delta(0.1, 0.5), wanted="lower") == "worse"


def test_a_change_without_an_interval_is_too_few():
    assert word(None) == "too_few"
    assert word(Interval(0.3, None, None, 100, "none", clusters=3)) == "too_few"


def test_how_each_is_drawn():
    drawn = {
        one.name: (one.word, one.badge, one.glyph, one.mark)
        for one in (
            verdict(None, n=0, failed_all=True),
            verdict(None, n=0, running=True),
            verdict(None, n=0),
            verdict(delta(0.1, 0.2), n=50),
            verdict(delta(-0.2, -0.1), n=50),
            verdict(delta(-0.1, 0.1), n=50, smallest_difference=0.2, delta90=delta(-0.09, 0.09)),
            verdict(delta(-0.1, 0.1), n=50),
        )
    }
    assert drawn == {
        "failed": ("Failed", "error", "", "gap"),
        "scoring": ("Scoring", "accent", "", "live"),
        "too_few": ("Too few yet", "outline", "", "hollow"),
        "better": ("Better", "better", "▲", "better"),
        "worse": ("Worse", "worse", "▼", "worse"),
        "no_relevant_difference": ("No relevant difference", "", "≈", "hollow"),
        "no_clear_change": ("No clear change", "", "≈", "hollow"),
    }


def test_borderline_is_where_interval_and_test_disagree():
    assert verdict(delta(0.01, 0.2), n=50, p=0.06).borderline
    assert not verdict(delta(0.01, 0.2), n=50, p=0.01).borderline
    assert verdict(delta(-0.01, 0.2), n=50, p=0.04).borderline
    assert not verdict(delta(-0.01, 0.2), n=50, p=0.5).borderline
    assert not verdict(delta(-0.01, 0.2), n=50).borderline
    assert not verdict(delta(0.01, 0.2), n=5, p=0.5).borderline


@pytest.mark.parametrize(("smallest", "narrow"), [(0, delta(0, 1)), (-0.1, delta(0, 1)), (0.1, None)])
def test_a_smallest_difference_needs_its_interval(smallest, narrow):
    with pytest.raises(ValueError, match="smallest difference"):
        verdict(delta(0, 1), n=50, smallest_difference=smallest, delta90=narrow)


@given(st.floats(-1, 1), st.floats(0, 1), st.sampled_from([None, 0.02, 0.3]))
def test_wanting_the_opposite_of_the_opposite_is_the_same_word(lo, width, smallest):
    there, back = delta(lo, lo + width), delta(-lo - width, -lo)
    words = [
        verdict(one, n=60, wanted=wanted, smallest_difference=smallest, delta90=one).name
        for one, wanted in ((there, "higher"), (back, "lower"))
    ]
    assert words[0] == words[1]


def test_from_scores_to_a_word():
    baseline, candidate = [0] * 60 + [1] * 140, [1] * 30 + [0] * 38 + [1] * 132
    assert verdict(paired_difference(baseline, candidate), n=200, share=True).name == "better"
