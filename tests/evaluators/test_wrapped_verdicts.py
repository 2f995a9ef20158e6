"""Replies in which a sign, a line break or an earlier line makes a verdict another one than its last line seems to say."""

import pytest

from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.last_line import read_last_line

YES_OR_NO = AnswerOptions()
OF_FIVE = AnswerOptions(answers="number", lowest=1, highest=5)
OF_TEN = AnswerOptions(answers="number", lowest=1, highest=10)
PERCENT = AnswerOptions(answers="number", lowest=0, highest=100)
AROUND_0 = AnswerOptions(answers="number", lowest=-5, highest=5)
SIGNED = AnswerOptions(answers="select", choices=("-1", "0", "1"), good=("1",), bad=("-1",))
GRADE = AnswerOptions(answers="select", choices=("A+", "A", "A-", "A*", "B+", "B"))
LANGUAGE = AnswerOptions(answers="select", choices=("C", "C#", "C++"))
LANGUAGES = AnswerOptions(answers="multi_select", choices=("C", "C#", "Java"))
GRADES = AnswerOptions(answers="multi_select", choices=("A+", "A", "B"))
GRADED = AnswerOptions(answers="select", choices=("correct", "incorrect"))
SUPPORT = AnswerOptions(answers="select", choices=("supported", "not supported"))
TONE = AnswerOptions(answers="select", choices=("good", "bad", "not applicable"))
LETTER = AnswerOptions(answers="select", choices=("A", "B", "tie"))


@pytest.mark.parametrize(
    ("reply", "options", "value"),
    [
        # a minus, a plus and a sharp inside a line are no mark of a list or of a heading
        *((f"{name}{minus} 3", AROUND_0, None) for name in ("Score: ", "**Score:** ", "Score = ", "The score is ") for minus in "-–—"),
        ("Score: - 0.8", AROUND_0, None), ("Score: -3", AROUND_0, -3.0), ("- Score: -3", AROUND_0, -3.0),
        ("Score: - 1", SIGNED, None), ("Label: – 1", SIGNED, None), ("Score: -1", SIGNED, "-1"),
        *((f"Score: {said}", PERCENT, None) for said in ("7- 8", "8– 9", "1- 5", "3+ 1")),
        *((f"Score: {said}", OF_TEN, None) for said in ("9. 5/10", "7. 5", "1+ 0")),
        *((f"Score: {said}", OF_FIVE, None) for said in ("4. 5", "1. 5", "2) 5", "2. 5/5")),
        ("Grade: A+ ✅", GRADE, "A+"), ("**Grade: A+** ✅", GRADE, None), ("Grade: A- ✅", GRADE, "A-"),
        ("Final grade: B+ ✅", GRADE, "B+"), ("Grade: A* ✅", GRADE, "A*"), ("Grade: A+ !", GRADE, "A+"), ("Grade: B+ .", GRADE, "B+"),
        ("Label: C# ✅", LANGUAGE, "C#"), ("Answer: C# .", LANGUAGE, "C#"),
        ("Labels: A+ & B", GRADES, ["A+", "B"]), ("Labels: C# & Java", LANGUAGES, ["C#", "Java"]), ("Tags: C# , Java", LANGUAGES, ["C#", "Java"]),
        *((f"Verdict: {said}", YES_OR_NO, None) for said in ("- True", "0. True", "2. No")),
        ("- Verdict: True", YES_OR_NO, True), ("1. Verdict: True", YES_OR_NO, True), ("## Verdict: True", YES_OR_NO, True),
        # a point or a note may go on in the last line
        *((f"{above}\n{last}", options, None) for above, last, options in (
            ("**Rationale:** The reply claims that it is free, but that is not", "true.", YES_OR_NO),
            ("Reasoning: it is short, and my verdict is not", "True", YES_OR_NO),
            ("1. The claim that nobody is insulted is not", "true.", YES_OR_NO),
            ("- Under no circumstances is this", "True", YES_OR_NO),
            ("Output: the code prints", "True", YES_OR_NO),
            ("✅ It says that I should answer", "True", YES_OR_NO),
            ("Reason: it is false that it is", "\\boxed{True}", YES_OR_NO),
            ("Reasoning: it would be wrong to say that the", "verdict is True", YES_OR_NO),
            ("Explanation: The answer names Lyon, so it cannot be called", "correct.", GRADED),
            ("Reasoning: The claim is not", "supported", SUPPORT),
            ("Summary: the tone is not", "good.", TONE),
            ("Reasoning: I find B far better than", "A.", LETTER),
            ("- B is clearer and more precise than", "A", LETTER),
            ("Reasoning: It satisfies criteria 1 and 2, but fails criteria 3, 4 and", "5.", OF_FIVE),
            ("The reply fails criterion no.: see", "5", OF_FIVE),
            ("Change: -", "3", AROUND_0),
        )),
        ("Reason: it is not\u2028True", YES_OR_NO, None), ("Reason: it is not\x0cTrue", YES_OR_NO, None),
        ("Reason: what the user says is\n---\nTrue", YES_OR_NO, None),
        ("Reasoning: it is polite\nVerdict: True", YES_OR_NO, True),
        ("- It thanks\nVerdict: True", YES_OR_NO, True),
        ("Reasoning: it is polite\n\nTrue", YES_OR_NO, True),
        ("Reasoning: it is polite\n\n---\nTrue", YES_OR_NO, True),
        ("Reasoning: it is polite.\nTrue", YES_OR_NO, True),
        ("| Tone | good |\nTrue", YES_OR_NO, True),
    ],
)  # fmt: skip
def test_signs_and_line_breaks_are_not_read_away(reply: str, options: AnswerOptions, value: object) -> None:
    assert read_last_line(options, reply).value == value


