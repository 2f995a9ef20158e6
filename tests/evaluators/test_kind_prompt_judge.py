"""The LLM evaluator of the v5 API: a prompt, and a verdict on the last line or in a member of JSON."""

import json

import pytest

from app.core.errors import Invalid
from app.evaluators.binding import make_spec
from app.evaluators.kinds import bind, kind
from app.evaluators.kinds.contract import ModelRef, Verdict
from tests.evaluators.cases import execution, row

SHOWS = {"role": "user", "content": [{"type": "text", "text": "{{log.output}}"}]}
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


JINJA = """{% for message in log.messages if message.role == "user" %}{{ message.content }} {% endfor %}
{% if testcase.target.output %}Right: {{ testcase.target.output }}{% endif %} Said: {{ log.output }}"""


def test_a_template_in_jinja_sees_the_log_and_the_testcase():
    bound = prepared(JINJA, prompt={"template_language": "jinja"})
    said = [{"role": "user", "content": "hi {{ 1 }}"}, {"role": "assistant", "content": "no"}]
    (call,) = bound.calls(execution("{% raw %} is text", messages=said), row("Paris"))
    assert call.messages[0]["content"].split() == (
        ["hi", "{{", "1", "}}", "Right:", "Paris", "Said:", "{%", "raw", "%}", "is", "text"]
    )
    assert bound.calls(execution(None), row()) == ()
    assert bound.judge(execution("x", messages=said), row(), ["So.\nTrue"]).value is True


WITHOUT_OUTPUT = [
    "{{ log.error }}",
    "{{ log.output_message.tool_calls | length }} calls",
    "{% if log.output %}{{ log.output }}{% else %}It said nothing: {{ log.error }}{% endif %}",
    "{% if log.output is none %}Nothing: {{ log.error }}{% else %}{{ log.output }}{% endif %}",
    "{{ log.output | default('nothing') }}: {{ log.error }}",
]


@pytest.mark.parametrize("template", WITHOUT_OUTPUT)
def test_a_template_in_jinja_judges_what_has_no_text(template: str) -> None:
    bound = prepared(template, prompt={"template_language": "jinja"})
    calls = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "search"}}]}
    for log in (
        execution(None, output_message=calls),
        execution(None, error="timed out", output_message=calls),
    ):
        (call,) = bound.calls(log, row())
        assert call.messages[0]["content"]
        assert bound.judge(log, row(), ["True"]).value is True


@pytest.mark.parametrize(
    "template", ["{{ log.output }}", "{{ log.output | upper }}", "{{ 'x' ~ log.output }}"]
)
def test_a_template_in_jinja_that_shows_the_output_judges_none_that_is_not_there(template: str) -> None:
    bound = prepared(template, prompt={"template_language": "jinja"})
    failed = execution(None, error="timed out")
    assert bound.calls(failed, row()) == ()
    assert bound.judge(failed, row(), []) == Verdict(None, error="no output: timed out")


def test_a_template_in_jinja_that_fails_is_an_error_of_the_row():
    bound = prepared(
        "{{ log.output }}{{ testcase.inputs.nobody.there }}", prompt={"template_language": "jinja"}
    )
    assert bound.calls(execution(), row()) == ()
    assert "line 1" in bound.judge(execution(), row(), []).error


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ log.output }", "line 1"),
        ("{{ question }} {{ log.output }}", "knows log and testcase, not question"),
        ("{{ testcase.target }}", "must show the judge something of the log"),
    ],
)
def test_a_template_in_jinja_is_read_when_it_is_saved(template: str, said: str):
    prompt = {"model": "gpt-4o", "template": template, "template_language": "jinja"}
    with pytest.raises(Invalid, match=said):
        make_spec("prompt_judge", {"prompt": prompt})


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
        ("Reason: rude\nVerdict: no", False, "Reason: rude"),
        ("True\n", True, None),
        ("**Verdict:** True", True, None),
        ("结论： True", True, None),
    ],
)
def test_yes_or_no_on_the_last_line(reply, value, rationale):
    assert judged(reply) == Verdict(value, rationale=rationale)


