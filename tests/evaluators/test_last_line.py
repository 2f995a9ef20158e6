"""What a judge's reply says: what is a verdict, and what a hostile text may make a judge say that is none."""

import pytest

from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.last_line import read_last_line

YES_OR_NO = AnswerOptions()
ANY = AnswerOptions(answers="number")
OF_FIVE = AnswerOptions(answers="number", lowest=1, highest=5)
CHOICE = AnswerOptions(answers="select", choices=("right", "partly right", "wrong"))
LETTER = AnswerOptions(answers="select", choices=("A", "B", "tie"))
GRADED = AnswerOptions(
    answers="select", choices=("correct", "incorrect"), good=("correct",), bad=("incorrect",)
)
FEELING = AnswerOptions(answers="select", choices=("positive", "neutral", "negative"))
SEVERAL = AnswerOptions(answers="multi_select", choices=("rude", "long", "off topic"))

RIGHT = [
    ("True", True),
    ("Yes.", True),
    ("no!", False),
    ("**False**", False),
    ("Verdict: True", True),
    ("VERDICT = FAIL", False),
    ("**Verdict: True**", True),
    ("`Verdict`: `True`", True),
    ('"verdict": true', True),
    ("## Verdict: No", False),
    ("- Final verdict: yes", True),
    ("2. Verdict: True", True),
    ("结论： True", True),
    ("判断：False", False),
    ("The answer is True", True),
    ("So, the final answer is **No**.", False),
    # nothing but the verdict
    ("\\boxed{True}", True),
    ("The final answer is $\\boxed{\\text{False}}$.", False),
    ("PASS ✅", True),
    ("❌ **Fail**", False),
    ("True。", True),
    ("【True】", True),
    ("### False", False),
    # behind what names the question or the answers that there are
    ("Pass/Fail: Pass", True),
    ("Verdict (True/False): True", True),
    ("**Answer (Yes/No):** Yes", True),
    # of what it is
    # behind sentences
]
NUMBERS = [
    ("4", ANY, 4.0),
    ("Score: 4", ANY, 4.0),
    ("Score: -2.5", ANY, -2.5),
    ("Overall score = 0.25.", ANY, 0.25),
    ("The score is 4", ANY, 4.0),
    ("My rating is: **4**", ANY, 4.0),
    ("**Score: 4/5**", OF_FIVE, 4.0),
    ("4/5", OF_FIVE, 4.0),
    ("Rating: 4 out of 5", OF_FIVE, 4.0),
    ("3.5 / 5.", OF_FIVE, 3.5),
    ("**Score (1-5):** 4", OF_FIVE, 4.0),
    ("Score (1 to 5): 4/5", OF_FIVE, 4.0),
    ("Score: **4** out of 5", OF_FIVE, 4.0),
    ("Score: **4**/**5**", OF_FIVE, 4.0),
    *(
        (line, OF_FIVE, 4.0)
        for line in ("Score: 4 (out of 5)", "$\\boxed{4}$", "4 ⭐", "4 points", "[RESULT] 4", "4️⃣")
    ),
    ("Score (out of 5): 4", OF_FIVE, 4.0),
    ("Score (max. 5): 4", OF_FIVE, 4.0),
]
CHOICES = [
    ("Partly right.", CHOICE, "partly right"),
    ("Verdict: partly right", CHOICE, "partly right"),
    ("The answer is *Right*", CHOICE, "right"),
    ("Winner: A", LETTER, "A"),
    ("**Labels:** [Rude, long]", SEVERAL, ["rude", "long"]),
    ("Verdict (correct/incorrect): correct", GRADED, "correct"),
    ("Correct/incorrect: correct", GRADED, "correct"),
    ("❌ Incorrect", GRADED, "incorrect"),
]
OTHERS = [
    ("PASSED", YES_OR_NO, True),
    ("<verdict>True</verdict>", YES_OR_NO, True),
    ("True</s>", YES_OR_NO, True),
    ("True<|im_end|>", YES_OR_NO, True),
    ("\ufeffTrue", YES_OR_NO, True),
    ("FINAL ANSWER: yes", YES_OR_NO, True),
    ("So my verdict is: True", YES_OR_NO, True),
    ("Therefore, the final answer is **True**.", YES_OR_NO, True),
    ('Verdict: "True"', YES_OR_NO, True),
    ("Final answer: (no)", YES_OR_NO, False),
    ("Score: 2 (max: 5)", OF_FIVE, 2.0),
    ("4 out of 5 stars", OF_FIVE, 4.0),
    ("<score>4</score>", OF_FIVE, 4.0),
    (".85", ANY, 0.85),
    ("[[B]]", LETTER, "B"),
    ("Winner: Response B", LETTER, "B"),
    ("Labels: rude and long.", SEVERAL, ["rude", "long"]),
    ('Labels: ["rude", "off topic"]', SEVERAL, ["rude", "off topic"]),
    ("Labels: none", SEVERAL, []),
    ("Score: 80%", AnswerOptions(answers="number", lowest=0, highest=100), 80.0),
    ("Language: C++", AnswerOptions(answers="select", choices=("C", "C++", "C#")), "C++"),
]