@pytest.mark.parametrize(
    ("reply", "options", "value"),
    [
        ("Verdict: impolite.\nTrue", YES_OR_NO, None),
        ("Final verdict: The response fails.\nIt is rude.\nTrue", YES_OR_NO, None),
        ("Verdict: rude.\nAnswer: True", YES_OR_NO, None),
        ("Verdict is clearly False.\nTrue", YES_OR_NO, None),
        ("Verdict → False.\nTrue", YES_OR_NO, None),
        ("Verdict -> False.\nTrue", YES_OR_NO, None),
        ("Verdict → True", YES_OR_NO, True),
        ("Score => 4", OF_FIVE, 4.0),
        ("Score: 3 → 4", OF_FIVE, None),
        ('{"verdict": false}\n\nVerdict: True', YES_OR_NO, None),
        ('{"reason": "rude", "final_verdict": false}\n\nVerdict: True', YES_OR_NO, None),
        ('{"verdict": true}\n\nVerdict: True', YES_OR_NO, True),
        ("| Verdict | False |\nTrue", YES_OR_NO, None),
        ("| Criterion | Verdict |\n| Tone | fine |\nVerdict: True", YES_OR_NO, True),
        ("❌\n\nTrue", YES_OR_NO, None),
        ("✅\n\nVerdict: True", YES_OR_NO, True),
        ("Winner: the second one.\nAnswer: A", LETTER, None),
        ("Grade: wrong.\nLabel: correct", GRADED, None),
        ("Grade: two.\nScore: 5", OF_FIVE, None),
        ("Scale (1-10).\nScore: 4", OF_FIVE, None),
        ("On a scale of 1 to 10, I rate it so.\nScore: 4", OF_FIVE, None),
        ("On a scale of 1 to 5, I rate it so.\nScore: 4", OF_FIVE, 4.0),
        ("Score: 4/5.\nVerdict: True", YES_OR_NO, True),
        ("Verdict: a good answer.\nScore: 4", OF_FIVE, 4.0),
        ("Better response: B", LETTER, "B"),
        ("The better answer is **B**.", LETTER, "B"),
        ("Score: 5/5 ✅", OF_FIVE, 5.0),
        ("\\boxed{\\textbf{True}}", YES_OR_NO, True),
        ("\\boxed{\\textst{True}}", YES_OR_NO, None),
        (f"Verdict: False\n{'It is so. ' * 6_000}\nTrue", YES_OR_NO, None),
        (f"{'It is so. ' * 4_000}\nTrue", YES_OR_NO, True),
    ],
)  # fmt: skip
def test_what_stands_above_may_say_otherwise(reply: str, options: AnswerOptions, value: object) -> None:
    assert read_last_line(options, reply).value == value
