import json
import math

import pytest
from sklearn.metrics import f1_score, precision_recall_fscore_support

from app.core.errors import Invalid
from app.evaluators.kinds import kind
from app.evaluators.kinds.contract import Verdict
from app.statistics.bootstrap import bootstrap_interval
from tests.evaluators.cases import value, verdict

LABELS = ["card_arrival", "card_fee", "wrong rate", "rate"]


@pytest.mark.parametrize(
    ("output", "target", "options", "match"),
    [
        ("card_fee", "card_fee", {}, True),
        (' "Card_Fee". ', "card_fee", {}, True),
        ("Card_Fee", "card_fee", {"ignore_case": False}, False),
        ("It is card_fee", "card_fee", {}, False),
        ("It is card_fee.", "card_fee", {"labels": LABELS, "find": "inside"}, True),
        ("card_fee_charged", "card_fee", {"labels": LABELS, "find": "inside"}, False),
        ("a wrong rate", "wrong rate", {"labels": LABELS, "find": "inside"}, True),
        ("card_fee or card_arrival", "card_fee", {"labels": LABELS, "find": "inside"}, False),
        ("none", "card_fee", {"labels": LABELS, "find": "inside"}, False),
        ("It is non-toxic.", "toxic", {"labels": ["toxic", "mild"], "find": "inside"}, False),
        ("It is non-toxic - mild.", "mild", {"labels": ["toxic", "mild"], "find": "inside"}, True),
        ("a bug report", "bug report", {"labels": ["Bug", "bug report"], "find": "inside"}, True),
        ("结果是正面的", "正面", {"labels": ["正面", "负面"], "find": "inside"}, True),
        ("答案：B。", "B", {"labels": ["A", "B"], "find": "inside"}, True),
        ("「正面」。", "正面", {}, True),
        ("card_fee", "card_fee", {"labels": LABELS}, True),
        ('{"intent": "card_fee"}', "card_fee", {"path": "intent"}, True),
        ('```json\n{"intent": "card_fee"}\n```', "card_fee", {"path": "intent"}, True),
        ('{"intent": null}', "card_fee", {"path": "intent"}, False),
        ("card_fee", "card_fee", {"path": "intent"}, False),
        ("rate", ["card_fee", "rate"], {}, True),
        ("3", 3, {}, True),
    ],
)
def test_class_match(output, target, options, match):
    assert value("class_match", output, target, **options) is match


@pytest.mark.parametrize(
    ("output", "options", "predicted", "why"),
    [
        ("Card_Fee", {}, "card_fee", None),
        ("CARD_ARRIVAL.", {"labels": LABELS}, "card_arrival", None),
        ("other", {"labels": LABELS}, None, "“other” is none of the labels"),
        ("no idea", {"labels": LABELS, "find": "inside"}, None, "no label in the output"),
        ("card_fee, card_arrival", {"labels": LABELS, "find": "inside"}, None,
         "several labels in the output: card_arrival, card_fee"),
        ("{}", {"path": "intent"}, None, "no field intent"),
        ("x" * 1_000, {}, "x" * 200 + "…", None),
    ],
)  # fmt: skip
def test_the_label_that_was_chosen_is_kept(output, options, predicted, why):
    found = verdict("class_match", output, "rate", **options)

    assert found == Verdict(False, rationale=why, detail={"target": "rate", "predicted": predicted})


def test_a_match_is_spelled_as_the_target():
    assert verdict("class_match", "RATE.", ["Fee", "Rate"]).detail == {"target": "rate", "predicted": "rate"}


def test_finding_inside_needs_labels():
    with pytest.raises(Invalid, match="list the labels"):
        kind("class_match").prepare({"find": "inside"})


def test_the_summary_is_macro_f1_with_confusion():
    pairs = [("a", "a")] * 6 + [("a", "b")] * 2 + [("b", "b")] * 3 + [("c", "other words")] * 2 + [("c", "c")]
    bound = kind("class_match").prepare({})
    verdicts = [verdict("class_match", predicted, target) for target, predicted in pairs]
    metric = bound.summarise(verdicts)["macro_f1"]

    targets, predictions = zip(*pairs, strict=True)
    expected = f1_score(targets, predictions, labels=["a", "b", "c"], average="macro", zero_division=0)
    assert metric.value == pytest.approx(expected)
    assert metric.wanted == "higher"
    assert ["c", "other words", 2] in metric.detail["confusion"]
    assert [one["label"] for one in metric.detail["classes"]] == ["a", "b", "c"]
    assert json.loads(json.dumps(metric.detail)) == metric.detail
    interval = bootstrap_interval(metric.statistic, len(pairs))
    assert interval.estimate == pytest.approx(expected)
    assert interval.lo < expected < interval.hi


def test_all_averages_are_scikit_learns():
    pairs = [("a", "a")] * 6 + [("a", "b")] * 2 + [("b", "b")] * 3 + [("c", "other")] * 2 + [("d", "a")]
    bound = kind("class_match").prepare({})
    metrics = bound.summarise([verdict("class_match", predicted, target) for target, predicted in pairs])

    targets, predictions = zip(*pairs, strict=True)
    assert list(metrics) == [
        f"{average}_{score}"
        for average in ("macro", "micro", "weighted")
        for score in ("f1", "precision", "recall")
    ]
    for average in ("macro", "micro", "weighted"):
        scores = precision_recall_fscore_support(
            targets, predictions, labels=["a", "b", "c", "d"], average=average, zero_division=math.nan
        )
        for name, expected in zip(("precision", "recall", "f1"), scores, strict=False):
            assert metrics[f"{average}_{name}"].value == pytest.approx(expected)
    assert metrics["weighted_f1"].title == "Weighted-F1"
    assert [name for name, metric in metrics.items() if metric.detail] == ["macro_f1"]
    assert metrics["macro_f1"].detail["classes"][2]["precision"] is None


def test_what_is_undefined_is_left_out():
    metrics = kind("class_match").prepare({}).summarise([verdict("class_match", "b", "a")])
    assert "macro_precision" not in metrics
    assert metrics["macro_f1"].value == 0


def test_no_rows_have_no_summary():
    assert kind("class_match").prepare({}).summarise([]) is None
    assert kind("exact").prepare({}).summarise([Verdict(True)]) is None
