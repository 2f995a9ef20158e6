"""The page of logs: its filters as they stand in the address, and the rows that they find."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from app.core import clock
from app.core.clock import LAST_MOMENT
from app.files import repository as files
from app.files.models import File, Version
from app.logs import listing_repository, verdict_repository
from app.logs.listing_repository import Failing, Place, Wanted
from app.logs.polarity import Polarity, polarities
from app.logs.presentation import judgment_value
from app.logs.verdict_repository import Said

A_PAGE = 50
_LONGEST_LOOK_S = 0.25
"""After so long no further part of the logs is read for a page."""
MOST_VERDICTS = 50
"""Of the verdicts on one log that are counted in its row: the oldest."""
MOST_NEWER = 100
"""Newer logs are counted no further."""
ICONS = {
    "prompt": "prompt",
    "agent": "spark",
    "tool": "tool",
    "flow": "flow",
    "evaluator": "gauge",
    "dataset": "table",
}

_DAY_CHARS = len("2027-01-31")
_BEFORE_ALL = "-"
"""Comes before the id of every log."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address says, as it was typed: the form shows it again."""

    file: str = ""
    version: str = ""
    """The number of one of the file's versions."""
    environment: str = ""
    source: str = ""
    user: str = ""
    session: str = ""
    q: str = ""
    metadata: str = ""
    since: str = ""
    """A day, or a moment of one: 2027-01-31T14:15, in UTC."""
    until: str = ""
    """The same: a day is meant with all of it, a moment is the first that is not."""
    state: str = ""
    """`error`, or `failed` for those that an evaluator said no to."""
    slower: str = ""
    """Seconds."""
    dearer: str = ""
    """US dollars."""

    def without(self, name: str) -> dict[str, str]:
        """What is set, but for one of them: the way to take it off."""
        dropped = {name, "version"} if name == "file" else {name}
        return {key: value for key, value in self.given().items() if key not in dropped}

    def given(self) -> dict[str, str]:
        """What is set."""
        return {name: getattr(self, name) for name in self.__slots__ if getattr(self, name)}


@dataclass(frozen=True, slots=True)
class Check:
    """What evaluators said of a log, in a word."""

    text: str
    tone: str
    """`pass`, `fail` or empty for what is neither."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """One log of the list."""

    log: RowMapping
    file: File | None
    version: Version | None
    """None where it was deleted."""
    check: Check | None

    @property
    def icon(self) -> str:
        """Of the file's kind."""
        return ICONS[self.file.kind] if self.file else "list"


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of logs."""

    rows: Sequence[LogRow]
    older: Place | None
    """Where the next page goes on; None where nothing older can match."""
    looked_at: int | None
    """How many logs were looked at, where that is why there are not more rows."""
    newest: Place | None
    """From where newer ones are counted; None where none can come, or the page is not the first."""
    file: File | None
    """The one that the filter names."""
    problems: Mapping[str, str]
    """What is wrong with a filter, which then leaves nothing out."""


def build_list(session: Session, workspace_id: str, filters: Filters, before: Place | None) -> Listed:
    """A page of the logs that the filters mean, newest first."""
    wanted, file, problems = read_filters(session, workspace_id, filters)
    is_live = before is None and wanted.until is None
    newest = listing_repository.newest(session, workspace_id, wanted) if is_live else None
    if is_live and newest is None:
        newest = Place(clock.now(), _BEFORE_ALL)
    found: list[RowMapping] = []
    place, looked_at, until = before, 0, time.monotonic() + _LONGEST_LOOK_S
    while True:
        limit = A_PAGE + 1 - len(found)
        part = listing_repository.size_of_part(session, workspace_id, wanted, place)
        found += listing_repository.list_newest(session, workspace_id, wanted, limit, part, place)
        if len(found) > A_PAGE or not wanted.is_narrow:
            place = None
            break
        place = (
            listing_repository.last_looked_at(session, workspace_id, wanted, part, place) if part else None
        )
        looked_at += part
        if place is None or looked_at >= wanted.most or time.monotonic() > until:
            break
    rows = found[:A_PAGE]
    older = Place(rows[-1]["created_at"], rows[-1]["id"]) if len(found) > A_PAGE else place
    return Listed(
        _rows(session, workspace_id, rows),
        older,
        looked_at if place else None,
        newest,
        file,
        problems,
    )


def count_newer(session: Session, workspace_id: str, filters: Filters, after: Place) -> int:
    """How many logs that the filters mean have come since, counted no further than `MOST_NEWER`."""
    wanted, _, _ = read_filters(session, workspace_id, filters)
    return listing_repository.count_newer(session, workspace_id, wanted, after, MOST_NEWER)


def read_filters(
    session: Session, workspace_id: str, filters: Filters
) -> tuple[Wanted, File | None, dict[str, str]]:
    """What is meant, the file that is named, and what could not be understood, by the filter's name."""
    problems: dict[str, str] = {}
    file = (
        files.find_files_ever(session, workspace_id, [filters.file]).get(filters.file)
        if filters.file
        else None
    )
    if filters.file and file is None:
        problems["file"] = "There is no such file."
    version = None
    if filters.version and not filters.file:
        problems["version"] = "Choose a file, too: each has its own versions."
    if file and filters.version:
        number = int(filters.version) if filters.version.isdecimal() and len(filters.version) < 10 else 0
        version = files.find_version_by_number(session, file.id, number)
        if version is None:
            problems["version"] = f"There is no version {filters.version[:20]}."
    since, until = (_moment(getattr(filters, name), name, problems) for name in ("since", "until"))
    wanted = Wanted(
        file_id=file.id if file else "",
        version_id=version.id if version else "",
        environment=filters.environment,
        source=filters.source,
        user=filters.user,
        session_id=filters.session,
        words=filters.q.strip(),
        metadata=filters.metadata.strip(),
        since=since,
        until=until and until + timedelta(days=1 if len(filters.until) <= _DAY_CHARS else 0),
        failed=failing(session, workspace_id) if filters.state == "failed" else None,
        broken=filters.state == "error",
        slower_than_ms=_amount(filters.slower, "slower", problems, 1000),
        dearer_than_usd=_dollars(filters.dearer, problems),
    )
    return wanted, file, problems


