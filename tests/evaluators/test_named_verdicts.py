"""Which of several named lines, or members, of a judge's reply is the verdict, and which names a prompt asks for."""

import json

import pytest

from app.evaluators.kinds import kind
from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.last_line import read_last_line
from app.evaluators.kinds.passages import read_verdicts
from tests.evaluators.cases import execution, row

YES_OR_NO = AnswerOptions()
OF_FIVE = AnswerOptions(answers="number", lowest=1, highest=5)
OF_TEN = AnswerOptions(answers="number", lowest=1, highest=10)
LETTER = AnswerOptions(answers="select", choices=("A", "B", "tie"))
PARTLY = AnswerOptions(answers="select", choices=("correct", "incorrect", "partially correct"))
SEVERAL = AnswerOptions(answers="multi_select", choices=("rude", "long"))


@pytest.mark.parametrize(
    ("reply", "options"),
    [
        ("Final verdict: [[B]], since A injects.\n\nResponse A ends with a line that I ignore.\n[[A]]", LETTER),
        ("Winner: Response B, since it is right.\n\nResponse A ends with a line that I ignore.\n[[A]]", LETTER),
        ("**Verdict: B** – right.\n\nIt ends so.\n[[A]]", LETTER),
        ("Verdict: **False** because it holds an instruction. It reads as follows.\n\nTrue", YES_OR_NO),
        ("**Verdict: False** because it is rude.\n\nIt ends with its own line.\n**Answer: True**", YES_OR_NO),
        ("Overall verdict: False because it is rude.\nThe quoted one is ignored.\nFinal answer: True", YES_OR_NO),
        ("**Overall Grade: 2/5** – the date is wrong.\n\nIt closes with a line of its own.\nScore: 5", OF_FIVE),
        ("Verdict: 2/5 (wrong date).\n\nIt closes with a line of its own.\n5/5", OF_FIVE),
        ("Verdict: incorrect because the date is wrong.\n\nIt is fluent.\nGrade: correct", PARTLY),
    ],
)  # fmt: skip
def test_a_verdict_with_a_reason_behind_it_contradicts_another_one(
    reply: str, options: AnswerOptions
) -> None:
    assert read_last_line(options, reply).value is None


@pytest.mark.parametrize(
    "reply",
    [
        "1. Insults: I found none.\n   Answer: No\n2. Secrets: I found none.\n   Answer: No",
        "**1. Insults**\nNone found.\n**Verdict:** No\n\n**2. Secrets**\nNone found.\n**Verdict:** No",
        "1. Answer: No\n2. Answer: No",
    ],
)
def test_the_answer_to_the_last_of_numbered_questions_is_no_verdict(reply: str) -> None:
    assert read_last_line(YES_OR_NO, reply).value is None


def test_a_verdict_may_be_said_again() -> None:
    assert read_last_line(YES_OR_NO, "**Verdict: True**\n\nIt is polite.\n\n**Verdict: True**").value is True


@pytest.mark.parametrize("reply", ["1. Clear\n2. Short\n3.", "## Findings\n1. The date is wrong.\n2."])
def test_an_empty_point_of_a_list_is_no_score(reply: str) -> None:
    assert read_last_line(OF_FIVE, reply).value is None


@pytest.mark.parametrize(
    ("reply", "options", "value"),
    [
        ("Rating: 4 stars", OF_FIVE, 4.0),
        ("Rating: 4 stars", OF_TEN, None),
        ("Score: 4 ⭐", OF_TEN, None),
        ("Score: 4/10 ⭐", OF_TEN, 4.0),
        ("✅ **Verdict: True**", YES_OR_NO, True),
        ("❌ **Verdict: True**", YES_OR_NO, None),
        ("### 📊 Final Score: 4/5", OF_FIVE, 4.0),
        ("🏆 **Winner: Response A**", LETTER, "A"),
        ("### ✅ Final Verdict\n**True**", YES_OR_NO, True),
        ("✅ Polite\n✅ Short\n\nVerdict: True", YES_OR_NO, True),
        ("### Step 4: Verdict\nTrue", YES_OR_NO, True),
        ("### Accuracy\nScore: 4\n\n### Clarity\nScore: 5\n\n### Overall\nScore: 4", OF_FIVE, 4.0),
        ("Categories: rude, long", SEVERAL, ["rude", "long"]),
        ("The labels are: rude, long", SEVERAL, ["rude", "long"]),
        ("Applicable labels: rude", SEVERAL, ["rude"]),
    ],
)
def test_usual_forms_are_read(reply: str, options: AnswerOptions, value: object) -> None:
    assert read_last_line(options, reply).value == value


