"""What two sequences have in common, in time that stays near their length whatever they hold."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

_DEPTH = 12  # anchors within anchors; deeper windows are compared directly
_WIDEST = 400  # edits that one window may need before it counts as replaced whole


class Block(NamedTuple):
    """`size` equal items, from `before` in the first sequence and from `after` in the second."""

    before: int
    after: int
    size: int


class Effort:
    """Steps that a comparison may still take: what would cost more is left unmatched."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def spend(self, steps: int) -> bool:
        """Take `steps`; False, and nothing taken, when fewer are left."""
        if steps > self.left:
            return False
        self.left -= steps
        return True


class _Window(NamedTuple):
    """A part of both sequences, still to be compared."""

    a: int
    a_end: int
    b: int
    b_end: int
    depth: int


def matching_blocks(before: Sequence[str], after: Sequence[str], effort: Effort) -> list[Block]:
    """Equal runs of both sequences, in order and without overlap.

    Common ends first, then items that occur once on both sides as anchors (patience diff), then the fewest edits
    (Myers 1986) between them while `effort` lasts; what is too different or too dear stays unmatched.
    """
    numbers: dict[str, int] = {}
    a = [numbers.setdefault(item, len(numbers)) for item in before]
    b = [numbers.setdefault(item, len(numbers)) for item in after]
    found: list[Block] = []
    open_windows = [_Window(0, len(a), 0, len(b), 0)]
    while open_windows:
        window = _trimmed(a, b, open_windows.pop(), found)
        if window.a == window.a_end or window.b == window.b_end:
            continue
        anchors = _anchors(a, b, window) if window.depth < _DEPTH else []
        if not anchors:
            found.extend(_fewest_edits(a, b, window, effort))
            continue
        starts = [(window.a, window.b), *((i + 1, j + 1) for i, j in anchors)]
        ends = [*anchors, (window.a_end, window.b_end)]
        open_windows.extend(
            _Window(i, i_end, j, j_end, window.depth + 1)
            for (i, j), (i_end, j_end) in zip(starts, ends, strict=True)
        )
        found.extend(Block(i, j, 1) for i, j in anchors)
    return _joined(found)


def _trimmed(a: list[int], b: list[int], window: _Window, found: list[Block]) -> _Window:
    """The window without its common ends, which go to `found`."""
    start_a, end_a, start_b, end_b, depth = window
    while start_a < end_a and start_b < end_b and a[start_a] == b[start_b]:
        start_a, start_b = start_a + 1, start_b + 1
    if start_a > window.a:
        found.append(Block(window.a, window.b, start_a - window.a))
    while start_a < end_a and start_b < end_b and a[end_a - 1] == b[end_b - 1]:
        end_a, end_b = end_a - 1, end_b - 1
    if end_a < window.a_end:
        found.append(Block(end_a, end_b, window.a_end - end_a))
    return _Window(start_a, end_a, start_b, end_b, depth)


def _anchors(a: list[int], b: list[int], window: _Window) -> list[tuple[int, int]]:
    """Positions of items that occur once on each side: the longest chain of them that keeps its order."""
    once_a, once_b = (
        _once(a, window.a, window.a_end),
        _once(b, window.b, window.b_end),
    )
    pairs = [(i, once_b[item]) for item, i in once_a.items() if item in once_b]
    tails: list[int] = []  # the smallest end of a chain of each length
    ends: list[int] = []  # and which pair it is
    previous: list[int] = []
    for number, (_, j) in enumerate(pairs):
        length = bisect_left(tails, j)
        previous.append(ends[length - 1] if length else -1)
        tails[length : length + 1] = [j]
        ends[length : length + 1] = [number]
    chain: list[tuple[int, int]] = []
    number = ends[-1] if ends else -1
    while number >= 0:
        chain.append(pairs[number])
        number = previous[number]
    return chain[::-1]


def _once(items: list[int], start: int, end: int) -> dict[int, int]:
    """Where each item stands that occurs once between `start` and `end`, in order."""
    seen: dict[int, int] = {}
    for at in range(start, end):
        item = items[at]
        seen[item] = -1 if item in seen else at
    return {item: at for item, at in seen.items() if at >= 0}


def _fewest_edits(a: list[int], b: list[int], window: _Window, effort: Effort) -> list[Block]:
    """Myers' greedy search over diagonals; nothing when the window needs too many edits or too much effort."""
    n, m = window.a_end - window.a, window.b_end - window.b
    furthest = {1: 0}
    history: list[dict[int, int]] = []
    for edits in range(min(n + m, _WIDEST) + 1):
        history.append(furthest.copy())
        steps = edits + 1
        for diagonal in range(-edits, edits + 1, 2):
            down = diagonal == -edits or (
                diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1]
            )
            x = furthest[diagonal + 1] if down else furthest[diagonal - 1] + 1
            y = x - diagonal
            start = x
            while x < n and y < m and a[window.a + x] == b[window.b + y]:
                x, y = x + 1, y + 1
            furthest[diagonal] = x
            steps += x - start
            if x >= n and y >= m:
                return _walked_back(history, window, n, m)
        if not effort.spend(steps):
            return []
    return []


def _walked_back(history: list[dict[int, int]], window: _Window, x: int, y: int) -> list[Block]:
    """The diagonal runs of the path that ended at (x, y)."""
    runs: list[Block] = []
    for edits in range(len(history) - 1, -1, -1):
        furthest, diagonal = history[edits], x - y
        down = diagonal == -edits or (diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1])
        came_from = diagonal + 1 if down else diagonal - 1
        start = furthest[came_from] if down else furthest[came_from] + 1
        if x > start:
            runs.append(Block(window.a + start, window.b + start - diagonal, x - start))
        x = furthest[came_from]
        y = x - came_from
    return runs


def _joined(blocks: list[Block]) -> list[Block]:
    """In order, with neighbours made one."""
    whole: list[Block] = []
    for block in sorted(blocks):
        if whole:
            last = whole[-1]
            if last.before + last.size == block.before and last.after + last.size == block.after:
                whole[-1] = last._replace(size=last.size + block.size)
                continue
        whole.append(block)
    return whole
