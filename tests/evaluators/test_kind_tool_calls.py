import itertools
import json

import pytest

from app.evaluators.kinds import kind
from app.evaluators.kinds.contract import Verdict
from tests.evaluators.cases import execution, row
from tests.evaluators.data import rows_of

LYRICS = {"get_lyrics": {"song": ["Bohemian Rhapsody"], "artist": ["Queen"], "lang": ["English", ""]}}


def call(name, **arguments):
    return {"id": "c", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


def said(*calls, text=None):
    return execution(text, output_message={"role": "assistant", "content": text, "tool_calls": list(calls)})


def judged(calls, wanted, text=None, **options):
    return kind("tool_calls").prepare(options).judge(said(*calls, text=text), row({"calls": wanted}))


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"song": "Bohemian Rhapsody", "artist": "Queen"}, True),
        ({"song": "bohemian-rhapsody", "artist": "queen", "lang": "English"}, True),
        ({"song": "Bohemian Rhapsody", "artist": "Queen", "lang": "German"}, False),
        ({"song": "Bohemian Rhapsody"}, False),
        ({"song": "Bohemian Rhapsody", "artist": "Queen", "year": 1975}, False),
        ({"song": "Innuendo", "artist": "Queen"}, False),
    ],
)
def test_arguments_have_acceptable_values(arguments, match):
    assert judged([call("get_lyrics", **arguments)], [LYRICS]).value is match


@pytest.mark.parametrize(
    ("found", "accepted", "match"),
    [
        (5, [5], True), (5.0, [5], True), (5, [5.0], True), ("5", [5], False), (True, [1], False),
        (1, [True], False), (None, ["", None], True), (None, [""], False), ([1, 2], [[1, 2]], True),
        ([2, 1], [[1, 2]], False), (["a b"], [["A-b"]], True), ({"m": "COOL"}, [{"m": ["", "COOL"], "w": ["HIGH", ""]}], True),
        ({"m": "HOT"}, [{"m": ["", "COOL"]}], False), ({}, [{"m": ["COOL"]}], False), ({"x": 1}, [{"m": [""]}], False),
        ([{"f": "age"}], [[{"f": ["age"]}]], True), ([], [[]], True), ("it's", ['it"s'], True),
    ],
)  # fmt: skip
def test_values(found, accepted, match):
    assert judged([call("f", x=found)], [{"f": {"x": accepted}}]).value is match


def test_texts_may_have_to_be_the_same_to_the_letter():
    target = [{"f": {"x": ["New York"]}}]
    assert judged([call("f", x="new york")], target, lenient_texts=False).value is False
    assert judged([call("f", x="New York")], target, lenient_texts=False).value is True


def test_order_and_further_calls():
    a, b = call("f", x=1), call("f", x=2)
    wanted = [{"f": {"x": [1]}}, {"f": {"x": [2]}}]
    assert judged([a, b], wanted).value is True
    assert judged([b, a], wanted).value is True
    assert judged([a, b], wanted, order="same").value is True
    assert judged([b, a], wanted, order="same").value is False
    assert judged([a, b, a], wanted).value is False
    assert judged([a, b, a], wanted, more=True).value is True
    assert judged([a, call("g"), b], wanted, more=True, order="same").value is True
    assert judged([a], wanted).rationale == "1 calls were made, 2 wanted"
    assert judged([a, a], wanted).value is False


def test_calls_find_their_partners_even_where_one_would_take_anothers():
    wanted = [{"f": {"x": [1, 2]}}, {"f": {"x": [1]}}]
    for calls in itertools.permutations([call("f", x=1), call("f", x=2)]):
        assert judged(calls, wanted).value is True


def test_no_call():
    assert judged([], [], text="Hello").value is True
    made = judged([call("f")], [], text="Hello")
    assert (made.value, made.rationale) == (False, "no call was wanted, made: f")
    none = judged([], [LYRICS], text="Hello")
    assert (none.value, none.rationale) == (False, "no call was made, wanted: get_lyrics")
    assert judged([call("f")], [], more=True).value is True
    assert kind("tool_calls").prepare({}).judge(execution("Hi"), row({"calls": "[]"})).value is True


