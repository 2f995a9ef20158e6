import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.weightstats import ttost_paired

from app.statistics.equivalence import equivalence


@given(st.integers(3, 60), st.integers(0, 999), st.floats(0.01, 1))
def test_p_equals_statsmodels_and_agrees_with_the_interval(n, seed, margin):
    rng = np.random.default_rng(seed)
    before, after = rng.normal(size=n), rng.normal(0.1, 1, size=n)
    found = equivalence(before, after, margin)

    assert found.p == pytest.approx(ttost_paired(after, before, -margin, margin)[0], abs=1e-10)
    assert found.equivalent == (-margin < found.interval.lo and found.interval.hi < margin)


def test_clusters_have_their_own_degrees_of_freedom():
    rng = np.random.default_rng(1)
    before, after = rng.normal(size=60), rng.normal(size=60)
    # One row a cluster's mean is the same as a test of those means, for clusters of one size.
    means = (after - before).reshape(12, 5).mean(axis=1)
    found = equivalence(before, after, 0.5, np.repeat(np.arange(12), 5).tolist())

    assert found.p == pytest.approx(ttost_paired(means, np.zeros(12), -0.5, 0.5)[0])


def test_edges_give_no_p():
    assert equivalence([], [], 0.1) is None
    assert equivalence([1], [0], 0.1).p is None
    same = equivalence([1, 0, 1], [1, 0, 1], 0.1)
    assert (same.p, same.interval.estimate, same.interval.lo) == (None, 0, None)
    with pytest.raises(ValueError, match="above 0"):
        equivalence([1, 0], [0, 1], 0)
    with pytest.raises(ValueError, match="alpha"):
        equivalence([1, 0], [0, 1], 0.1, alpha=0.5)
