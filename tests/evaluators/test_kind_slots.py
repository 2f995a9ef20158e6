import itertools
import json
import time

import pytest
from sklearn.metrics import precision_recall_fscore_support
from sklearn.preprocessing import MultiLabelBinarizer

from app.evaluators.kinds import kind
from app.evaluators.kinds.contract import Verdict
from app.statistics.bootstrap import bootstrap_interval
from tests.evaluators.cases import execution, row, value, verdict
from tests.evaluators.data import rows_of

WANTED = {"people": "9", "date": "August 23rd"}


@pytest.mark.parametrize(
    ("output", "target", "options", "score"),
    [
        ({"people": "9", "date": "August 23rd"}, WANTED, {}, 1),
        ({"date": "august  23rd.", "people": 9}, WANTED, {}, 1),
        ({"date": "august 23rd", "people": 9}, WANTED, {"ignore_case": False}, 0.5),
        ({"date": "August 23rd.", "people": 9}, WANTED, {"ignore_punctuation": False}, 0.5),
        ({"people": "9"}, WANTED, {}, 2 / 3),
        ({"people": "9", "date": None, "time": ""}, WANTED, {}, 2 / 3),
        ({"people": "8", "date": "August 23rd"}, WANTED, {}, 0.5),
        ({"people": "9", "date": "August 23rd", "time": "8pm"}, WANTED, {}, 0.8),
        ({}, WANTED, {}, 0),
        ([], WANTED, {}, 0),
        ({}, {"expected": {}}, {}, 1),
        ({"people": "9"}, {"expected": {}}, {}, 0),
        ({"people": "9"}, {"expected": {"people": 9.0}}, {}, 1),
        ({"people": "9"}, {"expected": '{"people": "9"}'}, {}, 1),
        ({"people": "9"}, {"people": "9"}, {}, 1),
        ({"a": "1"}, {"x": {"a": 1}, "y": {"a": 2}}, {"target_field": "x"}, 1),
        ({"vip": True}, {"expected": {"vip": "true"}}, {}, 1),
        ({"vip": True}, {"expected": {"vip": 1}}, {}, 0),
        ({"items": ["b", "a"]}, {"expected": {"items": ["a", "b"]}}, {}, 1),
        ({"items": ["a", "a"]}, {"expected": {"items": ["a"]}}, {}, 2 / 3),
        ({"name": "Cafe\u0301"}, {"expected": {"name": "Caf\u00e9"}}, {}, 1),
        ({"Cafe\u0301": 1}, {"expected": {"Caf\u00e9": 1}}, {}, 1),
        ({"items": [[1], [2, 3]]}, {"expected": {"items": [[3, 2], [1]]}}, {}, 1),
        ({"items": [[{"a": 1, "b": 2}]]}, {"expected": {"items": [[{"b": 2}], [{"a": 1}]]}}, {}, 0.5),
        ({"items": {"n": "x"}}, {"expected": {"items": [{"n": "x"}]}}, {}, 0),
        ({"o": {"items": [{"n": "x"}, {"n": "y"}]}}, {"expected": {"o": {"items": [{"n": "y"}]}}}, {}, 2 / 3),
    ],
)
def test_slots(output, target, options, score):
    assert value("slots", json.dumps(output), target, **options) == pytest.approx(score)


ORDER = [{"name": "a", "qty": 1}, {"name": "b", "qty": 2}]


@pytest.mark.parametrize(
    ("items", "score"),
    [
        (ORDER, 1),
        (ORDER[::-1], 1),
        ([{"name": "a", "qty": 2}, {"name": "b", "qty": 1}], 0.5),
        ([{"name": "b"}, {"name": "a", "qty": 1}], 6 / 7),
        ([*ORDER, {"name": "c", "qty": 1}], 0.8),
        (ORDER[1:], 2 / 3),
        ([], 0),
    ],
)
def test_objects_in_lists_are_compared_one_with_one(items, score):
    target = {"expected": {"items": ORDER}}
    assert value("slots", json.dumps({"items": items}), target) == pytest.approx(score)


def test_what_differs_in_a_list_is_told_with_its_place_in_the_target():
    output = {"items": [{"name": "b", "qty": 3}, {"name": "a", "qty": 1}]}
    found = verdict("slots", json.dumps(output), {"expected": {"items": ORDER}})
    assert found.rationale == "missing: items[1].qty “2”; wrong: items[1].qty “3”"


def test_objects_are_paired_so_that_all_together_agree_most():
    """The nearest first would leave the second of the target with nothing."""
    output = {"items": [{"a": 1, "b": 1, "c": 9}, {"a": 1, "b": 2, "c": 3}]}
    target = {"items": [{"a": 1, "b": 1, "c": 3}, {"b": 1, "c": 9}]}
    assert verdict("slots", json.dumps(output), {"expected": target}).detail["right"] == 4