@pytest.mark.parametrize(
    ("line", "options", "value"),
    [*((line, YES_OR_NO, value) for line, value in RIGHT), *NUMBERS, *CHOICES, *OTHERS],
)
@pytest.mark.parametrize("above", ["", "It was read with care.\n\n", "<think>Verdict: no. 1\nA</think>\n"])
def test_what_is_clearly_a_verdict_is_read(
    line: str, options: AnswerOptions, value: object, above: str
) -> None:
    found = read_last_line(options, above + line, "Language: C, C++ or C#")
    assert (found.value, found.rationale) == (value, above.strip())


@pytest.mark.parametrize(
    ("line", "options", "value"),
    [
        ("“No”", YES_OR_NO, False),
        ("«False»", YES_OR_NO, False),
        ("‘True’", YES_OR_NO, True),
        ("(True)", YES_OR_NO, True),
        ("[tie]", LETTER, "tie"),
        ("Response A", LETTER, "A"),
        ("rude, off topic", SEVERAL, ["rude", "off topic"]),
        ("rude and long", SEVERAL, ["rude", "long"]),
        ("None", SEVERAL, []),
    ],
)
def test_what_may_be_quoted_is_a_verdict_where_nothing_else_is_said(
    line: str, options: AnswerOptions, value: object
) -> None:
    assert read_last_line(options, line).value == value
    assert read_last_line(options, f"It was read with care.\n\n{line}").value is None


ASKED = """Polite: yes or no
Is it clear? Say yes or no.
**Helpfulness** (1-5): a number
Confidence: how sure you are
Question: {{log.inputs.question}}
Answer text:
<answer>{{log.output}}</answer>"""


@pytest.mark.parametrize(
    ("reply", "options", "value"),
    [
        ("Polite: Yes", YES_OR_NO, True),
        ("Is it clear? No", YES_OR_NO, None),
        ("Is it clear: No", YES_OR_NO, None),
        ("Is it short? No", YES_OR_NO, None),
        ("Helpfulness (1-5): 4", OF_FIVE, 4.0),
        ("Helpfulness: 4 - clear", OF_FIVE, None),
        ("Question: 4", OF_FIVE, None),
        ("Answer text: Yes", YES_OR_NO, None),
        ("Kindness: 4", OF_FIVE, None),
        ("Score: 2\nConfidence: 5", OF_FIVE, None),
        ("2\nConfidence: 5", OF_FIVE, None),
        ("The score is 2.\nConfidence: 5", OF_FIVE, None),
        ("**Score**\n2\n\n**Confidence**\n5", OF_FIVE, None),
        ("Helpfulness: 2\nConfidence: 5", OF_FIVE, None),
        ("Kindness: 2\nHelpfulness: 5", OF_FIVE, None),
    ],
)
def test_what_the_prompt_asks_for_by_name_is_answered_by_it(
    reply: str, options: AnswerOptions, value: object
) -> None:
    assert read_last_line(options, reply, ASKED).value == value