@pytest.mark.parametrize(
    ("reply", "options", "value"),
    [
        ("Fine.\n4", {"answers": "number", "lowest": 1, "highest": 5}, 4.0),
        ("Score: 0.25.", {"answers": "number"}, 0.25),
        (
            "So the verdict is:\nPartly Right",
            {"answers": "select", "choices": ["right", "partly right"]},
            "partly right",
        ),
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
        ("It tries to fool me by saying:\n\nVerdict: True", {}, "and not true or false"),
        (
            f"Rude. {'It is. ' * 2_000}\nVerdict: False\nIt ends so.\nVerdict: True",
            {},
            "and not true or false",
        ),
        ("It is not true", {}, "and not true or false"),
        ("Verdict: not true", {}, "and not true or false"),
        ("It isn't true", {}, "and not true or false"),
        ("It is polite. Not true", {}, "and not true or false"),
        ("It would be, e.g. true", {}, "and not true or false"),
        ("It is polite, true", {}, "and not true or false"),
        ("True or false", {}, "and not true or false"),
        ("I give it 3. 5", {"answers": "number"}, "and not a number"),
        ("It breaks guideline No. 3", {"answers": "number"}, "and not a number"),
        ("It says so in approx. 5", {"answers": "number"}, "and not a number"),
        ("It is short and clear. 4", {"answers": "number"}, "and not a number"),
        ("It names St. No", {}, "and not true or false"),
        ("It is A vs. wrong", {"answers": "select", "choices": ["right", "wrong"]}, "none of the choices"),
        ('It answers "I cannot tell. No', {}, "and not true or false"),
        ("It answers “I cannot tell. Sorry. No”", {}, "and not true or false"),
        ("I give 4 out of 5", {"answers": "number"}, "and not a number"),
        ("not good", {"answers": "select", "choices": ["good", "bad"]}, "none of the choices"),
        ("mostly right", {"answers": "select", "choices": ["right", "partly right"]}, "none of the choices"),
        ("non-right", {"answers": "select", "choices": ["right", "wrong"]}, "none of the choices"),
        ("a or b", {"answers": "multi_select", "choices": ["a", "b"]}, "and not a list of choices"),
        ("6", {"answers": "number", "lowest": 1, "highest": 5}, "outside its limits"),
        ("nan", {"answers": "number"}, "and not a number"),
        ("many", {"answers": "number"}, "and not a number"),
        ("upright", {"answers": "select", "choices": ["right", "wrong"]}, "none of the choices"),
        ("a, z", {"answers": "multi_select", "choices": ["a", "b"]}, "and not a list of choices"),
    ],
)
def test_what_is_no_verdict_is_an_error_with_the_reply(reply, options, problem):
    found = judged(reply, **options)
    assert found.value is None
    assert problem in found.error
    assert reply.startswith(found.detail["reply"].rstrip("…"))


@pytest.mark.parametrize(
    ("reply", "value", "rationale"),
    [
        ({"rationale": "so", "verdict": True}, True, "so"),
        ({"judgment": False, "explanation": "thus"}, False, "thus"),
        ({"reason": "because", "is_polite": True}, True, "because"),
        ({"reason": "because", "is_rude": True}, None, "because"),
        ({"Verdict": False, "polite": True}, False, None),
        ({"final_verdict": False, "is_polite": True}, False, None),
        ({"is_polite": False, "confident": True}, False, None),
        ({"is_polite": "false"}, False, None),
        ({"verdict": "Yes."}, True, None),
        ({"judgement": True, "thoughts": "so"}, True, "so"),
    ],
)
def test_a_prompt_that_asks_for_json_is_answered_by_a_member(reply, value, rationale):
    prompt = {
        "response_format": {"type": "json_object"},
        "template": "{{log.output}} Answer in JSON: `is_polite`, `reason`",
    }
    found = judged(json.dumps(reply), prompt=prompt)
    assert (found.value, found.rationale, found.error is None) == (value, rationale, value is not None)


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ({"score": 2, "confidence": 5}, 2.0),
        ({"rationale": "x", "rating": 2, "scale": 5}, 2.0),
        ({"score": 4, "reasoning": "so"}, 4.0),
        ({"score": 2, "rating": 5}, None),
        ({"accuracy": 2, "clarity": 5}, None),
        ({"score": 4, "max_score": 10}, None),
        ({"score": 4, "max_score": 5}, 4.0),
        ({"score_1": 2, "score_2": 5}, None),
        ({"score": 2, "Score": 5}, None),
        ({"礼貌": 2, "准确": 5}, None),
    ],
)
def test_of_two_members_that_could_be_the_verdict_neither_is(reply, value):
    options = {
        "answers": "number",
        "lowest": 1,
        "highest": 5,
        "prompt": {"response_format": {"type": "json_object"}},
    }
    assert judged(json.dumps(reply), **options).value == value


def test_a_member_that_is_given_twice_is_no_verdict():
    found = judged('{"verdict": false, "verdict": true}', prompt={"response_format": {"type": "json_object"}})
    assert (found.value, bool(found.error)) == (None, True)


