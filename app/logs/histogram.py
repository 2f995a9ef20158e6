"""Logs over time: how many of those that the filters mean came when, and which of them failed a check.

All are counted where an index has all that it takes; else as many as a page can wait for, and it is said from when on.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from app.core import clock
from app.logs import histogram_repository, listing_repository
from app.logs.histogram_repository import Deployed
from app.logs.listing import Filters, failing, read_filters
from app.logs.listing_repository import Failing, Wanted

MOST_PARTS = 100
MOST_BY_INDEX = 50_000
MOST_COUNTED = 10_000
"""Logs that are counted where each has to be looked at: for a filter, or for what evaluators said of it."""
_LONGEST_LOOK_S = 0.08
MOST_DEPLOYED = 20
_DAY = 86_400
WIDTHS = (
    60, 300, 900, 3_600, 4 * 3_600, _DAY, 7 * _DAY, 30 * _DAY, 365 * _DAY, 3_650 * _DAY, 36_500 * _DAY,
)  # fmt: skip
"""Seconds that a part may have: a quarter of an hour for a day, an hour for four."""
_BACK = (1, 4, 16, 96)
"""Days to look back, where nothing says how many: the fewest in which there is a log."""
_MONDAY = 4 * _DAY
"""After the beginning of 1970: weeks begin then."""
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """A time in parts of the same length."""

    since: datetime
    width_s: int
    parts: int

    def at(self, part: int) -> datetime:
        """When a part begins."""
        return self.since + timedelta(seconds=part * self.width_s)

    @property
    def until(self) -> datetime:
        """When the last part ends."""
        return self.at(self.parts)


@dataclass(frozen=True, slots=True)
class Part:
    """The logs of one part."""

    since: datetime
    until: datetime
    logs: int
    failed: int
    """A check said no to them."""

    @property
    def address(self) -> dict[str, str]:
        """The filters that mean this part."""
        return {"since": written(self.since), "until": written(self.until, is_end=True)}


@dataclass(frozen=True, slots=True)
class Histogram:
    """Logs over time."""

    span: Span
    parts: Sequence[Part]
    counted_since: datetime | None
    """What came before that was not counted; None where all were."""
    failed_since: datetime | None
    """The same of what evaluators said."""
    looked_at: int | None
    """How many were looked at, where that is why not all were counted."""
    deployed: Sequence[Deployed]
    problems: Mapping[str, str]
    """What is wrong with a filter, which then leaves nothing out."""

    @property
    def logs(self) -> int:
        """All that were counted."""
        return sum(part.logs for part in self.parts)

    @property
    def failed(self) -> int:
        """Those that failed a check."""
        return sum(part.failed for part in self.parts)


def build_histogram(session: Session, workspace_id: str, filters: Filters) -> Histogram:
    """The logs that the filters mean, over the time that they mean: without one, the last day with logs."""
    wanted, file, problems = read_filters(session, workspace_id, filters)
    span = _span(session, workspace_id, wanted)
    since, until = max(span.since, wanted.since or span.since), min(span.until, wanted.until or span.until)
    wanted = replace(wanted, since=since, until=until)
    said_no = failing(session, workspace_id)
    counts = _Counts()
    if wanted.is_narrow or wanted.user:
        _count_some(session, workspace_id, wanted, span, said_no, counts)
    else:
        _count_by_index(session, workspace_id, wanted, span, said_no, counts)
    deployed = histogram_repository.list_deployed(
        session, workspace_id, span.since, span.until, file.id if file else "", MOST_DEPLOYED
    )
    parts = [
        Part(span.at(part), span.at(part + 1), counts.logs[part], counts.failed[part])
        for part in range(span.parts)
    ]
    return Histogram(
        span, parts, counts.since, counts.failed_since or counts.since, counts.looked_at, deployed, problems
    )


@dataclass(slots=True)
class _Counts:
    logs: Counter[int] = field(default_factory=Counter)
    failed: Counter[int] = field(default_factory=Counter)
    since: datetime | None = None
    failed_since: datetime | None = None
    looked_at: int | None = None


def _count_some(
    session: Session, workspace_id: str, wanted: Wanted, span: Span, said_no: Failing, counts: _Counts
) -> None:
    """Count among the newest: as many as there is time for."""
    place, looked_at, ends = None, 0, time.monotonic() + _LONGEST_LOOK_S
    most = min(wanted.most, MOST_COUNTED)
    while True:
        part = min(listing_repository.size_of_part(session, workspace_id, wanted, place), most - looked_at)
        _add(session, workspace_id, wanted, span, part, place, said_no, counts)
        place = (
            listing_repository.last_looked_at(session, workspace_id, wanted, part, place) if part else None
        )
        looked_at += part
        if place is None or looked_at >= most or time.monotonic() > ends:
            break
    if place:
        counts.since, counts.looked_at = place.at, looked_at


def _add(
    session: Session,
    workspace_id: str,
    wanted: Wanted,
    span: Span,
    among: int,
    place: listing_repository.Place | None,
    said_no: Failing,
    counts: _Counts,
) -> None:
    for found in histogram_repository.count_parts(
        session, workspace_id, wanted, (span.since, span.width_s), among, place, said_no
    ):
        counts.logs[found.place] += found.logs
        counts.failed[found.place] += found.failed


def _count_by_index(
    session: Session, workspace_id: str, wanted: Wanted, span: Span, said_no: Failing, counts: _Counts
) -> None:
    """Count all by the index of their time, and what evaluators said of the newest."""
    parts = (span.since, span.width_s)
    for found in histogram_repository.count_parts(session, workspace_id, wanted, parts, MOST_BY_INDEX):
        counts.logs[found.place] = found.logs
    for found in histogram_repository.count_parts(
        session, workspace_id, wanted, parts, MOST_COUNTED, failing=said_no
    ):
        counts.failed[found.place] = found.failed
    logs = counts.logs.total()
    if logs >= MOST_BY_INDEX:
        last = listing_repository.last_looked_at(session, workspace_id, wanted, MOST_BY_INDEX)
        counts.since, counts.looked_at = last.at if last else None, MOST_BY_INDEX
    if logs >= MOST_COUNTED:
        last = listing_repository.last_looked_at(session, workspace_id, wanted, MOST_COUNTED)
        counts.failed_since = last.at if last else None


def _span(session: Session, workspace_id: str, wanted: Wanted) -> Span:
    until = max(wanted.until or clock.now(), _FIRST + timedelta(days=_BACK[-1]))
    since = max(wanted.since or _FIRST, _FIRST)
    if wanted.since is None:
        newest = listing_repository.newest(session, workspace_id, wanted)
        at = newest.at if newest else until
        back = (until - timedelta(days=days) for days in _BACK)
        since = next((begins for begins in back if begins <= at), None) or at - timedelta(hours=23)
        if since < until - timedelta(days=_BACK[-1]):  # long ago: the day of the newest
            until = at + timedelta(hours=1)
    return span_of(max(since, _FIRST), until)


def span_of(since: datetime, until: datetime) -> Span:
    """The time between two moments in whole parts, of which there are at most about `MOST_PARTS`."""
    seconds = max((until - since).total_seconds(), 1.0)
    width = next((one for one in WIDTHS if seconds / one <= MOST_PARTS), WIDTHS[-1])
    shift = _MONDAY if width == 7 * _DAY else 0
    first = (since.timestamp() - shift) // width * width + shift
    parts = max(1, -int(-(until.timestamp() - first) // width))
    return Span(_FIRST + timedelta(seconds=first), width, parts)


def written(moment: datetime, *, is_end: bool = False) -> str:
    """A moment as the filters take it: as a day, where it begins or, as an end, has gone by with it."""
    moment = moment.astimezone(UTC)
    if (moment.hour, moment.minute, moment.second) != (0, 0, 0):
        return f"{moment:%Y-%m-%dT%H:%M}"
    return f"{moment - timedelta(days=1) if is_end else moment:%Y-%m-%d}"
