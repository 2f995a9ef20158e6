"""Several votes of a judge, and a panel of judges, made into one verdict."""

import json

import pytest

from app.core.errors import Invalid
from app.evaluators.kinds import kind
from app.evaluators.kinds.contract import ModelRef, Verdict
from app.evaluators.kinds.judge_templates import TEMPLATES
from tests.evaluators.cases import execution, row

CHOICES = {"verdict": "select", "choices": ["a", "b", "c"]}


def prepared(**options):
    return kind("llm_judge").prepare({"model": "one", **options})


def reply(verdict, rationale="because"):
    return json.dumps({"rationale": rationale, "verdict": verdict})


def voted(*said, **options):
    bound = prepared(votes=len(said), **options)
    replies = [one if one is None or (isinstance(one, str) and "{" in one) else reply(one) for one in said]
    return bound.judge(execution(), row(), replies)


def test_each_model_is_asked_once_a_vote():
    bound = prepared(provider="p", votes=2, panel=["two", "other/three/large"])
    calls = bound.calls(execution(), row())

    one, two, three = ModelRef("one", "p"), ModelRef("two", "p"), ModelRef("three/large", "other")
    assert bound.asks == (one, two, three)
    assert bound.traits.calls == 2
    assert [call.asks for call in calls] == [one, one, two, two, three, three]
    assert len({json.dumps(call.messages) for call in calls}) == 1
    assert bound.calls(execution(), row(), ["x"] * 6) == ()


@pytest.mark.parametrize(
    ("said", "options", "value", "begins"),
    [
        ((True, True, False), {}, True, "2 of 3 votes. because"),
        ((False, True, False), {}, False, "2 of 3 votes. because"),
        ((True, False), {}, False, "1 of 2 votes, a tie."),
        ((True, False), {"wanted": "lower"}, True, "1 of 2 votes, a tie."),
        (("b", "a", "b"), CHOICES, "b", "2 of 3 votes."),
        (("a", "b"), CHOICES, None, "The votes are tied."),
        (("a", "b", "c"), CHOICES, None, "The votes are tied."),
        ((1, 2, 5), {"verdict": "number"}, 8 / 3, "3 votes from 1 to 5."),
        ((4, 4), {"verdict": "number"}, 4.0, "All 2 votes say 4."),
    ],
)
def test_what_most_say_holds(said, options, value, begins):
    found = voted(*said, **options)

    assert found.value == value
    assert found.error is None
    assert found.rationale.startswith(begins)
    assert [vote["verdict"] for vote in found.detail["votes"]] == list(said)


def test_the_reasons_are_those_of_the_majority_and_each_is_kept():
    found = voted(reply(False, "too long"), reply(True, "right"), reply(True, "fine"))

    assert found.rationale == "2 of 3 votes. right"
    assert [vote["rationale"] for vote in found.detail["votes"]] == ["too long", "right", "fine"]
    assert {vote["model"] for vote in found.detail["votes"]} == {"one"}


def test_votes_that_cannot_be_read_are_left_out_and_said():
    found = voted(True, None, True, '{"verdict": "yes"}')

    assert found.value is True
    assert "2 of 2 votes. 2 left out: no reply in the form asked for." in found.rationale
    assert found.detail["votes"][1]["error"] == "The judge gave no reply"
    assert "neither true nor false" in found.detail["votes"][3]["error"]


@pytest.mark.parametrize("said", [(True, None, None), (None, None), (None, "{", True)])
def test_fewer_than_half_are_no_verdict(said):
    found = voted(*said)
    readable = sum(one is True for one in said)

    assert found.value is None
    assert found.error.startswith(f"Only {readable} of {len(said)} votes can be read: The judge")


def test_one_vote_is_judged_as_ever():
    assert prepared().judge(execution(), row(), [reply(True)]) == Verdict(True, rationale="because")
    assert prepared().judge(execution(), row(), [None]).error == "The judge gave no reply"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"votes": 3, "temperature": 0}, "say the same"),
        ({"votes": 0}, "votes"),
        ({"votes": 10}, "votes"),
        ({"panel": ["one"]}, "names a model twice"),
        ({"panel": ["two", "two"]}, "names a model twice"),
        ({"panel": ["p/"]}, "name of a model"),
        ({"panel": [f"m{n}" for n in range(9)]}, "panel"),
    ],
)
def test_what_makes_no_sense_is_refused(options, problem):
    with pytest.raises(Invalid, match=problem):
        prepared(**options)


def test_agreement_is_that_of_pairs_of_votes():
    bound = prepared(votes=3)
    alike, split = voted(True, True, True), voted(True, False, True)
    without = [voted(True, None, None), prepared().judge(execution(), row(), ["?"])]
    (metric,) = bound.summarise(
        [Verdict(True, detail=one.detail) for one in (alike, split, *without)]
    ).values()

    assert metric.title == "Agreement of votes"
    assert metric.value == pytest.approx((1 + 1 / 3) / 2)  # Fleiss: 3 of 3 pairs, and 1 of 3
    assert bound.summarise([Verdict(True, detail={})]) is None
    numbers = voted(1, 2, verdict="number")
    assert prepared(votes=2, verdict="number").summarise([numbers]) is None


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_a_template_judges_as_it_is(template):
    bound = prepared(**template.settings)
    given = row("Paris", context=["Paris is the capital."])
    (call,) = bound.calls(execution(), given)
    text = call.messages[1]["content"]

    assert "<log_output>Paris</log_output>" in text
    assert "{{" not in text
    schema = call.response_format["json_schema"]["schema"]["properties"]["verdict"]
    fitting = {"boolean": True, "number": 5, "select": "right"}[bound.traits.return_type]
    assert schema["type"] in ("boolean", "number", "string")
    assert bound.judge(execution(), given, [reply(fitting)]).value == fitting
