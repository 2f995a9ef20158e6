"""What changed between two texts: words inside lines, with unchanged runs folded."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from app.files.matching import Block, Effort, matching_blocks

REWRITTEN = 0.4  # share of words that must survive for a diff to help more than the plain text

_FOLDED = 6  # unchanged lines that are still shown
_CONTEXT = 2  # unchanged lines kept beside a change where a longer run is folded
_LINE_STEPS, _WORD_STEPS, _PAIR_STEPS = 400_000, 400_000, 300_000
_PAIR = 20  # steps that comparing even the shortest two lines is worth

# Scripts written without spaces count each character as a word.
_UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])\w)+|\n+|[^\S\n]+|([^\w\s])\1*")
_WORD = re.compile(r"\w")
_LINE_END = re.compile(r"\r\n?|\n")


Kind = Literal["same", "ins", "del"]


class Segment(NamedTuple):
    """A run of text that both sides have, or only the after (`ins`) or the before (`del`)."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line: on both sides (`same`), on one (`ins`, `del`), or on both with words changed inside (`changed`).

    `before` and `after` are its numbers from 1, None where it is not.
    """

    kind: Literal["same", "changed", "ins", "del"]
    before: int | None
    after: int | None
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """Unchanged lines that are hidden until someone asks."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class TextDiff:
    """Two texts line by line; `added` and `removed` count lines, a changed one in both."""

    rows: list[Line | Fold]
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class WordDiff:
    """Two texts word by word; `survival` is the share of the longer one's words that both have, in order."""

    segments: tuple[Segment, ...]
    survival: float

    @property
    def rewritten(self) -> bool:
        """So little survived that the plain text reads better than the diff."""
        return self.survival < REWRITTEN


def diff_text(before: str, after: str) -> TextDiff:
    """Compare line by line, words inside lines that changed; line ends of every system count as the same.

    Any length: the work is bounded, and what would cost too much is shown as replaced.
    """
    old, new = _lines(before), _lines(after)
    blocks = matching_blocks(old, new, Effort(_LINE_STEPS))
    lines: list[Line] = []
    words, pairs = Effort(_WORD_STEPS), Effort(_PAIR_STEPS)
    at, to = 0, 0
    for block in [*blocks, Block(len(old), len(new), 0)]:
        lines.extend(_replaced(_Side(old, at, block.before), _Side(new, to, block.after), words, pairs))
        at, to = block.before + block.size, block.after + block.size
        lines.extend(
            Line("same", block.before + k + 1, block.after + k + 1, (Segment("same", old[block.before + k]),))
            for k in range(block.size)
        )
    return TextDiff(
        _folded(lines),
        added=sum(line.kind in ("ins", "changed") for line in lines),
        removed=sum(line.kind in ("del", "changed") for line in lines),
    )


def diff_words(before: str, after: str) -> WordDiff:
    """Compare word by word, across lines; for outputs and other short texts, yet safe on long ones."""
    return _diff_words(before, after, Effort(_WORD_STEPS))


class _Side(NamedTuple):
    """The lines `start` to `end` of one text."""

    lines: Sequence[str]
    start: int
    end: int


def _lines(text: str) -> list[str]:
    return _LINE_END.split(text) if text else []


def _diff_words(before: str, after: str, effort: Effort) -> WordDiff:
    if before == after:
        return WordDiff((Segment("same", before),) if before else (), 1.0)
    old, new = _tokens(before), _tokens(after)
    blocks = [block for block in matching_blocks(old, new, effort) if _worth_keeping(block, old, new)]
    segments: list[Segment] = []
    at, to, kept = 0, 0, 0
    for block in [*blocks, Block(len(old), len(new), 0)]:
        same = old[block.before : block.before + block.size]
        parts: list[tuple[Kind, list[str]]] = [
            ("del", old[at : block.before]),
            ("ins", new[to : block.after]),
            ("same", same),
        ]
        segments.extend(Segment(kind, "".join(tokens)) for kind, tokens in parts if tokens)
        kept += _word_count(same)
        at, to = block.before + block.size, block.after + block.size
    longest = max(_word_count(old), _word_count(new))
    return WordDiff(tuple(segments), kept / longest if longest else 0.0)


