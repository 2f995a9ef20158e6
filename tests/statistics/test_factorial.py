from itertools import permutations

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS

from app.statistics.factorial import factorial_effects

NAMES = ("model", "prompt", "context")


def cells(seed, k=3, n=40):
    rng = np.random.default_rng(seed)
    names = NAMES[:k]
    found = {}
    for number in range(2**k):
        cell = frozenset(name for at, name in enumerate(names) if number >> at & 1)
        found[cell] = rng.random(n) + 0.2 * len(cell)
    return names, found


@pytest.mark.parametrize("k", [1, 2, 3])
def test_effects_equal_the_coefficients_of_a_model_with_effect_codes(k):
    names, found = cells(k, k)
    effects = factorial_effects(names, found)

    rows = [[1.0 if name in cell else -1.0 for name in names] for cell in found]
    design = np.array(
        [[1, *row, *(row[a] * row[b] for a in range(k) for b in range(a + 1, k))] for row in rows]
    )
    fit = OLS([scores.mean() for scores in found.values()], design).fit().params
    assert [one.estimate for one in effects.main.values()] == pytest.approx(list(2 * fit[1 : k + 1]))
    assert [one.estimate for one in effects.interactions.values()] == pytest.approx(list(4 * fit[k + 1 :]))


def test_shapley_equals_the_mean_over_all_orders_and_adds_up():
    names, found = cells(7)
    effects = factorial_effects(names, found)

    for name in names:
        steps = []
        for order in permutations(names):
            before = frozenset(order[: order.index(name)])
            steps.append((found[before | {name}] - found[before]).mean())
        assert effects.shapley[name].estimate == pytest.approx(np.mean(steps))
    assert sum(one.estimate for one in effects.shapley.values()) == pytest.approx(effects.total.estimate)


def test_one_factor_is_the_paired_difference():
    _, found = cells(1, 1)
    effects = factorial_effects(["model"], found)
    assert effects.total == effects.main["model"] == effects.shapley["model"]


def test_a_row_without_a_score_somewhere_is_left_out_everywhere():
    names, found = cells(2, 2)
    found[frozenset()] = [None, *found[frozenset()][1:]]
    effects = factorial_effects(names, found)
    assert {one.n for one in (effects.total, *effects.main.values(), *effects.shapley.values())} == {39}
    assert effects.total.warning == "1 row without a score left out"
    assert factorial_effects(["a"], {frozenset(): [None], frozenset({"a"}): [1]}) is None


def test_what_cannot_be_told_apart_is_refused():
    with pytest.raises(ValueError, match="missing: model"):
        factorial_effects(["model"], {frozenset(): [1.0]})
    with pytest.raises(ValueError, match="1 to 4 factors"):
        factorial_effects(["a", "a"], {})
