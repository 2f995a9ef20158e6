"""The LLM evaluator of the v5 API: a prompt, and a verdict on the last line or in a member of JSON."""

import json

import pytest

from app.core.errors import Invalid
from app.evaluators.kinds import bind, kind
from app.evaluators.kinds.contract import ModelRef, Verdict
from tests.evaluators.cases import execution, row

KERNEL = {"model": "gpt-4o", "template": "{{log.output}}"}


def prepared(template="{{log.output}}", *, prompt=None, **options):
    return kind("prompt_judge").prepare(
        {"prompt": {"model": "gpt-4o", "template": template} | (prompt or {}), **options}
    )


def judged(reply, **options):
    return prepared(**options).judge(execution(), row(), [reply])


def test_one_call_with_the_prompt_filled_in():
    template = [
        {"role": "system", "content": "Judge {{log.inputs.question}}"},
        {
            "role": "user",
            "content": "{{ log.output }} or {{testcase.target.output}}? {{log.messages[0].content}}",
        },
    ]
    parameters = {"provider": "own", "temperature": 0.5, "max_tokens": -1, "other": {"top_k": 3, "n": 9}}
    bound = prepared(template, prompt=parameters)
    (call,) = bound.calls(execution(messages=[{"role": "user", "content": "hi"}]), row())
    assert [message["content"] for message in call.messages] == [
        "Judge What is the capital of France?",
        "Paris or Paris? hi",
    ]
    assert (call.model, call.provider) == ("gpt-4o", "own")
    assert call.parameters == {"temperature": 0.5, "top_k": 3}, "nobody sets how often we ask"
    assert bound.asks == (ModelRef("gpt-4o", "own"),)
    assert bound.calls(execution(), row(), ["said"]) == ()


def test_a_whole_object_is_written_as_json():
    (call,) = prepared("{{log}} {{testcase}}").calls(execution(), row())
    log, _, _ = call.messages[0]["content"].partition("} {")
    assert json.loads(log + "}")["output"] == "Paris"


@pytest.mark.parametrize(
    ("reply", "value", "rationale"),
    [
        ("It is polite.\n\nTrue", True, "It is polite."),
        ("Rude.\n**False**.", False, "Rude."),
        ("yes", True, None),
        ("Reason first\nVerdict: no", False, "Reason first"),
        ("True\n", True, None),
        ("**Verdict:** True", True, None),
        ("结论： True", True, None),
        ("Final answer - (no)", False, None),
    ],
)
def test_yes_or_no_on_the_last_line(reply, value, rationale):
    assert judged(reply) == Verdict(value, rationale=rationale)


@pytest.mark.parametrize(
    ("reply", "options", "value"),
    [
        ("Fine\n4", {"answers": "number", "lowest": 1, "highest": 5}, 4.0),
        ("Score: 0.25.", {"answers": "number"}, 0.25),
        ("So:\nPartly Right", {"answers": "select", "choices": ["right", "partly right"]}, "partly right"),
        ("The answer is right", {"answers": "select", "choices": ["right", "wrong"]}, "right"),
        ("The answer is *Right*", {"answers": "select", "choices": ["right", "wrong"]}, "right"),
        ("Labels: a, b", {"answers": "multi_select", "choices": ["a", "b", "c"]}, ["a", "b"]),
        ("**Score** = 3", {"answers": "number"}, 3.0),
        ("1e14", {"answers": "number", "step": 1e-300}, 1e14),
        ("a, b", {"answers": "multi_select", "choices": ["a", "b", "c"]}, ["a", "b"]),
        ("Thoughts\nShorter, please.", {"answers": "text"}, "Shorter, please."),
    ],
)
def test_other_answers_on_the_last_line(reply, options, value):
    found = judged(reply, **options)
    assert (found.value, found.error) == (value, None)


@pytest.mark.parametrize(
    ("reply", "options", "problem"),
    [
        ("True, or is it? I cannot say", {}, "and not true or false"),
        ("", {}, "and not true or false"),
        ("It is not true", {}, "and not true or false"),
        ("Verdict: not true", {}, "and not true or false"),
        ("It isn't true", {}, "and not true or false"),
        ("I give 4 out of 5", {"answers": "number"}, "and not a number"),
        ("not good", {"answers": "select", "choices": ["good", "bad"]}, "none of the choices"),
        ("mostly right", {"answers": "select", "choices": ["right", "partly right"]}, "none of the choices"),
        ("non-right", {"answers": "select", "choices": ["right", "wrong"]}, "none of the choices"),
        ("a and b", {"answers": "multi_select", "choices": ["a", "b"]}, "and not a list of choices"),
        ("6", {"answers": "number", "lowest": 1, "highest": 5}, "outside its limits"),
        ("nan", {"answers": "number"}, "outside its limits"),
        ("many", {"answers": "number"}, "and not a number"),
        ("upright", {"answers": "select", "choices": ["right", "wrong"]}, "none of the choices"),
        ("a, z", {"answers": "multi_select", "choices": ["a", "b"]}, "and not a list of choices"),
    ],
)
def test_what_is_no_verdict_is_an_error_with_the_reply(reply, options, problem):
    found = judged(reply, **options)
    assert found.value is None
    assert problem in found.error
    assert found.detail == {"reply": reply}


