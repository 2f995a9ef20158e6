import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score

from app.statistics.bootstrap import bootstrap_interval, paired_bootstrap
from app.statistics.classification import classify, macro_f1_statistic

pairs = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("abcdefg")), min_size=1, max_size=80)


def columns(rows):
    return [target for target, _ in rows], [prediction for _, prediction in rows]


@given(pairs)
def test_every_score_equals_scikit_learn(rows):
    targets, predictions = columns(rows)
    labels = sorted(set(targets))
    found = classify(targets, predictions)

    for name, oracle in (("f1", f1_score), ("precision", precision_score), ("recall", recall_score)):
        each = oracle(targets, predictions, labels=labels, average=None, zero_division=0)
        assert [getattr(one, name) or 0 for one in found.classes] == pytest.approx(list(each))
        assert getattr(found, f"macro_{name}") == pytest.approx(np.mean(each))
    assert found.micro_f1 == pytest.approx(
        f1_score(targets, predictions, labels=labels, average="micro", zero_division=0)
    )
    assert found.accuracy == pytest.approx(np.mean(np.array(targets) == np.array(predictions)))


@given(pairs)
def test_the_confusion_equals_scikit_learn_and_loses_no_row(rows):
    targets, predictions = columns(rows)
    found = classify(targets, predictions)
    labels = list("abcdefg")

    counts = [[found.confusion.get((target, given), 0) for given in labels] for target in labels]
    assert counts == confusion_matrix(targets, predictions, labels=labels).tolist()
    assert sum(found.confusion.values()) == found.n == len(rows)
    assert sum(one.support for one in found.classes) == len(rows)


def test_labels_outside_the_targets_make_no_class_but_are_wrong():
    found = classify(["a", "a", "b"], ["a", "I think it is a", None])

    assert [one.label for one in found.classes] == ["a", "b"]
    assert found.accuracy == pytest.approx(1 / 3)
    assert found.confusion["b", None] == 1
    assert found.classes[1].precision is None
    assert found.most_confused() == [("a", "I think it is a", 1), ("b", None, 1)]


def test_the_most_confused_come_first():
    found = classify(["a"] * 5 + ["b"] * 3, ["b"] * 3 + ["a", "c"] + ["a"] * 2 + ["b"])

    assert found.most_confused(2) == [("a", "b", 3), ("b", "a", 2)]


def test_no_rows_give_no_scores():
    assert classify([], []) is None


def test_lengths_must_match():
    with pytest.raises(ValueError, match=r"shorter|longer"):
        classify(["a"], [])
    with pytest.raises(ValueError, match="2 targets, but 1"):
        macro_f1_statistic(["a", "b"], ["a"])


@given(pairs, st.data())
def test_weighted_macro_f1_is_that_of_the_rows_drawn(rows, data):
    targets, predictions = columns(rows)
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)))
    if sum(weights) == 0:
        return
    found = macro_f1_statistic(targets, predictions)(np.array([weights], dtype=np.int32))[0]

    drawn = [row for row, times in zip(rows, weights, strict=True) for _ in range(times)]
    assert found == pytest.approx(classify(*columns(drawn)).macro_f1)


def test_macro_f1_is_compared_by_paired_bootstrap():
    generator = np.random.default_rng(6)
    targets = generator.choice(list("abcdef"), 400).tolist()

    def labelled(accuracy):
        return [
            target if generator.random() < accuracy else str(generator.choice(list("abcdefz")))
            for target in targets
        ]

    worse, better = (macro_f1_statistic(targets, labelled(accuracy)) for accuracy in (0.5, 0.8))
    found = paired_bootstrap(worse, better, 400)

    assert found.lo > 0
    assert found.lo <= found.estimate <= found.hi
    own = bootstrap_interval(better, 400)
    assert own.lo <= own.estimate <= own.hi