def test_a_target_may_be_a_call_as_providers_write_it():
    assert judged([call("f", x=1)], [{"name": "f", "arguments": {"x": 1}}]).value is True
    assert judged([call("f", x=1)], [call("f", x=1)]).value is True
    assert judged([call("f", x=2)], call("f", x=1)).value is False
    assert judged([call("f", x=[1, 2])], json.dumps([call("f", x=[1, 2])])).value is True


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ({"x": {"tags": "a"}}, {"x": {"tags": ["a", "b"]}}),
        ({"x": {}}, {"x": {"tags": ["", "b"]}}),
        ({}, {"x": ""}),
        ({"x": [{"tags": "a"}]}, {"x": [{"tags": ["a"]}]}),
    ],
)
def test_of_a_call_as_providers_write_it_the_values_alone_will_do(found, wanted):
    """Lists and empty texts in it are values: only where a target lists accepted ones do they say what else will do."""
    target = [{"name": "f", "arguments": wanted}]

    assert judged([call("f", **found)], target).value is False
    assert judged([call("f", **wanted)], target).value is True


def test_what_went_wrong_is_told():
    wanted = [{"f": {"x": [1]}}]
    assert judged([call("f", x=2)], wanted).rationale == "f: x is 2"
    assert judged([call("f")], wanted).rationale == "f: no x"
    assert judged([call("f", x=1, y=2)], wanted).rationale == "f: there is an argument y"
    assert judged([call("g", x=1)], wanted).rationale == "the tool g is not f"
    broken = {"function": {"name": "f", "arguments": "{"}}
    assert judged([broken], wanted).rationale == "f: the arguments are no JSON object"
    assert judged(["nonsense"], wanted).value is False


def test_calls_may_stand_in_the_text():
    bound = kind("tool_calls").prepare({"read": "output"})
    wanted = row({"calls": [{"f": {"x": [1]}}]})
    assert bound.judge(execution('[{"name": "f", "arguments": {"x": 1}}]'), wanted).value is True
    assert bound.judge(execution('```json\n{"name": "f", "arguments": {"x": 2}}\n```'), wanted).value is False
    assert bound.judge(execution("f(1)"), wanted).rationale.startswith("not JSON")
    assert bound.judge(execution("[]"), row({"calls": []})).value is True


def test_targets_that_say_nothing_or_nonsense():
    bound = kind("tool_calls").prepare({})
    for target in (None, {}, {"calls": None}):
        assert bound.judge(said(call("f")), row(target)) == Verdict(None, rationale="no target")
    assert bound.judge(said(call("f")), row({"a": 1, "b": 2})).error.startswith(
        "The target has several fields"
    )
    assert bound.judge(said(call("f")), row({"calls": ["f"]})).error == "The target holds what is no call: f"
    assert bound.judge(said(call("f")), row({"calls": "f"})).error.startswith(
        "The target is no list of calls"
    )
    assert bound.judge(said(*[call("f")] * 101), row({"calls": []})).error.startswith("too many calls")


def test_an_answer_that_only_calls_tools_has_no_text_and_is_judged():
    assert judged([call("f")], [{"f": {}}]).value is True
    failed = execution(None, error="timed out", output_message={"tool_calls": [call("f")]})
    assert kind("tool_calls").prepare({}).judge(failed, row({"calls": []})).error == "no output: timed out"


def test_real_cases():
    """On rows of the leaderboard: calls made of accepted values pass in any order, and each change of one fails."""
    for one in rows_of("bfcl/cases.jsonl"):
        wanted = one["expected_calls"]
        calls = [
            call(
                name,
                **{
                    key: _first(values) for key, values in arguments.items() if _first(values) is not LEFT_OUT
                },
            )
            for expected in wanted
            for name, arguments in expected.items()
        ]
        assert judged(calls, wanted, text="").value is True, one["id"]
        assert judged(calls[::-1], wanted, text="").value is True, one["id"]
        assert judged([*calls, call("another")], wanted, text="").value is False
        for number, made in enumerate(calls):
            arguments = json.loads(made["function"]["arguments"])
            others = calls[:number] + calls[number + 1 :]
            changed = call(made["function"]["name"], **arguments, surplus=1)
            assert judged([*others, changed], wanted, text="").value is False
            for key in arguments:
                wrong = call(made["function"]["name"], **{**arguments, key: "no such value"})
                assert judged([*others, wrong], wanted, text="").value is False
            if len(calls) > 1:
                assert judged(others, wanted, text="").value is False


LEFT_OUT = object()


def _first(values):
    """A value that is accepted, made plain: members of an object list theirs, as arguments do."""
    value = next((one for one in values if one != ""), LEFT_OUT)
    return _plain(value)


def _plain(value):
    if isinstance(value, dict):
        return {key: _first(one) for key, one in value.items() if _first(one) is not LEFT_OUT}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def test_arguments_that_are_nested_too_deeply_are_none():
    deep = f'{{"x": {"[" * 900}{"]" * 900}}}'
    made = {"function": {"name": "f", "arguments": deep}}
    assert judged([made], [{"f": {"x": [1]}}]).rationale == "f: the arguments are no JSON object"
