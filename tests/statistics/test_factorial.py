from itertools import permutations

import numpy as np
import pytest
from scipy.stats import ttest_1samp
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.multitest import multipletests

from app.statistics.factorial import factorial_effects, interaction_p
from tests.evaluators.data import rows_of

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


def test_interactions_have_the_p_of_a_t_test_by_holm():
    names, found = cells(3)
    p = interaction_p(factorial_effects(names, found))

    tested = {}
    for pair in p:
        signs = {cell: 1 if (pair[0] in cell) == (pair[1] in cell) else -1 for cell in found}
        tested[pair] = ttest_1samp(sum(signs[cell] * found[cell] for cell in found) / 2, 0).pvalue
    assert list(p.values()) == pytest.approx(list(multipletests(list(tested.values()), method="holm")[1]))


def test_two_sizes_of_a_model_by_two_methods_add_up():
    rows = rows_of("gsm8k/systems.jsonl")
    effects = factorial_effects(
        ["model", "method"],
        {
            frozenset(): [row["6b_finetuning"] for row in rows],
            frozenset({"model"}): [row["175b_finetuning"] for row in rows],
            frozenset({"method"}): [row["6b_verification"] for row in rows],
            frozenset({"model", "method"}): [row["175b_verification"] for row in rows],
        },
    )

    def rounded(one):
        return tuple(round(100 * value, 1) for value in (one.estimate, one.lo, one.hi))

    assert rounded(effects.main["model"]) == (16.1, 12.4, 19.9)
    assert rounded(effects.main["method"]) == (19.6, 15.9, 23.3)
    assert rounded(effects.interactions["model", "method"]) == (4.8, -1.9, 11.4)
    assert 0.05 < interaction_p(effects)["model", "method"] < 0.2
