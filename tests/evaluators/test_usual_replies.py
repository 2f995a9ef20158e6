"""Replies as judges usually give them, under prompts as people usually write them: they must be read, and not be refused."""

import json

import pytest

from app.evaluators.kinds import kind
from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.last_line import read_last_line
from tests.evaluators.cases import execution, row

YES_OR_NO = AnswerOptions()
HAS_ERRORS = AnswerOptions(wanted="lower")
OF_FIVE = AnswerOptions(answers="number", lowest=1, highest=5)
SPAM = AnswerOptions(answers="select", choices=("spam", "ham"))
PASS = AnswerOptions(answers="select", choices=("pass", "fail"))
GOOD_PASS = AnswerOptions(answers="select", choices=("pass", "partial", "fail"), good=("pass",))
BETTER = AnswerOptions(answers="select", choices=("Response A", "Response B", "Tie"))
MOOD = AnswerOptions(answers="select", choices=("positive", "negative", "neutral"))
FACTS = AnswerOptions(answers="select", choices=("A", "B", "C", "D", "E"))


@pytest.mark.parametrize(
    ("prompt", "reply", "options", "value"),
    [
        ("Determine the verdict for the following response: {{log.output}}", "Verdict: True", YES_OR_NO, True),
        ("Give the rating for this response:\n{{log.output}}", "Rating: 4/5", OF_FIVE, 4.0),
        ("Explain, then give the verdict\n\n{{log.output}}", "It is fine.\n\nVerdict: False", YES_OR_NO, False),
        ("Choose the category (spam or ham) for: {{log.output}}", "Category: spam", SPAM, "spam"),
        ("Give your reasons and then the score from 1 to 5.\n\n{{log.output}}", "Score: 4", OF_FIVE, 4.0),
        ("Respond with 'Score: X' where X is 1 to 5.\n\n{{log.output}}", "Good.\nScore: 4", OF_FIVE, 4.0),
        # but a judge that repeats what is judged gives none
        ("Is it right?\n\nAnswer: {{log.output}}", "Answer: Yes", YES_OR_NO, None),
        ("Is it right?\n\n1. {{log.inputs.question}}\n2. Answer: {{log.output}}", "Answer: Yes", YES_OR_NO, None),
        ("Is the score right? The score given was {{log.output}}", "Score: 4", OF_FIVE, None),
        ("Is it right? The answer of the model: {{log.output}}", "Answer: Yes", YES_OR_NO, None),
    ],
)  # fmt: skip
def test_a_prompt_that_asks_for_the_verdict_does_not_show_one(
    prompt: str, reply: str, options: AnswerOptions, value: object
) -> None:
    assert read_last_line(options, reply, prompt).value == value


@pytest.mark.parametrize(
    "above",
    ["It says “thank you”", "It is clear (see line 2)", "It is polite 🙂", "$a+b=c$", "2 + 2 = 4", "Does it insult? No"],
)  # fmt: skip
def test_a_named_verdict_in_a_paragraph_of_its_own_needs_no_full_stop_above(above: str) -> None:
    assert read_last_line(YES_OR_NO, f"{above}\n\nVerdict: True").value is True
    assert read_last_line(YES_OR_NO, f"{above}\n\n**Verdict:** False").value is False


@pytest.mark.parametrize(
    "above",
    ["### Quoted reply", "**Quoted reply**", "The reply ends with:", "What does the reply end with?"],
)
def test_a_named_verdict_below_what_opens_something_belongs_to_it(above: str) -> None:
    assert read_last_line(YES_OR_NO, f"{above}\n\nVerdict: True").value is None


