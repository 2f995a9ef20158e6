"""Marking passages of an output: finding what was quoted, and cutting the output into what is marked and what is not. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import orjson

from app.core.errors import Invalid
from app.core.formats import MOST_SHOWN
from app.core.json_values import unstorable
from app.logs.passages import LONGEST_LABEL, LONGEST_NOTE, LONGEST_QUOTE, MOST, SPANS, Passage, passages_of
from app.review.fields import Sent

FIELDS = ("quote", "quote_at", "span_note", "span_label")
"""The fields of the passage that is being marked; those that are marked already stand in `spans`."""


@dataclass(frozen=True, slots=True)
class Marked:
    """What somebody says that stands in an output."""

    quote: str = ""
    """Empty where `start` and `end` say it."""
    note: str = ""
    label: str = ""
    start: int | None = None
    """Where it begins, or about where, with a quote that stands there more than once."""
    end: int | None = None


def passages_in(output: str, marked: Sequence[Marked]) -> list[Passage]:
    """The passages of the output that are meant, in their order.

    Raises:
        Invalid: one of them is not there, is there several times, or says nothing.
    """
    if len(marked) > MOST:
        raise _wrong("quote", f"Mark up to {MOST} passages.")
    found = {
        (one.start, one.end, one.note, one.label): one for one in (_passage(output, each) for each in marked)
    }
    return sorted(found.values(), key=lambda one: (one.start, one.end))


def _passage(output: str, one: Marked) -> Passage:
    note, label = one.note.strip(), one.label.strip()
    for name, said, text, most in (
        ("span_note", "note", note, LONGEST_NOTE),
        ("span_label", "label", label, LONGEST_LABEL),
    ):
        if len(text) > most:
            raise _wrong(name, f"Keep the {said} of a passage under {most:,} characters.")
        if problem := unstorable(text):
            raise _wrong(name, problem)
    start, end = _where(output, one)
    if not (note or label):
        raise _wrong("span_note", "Say what there is to say of the passage, or give it a label.")
    if end - start > LONGEST_QUOTE:
        raise _wrong("quote", f"Mark up to {LONGEST_QUOTE:,} characters at a time.")
    return Passage(start, end, output[start:end], note, label)


def _where(output: str, one: Marked) -> tuple[int, int]:
    if one.start is not None and one.end is not None:
        if not 0 <= one.start < one.end <= len(output):
            raise _wrong(
                "quote",
                f"The output has {len(output):,} characters: {one.start} to {one.end} is no passage of it.",
            )
        if one.quote and _lines(one.quote) != _lines(output[one.start : one.end]):
            raise _wrong(
                "quote", f"“{one.quote:.80}” does not stand at {one.start} to {one.end} in the output."
            )
        return one.start, one.end
    if not one.quote.strip():
        raise _wrong("quote", "Quote the passage, word for word.")
    places = _places(output, one.quote) or _places(output, one.quote.strip())
    if not places:
        raise _wrong(
            "quote", f"“{one.quote.strip():.80}” does not stand in the output. Quote it word for word."
        )
    if len(places) > 1 and one.start is None:
        raise _wrong(
            "quote",
            f"“{one.quote.strip():.80}” stands there {len(places)} times. Quote more around it, so that it is one.",
        )
    near = one.start or 0
    return min(places, key=lambda place: abs(place[0] - near))


_LINE = re.compile(r"\r\n|\r|\n")


def _places(output: str, quote: str) -> list[tuple[int, int]]:
    """Where the quote stands: a form sends other line ends than the output has."""
    wanted = r"(?:\r\n|\r|\n)".join(re.escape(line) for line in _LINE.split(quote))
    return [one.span() for one in re.finditer(wanted, output)]


def _lines(text: str) -> list[str]:
    return _LINE.split(text)


def _wrong(name: str, text: str) -> Invalid:
    return Invalid(text, fields={name: text})


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an output."""

    text: str
    numbers: Sequence[int]
    """Of the passages that it is in, from 1; none: it is not marked."""
    ends: Sequence[int]
    """Of the passages that end with it."""


def pieces(output: str, passages: Sequence[Passage]) -> list[Piece]:
    """The output, cut where a passage begins or ends; as much as pages show."""
    shown = output[:MOST_SHOWN]
    inside = [replace(one, end=min(one.end, len(shown))) for one in passages if one.start < len(shown)]
    cuts = sorted({0, len(shown), *(one.start for one in inside), *(one.end for one in inside)})
    found = []
    for start, end in pairwise(cuts):
        within = [number for number, one in enumerate(inside, 1) if one.start <= start and end <= one.end]
        ends = [number for number in within if inside[number - 1].end == end]
        found.append(Piece(shown[start:end], within, ends))
    if len(output) > len(shown):
        more = len(output) - len(shown)
        found.append(Piece(f" … and {more:,} more characters, which the API has", (), ()))
    return found


def in_form(passages: Sequence[Passage]) -> list[str]:
    """Passages as the form carries them along."""
    return [orjson.dumps(one.kept()).decode() for one in passages]


def read_spans(values: Sequence[str]) -> list[Passage]:
    """The reverse of `in_form`; what is none is left out."""
    return passages_of({SPANS: [_json(value) for value in values[:MOST]]})


def _json(value: str) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return None


def marked_in(form: Sent) -> list[Marked]:
    """What a form says is marked: what was before, but for what is taken away, and then the passage that is being marked,
    where there is one, and nothing is taken away."""
    there = read_spans([str(value) for value in form.getlist(SPANS)])
    dropped = {str(value) for value in form.getlist("drop")}
    marked = [
        Marked(one.quote, one.note, one.label, one.start, one.end)
        for number, one in enumerate(there, 1)
        if str(number) not in dropped
    ]
    quote, at, note, label = (next((str(value) for value in form.getlist(name)), "") for name in FIELDS)
    if (quote.strip() or note.strip() or label.strip()) and not dropped:
        marked.append(Marked(quote, note, label, int(at) if at.isdecimal() and len(at) < 10 else None))
    return marked
