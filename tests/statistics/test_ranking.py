import numpy as np
import pytest
import statsmodels.api as sm

from app.statistics.ranking import ANCHOR, ELO, bradley_terry


def battles(seed, n=400, strengths=(1.0, 0.3, 0.0, -1.3), ties=0.1):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 4, n), rng.integers(1, 4, n)
    second = (first + second) % 4
    b = np.array(strengths)
    won = rng.random(n) < 1 / (1 + np.exp(b[second] - b[first]))
    return first.tolist(), second.tolist(), np.where(rng.random(n) < ties, 0.5, won).tolist()


@pytest.mark.parametrize("seed", range(5))
def test_strengths_equal_a_binomial_model_of_statsmodels(seed):
    first, second, outcomes = battles(seed)
    found = {one.system: one.elo.estimate for one in bradley_terry(first, second, outcomes, resamples=50)}

    design = np.zeros((len(first), 4))
    design[np.arange(len(first)), first] = 1
    design[np.arange(len(first)), second] -= 1
    with np.errstate(all="ignore"):
        fit = sm.GLM(outcomes, design[:, 1:], family=sm.families.Binomial()).fit()
    b = np.concatenate([[0], fit.params])
    assert [found[at] for at in range(4)] == pytest.approx((ANCHOR + ELO * (b - b.mean())).tolist(), abs=1e-3)


def test_intervals_cover_the_truth_and_ranks_follow_the_differences():
    first, second, outcomes = battles(11, n=1500, ties=0)
    found = bradley_terry(first, second, outcomes, resamples=300)

    truth = ANCHOR + ELO * np.array([1.0, 0.3, 0.0, -1.3])
    assert all(one.elo.lo < truth[one.system] < one.elo.hi for one in found)
    assert [one.system for one in found][0::3] == [0, 3]
    assert (found[0].best_rank, found[0].worst_rank, found[3].best_rank, found[3].worst_rank) == (1, 1, 4, 4)


def test_clusters_are_drawn_whole():
    first, second, outcomes = battles(1, n=60)
    copied = bradley_terry(first * 10, second * 10, outcomes * 10, list(range(60)) * 10, resamples=200)
    alone = bradley_terry(first, second, outcomes, resamples=200)

    assert copied[0].elo.clusters == 60
    assert copied[0].elo.width == pytest.approx(alone[0].elo.width, rel=0.25)


def test_edges_have_no_strength_and_nonsense_is_refused():
    assert bradley_terry([], [], []) is None
    assert bradley_terry(["a", "a"], ["b", "b"], [1, 1]) is None
    assert bradley_terry(["a", "c"], ["b", "d"], [0.5, 0.5]) is None
    tied = bradley_terry(["a"], ["b"], [0.5])
    assert [(one.elo.estimate, one.elo.lo) for one in tied] == [(1000, None)] * 2
    with pytest.raises(ValueError, match="itself"):
        bradley_terry(["a"], ["a"], [1])
    with pytest.raises(ValueError, match="outcomes"):
        bradley_terry(["a"], ["b"], [])
    with pytest.raises(ValueError, match="at most 50"):
        bradley_terry(list(range(60)), list(range(1, 61)), [1] * 60)
