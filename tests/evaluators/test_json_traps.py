"""Replies in JSON that careful readers found to be read wrongly: members that are no verdicts, and what stands around objects."""

import json

import pytest

from app.evaluators.kinds import kind
from tests.evaluators.cases import execution, row

IN_JSON = {"response_format": {"type": "json_object"}, "model": "m", "template": "{{log.output}} `overall`"}


def _in_json(said: object, **options: object) -> object:
    bound = kind("prompt_judge").prepare({"prompt": IN_JSON, **options})
    return bound.judge(execution(), row(), [json.dumps(said)]).value


@pytest.mark.parametrize(
    "said",
    [
        {"is_polite": "false", "is_injection": True},
        {"correct": "no", "complete": True},
        {"correct": None, "language_ok": True},
        {"evaluation": {"verdict": False}, "schema_valid": True},
        {"is_injection": True},
    ],
)
def test_a_member_of_another_name_is_no_yes_or_no(said: object) -> None:
    assert _in_json(said) is None


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"final_answer": "yes", "reasoning": "so", "verdict": False}, None),
        ({"final_answer": "Paris", "reasoning": "so", "verdict": False}, False),
        ({"overall": False, "verdict": True}, None),
        ({"final_verdict": False, "verdict": True}, None),
        ({"verdict": True, "final_verdict": True, "polite": False}, True),
        ({"answer": "yes", "correct": False}, None),
        ({"answer": "yes", "verdict": False}, None),
        ({"result": "passed", "correct": False}, None),
        ({"answer": "Yes", "explanation": "so"}, True),
        ({"score": 5, "verdict": False}, False),
        ({"verdict": "True. On second thought, no"}, None),
        ({"verdict": "❌ true"}, None),
        ({"verdict": "FAIL"}, False),
        (True, None),
        ([True], None),
    ],
)
def test_one_member_is_the_verdict(said: object, value: object) -> None:
    assert _in_json(said) is value


SEVERAL_MEMBERS = 'Reply in JSON: {"label": the label that was given, "correct": true or false}'
ONE_MEMBER = 'Reply in JSON: {"reason": …, "polite": true or false}'


@pytest.mark.parametrize(
    ("said", "asked", "value"),
    [
        ({"label": "yes"}, SEVERAL_MEMBERS, None),
        ({"correct": True}, SEVERAL_MEMBERS, None),
        ({"label": "yes"}, ONE_MEMBER, None),
        ({"polite": "Yes", "reason": "so"}, ONE_MEMBER, True),
        ({"polite": "Yes", "analysis": "so", "critique": "none"}, ONE_MEMBER, True),
        ({"polite": "Yes, but"}, ONE_MEMBER, None),
        ({"label": "yes"}, "Reply in JSON.", True),
        ({"polite": True}, "Reply in JSON, polite or not.", None),
    ],
)
def test_a_member_that_stands_alone_is_the_one_that_was_asked_for(
    said: object, asked: str, value: object
) -> None:
    prompt = IN_JSON | {"template": f"{asked} {{{{log.output}}}}"}
    assert _in_json(said, prompt=prompt) is value


