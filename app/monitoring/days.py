"""How an evaluator's score of a file's logs went from day to day: a point with its interval, and how many logs it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.core import charts, clock, formats
from app.evaluations.figures import headline as words
from app.evaluations.figures.production import Tally, interval_of, tally
from app.evaluators.describing import EvaluatorInfo
from app.logs import health_repository
from app.logs.health_repository import DAYS
from app.logs.polarity import Polarity

HEIGHT, _TOP, _BOTTOM = 220, 20, 140
_BARS_BOTTOM, _BARS = 192, 28
"""Where the bars of counts stand, and how high the highest is, in pixels."""
_FIRST, _LAST = 4, 94
_LEAST_SHARE = 0.1
"""The smallest range of an axis of shares: less would blow noise up."""


@dataclass(frozen=True, slots=True)
class Day:
    """24 hours in the drawing: percent from left to right, pixels from top to bottom."""

    x: float
    name: str
    y: float | None
    """None where it gave no log a score."""
    top: float | None
    bottom: float | None
    value: str
    logs: str
    bar: float
    """Height of the bar of logs."""
    newest: bool


@dataclass(frozen=True, slots=True)
class DayChart:
    """The score of the last days, oldest first."""

    ticks: Sequence[tuple[float, str]]
    days: Sequence[Day]
    sentence: str
    """The same, for who cannot see it."""
    sampled: bool
    """Whether the counts are estimates."""
    height: int = HEIGHT
    bars: int = _BARS_BOTTOM


def list_tallies(
    session: Session, file_id: str, evaluator_ids: Sequence[str], good: Mapping[str, Polarity]
) -> tuple[dict[tuple[str, int], Tally], bool]:
    """What each of these versions of evaluators said, by its id and how many days ago; and whether a sample was read. Two
    statements, however many there are."""
    probes = health_repository.list_days(session, file_id)
    choosing = [one for one, polarity in good.items() if polarity.good or polarity.bad]
    said = (
        tally(health_repository.list_verdicts(session, probes, evaluator_ids, choosing), good)
        if probes
        else {}
    )
    sampled = any(probe.to_read < probe.to_list for probe in probes)
    return {(evaluator, int(ago)): found for (_, evaluator, ago), found in said.items()}, sampled


def draw_days(said: Mapping[int, Tally], info: EvaluatorInfo, *, sampled: bool) -> DayChart | None:
    """The chart of what was said by days ago; None where no log has a score."""
    intervals = {ago: found for ago, one in said.items() if (found := interval_of(one))}
    if not intervals:
        return None
    ends = [end for one in intervals.values() for end in (one.estimate, one.lo, one.hi) if end is not None]
    is_share = info.is_share or all(one.told for one in said.values())
    axis = charts.axis_around(
        ends, _BOTTOM, _TOP, steps=3, least=_LEAST_SHARE if is_share else 0.0, limits=(0.0, 1.0) if is_share else None
    )  # fmt: skip
    most = max(one.logs for one in said.values())
    write = formats.percent if is_share else lambda value: words.level(value, info)
    days = []
    for ago in reversed(range(DAYS)):
        found, logs = intervals.get(ago), said[ago].logs if ago in said else 0.0
        days.append(
            Day(
                x=round(_FIRST + (_LAST - _FIRST) * (DAYS - 1 - ago) / (DAYS - 1), 1),
                name=_name(clock.now(), ago),
                y=axis.at(found.estimate) if found else None,
                top=axis.at(found.hi) if found and found.hi is not None else None,
                bottom=axis.at(found.lo) if found and found.lo is not None else None,
                value=write(found.estimate) if found else "",
                logs=formats.about(round(logs)) if sampled and logs else formats.number(logs),
                bar=round(max(1.0, _BARS * logs / most), 1) if logs else 0.0,
                newest=ago == 0,
            )
        )
    told = [f"{day.name} {day.value} of {day.logs} logs" for day in days if day.value]
    return DayChart(
        [(axis.at(tick), _tick(write(tick))) for tick in axis.ticks], days, "; ".join(told), sampled
    )


def _tick(text: str) -> str:
    return text.replace(".0%", "%")


def _name(now: datetime, ago: int) -> str:
    """The day on which these 24 hours ended."""
    if ago == 0:
        return "last 24 h"
    ended = now - timedelta(days=ago)
    return f"{ended.day} {ended:%b}"
