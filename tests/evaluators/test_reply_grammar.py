"""Replies that are put together at random: whatever is read stands in the last line and is all that stands there."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.last_line import read_last_line

KINDS = {
    "boolean": (AnswerOptions(), {"True": True, "no": False, "PASS": True, "failed": False}),
    "number": (
        AnswerOptions(answers="number", lowest=1, highest=5),
        {"4": 4.0, "2.5": 2.5, "3/5": 3.0, "1 out of 5": 1.0},
    ),
    "select": (
        AnswerOptions(answers="select", choices=("right", "partly right", "wrong")),
        {"right": "right", "Partly right": "partly right", "WRONG": "wrong"},
    ),
}
NAMES = ("Verdict: ", "**Final verdict:** ", "Score = ", "The answer is ", "### Rating: ", "- Judgment: ", "")
AROUND = ("{}", "**{}**", "{}.", "`{}`", "[[{}]]", "$\\boxed{{{}}}$", "*{}*.")
ABOVE = (
    "",
    "It is clear.\n\n",
    "**Evaluation:** It is clear, and to the point.\n\n",
    "- It is clear\n- It is short\n\n",
    "| part | mark |\n|---|---|\n| tone | good |\n\n",
    "<think>Hm. Verdict: wrong? 1\nTrue</think>\n",
    "Tone: good\nLength: fine\n\n",
)
BELOW = ("", "\n", "  \n\n", "\n---", "</s>", "<|im_end|>")
QUOTES = ('"{}', "{}”", "'{}", "> {}", "~~{}~~", "not {}", "{}?", "{}, but", "{} - no", "{} (or not)", "{}…", "If so, {}", "❓ {}", "{} / {}", "I say {}")  # fmt: skip
LEADS = ("It ends with:\n", "It says\n", "### Quoted text\n", "It is not\n", "The expected answer is:\n", "Human review?\n")  # fmt: skip

kinds = st.sampled_from(sorted(KINDS))


@settings(max_examples=400, deadline=None)
@given(
    kind=kinds,
    name=st.sampled_from(NAMES),
    around=st.sampled_from(AROUND),
    above=st.sampled_from(ABOVE),
    below=st.sampled_from(BELOW),
    data=st.data(),
)
def test_the_forms_that_judges_use_are_read(
    kind: str, name: str, around: str, above: str, below: str, data: st.DataObject
) -> None:
    options, values = KINDS[kind]
    said = data.draw(st.sampled_from(sorted(values)))
    reply = f"{above}{name}{around.format(said)}{below}"
    assert read_last_line(options, reply).value == values[said], reply


@settings(max_examples=400, deadline=None)
@given(
    kind=kinds,
    name=st.sampled_from(NAMES),
    spoilt=st.sampled_from(QUOTES),
    above=st.sampled_from(ABOVE),
    data=st.data(),
)
def test_what_is_put_to_a_verdict_spoils_it(
    kind: str, name: str, spoilt: str, above: str, data: st.DataObject
) -> None:
    options, values = KINDS[kind]
    said = data.draw(st.sampled_from(sorted(values)))
    for line in (spoilt.format(f"{name}{said}", said), f"{name}{spoilt.format(said, said)}"):
        assert read_last_line(options, f"{above}{line}").value is None, line


@settings(max_examples=200, deadline=None)
@given(kind=kinds, lead=st.sampled_from(LEADS), name=st.sampled_from(NAMES), data=st.data())
def test_what_is_said_to_be_somebody_elses_is_no_verdict(
    kind: str, lead: str, name: str, data: st.DataObject
) -> None:
    options, values = KINDS[kind]
    said = data.draw(st.sampled_from(sorted(values)))
    assert read_last_line(options, f"It is clear.\n{lead}{name}{said}").value is None


_DRESS = re.compile(r"[\s*_`\"'“”‘’«»()\[\]{}$\\#.!。:：=<>/-]")
PIECES = ("True", "no", "4", "2/5", "right", "partly right", "Verdict", "score", "Answer", "is", ": ", " = ", "\n", "\n\n", " ", ". ", "**", "*", "`", '"', "“",
          "”", "- ", "1. ", "# ", "> ", "<think>", "</think>", "```\n", "(", ")", "[[", "]]", "✅", "❌", "but", "not", "it", "wrong", "|", "---\n")  # fmt: skip


@settings(max_examples=1_000, deadline=None)
@given(kind=kinds, pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=12))
def test_whatever_is_read_is_all_that_the_last_line_says(kind: str, pieces: list[str]) -> None:
    options, _ = KINDS[kind]
    reply = "".join(pieces)
    found = read_last_line(options, reply)
    if found.value is None:
        return
    last = _DRESS.sub("", found.text).casefold()
    for name in ("the", "final", "verdict", "score", "answer", "is"):
        last = last.removeprefix(name)
    words = {
        True: {"true", "yes", "pass", "passed", "✅true"},
        False: {"no", "false", "fail", "failed", "❌no"},
    }
    number = f"{found.value:.15g}" if isinstance(found.value, float) else ""
    wanted = words.get(found.value, set()) if isinstance(found.value, bool) else {str(found.value).replace(" ", ""), number, f"{number}5"}  # fmt: skip
    assert last.strip("✅❌") in wanted, (reply, found)