NO_VERDICT = [
    # said by another, and quoted
    'The output tries to fool me by ending with "Verdict: True".',
    "The output tries to fool me by ending with “Verdict: True”",
    "The output tries to fool me by ending with 'Verdict: True'",
    "The output tries to fool me by ending with `Verdict: True`",
    "The output tries to fool me by ending with Verdict: True",
    "The output tries to fool me by ending with «Verdict: True»",
    "It ends with: True",
    "The text says: True",
    "It asks me for the verdict: True",
    "It says: I am polite. True",
    "It claims: True",
    "The user wants the answer: yes",
    "Its own verdict: True",
    "The output's final verdict: True",
    "Verdict in the output: True",
    "Last line of the output: True",
    "Expected answer: True",
    "Target: True",
    "> Verdict: True",
    'It answers "I cannot tell. No',
    "It answers “I cannot tell. Sorry. No”",
    "It says “it is fine. Verdict: True",
    "I refuse to follow it (it says I must answer. True)",
    # denied
    "It is not true",
    "Verdict: not true",
    "The verdict isn't - True",
    "The verdict isn’t: True",
    "I would not say that the answer is True",
    "It is False that the answer is true",
    "The opposite of: True",
    "Anything but: True",
    "Never: True",
    "Verdict: !True",
    "Verdict != True",
    "Verdict ≠ True",
    "Verdict <> True",
    "Verdict: ~~True~~",
    "Das Urteil ist nicht: True",
    # another verdict besides
    "**Verdict:** **False** (would be True if: yes)",
    "Verdict: False. It asks me to say. True",
    "The verdict is “False”. The output asks me to go on. True",
    "False, although it says: True",
    "~~False~~ True",
    "True or false",
    "True/False",
    "Either: True",
    "Yes and no",
    "It says “yes”. The tone is fine! **No**",
    # no verdict at all
    "It would be true if: yes",
    "Possibly: True",
    "It would be, e.g. true",
    "It would be, e.g. Verdict: True",
    "It is polite, true",
    "It names St. No",
    "True, or is it? I cannot say",
    "Verdict: True?",
    "Untrue",
    "Verdict: un-true",
    "It seems to be true",
    "",
    "x" * 50_000 + ". True",
    # what should be, could be, or is of somebody else
    "Correct answer: Yes",
    "The correct answer is True",
    "Ground truth: True",
    "Gold label: True",
    "Actual answer: True",
    "Right answer: yes",
    "Reference: True",
    "It should be: True",
    "It should be True",
    "Once fixed: True",
    "The output: True",
    "The output is True",
    "The student's answer is True",
    "If it were polite, the answer is True",
    "It says so, hence the answer is True",
    "According to the output, the answer is True",
    "It tries to fool me. Last line: True",
    "It ends so. Output: True",
    "It says 'it is fine. True'",
    "It says «it is fine. True»",
    "I would not say: True",
    "I'd never say: True",
    # denied, or said against
    "Not really: True",
    "Not this: True",
    "No verdict: True",
    "Yes is what it wants. True",
    "Yes, it says. False",
    "The user: True",
    "True ❌",
    "✅ False",
    "[ ] True",
    "It does not pass. True",
    "It is not so that it does not fail. True",
    "It asks me to see that it does not fail. True",
    "It might be polite, so the answer is True",
    "It asks me not to fail. True",
    "True/False: True or False",
    "True ➡ False",
    "True \\boxed{False}",
]
NO_NUMBER = [
    ("Rating: 3 (the best is 5)", OF_FIVE),
    ("Score = 2, max = 5", OF_FIVE),
    ("Score: 2 (scale: 1 - 5)", OF_FIVE),
    ("Score: 2 (5)", OF_FIVE),
    ("The score is 2, since the maximum is 5.", OF_FIVE),
    ("The score is two, since the maximum is 5.", OF_FIVE),
    ("The score is two, the maximum: 5", OF_FIVE),
    ("Maximum: 5", OF_FIVE),
    ("Best possible score: 5", OF_FIVE),
    ("between 3 - 4", OF_FIVE),
    ("Score: 3 - 4", OF_FIVE),
    ("Score: 3-4", OF_FIVE),
    ("Score > 3", OF_FIVE),
    ("Score >= 3", OF_FIVE),
    ("Score: 4/10", OF_FIVE),
    ("Score: 4/5", ANY),
    ("4 out of 5", ANY),
    ("I give 4 out of 5", OF_FIVE),
    ("Score (1-10): 4", OF_FIVE),
    ("Score: 2. The output asks for: 5", OF_FIVE),
    ("It covers 2 points. Score: 5", OF_FIVE),
    ("Its score: 5", OF_FIVE),
    ("It asks for the score: 5", OF_FIVE),
    ("I give it 3. 5", OF_FIVE),
    ("It breaks guideline No. 3", OF_FIVE),
    ("It is short and clear. 4", OF_FIVE),
    ("Score: 1_0", ANY),
    ("1.2.3", ANY),
    ("12/31/4", ANY),
    ("80%", ANY),
    ("Passing mark: 4", OF_FIVE),
    ("Full marks: 5", OF_FIVE),
    ("Total points: 5", OF_FIVE),
    ("The maximum score is 5", OF_FIVE),
    ("The passing score is 4", OF_FIVE),
    ("Score (out of 10): 4", OF_FIVE),
    ("Score on a scale of 1-10: 4", OF_FIVE),
    ("Score (out of 5): 4", ANY),
    ("Score 2: 5", OF_FIVE),
    ("- 4", ANY),
    ("I give it 3. Score: 5", OF_FIVE),
    ("The score is two. Best: 5", OF_FIVE),
    ("2/5. Score: 5", OF_FIVE),
    ("2! Score: 5", OF_FIVE),
]
NO_CHOICE = [
    ("mostly right", CHOICE),
    ("non-right", CHOICE),
    ("upright", CHOICE),
    ("Verdict: not right", CHOICE),
    ("Verdict: wrong (would have been: right", CHOICE),
    ("It is wrong. It asks me to go on. Right", CHOICE),
    ("The output says: right", CHOICE),
    ("A is better, and the output says so. B", LETTER),
    ("Not these: rude, long", SEVERAL),
    ("It says: rude, long", SEVERAL),
    ("rude: long, off topic", SEVERAL),
    ("Not applicable: rude, long", SEVERAL),
    ("The response is not incorrect", GRADED),
    ("The correct answer is incorrect", GRADED),
    ("The expected sentiment is positive", FEELING),
    ("The reference's sentiment is positive", FEELING),
    ("The first part is correct; the second answer is incorrect", GRADED),
    ("The other response is incorrect", GRADED),
    ("The student's answer is B", LETTER),
    ("It is not positive. Positive", FEELING),
    ("It is neutral. Positive", FEELING),
    ("❌ Correct", GRADED),
]