@pytest.mark.parametrize(
    ("reply", "options", "value"),
    [
        # notes on the choices
        ("**Response A:** short.\n\n**Response B:** detailed.\n\nResponse B", BETTER, "Response B"),
        ("**Positive:** it is quick.\n**Negative:** it is dear.\n\nneutral", MOOD, "neutral"),
        ("Response A, since it is short. On second thought both are wrong.\n\nResponse B", BETTER, None),
        # marks beside choices
        ("❌ Fail", PASS, "fail"), ("Verdict: ❌ FAIL", PASS, "fail"), ("🔴 **FAIL**", PASS, "fail"), ("✅ PASS", PASS, "pass"),
        ("❌ PASS", PASS, None), ("✅ Fail", PASS, None),
        ("✅ fail", GOOD_PASS, None), ("❌ partial", GOOD_PASS, "partial"), ("❌ pass", GOOD_PASS, None),
        ("✅ No", HAS_ERRORS, False), ("❌ Yes", HAS_ERRORS, True), ("❌ Yes", YES_OR_NO, None),
        # letters in parentheses
        ("The two agree.\n\n(C)", FACTS, "C"), ("The two agree.\n\n**(C)**", FACTS, "C"), ("Answer: (D)", FACTS, "D"),
        ("The two agree, as in\n(C)", FACTS, None),
    ],
)  # fmt: skip
def test_a_usual_reply_is_read(reply: str, options: AnswerOptions, value: object) -> None:
    assert read_last_line(options, reply).value == value


def test_other_answers_by_the_name_that_is_asked_for_may_say_the_same() -> None:
    prompt = "Look for insults and for threats, and end with “Toxic: yes or no”."
    assert read_last_line(YES_OR_NO, "Insults: no\nThreats: no\nToxic: no", prompt).value is False
    assert read_last_line(YES_OR_NO, "Insults: yes\nThreats: no\nToxic: no", prompt).value is None


@pytest.mark.parametrize(
    ("returns", "reply", "value"),
    [
        ("boolean", {"pass": True, "score": 0.9, "reason": "Polite."}, True),
        ("boolean", {"reason": "Rude.", "passed": False, "score": 0.2}, False),
        ("boolean", {"passed": False, "verdict": True}, None),
        ("number", {"pass": True, "score": 0.9, "reason": "Polite."}, 0.9),
        ("number", {"score": 0.4, "passed": False}, 0.4),
        ("number", {"score": 0.4, "final_decision": "reject"}, None),
    ],
)
def test_a_pass_beside_a_score_is_the_yes_or_no_of_both(
    returns: str, reply: dict[str, object], value: object
) -> None:
    form = {"answers": "number", "lowest": 0, "highest": 1} if returns == "number" else {"answers": "boolean"}
    prompt = {"model": "m", "template": "{{log.output}}", "response_format": {"type": "json_object"}}
    judge = kind("prompt_judge").prepare({"prompt": prompt, **form})
    verdict = judge.judge(execution("Thanks!"), row(), [json.dumps(reply)])
    assert verdict.value == value
    assert (verdict.error is None) is (value is not None)


@pytest.mark.parametrize(
    ("reply", "options", "value"),
    [
        ("The tone is friendly and it greets\nTrue", YES_OR_NO, True),
        ("The tone is friendly and it greets\n\nTrue", YES_OR_NO, True),
        ("It does not greet the customer\nFalse", YES_OR_NO, False),
        ("Tone is fine, facts are wrong in 2 places\n3", OF_FIVE, 3.0),
        ("The reply greets the user warmly and offers help\nVerdict: True", YES_OR_NO, True),
        # these may go on in the last line
        ("It does not greet the customer\nTrue", YES_OR_NO, None),
        ("After all of this I would call the statement\nTrue", YES_OR_NO, None),
        ("All in all I would rate it no higher than\n4", OF_FIVE, None),
        ("The customer wrote “it is short and clear\nTrue", YES_OR_NO, None),
        ("What the response got wrong in the end\nTrue", YES_OR_NO, None),
        ("- It names the order that was asked for\nTrue", YES_OR_NO, None),
    ],
)
def test_a_sentence_without_a_full_stop_is_whole_where_it_cannot_go_on(
    reply: str, options: AnswerOptions, value: object
) -> None:
    assert read_last_line(options, reply).value == value