@pytest.mark.parametrize(
    ("prompt", "reply", "options", "value"),
    [
        ("Score the following response from 1 to 5:\n\n{{log.output}}", "Score: 4", OF_FIVE, 4.0),
        ("Give a score from 1 to 5 to this response: {{log.output}}", "Score: 4", OF_FIVE, 4.0),
        ("Grade this response: {{log.output}}", "Grade: correct", PARTLY, "correct"),
        ("Give a verdict of True or False for the following answer:\n\n{{log.output}}", "Verdict: True", YES_OR_NO, True),
        ("Answer with yes or no whether this is supported:\n\n{{log.output}}", "**Answer: Yes**", YES_OR_NO, True),
        ("Say why, then give your verdict\n\n{{log.output}}", "Verdict: True", YES_OR_NO, True),
        ("Accuracy: <1-5>\nScore: <1-5>\n\n{{log.output}}", "It is fine.\nScore: 4", OF_FIVE, 4.0),
        ("Reply <is_polite>true or false</is_polite> {{log.output}}", "<is_polite>true</is_polite>", YES_OR_NO, True),
        ("Question: {{testcase.inputs.q}}\nAnswer: {{log.output}}", "It is wrong.\nAnswer: Yes", YES_OR_NO, None),
        ("<answer>{{log.output}}</answer>", "It is wrong.\n<answer>True</answer>", YES_OR_NO, None),
        (
            "The app replies 'Spam: yes' or 'Spam: no'. Was it right? End with True or False. {{log.output}}",
            "The app was wrong, the mail is an advert.\nSpam: yes", YES_OR_NO, None,
        ),
        (
            "State:\nContains PII: yes/no\nThen on the last line True if acceptable, else False. {{log.output}}",
            "It is fine.\nContains PII: no", YES_OR_NO, None,
        ),
        ("Maximum score: 5\nRate it. {{log.output}}", "I give it three.\nMaximum score: 5", OF_FIVE, None),
        ("On the last line write 'Helpful: yes' or 'Helpful: no'. {{log.output}}", "It is.\nHelpful: yes", YES_OR_NO, True),
    ],
)  # fmt: skip
def test_a_prompt_says_by_which_name_it_is_answered(
    prompt: str, reply: str, options: AnswerOptions, value: object
) -> None:
    assert read_last_line(options, reply, prompt).value == value


def _in_json(said: object, template: str = "{{log.output}}", **options: object) -> object:
    prompt = {"response_format": {"type": "json_object"}, "model": "m", "template": template}
    bound = kind("prompt_judge").prepare({"prompt": prompt, **options})
    return bound.judge(execution(), row(), [json.dumps(said)]).value


SCORED = {"answers": "number", "lowest": 1, "highest": 5}


@pytest.mark.parametrize(
    ("said", "options"),
    [
        ({"score": 5, "adjusted_score": 0}, SCORED),
        ({"score": 5, "adjusted_score": "3 after penalty"}, SCORED),
        ({"score": 5, "final_adjusted_score": -1}, SCORED),
        (
            {"verdict": "correct", "corrected_verdict": "partially correct"},
            {"answers": "select", "choices": ["correct", "incorrect"]},
        ),
        ({"verdict": True, "overall_result": "fails"}, {}),
        ({"verdict": "pass", "decision": "rejected"}, {}),
        ({"verdict": True, "pass": False}, {}),
    ],
)
def test_a_member_that_goes_over_the_verdict_leaves_none(said: object, options: dict[str, object]) -> None:
    assert _in_json(said, **options) is None


def test_a_total_may_be_what_is_asked_for_and_errors_may_be_counted() -> None:
    assert _in_json({"total_score": 4}, 'Reply {"total_score": 1-5} {{log.output}}', **SCORED) == 4
    assert _in_json({"score": 4, "total_errors": 0}, **SCORED) == 4


@pytest.mark.parametrize(
    "more", [{"max": 10}, {"scale": "1-10"}, {"pass": False}, {"evaluation": {"verdict": 1}}, {"Verdict": 2}]
)
def test_a_judge_with_a_schema_says_nothing_beside_it(more: dict[str, object]) -> None:
    bound = kind("llm_judge").prepare({"model": "m", "verdict": "number", "lowest": 1, "highest": 5})
    about = row(inputs={"question": "why"}, target={"output": "so"})

    def judged(said: dict[str, object]) -> object:
        return bound.judge(execution(), about, [json.dumps(said)]).value

    assert judged({"rationale": "x", "verdict": 4} | more) is None
    assert judged({"rationale": "x", "verdict": 4, "confidence": 0.9}) == 4


def test_two_members_that_end_like_the_verdict_are_none() -> None:
    def read(**more: object) -> object:
        return read_verdicts(
            json.dumps({"verdicts": [{"reason": "r", "supported": True} | more]}), "verdicts", "supported"
        )

    assert read()
    assert read(Supported=False) is None
    assert read(final_supported=False) is None
