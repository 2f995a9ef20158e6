"""Agreement between people, against independent libraries and a textbook's numbers."""

from random import Random
from typing import Any

import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from app.logs.verdict_repository import Said
from app.review.agreement import Agreement, agreements
from app.review.fields import Field
from app.review.repository import Answer
from tests.review.test_fields import SCALE, SELECT, SEVERAL, field


def answers(one: Field, by_person: list[list[Any]]) -> list[Answer]:
    """What each person said of items 1, 2, …; `...` where they were not asked."""
    found = []
    for user, said in enumerate(by_person):
        for position, value in enumerate(said, start=1):
            if value is ...:
                continue
            values: list[Any] = [
                value if isinstance(value, bool) else None,
                value if isinstance(value, float) else None,
                value if isinstance(value, str) else None,
                value if isinstance(value, list) else None,
            ]
            found.append(Answer(position, f"usr_{user}", Said(one.version.id, False, *values)))
    return found


def found_in(one: Field, by_person: list[list[Any]]) -> Agreement:
    return agreements([one], answers(one, by_person))[0]


def measure(found: Agreement, name: str) -> Any:
    return next(each.interval for each in found.measures if each.name.endswith(name))


def test_two_people_who_say_yes_or_no() -> None:
    luck = Random(5)
    first = [luck.random() < 0.7 for _ in range(60)]
    second = [one if luck.random() < 0.8 else not one for one in first]
    found = found_in(field(), [first, second])

    same = sum(a == b for a, b in zip(first, second, strict=True))
    assert found.share is not None
    assert found.share.estimate == pytest.approx(same / 60)
    assert found.share.method == "Wilson"
    kappa = measure(found, "κ")
    assert found.measures[0].name == "Cohen’s κ"
    assert kappa.estimate == pytest.approx(cohen_kappa_score(first, second))
    table = [
        [sum((a, b) == (x, y) for a, b in zip(first, second, strict=True)) for y in (False, True)]
        for x in (False, True)
    ]
    theirs = inter_rater.cohens_kappa(table)
    assert (kappa.lo, kappa.hi) == pytest.approx((theirs.kappa_low, theirs.kappa_upp), abs=1e-6)
    yes = (sum(first) + sum(second)) / 120
    chance = 2 * yes * (1 - yes)
    assert measure(found, "AC1").estimate == pytest.approx((same / 60 - chance) / (1 - chance))
    assert found.disputed == [n for n, (a, b) in enumerate(zip(first, second, strict=True), 1) if a != b]


def test_three_people_who_choose() -> None:
    luck = Random(6)
    truth = [luck.choice(SELECT["choices"]) for _ in range(40)]
    by_person = [
        [one if luck.random() < 0.7 else luck.choice(SELECT["choices"]) for one in truth] for _ in range(3)
    ]
    found = found_in(field(**SELECT), by_person)

    counts, _ = inter_rater.aggregate_raters(list(zip(*by_person, strict=True)))
    assert measure(found, "Fleiss’ κ").estimate == pytest.approx(inter_rater.fleiss_kappa(counts))
    assert found.share is not None
    assert found.share.n == 40
    assert found.people == 3


def test_gaps_are_left_out_and_alpha_is_that_of_the_textbook() -> None:
    """Krippendorff's own example (2011): four observers, twelve units, values 1 to 5, with gaps."""
    rows = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, ..., ..., ...],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, ..., 3],
        [..., 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, ...],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, ...],
    ]
    scale = [[one if one is ... else float(one) for one in row] for row in rows]
    choices = field(answers="select", choices=tuple("12345"))
    chosen = [[one if one is ... else str(one) for one in row] for row in rows]

    nominal = measure(found_in(choices, chosen), "α")
    interval = measure(found_in(field(**SCALE), scale), "α")

    assert (round(nominal.estimate, 3), round(interval.estimate, 3)) == (0.743, 0.849)
    assert interval.lo < interval.estimate < interval.hi


def test_a_scale_counts_how_far_apart_answers_are() -> None:
    first = [1.0, 2.0, 3.0, 4.0, 5.0, 1.0, 2.0, 3.0, 4.0, 5.0, 3.0, 3.0]
    second = [1.0, 2.0, 3.0, 4.0, 4.0, 2.0, 2.0, 3.0, 5.0, 5.0, 3.0, 1.0]
    found = found_in(field(**SCALE), [first, second])
    kappa = measure(found, "κ")
    assert kappa.estimate == pytest.approx(
        cohen_kappa_score(first, second, weights="quadratic", labels=[1.0, 2.0, 3.0, 4.0, 5.0])
    )


def test_the_same_choices_ticked_in_another_order_are_the_same() -> None:
    found = found_in(field(**SEVERAL), [[["rude", "made up"], []], [["made up", "rude"], ["rude"]]])
    assert found.share is not None
    assert found.share.estimate == 0.5
    assert found.disputed == [2]


def test_nothing_is_made_up_where_there_is_nothing_to_compare() -> None:
    assert found_in(field(), [[True, False]]).share is None
    texts = found_in(field(answers="text"), [["a"], ["b"]])
    assert (texts.share, texts.measures, texts.disputed) == (None, (), ())
    all_yes = found_in(field(), [[True] * 20, [True] * 20])
    assert all_yes.share is not None
    assert all_yes.share.estimate == 1
    assert measure(all_yes, "Cohen’s κ") is None
    assert measure(all_yes, "AC1").estimate == 1


def test_agreeing_on_everything_is_no_certainty() -> None:
    found = found_in(field(**SELECT), [["yes", "no", "no"], ["yes", "no", "no"]])
    alpha = measure(found, "α")
    assert (alpha.estimate, alpha.lo, alpha.hi) == (1, None, None)
    assert alpha.warning
    assert found.share is not None
    assert found.share.lo is not None
    assert found.share.lo < 0.5, "three items"