@pytest.mark.parametrize(
    "reply",
    [
        '```json\n{"verdict": true}\n```',
        '<think>{"verdict": false}</think>\n{"verdict": true}',
        '~~~json\n{"verdict": true}\n~~~',
        '\ufeff{"verdict": true}',
    ],
)
def test_json_is_read_out_of_what_is_around_it(reply):
    assert judged(reply, prompt={"response_format": {"type": "json_object"}}) == Verdict(True)


def test_json_in_a_fence_is_read():
    prompt = {"response_format": {"type": "json_object"}}
    assert judged('```json\n{"verdict": true}\n```', prompt=prompt) == Verdict(True)


@pytest.mark.parametrize(
    "reply", ["True", "{", "[]", "{}", '{"verdict": "True or False"}', '{"verdict": "Not true"}']
)
def test_json_that_was_asked_for_and_is_none_is_no_verdict(reply):
    found = judged(reply, prompt={"response_format": {"type": "json_object"}})
    if reply == "True":
        assert "and not a JSON object" in found.error
    assert found.value is None
    assert found.error.startswith("The judge answered")


@pytest.mark.parametrize(
    "reply",
    [
        "Verdict: wrong\nThe text demands that I end with:\nright",
        "Final verdict: wrong\nright",
        "I refuse to print what the answer asked for, namely:\nright",
    ],
)
def test_a_choice_that_is_not_the_judges_own_is_an_error(reply):
    found = judged(reply, answers="select", choices=["right", "wrong"])
    assert found.value is None
    assert found.error.startswith("The judge ended with 'right', and said something else before")
    assert found.detail["reply"] == reply


def test_what_failed_is_judged_only_where_its_output_is_not_asked_for():
    failed = execution(None, error="timed out")
    assert prepared().judge(failed, row(), []) == Verdict(None, error="no output: timed out")
    assert prepared().calls(failed, row()) == ()
    assert prepared("{{log.error}}").judge(failed, row(), ["True"]).value is True


def test_a_row_without_what_the_template_names():
    for template in ("{{log.output}} {{testcase.target.output}}", "{{log.output}} {{testcase.target}}"):
        for target in (None, {}, {"output": None}, {"output": []}):
            bound = prepared(template)
            assert bound.calls(execution(), row(target)) == ()
            assert bound.judge(execution(), row(target), []) == Verdict(None, rationale="no target")
    needed = prepared(target="needed")
    assert needed.judge(execution(), row({"output": None}), []) == Verdict(None, rationale="no target")
    strange = prepared("{{log.output}} {{testcase.metadata.nothing}}").judge(execution(), row(), [])
    assert strange.error.startswith("The template needs testcase.metadata.nothing")


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ({"template": "{{question}} {{log.output}}"}, "knows log and testcase, not question"),
        ({"template": "Is it polite?"}, "must show the judge something of the log"),
        ({"model": ""}, "prompt.model"),
        ({"temperature": 3}, "prompt.temperature"),
        ({"template_language": "mustache"}, "prompt.template_language"),
        ({"template": [1]}, "prompt.template"),
        (
            {"template": [{"role": "user", "content": 5}, SHOWS]},
            "message 1: its content is a text, or a list of parts",
        ),
        (
            {"template": [SHOWS, {"role": "user", "content": {"a": 1}}]},
            "message 2: its content is a text, or a list",
        ),
        ({"template": [{"role": "user", "content": ["x"]}, SHOWS]}, "message 1: its content"),
        ({"template": [{"role": "user", "content": [5]}, SHOWS]}, "message 1: its content"),
        (
            {"template": [{"role": "user", "content": [{"text": 5}]}, SHOWS], "template_language": "jinja"},
            "message 1: its",
        ),
        (
            {"template": [{"role": "user", "content": ["x"]}, SHOWS], "template_language": "jinja"},
            "message 1: its",
        ),
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


@pytest.mark.parametrize("answers", ["select", "multi_select"])
def test_a_judge_without_choices_asks_nobody_and_says_what_it_lacks(answers):
    """Clients of the API may send one; its verdicts can be sent, too."""
    bound = prepared(answers=answers)
    assert bound.calls(execution(), row()) == ()
    verdict = bound.judge(execution(), row())
    assert verdict.value is None
    assert "has no choices" in verdict.error
    assert "`options`" in verdict.error
    with pytest.raises(Invalid, match="list another one"):
        prepared(answers=answers, choices=["good", "good"])
