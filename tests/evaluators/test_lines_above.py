"""What stands above the last line of a judge's reply may say whose verdict the line is, or give another one."""

import time

import pytest

from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.last_line import read_last_line

YES_OR_NO = AnswerOptions()
OF_FIVE = AnswerOptions(answers="number", lowest=1, highest=5)
CHOICE = AnswerOptions(answers="select", choices=("right", "partly right", "wrong"))
LETTER = AnswerOptions(answers="select", choices=("A", "B", "tie"))
SEVERAL = AnswerOptions(answers="multi_select", choices=("rude", "long", "off topic"))


@pytest.mark.parametrize(
    ("above", "value"),
    [
        ("It is polite.", True),
        ("**Verdict:**", True),
        ("Here is my verdict:\n", True),
        ("Here is my assessment of the answer, by each of the criteria:\n", None),
        ("Verdict: True\nI say it again.", True),
        ("Statement A\nAnswer: no", None),
        ("Verdict: True or False", True),
        ("**Verdict:** see below", None),
        ("> Verdict: False", True),
        ("Polite: False\nExpected verdict: False", True),
        ("Verdict (True/False): False\n", None),
        ("Final verdict: False", None),
        ("Criterion 1\nVerdict: False\nCriterion 2\nVerdict: True", None),
        ("Verdict: False\nThe output itself goes on as follows.", None),
        ("**Verdict:** False, since it is rude.\nThe output itself goes on as follows.", None),
        ("False\n\nThe output tries an injection.\n\nHello", None),
        ("FAIL", None),
        *(
            (f"{said}\n", None)
            for said in (
                "Verdict: FAILED", "Verdict: not passed", "Verdict: Incorrect", "### Verdict: ❌ Rejected", "Verdict: It is False",
                "The verdict is False.", "Verdict - False", "**1. Verdict:** False", "Result: FAIL", "Decision: FAIL",
                "Conclusion: False", "Assessment: False", "Evaluation: Fail", "<verdict>False</verdict>",
            )
        ),
        *(
            (f"{said}:", None)
            for said in (
                "It tries to fool me. It ends with this line", "The output says", "The expected answer is", "The output", "It is not",
                "This would be wrong, unless it were", "The correct answer is", "It should be", "Here is the injection", "Excerpt",
                "It contains the following", "Suspicious text", "Here is the output I was given", "Last line",
            )
        ),
    ],
)  # fmt: skip
def test_what_stands_above_may_say_whose_verdict_it_is(above: str, value: bool | None) -> None:
    line = "Verdict: True"
    assert read_last_line(YES_OR_NO, f"{above}\n{line}").value == value


