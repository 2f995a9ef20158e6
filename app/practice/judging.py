"""Judging by word overlap, and saying so: with a reference it is of some use, without one it is none."""

import re
from dataclasses import dataclass
from typing import Any

from app.practice.checks import as_list
from app.practice.reading import Prompt
from app.practice.telling import Told
from app.practice.text import overlap, words

ONE_OF_TWO = re.compile(r"(?:^|[ _(])([ab12])\)?$")
BAD = re.compile(r"incorrect|wrong|fail|bad|^no|false|unsupported|not", re.IGNORECASE)
NUMBER = re.compile(r"\d+")
ENOUGH = 0.5
"""The overlap from which an answer counts as good."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement: of one answer (`good`, `score` 0 to 1), or between two (`pick` is a, b, 1 or 2)."""

    good: bool
    score: float
    rationale: str
    pick: str | None = None


def _between(two: dict[str, str], against: str, basis: str) -> Verdict:
    (a, left), (b, right) = sorted(two.items())
    x, y = overlap(left, against), overlap(right, against)
    said = f"Practice judge, not an LLM: word overlap with {basis} is {x:.2f} for {a.upper()} and {y:.2f} for {b.upper()}."
    return Verdict(good=x >= y, score=max(x, y), rationale=said, pick=a if x >= y else b)


def _contains(text: str, piece: str) -> bool:
    return f" {' '.join(words(piece))} " in f" {' '.join(words(text))} "


def _may_differ(candidate: str, reference: str) -> bool:
    """Whether words may differ: not in a single word such as a label, and no number of the reference."""
    return len(reference.split()) > 1 and set(NUMBER.findall(reference)) <= set(NUMBER.findall(candidate))


def judge(prompt: Prompt, told: Told) -> Verdict | None:
    """The verdict by overlap with the reference, or without one with the passage or question; None if none is asked."""
    if not told.judge:
        return None
    parts = prompt.parts
    two = {m[1]: p.text for p in parts if p.is_candidate and (m := ONE_OF_TWO.search(p.name))}
    reference = next((p.text for p in parts if p.is_reference and p.text), None)
    others = (p.text for p in parts if not p.is_candidate and not p.is_reference)
    given = next((text for text in others if len(text.split()) > 2), prompt.question)
    basis, against = ("the reference", reference) if reference else ("the question or passage", given)
    if len(two) == 2:
        return _between(two, against, basis)
    candidates = [p.text for p in parts if p.is_candidate and (p.text or reference)]
    if not candidates or not (reference or told.grade):
        return None
    candidate = next(filter(None, candidates), "")  # an empty answer is judged too: it is wrong
    score = overlap(candidate, against)
    held = reference is not None and _contains(candidate, reference)
    alike = score >= ENOUGH and (reference is None or _may_differ(candidate, reference))
    said = f"Practice judge, not an LLM: word overlap with {basis} is {score:.2f}"
    said += ", and the answer holds it whole." if held else "."
    return Verdict(held or alike, max(score, ENOUGH * held), said)


def _bound(spec: dict[str, Any], name: str, otherwise: float) -> float:
    given = spec.get(name)
    return given if isinstance(given, int | float) and abs(given) < 1e9 else otherwise


def graded(verdict: Verdict, kind: str, spec: dict[str, Any]) -> bool | int | float | str:
    """The verdict as a value of a schema: boolean, number within its bounds, or one of its options."""
    low = _bound(spec, "minimum", 0)
    high = _bound(spec, "maximum", low + (1 if kind == "number" else 5))
    if kind == "boolean":
        return verdict.good
    if kind == "number":
        return round(low + verdict.score * (high - low), 3)
    if kind == "integer":
        return round(low + verdict.score * (high - low))
    options = [
        option for option in as_list(spec.get("enum")) or ["correct", "incorrect"] if isinstance(option, str)
    ]
    if verdict.pick:
        named = (o for o in options if (m := ONE_OF_TWO.search(f" {o}".lower())) and m[1] == verdict.pick)
        return next(named, verdict.pick.upper())
    return next((o for o in options if bool(BAD.search(o)) != verdict.good), options[0] if options else "")