def test_a_member_of_the_schema_is_asked_for() -> None:
    schema = {"type": "object", "properties": {"reason": {"type": "string"}, "polite": {"type": "boolean"}}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    for given, value in ((form, True), (form | {"json_schema": 5}, None)):
        prompt = {"response_format": given, "model": "m", "template": "{{log.output}}"}
        assert _in_json({"polite": True, "reason": "so"}, prompt=prompt) is value


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"question_id": 2, "helpfulness": "four"}, None),
        ({"accuracy": "4", "clarity": 2}, None),
        ({"row": 1, "overall": "4/5"}, 4.0),
        ({"score": 4, "total": 10}, None),
        ({"score": 4, "range": "1-10"}, None),
        ({"score": 4, "score_range": "0-10"}, None),
        ({"score": 4, "possible": 10}, None),
        ({"score": 4, "denominator": 10}, None),
        ({"final_score": 2, "score": 5}, 2.0),
        ({"overall_score": 2, "answer": 4}, 2.0),
        ({"final_score": 2, "overall_score": 3}, None),
        ({"final_score": 5, "max": 5, "score": 3}, 5.0),
        ({"final_score": 4, "max": 5, "score": 3}, 4.0),
        ({"all": 4}, None),
        ({"score": 4, "scale": "1-5"}, 4.0),
        ({"score": 4, "max_score": "5"}, 4.0),
        ({"score": "4"}, 4.0),
        ({"score": "4/10"}, None),
        ({"score": 4, "max": 5}, 4.0),
        ({"score": 4, "base": 10}, None),
        ({"total": 4}, None),
        ({"supported": 2, "total": 3}, None),
        ({"accuracy": 2, "tone": 3, "total": 5}, None),
        ({"score": 5, "adjusted_score": 3}, None),
        ({"score": 5, "revised_score": 3}, None),
        ({"corrected_score": 2, "score": 5}, None),
        ({"score": 4, "accuracy_score": 4, "penalty": 2}, 4.0),
        ({"overall_score": 3, "accuracy_score": 4, "tone_score": 2}, 3.0),
        ({"final_answer": 3, "score": 1}, None),
        ({"answer": 4, "correctness": 2}, None),
        ({"grade": 3, "clarity": 5}, None),
        ({"grade": 3, "reasoning": "so", "confidence": 1}, 3.0),
        ({"score": None, "rating": 4}, None),
    ],
)
def test_a_number_in_json_is_of_the_evaluators_scale(said: object, value: object) -> None:
    assert _in_json(said, answers="number", lowest=1, highest=5) == value


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"analysis": "correct", "overall": "Incorrect"}, "incorrect"),
        ({"expected": "correct", "given": "Incorrect"}, None),
        ({"verdict": "Correct"}, "correct"),
        ({"verdict": "not correct"}, None),
        ({"label": "correct", "correct_label": "incorrect"}, None),
        ({"final_answer": "correct", "verdict": "incorrect"}, None),
    ],
)
def test_a_choice_in_json_is_what_is_called_the_verdict(said: object, value: object) -> None:
    assert _in_json(said, answers="select", choices=["correct", "incorrect"]) == value


@pytest.mark.parametrize(
    ("said", "options", "value"),
    [
        *(
            ({"verdict": "A", name: "B"}, {"answers": "select", "choices": ["A", "B"]}, None)
            for name in ("winner", "preference", "preferred", "choice", "chosen_response")
        ),
        *(
            ({"verdict": True, name: said}, {}, None)
            for name, said in (
                ("outcome", False), ("conclusion", False), ("classification", False), ("evaluation", False), ("status", "fail"),
                ("assessment", "false"), ("corrected", False), ("revised", False), ("certain_verdict", False),
            )
        ),
        ({"verdict": True, "evaluation": "It is polite.", "status": "complete"}, {}, True),
        ({"verdict": True, "certain": False, "confidence_score": 0}, {}, True),
        ({"verdict": "correct", "category": "incorrect"}, {"answers": "select", "choices": ["correct", "incorrect"]}, None),
        *(
            ({"score": 4, name: 10}, {"answers": "number", "lowest": 1, "highest": 5}, None)
            for name in ("highest", "upper", "limit")
        ),
        ({"score": 4, "highest": 5}, {"answers": "number", "lowest": 1, "highest": 5}, 4.0),
        ({"score": 4, "limitations": "none", "best": "its tone"}, {"answers": "number", "lowest": 1, "highest": 5}, 4.0),
        ({"verdict": True, "overall_assessment": "It is polite."}, {}, True),
        ({"verdict": True, "overall_assessment": "false"}, {}, None),
        ({"verdict": True, "final_remarks": "None.", "analysis": "It is polite."}, {}, True),
    ],
)  # fmt: skip
def test_members_that_say_otherwise_are_no_company_of_a_verdict(
    said: object, options: dict[str, object], value: object
) -> None:
    assert _in_json(said, **options) == value


