"""What the instructions of a prompt ask of the form of the answer."""

import re
from dataclasses import dataclass

from app.practice.memory import remembered

CLASSIFY = re.compile(
    r"classif|categor|intent|\blabel|\btopic|which (?:class|team|queue)|route th|sort th", re.IGNORECASE
)
_QUOTED = r"(?:\"([^\"\n]{2,60})\"|“([^”\n]{2,60})”|['‘`]([^\n]{2,60}?)['’`](?!\w))"
_SAY = rf"(?:say|answer|reply|respond|write|return|output|put)\b(?: \w+){{0,3}}? {_QUOTED}"
ABSTAIN = (
    re.compile(rf"{_SAY}(?= (?:if|when|unless|instead))", re.IGNORECASE),
    re.compile(rf"(?:if|when|unless)\b[^.\n]{{5,120}}?{_SAY}", re.IGNORECASE),
)
BRIEF = re.compile(
    r"short|brief|concise|exact|span|phrase|few(?:est)? words|only|the just|nothing else|no explanation|verbatim",
    re.IGNORECASE,
)
SENTENCE = re.compile(r"(?:full|complete|whole) sentence", re.IGNORECASE)
LOWER = re.compile(r"lower[- ]?case", re.IGNORECASE)
UPPER = re.compile(r"upper[- ]?case|capital letters|all caps", re.IGNORECASE)
EXPLAIN = re.compile(
    r"\b(?:explain|why you|rationale|your reasons?|reasoning|step by step|justify)\b", re.IGNORECASE
)
NO_REASONS = re.compile(r"(?:no|not|without|don't) (?:an? )?(?:expla|reason)", re.IGNORECASE)
JUDGE = re.compile(
    r"judge|grad(?:e|ing)|evaluat|scor(?:e|ing)|\brate\b|better|compare|correct|faithful|verdict",
    re.IGNORECASE,
)
GRADE = re.compile(r"judge|grade|evaluat|\brate\b|verdict", re.IGNORECASE)
SCALE = re.compile(r"(\d{1,3}) ?(?:to|-|–) ?(\d{1,3})")
VERDICTS = (("yes", "no"), ("pass", "fail"), ("correct", "incorrect"), ("true", "false"), ("right", "wrong"))


@dataclass(frozen=True, slots=True)
class Told:
    """The instructions that the practice model can follow."""

    abstain: str | None
    """What to say when the passage does not hold the answer."""
    brief: bool
    sentence: bool
    lower: bool
    upper: bool
    explain: bool
    classify: bool
    judge: bool
    grade: bool
    """Judging is asked for so plainly that no reference is needed."""
    scale: tuple[int, int] | None
    verdicts: list[str]
    """The two words to judge with, as spelled in the prompt; the good one first."""


def _verdict_words(rules: str) -> list[str]:
    for pair in VERDICTS:
        found = [re.search(rf"\b{word}\b", rules, re.IGNORECASE) for word in pair]
        if found[0] and found[1]:
            return [found[0][0], found[1][0]]
    return []


@remembered()
def instructions(rules: str) -> Told:
    """Read the instructions; `rules` must not hold the passage, the examples or the input."""
    abstain = next((found[found.lastindex or 0] for p in ABSTAIN if (found := p.search(rules))), None)
    scale = SCALE.search(rules)
    return Told(
        abstain=abstain,
        brief=bool(BRIEF.search(rules)),
        sentence=bool(SENTENCE.search(rules)),
        lower=bool(LOWER.search(rules)),
        upper=bool(UPPER.search(rules)),
        explain=bool(EXPLAIN.search(rules)) and not NO_REASONS.search(rules),
        classify=bool(CLASSIFY.search(rules)),
        judge=bool(JUDGE.search(rules)),
        grade=bool(GRADE.search(rules)),
        scale=(int(scale[1]), int(scale[2])) if scale else None,
        verdicts=_verdict_words(rules),
    )