def test_objects_in_objects_of_lists_are_paired_as_well():
    orders = [{"id": number, "items": ORDER} for number in range(3)]
    target = {"expected": {"orders": orders}}
    turned = [{**one, "items": ORDER[::-1]} for one in orders[::-1]]
    assert value("slots", json.dumps({"orders": turned}), target) == 1
    swapped = [{"name": "a", "qty": 2}, {"name": "b", "qty": 1}]
    output = {"orders": [{**orders[0], "items": swapped}, *orders[1:]]}
    assert verdict("slots", json.dumps(output), target).detail["right"] == 15 - 2


def test_very_long_lists_of_objects_are_compared_in_a_moment():
    target = {"items": [{"id": number, "x": "y"} for number in range(5_000)]}
    items = [{"id": number + 1, "x": "z"} for number in range(5_000)]
    kind("slots").prepare({}).load()
    started = time.process_time()
    found = verdict("slots", json.dumps({"items": items}), {"expected": target})
    assert found.value == 0.0
    alike = verdict("slots", json.dumps({"items": target["items"][::-1]}), {"expected": target})
    assert alike.value == 1.0
    assert time.process_time() - started < 2


def test_objects_without_slots_are_paired_in_a_moment():
    empty, full = [{}] * 10_000, [{"a": number} for number in range(10_000)]
    for output, target in ((full, empty), (empty, full)):
        started = time.process_time()
        found = verdict("slots", json.dumps({"items": output}), {"expected": {"items": target}})
        assert time.process_time() - started < 2
        assert found.value == 0.0


def test_an_output_that_is_no_object_found_nothing_and_says_why():
    found = verdict("slots", "nine people", WANTED)
    assert (found.value, found.detail) == (0.0, {"right": 0, "found": 0, "wanted": 2})
    assert found.rationale.startswith("not JSON: ")
    assert verdict("slots", "[]", {"expected": {}}).value == 0.0
    assert value("slots", "```json\n{}\n```", {"expected": {}}) == 1.0
    assert value("slots", "```json\n{}\n```", {"expected": {}}, in_fence=False) == 0.0


def test_what_differs_is_told():
    found = verdict("slots", '{"people": "8"}', WANTED)
    assert found.rationale == "missing: date “august 23rd”, people “9”; wrong: people “8”"


def test_targets_that_say_nothing_or_are_no_object():
    for target in (None, {}, {"expected": None}, {"expected": []}):
        assert verdict("slots", "{}", target) == Verdict(None, rationale="no target")
    assert (
        verdict("slots", "{}", {"x": "a", "y": "b"}, target_field="x").error == "The target is no JSON object"
    )


def test_a_list_of_objects_is_no_target_that_one_of_them_could_be_taken_from():
    several = {"x": [{"a": 1}, {"b": 2}], "y": 1}
    found = verdict("slots", '{"a": 1}', several, target_field="x")
    assert (found.value, found.error) == (None, "The target is no JSON object: it is a list of 2")
    assert value("slots", '{"a": 1}', {"x": [{"a": 1}], "y": 1}, target_field="x") == 1.0


def test_an_output_nested_deeper_than_python_calls():
    deep = '{"a":' * 900 + "1" + "}" * 900
    assert value("slots", deep, WANTED) == 0.0


def test_all_rows_together_are_micro_averages_as_scikit_learns():
    """On real rows: what people asked for, and the slots of the next row as if they were the answer."""
    rows = [one["expected"] for one in rows_of("restaurant8k/extract.jsonl")]
    outputs = [
        {**one, **other} if number % 3 else one
        for number, (one, other) in enumerate(itertools.pairwise(rows))
    ]
    bound = kind("slots").prepare({"ignore_case": False, "ignore_punctuation": False})
    verdicts = [
        bound.judge(execution(json.dumps(output)), row({"expected": wanted}))
        for output, wanted in zip(outputs, rows, strict=False)
    ]
    metrics = bound.summarise(verdicts)

    sets = [[{f"{k}={v}" for k, v in one.items()} for one in column] for column in (rows[:-1], outputs)]
    binary = MultiLabelBinarizer().fit([set().union(*sets[0], *sets[1])])
    truth, given = (binary.transform(column) for column in sets)
    scores = precision_recall_fscore_support(truth, given, average="micro")
    found = [metrics[name].value for name in ("precision", "recall", "f1")]
    assert found == pytest.approx(scores[:3])
    each = precision_recall_fscore_support(truth, given, average="samples", zero_division=1)[2]
    assert sum(one.value for one in verdicts) / len(verdicts) == pytest.approx(each, abs=0.02)
    interval = bootstrap_interval(metrics["f1"].statistic, len(verdicts))
    assert interval.lo < interval.estimate < interval.hi
    assert interval.estimate == pytest.approx(scores[2])


def test_what_is_undefined_is_left_out():
    bound = kind("slots").prepare({})
    nothing = bound.judge(execution("{}"), row(WANTED))
    assert set(bound.summarise([nothing])) == {"f1", "recall"}
    assert bound.summarise([]) is None
    assert bound.summarise([bound.judge(execution("{}"), row({"expected": {}}))]) is None