@pytest.mark.parametrize(
    ("reply", "value", "rationale"),
    [
        ({"rationale": "so", "verdict": True}, True, "so"),
        ({"judgment": False, "explanation": "thus"}, False, "thus"),
        ({"reason": "because", "is_polite": True}, True, "because"),
    ],
)
def test_a_prompt_that_asks_for_json_is_answered_by_a_member(reply, value, rationale):
    prompt = {"response_format": {"type": "json_object"}}
    assert judged(json.dumps(reply), prompt=prompt) == Verdict(value, rationale=rationale)


@pytest.mark.parametrize("reply", ["True", "{", "[]", "{}", '{"verdict": "True"}'])
def test_json_that_was_asked_for_and_is_none_is_no_verdict(reply):
    found = judged(reply, prompt={"response_format": {"type": "json_object"}})
    if reply == "True":
        assert "and not true or false" in found.error
    assert found.value is None
    assert found.error.startswith("The judge answered")


def test_what_failed_is_judged_only_where_its_output_is_not_asked_for():
    failed = execution(None, error="timed out")
    assert prepared().judge(failed, row(), ["True"]) == Verdict(None, error="no output: timed out")
    assert prepared().calls(failed, row()) == ()
    assert prepared("{{log.error}}").judge(failed, row(), ["True"]).value is True


def test_a_row_without_what_the_template_names():
    for template in ("{{log.output}} {{testcase.target.output}}", "{{log.output}} {{testcase.target}}"):
        for target in (None, {}, {"output": None}, {"output": []}):
            bound = prepared(template)
            assert bound.calls(execution(), row(target)) == ()
            assert bound.judge(execution(), row(target), ["True"]) == Verdict(None, rationale="no target")
    needed = prepared(target="needed")
    assert needed.judge(execution(), row({"output": None}), ["True"]) == Verdict(None, rationale="no target")
    strange = prepared("{{log.output}} {{testcase.metadata.nothing}}").judge(execution(), row(), ["True"])
    assert strange.error.startswith("The template needs testcase.metadata.nothing")


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ({"template": "{{question}} {{log.output}}"}, "knows log and testcase, not question"),
        ({"template": "Is it polite?"}, "must show the judge something of the log"),
        ({"model": ""}, "prompt.model"),
        ({"temperature": 3}, "prompt.temperature"),
        ({"template_language": "jinja"}, "prompt.template_language"),
        ({"template": [1]}, "prompt.template"),
    ],
)
def test_a_prompt_that_could_never_judge_is_refused(prompt, said):
    with pytest.raises(Invalid, match=said):
        prepared(prompt=prompt)


def test_no_answer_of_the_model_is_an_error():
    assert prepared().judge(execution(), row(), []).error == "The judge gave no reply"
    assert prepared().judge(execution(), row(), [None]).error == "The judge gave no reply"


def test_the_spec_comes_back_as_it_was_sent():
    spec = {
        "evaluator_type": "llm",
        "prompt": {**KERNEL, "endpoint": "chat", "temperature": 0.0, "tools": [], "attributes": {"a": 1}},
        "attributes": {"team": "support"},
        "arguments_type": "target_required",
        "return_type": "select",
        "options": [{"name": "good", "valence": "positive"}, {"name": "bad", "valence": "negative"}],
        "number_limits": None,
        "number_valence": "negative",
    }
    bound = bind(spec)
    assert bound.kind.write_spec(bound.options) == spec
    assert bound.traits.needs_target
    assert bound.traits.good == ("good",)


def test_the_form_of_the_page_sends_the_prompt_as_text():
    assert prepared(prompt={}) == kind("prompt_judge").prepare(
        {"prompt": json.dumps(KERNEL), "attributes": ""}
    )
    with pytest.raises(Invalid, match="this is a JSON object, such as"):
        kind("prompt_judge").prepare({"prompt": "Is it polite?"})
