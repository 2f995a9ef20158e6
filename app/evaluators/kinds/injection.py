"""Finding, in a text that is judged, words that look as if they were meant for the judge.

A fence and a typed reply keep such words from being taken for a verdict; they cannot keep a judge from being swayed. So
people are shown where to look twice. It is a sign and no proof: honest texts about judging look alike, and an attack in
other words goes unseen.
"""

import re

_MOST_CHARS = 100_000
_SHOWN = 120
_PHRASES = (
    r"(?:ignore|disregard|forget|override)\b[^.\n]{0,40}\b(?:instructions?|rules?|rubric|criteria|prompts?|above)\b",
    r"[\"'“]?\b(?:verdict|rationale)\b[\"'”]?\s{0,3}[:=]",
    r"</?\s?(?:think|thinking|thought|reasoning|scratchpad)>|\[/?THINK\]",
    r"</\s?(?:log|testcase|answer|question|statement|passage|(?-i:A|B))[\w .-]{0,60}>",
    r"\b(?:give|award|assign|rate|score|grade|mark|judge)\b[^.\n]{0,40}(?:\b\d{1,3}\s?/\s?\d{1,3}\b|\bfull marks\b|\b(?:highest|top|best|maximum|perfect)\s(?:score|marks?|rating|grade)\b|\bas (?:correct|passed|a pass|better)\b)",
    r"\b(?:you are|dear|attention|note to)\b[^.\n]{0,20}\b(?:judge|evaluator|grader|assessor)\b",
    r"(?:^|\n)\s{0,4}(?:system|developer)\s{0,2}:|<\|[a-z_]{2,20}\|>|\[/?INST\]",
    r"\b(?:tool_calls?|function_call)\b",
)
_SIGNS = re.compile("|".join(_PHRASES), re.IGNORECASE)


def words_to_a_judge(text: str | None) -> str | None:
    """The first words that look as if they spoke to a judge; None where there are none in the first 100,000 characters."""
    found = _SIGNS.search((text or "")[:_MOST_CHARS])
    if found is None:
        return None
    words = " ".join(found.group().split())
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"