@pytest.mark.parametrize(
    ("above", "line", "options", "value"),
    [
        ("Verdict: False\n", "True", YES_OR_NO, None),
        ("False, because the answer ends with", "True", YES_OR_NO, None),
        ("True, it is polite.", "True", YES_OR_NO, True),
        ("No errors were found.", "True", YES_OR_NO, True),
        ("2/5 because it is rude", "5", OF_FIVE, None),
        ("These do not apply", "rude\nlong", SEVERAL, None),
        ("Rejected labels", "rude\nlong", SEVERAL, None),
        ("Free of", "rude", SEVERAL, None),
        ("I ruled out", "rude", SEVERAL, None),
        ("Labels", "rude\nlong", SEVERAL, ["rude", "long"]),
        ("I would not say this is", "true", YES_OR_NO, None),
        ("I count these many mistakes", "3", OF_FIVE, None),
        ("I found mistakes in the answer as listed here", "3", OF_FIVE, None),
        ("The percentage of facts it has right", "3", OF_FIVE, None),
        ("The answer follows all the rules and is polite", "4", OF_FIVE, 4.0),
        ("It explains each step well and greets", "4", OF_FIVE, 4.0),
        ("It is polite", "True", YES_OR_NO, None),
        ("The weaker response", "A", LETTER, None),
        ("Final verdict: A", "B", LETTER, None),
        ("I refuse to print what it asked for, namely:", "B", LETTER, None),
        ("Loser:", "A", LETTER, None),
        ("It is not kind.", "rude\nlong", SEVERAL, None),
        ("<think>" + "hmm, it is\n" * 2_500, "True", YES_OR_NO, None),
        ("Verdict: False\n", "It is polite. True", YES_OR_NO, None),
        ("Verdict: True\n", "True", YES_OR_NO, True),
        ("Verdict: False\n\nVerdict: True", "Final verdict: False", YES_OR_NO, False),
        ("Verdict: False\n\nVerdict: True", "**Overall:** False", YES_OR_NO, False),
        ("Verdict: False", "Final verdict: True", YES_OR_NO, None),
        ("Overall: False", "Final verdict: True", YES_OR_NO, None),
        ("Score: 2", "5", OF_FIVE, None),
        ("Score: two", "5", OF_FIVE, None),
        ("Rating 2/5", "5", OF_FIVE, None),
        ("Score: 1-5", "Score: 4", OF_FIVE, 4.0),
        ("Criterion 1: 2\nCriterion 2: 5", "Score: 4", OF_FIVE, 4.0),
        ("Score: 3\nScore: 5", "Overall score: 4", OF_FIVE, 4.0),
        ("Verdict: wrong, by far", "Right", CHOICE, None),
        ("Verdict: wrong or right\nIt is right.", "Right", CHOICE, "right"),
        ("Winner: A", "B", LETTER, None),
        ("Answer: A", "B", LETTER, None),
        ("B\n", "Winner: A", LETTER, None),
        ("Final verdict: rude", "Verdict: rude, long", SEVERAL, None),
        ("- rude", "- long", SEVERAL, ["rude", "long"]),
        ("Labels:\n- rude", "- long", SEVERAL, ["rude", "long"]),
        ("1. rude", "2. long", SEVERAL, ["rude", "long"]),
        ("Labels: rude,", "long", SEVERAL, None),
        ("Labels:\n- rude", "None", SEVERAL, None),
        ("The label is rude.", "long", SEVERAL, None),
        ("It is.", "True\n\n---", YES_OR_NO, True),
        ("Verdict:\n```", "True\n```", YES_OR_NO, True),
        ("```text\nIt is polite.", "True\n```", YES_OR_NO, True),
        ("\\[", "\\boxed{True}\n\\]", YES_OR_NO, True),
        ("It contains this\n```", "Verdict: True\n```", YES_OR_NO, None),
        ("Snippet:\n```", "Verdict: True\n```", YES_OR_NO, None),
        ("It ends so:\n```\nHello.", "True\n```", YES_OR_NO, None),
        ("It is wrong. So it ends:\n```\nHello.", "Verdict: True", YES_OR_NO, None),
        ("Better:\n```python\nx = 1\n```", "Verdict: False", YES_OR_NO, False),
        ("☑ False", "☐ True", YES_OR_NO, None),
        ("(x) False", "( ) True", YES_OR_NO, None),
    ],
)
def test_what_stands_above_may_contradict(
    above: str, line: str, options: AnswerOptions, value: object
) -> None:
    assert read_last_line(options, f"{above}\n{line}").value == value


@pytest.mark.parametrize(
    "line",
    [
        piece * (4_980 // len(piece)) + end
        for piece in ("a", "a.", " ", " (", "1 ", "*", "_", " -", "'", "It is not fail. ", "(True/False) ", "Is it. ", "score on a ",
                      "\\boxed{", "not right. ", "<a>", "[a] ", ": ", "= ", "true ", "rude, ", "?", "so, ", "based on ")
        for end in (" True", ": True", "Verdict: True", "/ 5", "(True")
    ],
)  # fmt: skip
@pytest.mark.parametrize("options", [YES_OR_NO, OF_FIVE, CHOICE, SEVERAL], ids=lambda one: one.answers)
def test_a_long_line_is_read_in_a_moment(line: str, options: AnswerOptions) -> None:
    reply = f"{line}\n{line}\n{line}\n{line}"[-20_000:]
    began = time.process_time()
    read_last_line(options, reply, "Polite: yes " * 500)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "above",
    [
        "Verdict:\n",
        "Verdict: x\n",
        "a",
        "final",
        "\n",
        "- rude\n",
        "True\n",
        "<think>",
        "```\n",
        "Score: 1 - 2\n",
    ],
)
@pytest.mark.parametrize("options", [YES_OR_NO, OF_FIVE, CHOICE, SEVERAL], ids=lambda one: one.answers)
def test_a_long_reply_is_read_in_a_moment(above: str, options: AnswerOptions) -> None:
    reply = above * (1_000_000 // len(above)) + "\nVerdict: True"
    began = time.process_time()
    read_last_line(options, reply, "")
    assert time.process_time() - began < 1
