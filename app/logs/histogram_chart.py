"""Where everything stands in the chart of logs over time, and what it says in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.formats import number
from app.logs.histogram import Histogram, Part
from app.logs.histogram_repository import Deployed

WIDTH, HEIGHT, BOTTOM, TOP = 1060, 80, 60, 12
_TICKS = 8
_LEAST = 0.8
"""So high is the bar of a single log among thousands."""
_HOUR, _DAY = 3_600, 86_400
_WORDS = {
    60: "minute", 300: "five minutes", 900: "quarter of an hour", _HOUR: "hour", 4 * _HOUR: "four hours", _DAY: "day",
    7 * _DAY: "week", 30 * _DAY: "30 days", 365 * _DAY: "year", 3_650 * _DAY: "ten years", 36_500 * _DAY: "hundred years",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of the time."""

    part: Part
    x: float
    width: float
    y: float
    height: float
    failed_y: float
    failed_height: float
    when: str

    @property
    def title(self) -> str:
        """What it says."""
        logs = f"{number(self.part.logs)} log{'' if self.part.logs == 1 else 's'}"
        failed = f", {number(self.part.failed)} failed a check" if self.part.failed else ""
        return f"{self.when}: {logs}{failed}"


@dataclass(frozen=True, slots=True)
class Mark:
    """A deployment."""

    x: float
    deployed: Deployed
    when: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The drawing, in units of its view box."""

    bars: Sequence[Bar]
    ticks: Sequence[tuple[float, str]]
    marks: Sequence[Mark]
    uncounted: float
    """How far from the left nothing was counted."""
    most: int
    """Logs of the highest bar."""
    each: str
    """What a bar is."""
    sentence: str
    width: int = WIDTH
    height: int = HEIGHT
    bottom: int = BOTTOM
    top: int = TOP


def draw(found: Histogram) -> Chart:
    """The chart of a histogram."""
    span = found.span
    step = WIDTH / span.parts
    most = max((part.logs for part in found.parts), default=0)
    bars = [_bar(part, place * step, step, most, span.width_s) for place, part in enumerate(found.parts)]
    every = max(1, -(-span.parts // _TICKS))
    ticks = [
        (round(place * step, 1), _short(found.parts[place].since, span.width_s))
        for place in range(0, span.parts, every)
    ]
    marks = [Mark(_x(found, one.at), one, _when(one.at, 60)) for one in found.deployed]
    uncounted = _x(found, found.counted_since) if found.counted_since else 0
    return Chart(bars, ticks, marks, uncounted, most, _WORDS[span.width_s], _sentence(found))


def _bar(part: Part, x: float, step: float, most: int, width_s: int) -> Bar:
    gap = min(2.0, step / 4)
    height, failed = (_height(count, most) for count in (part.logs, part.failed))
    return Bar(
        part,
        round(x, 1),
        round(step - gap, 1),
        round(BOTTOM - height, 1),
        round(height, 1),
        round(BOTTOM - failed, 1),
        round(failed, 1),
        _when(part.since, width_s),
    )


def _height(count: int, most: int) -> float:
    return max(_LEAST, count / most * (BOTTOM - TOP)) if count else 0.0


def _x(found: Histogram, moment: datetime) -> float:
    passed = (moment - found.span.since).total_seconds() / found.span.width_s
    return round(max(0.0, min(1.0, passed / found.span.parts)) * WIDTH, 1)


def _short(moment: datetime, width_s: int) -> str:
    if width_s < _HOUR:
        return f"{moment:%H:%M}"
    if width_s < _DAY:
        return f"{moment.day} {moment:%b %H:%M}"
    return f"{moment.day} {moment:%b}" if width_s < 365 * _DAY else f"{moment:%Y}"


def _when(moment: datetime, width_s: int) -> str:
    day = f"{moment.day} {moment:%b %Y}"
    return day if width_s >= _DAY else f"{day}, {moment:%H:%M}"


def _sentence(found: Histogram) -> str:
    width_s = 60 if found.span.width_s < _DAY else _DAY
    since, until = (_when(one, width_s) for one in (found.span.since, found.span.until))
    logs = f"{number(found.logs)} log{'' if found.logs == 1 else 's'}"
    failed = f", {number(found.failed)} of them with a failed check" if found.failed else ""
    return f"{logs}{failed}, from {since} to {until} UTC, by {_WORDS[found.span.width_s]}."