@pytest.mark.parametrize(
    "said",
    [{"applies": "rude", "does_not_apply": ["long"]}, {"excluded": ["rude"], "reason": "x"}],
)
def test_what_is_excluded_is_not_chosen(said: object) -> None:
    assert _in_json(said, answers="multi_select", choices=["rude", "long"]) is None


@pytest.mark.parametrize(
    ("said", "value"),
    [({"labels": ["Rude"]}, ["rude"]), ({"labels": []}, []), ({"labels": "rude, long"}, ["rude", "long"]), (["rude"], None), ({"labels": ["mild"]}, None)],
)  # fmt: skip
def test_several_choices_in_json_are_a_list_of_them(said: object, value: object) -> None:
    assert _in_json(said, answers="multi_select", choices=["rude", "long"]) == value


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("I'm sorry, I can't help with that.", None),
        ('{"critique": "good", ', None),
        ('"good"', None),
        ('{"answer": "Paris", "critique": "good"}', None),
        ('{"verdict": "good"}', "good"),
        ('Here is the JSON:\n\n```json\n{"verdict": "good"}\n```', "good"),
        ('It injects this:\n\n```json\n{"verdict": "good"}\n```', None),
        ('```json\n{"verdict": "good"}\n```\nHope it helps', None),
    ],
)
def test_a_text_in_json_is_a_member_of_it(reply: str, value: str | None) -> None:
    bound = kind("prompt_judge").prepare({"prompt": IN_JSON, "answers": "text"})
    found = bound.judge(execution(), row(), [reply])
    assert (found.value, found.error is None) == (value, value is not None)


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ('{"rationale":"r","verdict":true,"final_verdict":false}', None),
        ('{"rationale":"r","verdict":true,"Verdict":false}', None),
        ('{"rationale":"r","verdict":true,"verdict ":false}', None),
        ('{"rationale":"r","verdict":true,"corrected_verdict":false}', None),
        ('{"rationale":"r","verdict":true,"certain_verdict":false}', None),
        ('{"rationale":"r","verdict":true,"confidence":0.2}', True),
        ('{"rationale":"r","verdict":true,"verdict_confidence":0.2}', True),
        ('I weigh it. It is bad.\n</think>\n{"rationale":"r","verdict":false}', False),
        ('I find it poor. It contains\n</think>\n{"rationale":"r","verdict":true}', None),
        (
            '{"rationale":"bad","verdict":false}\nThis is its end.\n</think>\n{"rationale":"r","verdict":true}',
            None,
        ),
        ('It says {"verdict": false}.\n</think>\n{"rationale":"r","verdict":true}', None),
        ('```json\n{"rationale":"it quotes </think>","verdict":true}\n```', True),
        ('<think>hm</think>\n{"rationale":"r","verdict":true}', True),
        ('<think>hm\n{"rationale":"r","verdict":true}', None),
        ('{"rationale":"it quotes </think>","verdict":false}', False),
        ('{"rationale":"its <think> leaks","verdict":true}', True),
        ('```json\n{"rationale":"```x```","verdict":true}\n```', True),
        (
            '{"rationale":"bad","verdict":false}\nThe answer had: </think>\n{"rationale":"r","verdict":true}',
            None,
        ),
        ('{"rationale":"bad","verdict":false}\n</think>\n{"rationale":"r","verdict":true}', None),
        ('{"rationale":"r","verdict":true}<|im_end|>', True),
    ],
)
def test_a_judge_by_a_rubric_gives_one_verdict_behind_its_thoughts(reply: str, value: bool | None) -> None:
    bound = kind("llm_judge").prepare({"model": "m"})
    assert bound.judge(execution(), row(), [reply]).value == value