def _tokens(text: str) -> list[str]:
    return [match.group() for match in _TOKEN.finditer(text)]


def _word_count(tokens: Sequence[str]) -> int:
    return sum(1 for token in tokens if _WORD.match(token))


def _worth_keeping(block: Block, old: list[str], new: list[str]) -> bool:
    """A lone space or comma between two changes is no common ground: it only chops them up."""
    tokens = old[block.before : block.before + block.size]
    return (
        (block.before == 0 and block.after == 0)
        or (block.before + block.size == len(old) and block.after + block.size == len(new))
        or any(_WORD.match(token) or token[0] == "\n" for token in tokens)
    )


def _replaced(old: _Side, new: _Side, words: Effort, pairs: Effort) -> Iterator[Line]:
    """Lines that differ: alike ones as one changed line, the rest as removed and added, in reading order."""
    at, to = old.start, new.start
    for i, j in [*_alike(old, new, pairs), (old.end, new.end)]:
        changed = None
        if i < old.end and j < new.end:
            if not words.spend(_PAIR):
                continue
            changed = _diff_words(old.lines[i], new.lines[j], words)
            if changed.rewritten:
                continue
        yield from (Line("del", k + 1, None, (Segment("del", old.lines[k]),)) for k in range(at, i))
        yield from (Line("ins", None, k + 1, (Segment("ins", new.lines[k]),)) for k in range(to, j))
        if changed is not None:
            yield Line("changed", i + 1, j + 1, changed.segments)
        at, to = i + 1, j + 1


def _alike(old: _Side, new: _Side, effort: Effort) -> list[tuple[int, int]]:
    """Which lines to set against each other: the pairs, in order, that share most words in total.

    Where that costs too much: the first against the first and so on, if the sides are equally long.
    """
    lines, others = old.lines[old.start : old.end], new.lines[new.start : new.end]
    if not lines or not others:
        return []
    if not effort.spend(len(lines) * _size(others) + len(others) * _size(lines)):
        paired = len(lines) == len(others)
        return [(old.start + k, new.start + k) for k in range(len(lines))] if paired else []
    left, right = [_bag(line) for line in lines], [_bag(line) for line in others]
    shared = [[_shared(a, b) for b in right] for a in left]
    best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(len(left) - 1, -1, -1):
        for j in range(len(right) - 1, -1, -1):
            with_pair = best[i + 1][j + 1] + shared[i][j] if shared[i][j] >= REWRITTEN else 0.0
            best[i][j] = max(best[i + 1][j], best[i][j + 1], with_pair)
    found, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        if best[i][j] == best[i + 1][j]:
            i += 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            found.append((old.start + i, new.start + j))
            i, j = i + 1, j + 1
    return found


def _size(lines: Sequence[str]) -> int:
    """About how many words: enough to judge a cost by."""
    return sum(1 + len(line) // 6 for line in lines)


def _bag(line: str) -> Counter[str]:
    return Counter(token for token in _tokens(line) if _WORD.match(token))


def _shared(a: Counter[str], b: Counter[str]) -> float:
    """The most that `survival` of these two can be."""
    longest = max(a.total(), b.total())
    return (a & b).total() / longest if longest else 0.0


def _folded(lines: list[Line]) -> list[Line | Fold]:
    """Fold the inside of unchanged runs of more than six lines; nothing when nothing changed is left beside."""
    rows: list[Line | Fold] = []
    start = 0
    while start < len(lines):
        end = start
        while end < len(lines) and lines[end].kind == "same":
            end += 1
        if end - start > _FOLDED:
            first = start + (_CONTEXT if start > 0 else 0)
            last = end - (_CONTEXT if end < len(lines) else 0)
            rows.extend(lines[start:first])
            rows.append(Fold(tuple(lines[first:last])))
            rows.extend(lines[last:end])
        else:
            rows.extend(lines[start:end])
        rows.extend(lines[end : end + 1])
        start = end + 1
    return rows