BESIDE_A_VERDICT = [
    *((line, YES_OR_NO) for line in (
        "It is polite and helpful. True", "It is polite and helpful. **True**.", "It is not rude. Verdict: True", "Reason: it is polite. True",
        "它很礼貌。True", "Based on the above, the answer is True", "Overall, my verdict is False", "So, True.", "True or False? True",
        "Verdict: True - it is polite", "Verdict: True (polite)", "Verdict: True, because it is polite", "Verdict: **False** — it is rude",
        "- True", "1. No", "Verdict — True", "Verdict -> True", "Final answer - (no)", "True*", "**Verdict: True",
    )),
    *((line, OF_FIVE) for line in (
        "It is short and clear. Score: 4", "Score: 4 (good)", "Score 4", "Rating 4/5", "Total score: 4", "Score on a scale of 1-5: 4", "- 4",
        "★★★★☆ (4/5)", "Score: 5*", "Score: 4 ✅",
    )),
    ("It has all of it. Partly right.", CHOICE),
    ("B (more detail)", LETTER),
    ("Score: 80%", AnswerOptions(answers="number", lowest=0, highest=1)),
]  # fmt: skip


OF_OTHERS = [
    *((line, YES_OR_NO) for line in (
        "- Polite: True", "Human review needed: No", "Partly: True", "Mostly: True", "⬜ True", "[_] True", "[x] True", "🔴 Pass",
        "🟥 True", "The output contains: True", "It includes: True", "Hidden text: True", "Payload: True", "Fake verdict: True",
        "The verdict it gave: True", "I reject: True", "Unlikely: True", "<think>\nIs it polite? Yes", "Verdict: True - not really",
        "Verdict: True (or False)", "Verdict: Correct - no, False", "Verdict: True if it is read so", "Verdict: True, false", "Verdict: true, had the date been right",
            "Verdict: true, as the text instructs me to print", "Verdict: True. Actually, I take that back",
            "The candidate finishes with the words below. Verdict: True",
    )),
    *((line, OF_FIVE) for line in ("Number of errors: 2", "Score: 4 – no, lower", "Score: 4⭐5", "Max: 5", "Student score: 5", "User rating: 5", "3,5", "85%",
                                   "four", "Score: 3, not 4", "Score: 3 (it was 4)")),
    *((line, LETTER) for line in ("Runner-up: A", "Worse: A", "Loser: A", "Student answer: B", "Key: B", "A-", "B+", "B is better",
                                  "Winner: A or B", "Verdict: A (loses)", "Winner: B (A is worse)", "B - A")),
    *((line, SEVERAL) for line in ("Absent: rude, long", "Missing: rude", "rude, kind")),
    ("The user message is unsafe", AnswerOptions(answers="select", choices=("safe", "unsafe"))),
    ("Error type: false. Positive", FEELING),
    ("Verdict: right, provided the date is mended", CHOICE),
    ("Verdict: right, albeit late", CHOICE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "options"),
    [*((line, YES_OR_NO) for line in NO_VERDICT), *NO_NUMBER, *NO_CHOICE, *BESIDE_A_VERDICT, *OF_OTHERS],
)
@pytest.mark.parametrize("above", ["", "It was read with care.\n\n"])
def test_what_may_be_something_else_is_no_verdict(line: str, options: AnswerOptions, above: str) -> None:
    assert read_last_line(options, above + line).value is None
