"""What moves a judge besides the answers in plain words, with the figures: its pulls, and chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

from app.core import formats
from app.evaluations.figures import headline as words
from app.evaluations.judges.bias import FEWEST, Bias
from app.evaluations.judges.repeats import Repeats
from app.statistics.intervals import Interval

_CHARS = 100
"""How many characters more the odds are told for: of 1,000, which the formula has, few answers differ."""
_MOST_TIMES = 1_000
"""Odds beyond it come of lengths that hardly differ, and mean no more."""
_TELLING = 10
"""An interval from under a tenth to over ten times the odds says nothing."""
Figure = tuple[str, str, str, str]
"""Name, value, interval, and what it is of."""


@dataclass(frozen=True, slots=True)
class Pull:
    """One of them: what it comes to in a sentence or two, and the figures behind."""

    title: str
    sentence: str
    figures: Sequence[Figure]


def told(bias: Bias | None, repeats: Repeats | None = None) -> list[Pull]:
    """What something is known of."""
    pulls = [_order(bias), _length(bias)] if bias else []
    return [pull for pull in (*pulls, _chance(repeats)) if pull]


def _chance(found: Repeats | None) -> Pull | None:
    if found is None:
        return None
    outputs = f"{found.outputs:,} output{'' if found.outputs == 1 else 's'} with several votes of one model"
    figures: list[Figure] = [("The same when asked again", formats.percent(found.same), "", outputs)]
    if found.alpha:
        lo, hi = found.alpha.lo, found.alpha.hi
        span = "" if lo is None or hi is None else f"{formats.number(lo, 2)} to {formats.number(hi, 2)}"
        value = formats.number(found.alpha.estimate, 2)
        figures.append(("Krippendorff's alpha", value, span, "1: never another verdict; 0: chance alone"))
    steady = "It says the same whenever it is asked." if found.same == 1 else ""
    told = (
        steady
        or "Asked again about the same output, it does not always say the same: several votes are steadier."
    )
    return Pull("Chance", told, figures)


def _order(bias: Bias) -> Pull | None:
    found = bias.order
    if found is None:
        return None
    pairs = f"{found.consistent.n:,} pair{'' if found.consistent.n == 1 else 's'} shown both ways"
    figures = [("The same in both orders", *_share(found.consistent), pairs)]
    if bias.right:
        of = f"of {bias.right.n:,} that people have judged, both orders on average"
        figures.append(("People's answer, in one order", *_share(bias.right), of))
    if found.first_place is None:
        told = "No verdict followed the place at which an answer was shown."
    else:
        n = found.first_place.n
        test = f", exact {words.p_text(found.test.p)}" if found.test else ""
        figures.append(("The first place", *_share(found.first_place), f"of {n:,} picked by place{test}"))
        told = {
            "first": "It favours the answer that is shown first.",
            "second": "It favours the answer that is shown second.",
            "": "No place is clearly favoured.",
        }[bias.place]
    if found.half_ties:
        told += f" {found.half_ties:,} {'was' if found.half_ties == 1 else 'were'} a tie in one order only."
    told += " Verdicts that change with the order count as ties: the place moves no score, but blunts it."
    return Pull("Order", told, figures)


def _length(bias: Bias) -> Pull:
    what, verdicts = (
        ("winning", "that hold in both orders") if bias.of_pairs else ("a pass", "beside people's")
    )
    found = bias.length
    if found is None:
        if bias.lengths < FEWEST:
            told = f"It takes {FEWEST} verdicts {verdicts} to tell whether length counts; there are {bias.lengths}."
        else:
            told = "Nothing can be told: all verdicts are the same, or lengths do not differ, or tell them perfectly."
        return Pull("Length", told, [])
    n, p = f"{found.slope.n:,} verdicts {verdicts}", words.p_text(found.p)
    figures: list[Figure] = []
    if _tells(found.slope):
        figures.append((f"Odds of {what}, {_CHARS} characters more", *_odds(found.slope), f"{n}, {p}"))
        than = "than the other" if bias.of_pairs else "where people say the same"
        told = {
            "longer": f"It favours answers that are longer {than}.",
            "shorter": f"It favours answers that are shorter {than}.",
            "": "Length is not clearly favoured, either way.",
        }[bias.favours]
    else:
        told = f"Whether length counts cannot be told from {n} ({p}): they are too few, or lengths hardly differ."
    if bias.of_pairs:
        figures.append(
            ("Wins at equal lengths", *_share(found.controlled), "of the verdicts that are no ties")
        )
    return Pull("Length", told, figures)


def _tells(slope: Interval) -> bool:
    """Whether the interval leaves anything out that somebody would have thought of."""
    if slope.lo is None or slope.hi is None:
        return True
    lo, hi = (exp(max(-20.0, min(20.0, end * _CHARS / 1000))) for end in (slope.lo, slope.hi))
    if lo > 1 or hi < 1:
        return True
    return not (lo < 1 / _TELLING and hi > _TELLING) and lo > 1 / _MOST_TIMES and hi < _MOST_TIMES


def _share(interval: Interval) -> tuple[str, str]:
    return formats.percent(interval.estimate), words.share_span(interval) if interval.lo is not None else ""


def _odds(slope: Interval) -> tuple[str, str]:
    def times(one: float) -> str:
        found = exp(max(-20.0, min(20.0, one * _CHARS / 1000)))
        if found > _MOST_TIMES or found < 1 / _MOST_TIMES:
            return f"over × {_MOST_TIMES:,}" if found > 1 else f"under × {1 / _MOST_TIMES:g}"
        return f"× {formats.number(found, 2)}"

    if slope.lo is None or slope.hi is None:
        return times(slope.estimate), ""
    return times(slope.estimate), f"{times(slope.lo)} to {times(slope.hi)}"
