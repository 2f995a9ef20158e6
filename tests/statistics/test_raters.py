import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_fleiss

from app.statistics.raters import agreement_share, fleiss_kappa, gwet_ac1, krippendorff_alpha, rated

_ = None
# The example of Krippendorff 2011, which the packages of Gwet and others work out, too: four raters, twelve items.
RATERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]
ITEMS = [list(item) for item in zip(*RATERS, strict=True)]
STANDARD = rated(ITEMS, range(1, 6))


def test_published_values_of_the_standard_example():
    """Gwet's irrCAC gives .77544 (.14295) for AC1 and .76117 (.15302) for Fleiss; t on 11 degrees of freedom."""
    for found, estimate, se in (
        (gwet_ac1(STANDARD), 0.77544, 0.14295),
        (fleiss_kappa(STANDARD), 0.76117, 0.15302),
    ):
        assert found.estimate == pytest.approx(estimate, abs=1e-5)
        assert (found.hi - found.lo) / 2 / 2.200985 == pytest.approx(se, abs=1e-5)


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_equals_krippendorffs_own_example(level, alpha):
    found = krippendorff_alpha(STANDARD, level, resamples=2_000)

    assert found.estimate == pytest.approx(alpha, abs=0.0006)
    assert found.lo < found.estimate < found.hi <= 1


tables = st.integers(2, 5).flatmap(
    lambda raters: st.lists(
        st.lists(st.integers(0, 2), min_size=raters, max_size=raters), min_size=3, max_size=25
    )
)


@given(tables)
def test_fleiss_equals_statsmodels(items):
    found = rated(items, range(3))
    assume((found.counts.sum(axis=0) < found.counts.sum()).all())

    assert fleiss_kappa(found).estimate == pytest.approx(statsmodels_fleiss(found.counts), abs=1e-9)


@given(tables)
def test_alpha_equals_its_definition_over_all_pairs(items):
    flat = [one for item in items for one in item]
    assume(len(set(flat)) > 1)
    found = krippendorff_alpha(rated(items, range(3)), "interval", resamples=100)

    within = [
        np.mean([(a - b) ** 2 for i, a in enumerate(item) for j, b in enumerate(item) if i != j])
        for item in items
    ]
    among = np.mean([(a - b) ** 2 for i, a in enumerate(flat) for j, b in enumerate(flat) if i != j])
    assert found.estimate == pytest.approx(1 - np.mean(within) / among, abs=1e-9)


def test_where_nearly_all_pass_ac1_stays_with_the_agreement():
    found = rated([[1, 1]] * 95 + [[1, 0]] * 5)

    assert agreement_share(found) == pytest.approx(0.95)
    assert fleiss_kappa(found).estimate < 0 < 0.9 < gwet_ac1(found).estimate


def test_edges_are_undefined_and_not_made_up():
    for nothing in ([], [[None, None]], [[1, None], [None, 0]]):
        found = rated(nothing)
        assert (
            fleiss_kappa(found)
            is gwet_ac1(found)
            is krippendorff_alpha(found)
            is agreement_share(found)
            is None
        )
    one_category = rated([[1, 1], [1, 1]])
    assert fleiss_kappa(one_category) is gwet_ac1(one_category) is krippendorff_alpha(one_category) is None
    assert agreement_share(one_category) == 1
    assert gwet_ac1(rated([[1, 0]], [0, 1])).lo is None
    with pytest.raises(ValueError, match="none of the categories"):
        rated([[3]], [1, 2])
