import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score

from app.statistics.bootstrap import bootstrap_interval, paired_bootstrap
from app.statistics.classification import averages_statistics, classify, micro_shares

pairs = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("abcdefg")), min_size=1, max_size=80)


def columns(rows):
    return [target for target, _ in rows], [prediction for _, prediction in rows]


def as_nan(value):
    return np.nan if value is None else value


@given(pairs)
def test_every_score_equals_scikit_learn(rows):
    targets, predictions = columns(rows)
    labels = sorted(set(targets))
    found = classify(targets, predictions)

    for name, oracle in (("f1", f1_score), ("precision", precision_score), ("recall", recall_score)):
        each = oracle(targets, predictions, labels=labels, average=None, zero_division=np.nan)
        assert [as_nan(getattr(one, name)) for one in found.classes] == pytest.approx(list(each), nan_ok=True)
        for average in ("macro", "micro", "weighted"):
            expected = oracle(targets, predictions, labels=labels, average=average, zero_division=np.nan)
            score = as_nan(getattr(getattr(found, average), name))
            assert score == pytest.approx(expected, nan_ok=True), (average, name)
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
        averages_statistics(["a", "b"], ["a"])


@given(pairs, st.data())
def test_weighted_averages_are_those_of_the_rows_drawn(rows, data):
    targets, predictions = columns(rows)
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)))
    if sum(weights) == 0:
        return
    drawn = [row for row, times in zip(rows, weights, strict=True) for _ in range(times)]
    expected = classify(*columns(drawn))
    for name, statistic in averages_statistics(targets, predictions).items():
        average, _, score = name.partition("_")
        found = statistic(np.array([weights], dtype=np.int32))[0]
        assert found == pytest.approx(as_nan(getattr(getattr(expected, average), score)), nan_ok=True), name


def test_a_precision_that_is_undefined_is_no_0():
    found = classify(["a", "b"], ["a", "a"])
    assert found.macro.precision == 0.5  # of a alone: b was never predicted
    assert found.macro.recall == 0.5
    assert found.macro.f1 == pytest.approx(1 / 3)
    nothing = classify(["a", "b"], [None, "c"])
    assert (nothing.macro.precision, nothing.micro.precision, nothing.weighted.precision) == (
        None,
        None,
        None,
    )
    assert (nothing.macro.f1, nothing.micro.f1) == (0, 0)


def test_shares_of_what_was_found():
    shares = {one.name: one for one in micro_shares([1, 0, 2], [2, 0, 2], [1, 3, 2])}
    assert [shares[name].value for name in ("precision", "recall", "f1")] == pytest.approx(
        [3 / 4, 3 / 6, 6 / 10]
    )
    weights = np.array([[1, 1, 1], [0, 1, 0], [2, 0, 0]], dtype=np.int32)
    assert shares["precision"].statistic(weights) == pytest.approx([3 / 4, np.nan, 1 / 2], nan_ok=True)
    assert [one.name for one in micro_shares([0], [0], [2])] == ["f1", "recall"]
    assert micro_shares([], [], []) == []


def test_macro_f1_is_compared_by_paired_bootstrap():
    generator = np.random.default_rng(6)
    targets = generator.choice(list("abcdef"), 400).tolist()

    def labelled(accuracy):
        return [
            target if generator.random() < accuracy else str(generator.choice(list("abcdefz")))
            for target in targets
        ]

    worse, better = (averages_statistics(targets, labelled(accuracy))["macro_f1"] for accuracy in (0.5, 0.8))
    found = paired_bootstrap(worse, better, 400)

    assert found.lo > 0
    assert found.lo <= found.estimate <= found.hi
    own = bootstrap_interval(better, 400)
    assert own.lo <= own.estimate <= own.hi