def _moment(typed: str, name: str, problems: dict[str, str]) -> datetime | None:
    """A day, which begins then, or a moment of one, in UTC where it names no zone."""
    if not typed:
        return None
    try:
        moment = datetime.fromisoformat(typed)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        moment = LAST_MOMENT
    if moment >= LAST_MOMENT:
        problems[name] = f"“{typed[:40]}” is no date: write it as 2027-01-31, or 2027-01-31T14:15."
        return None
    return moment


def _amount(typed: str, name: str, problems: dict[str, str], times: int) -> float | None:
    amount = _dollars(typed, problems, name)
    return float(amount) * times if amount is not None else None


def _dollars(typed: str, problems: dict[str, str], name: str = "dearer") -> Decimal | None:
    if not typed:
        return None
    try:
        amount = Decimal(typed.strip())
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount < 1_000_000_000:
        problems[name] = f"“{typed[:40]}” is no amount: write it as 0.5."
        return None
    return amount


def failing(session: Session, workspace_id: str) -> Failing:
    """What the workspace's evaluators say no by."""
    judging = listing_repository.list_judging_versions(session, workspace_id)
    known = polarities(session, workspace_id, judging)
    return Failing(
        [version_id for version_id, each in known.items() if each.lower_is_better],
        {version_id: each.good for version_id, each in known.items() if each.good},
        {version_id: each.bad for version_id, each in known.items() if each.bad},
    )


def _rows(session: Session, workspace_id: str, found: Sequence[RowMapping]) -> list[LogRow]:
    said = verdict_repository.list_verdicts(session, [log["id"] for log in found], MOST_VERDICTS + 1)
    judges = polarities(
        session, workspace_id, {one.evaluator_version_id for each in said.values() for one in each}
    )
    version_ids = {log["version_id"] for log in found}
    versions = listing_repository.find_versions(session, workspace_id, version_ids)
    known = files.find_files_ever(session, workspace_id, {log["file_id"] for log in found})
    return [
        LogRow(
            log,
            known.get(log["file_id"]),
            versions.get(log["version_id"]),
            check_of(said[log["id"]], judges),
        )
        for log in found
    ]


def check_of(said: Sequence[Said], judges: Mapping[str, Polarity]) -> Check | None:
    """What evaluators said in a word: of how many that say yes or no it is good, or else what the first says. Of more than
    `MOST_VERDICTS` it is told that only the first count. `judges` are the evaluators' versions: for some, `true` is bad.
    """
    counted, first = said[:MOST_VERDICTS], "the first " if len(said) > MOST_VERDICTS else ""
    if any(each.is_missing for each in counted):
        return Check("not judged", "fail")
    judged = [judges[each.evaluator_version_id].is_good(each) for each in counted]
    goods = [good for good in judged if good is not None]
    if goods:
        passed = sum(goods)
        if len(goods) == 1:
            return Check("Pass" if passed else "Fail", "pass" if passed else "fail")
        return Check(f"{passed} of {first}{len(goods)}", "pass" if passed == len(goods) else "fail")
    values = [value for each in counted if (value := judgment_value(each)) is not None]
    return Check(_short(values[0]), "") if values else None


def _short(value: Any) -> str:
    text = (
        ", ".join(value)
        if isinstance(value, list)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
    return text if len(text) <= 24 else f"{text[:23]}…"
