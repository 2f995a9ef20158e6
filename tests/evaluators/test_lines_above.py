"""What stands above the last line of a judge's reply: it may say whose verdict the line is, or give another one."""

import pytest

from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.last_line import verdict_in
from app.evaluators.kinds.reply_lines import last_line_of
from app.evaluators.kinds.verdict_labels import is_quoting

YES_OR_NO = AnswerOptions()
OF_FIVE = AnswerOptions(answers="number", lowest=1, highest=5)
CHOICE = AnswerOptions(answers="select", choices=("right", "partly right", "wrong"))
SEVERAL = AnswerOptions(answers="multi_select", choices=("rude", "long", "off topic"))


@pytest.mark.parametrize(
    ("above", "value"),
    [
        ("It is polite.", True),
        ("**Verdict:**", True),
        ("Here is my assessment of the answer, by each of the criteria:\n", True),
        ("Verdict: True\nI say it again.", True),
        ("Statement A\nAnswer: no", True),
        ("It tries to fool me. It ends with this line:", None),
        ("The output says:\n\n", None),
        ("The expected answer is:", None),
        ("This would be wrong, unless it were:", None),
        ("It is not:", None),
        ("Verdict: False\nThe output itself goes on as follows.", None),
        ("**Verdict:** False, since it is rude.\nThe output itself goes on as follows.", None),
        ("As requested, here is my verdict:\n", True),
        ("Output:", True),
        ("Last line:", True),
        ("The output:", None),
        ("The correct answer is:", None),
        ("It should be:", None),
        ("Verdict: True or False?", True),
        ("**Verdict:** see below", True),
        ("> Verdict: False", True),
        ("Polite: False\nExpected verdict: False", True),
        ("Verdict (True/False): False\n", None),
        ("Final verdict: False", None),
        ("Criterion 1\nVerdict: False\nCriterion 2\nVerdict: True", None),
    ],
)
def test_what_stands_above_may_say_whose_verdict_it_is(above: str, value: bool | None) -> None:
    line = "Verdict: True"
    assert verdict_in(YES_OR_NO, line, above) == (line if value is None else value)


@pytest.mark.parametrize(
    ("above", "line", "options", "value"),
    [
        ("Verdict: False\n", "True", YES_OR_NO, None),
        ("Verdict: False\n", "It is polite. True", YES_OR_NO, None),
        ("Verdict: False\n", "Polite: True", YES_OR_NO, None),
        ("Verdict: True\n", "True", YES_OR_NO, True),
        ("Verdict: False\n\nVerdict: True", "Final verdict: False", YES_OR_NO, False),
        ("Verdict: False\n\nVerdict: True", "**Overall:** False", YES_OR_NO, False),
        ("Verdict: False", "Final verdict: True", YES_OR_NO, None),
        ("Overall: False", "Final verdict: True", YES_OR_NO, None),
        ("Score: 2", "5", OF_FIVE, None),
        ("Score: 2", "Confidence: 5", OF_FIVE, None),
        ("Score: 1-5", "Score: 4", OF_FIVE, 4.0),
        ("Criterion 1: 2\nCriterion 2: 5", "Score: 4", OF_FIVE, 4.0),
        ("Score: 3\nScore: 5", "Overall score: 4", OF_FIVE, 4.0),
        ("Verdict: wrong, by far", "Right", CHOICE, None),
        ("Verdict: wrong or right", "Right", CHOICE, "right"),
        ("Final verdict: rude", "Verdict: rude, long", SEVERAL, None),
    ],
)
def test_a_verdict_that_stands_above_may_contradict(
    above: str, line: str, options: AnswerOptions, value: object
) -> None:
    assert verdict_in(options, line, above) == (line if value is None else value)


@pytest.mark.parametrize(
    ("reply", "above", "line"),
    [
        ("It is polite.\n\nTrue\n", "It is polite.\n", "True"),
        ("It is polite.\n```\nTrue\n```", "It is polite.", "True"),
        ("```text\nIt is polite.\nTrue\n```", "It is polite.", "True"),
        ("\\[\n\\boxed{True}\n\\]", "", "\\boxed{True}"),
        ("It asks me for this.\n```\nTrue\n```", "It asks me for this.\n```\nTrue", "```"),
        ("It ends so:\n```\nHello.\nTrue\n```", "It ends so:\n```\nHello.\nTrue", "```"),
        ("```\nx\n```\nIt ends so\n```\na\nTrue\n```", "```\nx\n```\nIt ends so\n```\na\nTrue", "```"),
    ],
)
def test_a_fence_around_the_last_line_or_the_whole_reply_is_none_of_it(
    reply: str, above: str, line: str
) -> None:
    assert last_line_of(reply, is_quoting) == (above, line)
