"""A trace as its page shows it: the logs in their tree, each with its place in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor, log10

from sqlalchemy.orm import Session

from app.core import formats
from app.core.errors import NotFound
from app.files import repository as files
from app.files.models import File, Version
from app.logs import listing_repository, repository, trace_repository, traces, verdict_repository
from app.logs.listing import ICONS, MOST_VERDICTS, Check, check_of
from app.logs.models import Log
from app.logs.polarity import Polarity, polarities
from app.logs.verdict_repository import Reasoned, Said

MOST = 1_000
"""Logs of a trace that its page shows: the oldest."""
_TONES = {"prompt": "llm", "agent": "llm", "tool": "tool", "flow": "flow", "evaluator": "eval"}
_MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class Span:
    """A log in its trace."""

    log: Log
    depth: int
    file: File | None
    version: Version | None
    start: float
    """Where it begins, in hundredths of the whole trace."""
    width: float
    took_ms: float | None
    check: Check | None

    @property
    def name(self) -> str:
        """Its file's name, without the folders."""
        return self.file.path.rpartition("/")[2] if self.file else "a deleted file"

    @property
    def icon(self) -> str:
        return ICONS[self.file.kind] if self.file else "list"

    @property
    def tone(self) -> str:
        return _TONES.get(self.file.kind, "") if self.file else ""

    @property
    def cost(self) -> float | None:
        """US dollars; None where no price is known."""
        if self.log.prompt_cost is None or self.log.output_cost is None:
            return None
        return float(self.log.prompt_cost + self.log.output_cost)


@dataclass(frozen=True, slots=True)
class Tree:
    """A trace, or a log that is part of none."""

    root: Log | None
    """None where the log at the root is not there: it came never, or was deleted."""
    spans: Sequence[Span]
    chosen: Span
    reasons: Sequence[Reasoned]
    """What was said of the chosen one, and why: a part of it, from the oldest on."""
    reasons_count: int
    """How many there are in all."""
    more_after: str
    """The last one of the part, where more come after it."""
    judges: dict[str, Version]
    """The versions of the evaluators that said it, by their ids."""
    polarities: Mapping[str, Polarity]
    whole_ms: float
    slowest: str | None
    """The id of the log that nothing is nested under, and that took longest."""
    is_cut: bool

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Where the ruler has its marks, in hundredths of the whole, and what stands there."""
        step = _step(self.whole_ms)
        return [
            (at * step / self.whole_ms * 100, _mark(at * step))
            for at in range(int(self.whole_ms // step) + 1)
        ]

    @property
    def every(self) -> float:
        """How far apart the marks are, in hundredths of the whole."""
        return _step(self.whole_ms) / self.whole_ms * 100

    @property
    def cost(self) -> float | None:
        """Of all that have one."""
        known = [span.cost for span in self.spans if span.cost is not None]
        return sum(known) if known else None

    def is_good(self, said: Said) -> bool | None:
        """As `Polarity.is_good`."""
        return self.polarities[said.evaluator_version_id].is_good(said)

    def tokens(self) -> tuple[int, int]:
        """In and out, of all calls."""
        return (
            sum(span.log.prompt_tokens or 0 for span in self.spans),
            sum(span.log.output_tokens or 0 for span in self.spans),
        )


def build_tree(session: Session, workspace_id: str, log_id: str, after: str = "") -> Tree:
    """The trace that a log is part of, with that log chosen, and what was said of it after the judgment `after`.

    Raises:
        NotFound: no such log.
    """
    chosen = repository.find_logs(session, workspace_id, [log_id]).get(log_id)
    if chosen is None:
        raise NotFound("There is no log with this id: it may have been deleted, by age or by somebody.")
    logs = [chosen]
    if chosen.trace_id:
        found = trace_repository.find_traces(session, workspace_id, [chosen.trace_id], MOST + 1, light=True)
        logs = found.get(chosen.trace_id) or [chosen]
    is_cut, logs = len(logs) > MOST, logs[:MOST]
    # The oldest are shown; the root may have come later than they, and so may the one that is looked at.
    there = {log.id for log in logs}
    if chosen.trace_id and chosen.trace_id not in there:
        found_root = trace_repository.find_light(session, workspace_id, chosen.trace_id)
        logs += [found_root] if found_root else []
    if log_id not in {log.id for log in logs}:
        logs.append(chosen)
    placed = _in_order(chosen.trace_id or log_id, logs)
    known = files.find_files_ever(session, workspace_id, {log.file_id for log in logs})
    said = verdict_repository.list_verdicts(session, [log.id for log in logs], MOST_VERDICTS + 1)
    reasons = verdict_repository.list_reasons(session, log_id, after, MOST_VERDICTS + 1)
    is_more, reasons = len(reasons) > MOST_VERDICTS, reasons[:MOST_VERDICTS]
    count = verdict_repository.count_verdicts(session, log_id) if is_more or after else len(reasons)
    judges = {each.said.evaluator_version_id for each in reasons}
    heard = {one.evaluator_version_id for each in said.values() for one in each}
    polarity = polarities(session, workspace_id, judges | heard)
    version_ids = judges | {log.version_id for log in logs}
    versions = listing_repository.find_versions(session, workspace_id, version_ids)
    began, whole_ms = _window(logs)
    spans = [
        Span(
            log, depth, known.get(log.file_id), versions.get(log.version_id),
            (_start(log) - began).total_seconds() * 100_000 / whole_ms,
            (_took_ms(log) or 0.0) * 100 / whole_ms,
            _took_ms(log), check_of(said[log.id], polarity),
        )
        for log, depth in placed
    ]  # fmt: skip
    above = {log.parent_id for log in logs}
    leaves = [span for span in spans if span.log.id not in above and span.took_ms]
    return Tree(
        next((log for log in logs if log.id == (chosen.trace_id or log_id)), None),
        spans,
        next(span for span in spans if span.log.id == log_id),
        reasons,
        count,
        reasons[-1].id if is_more else "",
        {each: versions[each] for each in judges if each in versions},
        polarity,
        whole_ms,
        max(leaves, key=lambda span: span.took_ms or 0).log.id if len(spans) > 1 and leaves else None,
        is_cut,
    )


def _in_order(root_id: str, logs: Sequence[Log]) -> list[tuple[Log, int]]:
    """The logs as one reads a tree, each with its depth; those that hang in the air after all others."""
    of = {log.id: log for log in logs}
    below: dict[str, list[Log]] = {}
    for placed in traces.below(root_id, sorted(logs, key=_start)):
        below.setdefault(placed.above, []).append(placed.log)
    ordered: list[tuple[Log, int]] = []
    left = [(of[root_id], 0)] if root_id in of else [(log, 0) for log in reversed(below.get(root_id, []))]
    while left:
        log, depth = left.pop()
        ordered.append((log, depth))
        left += [(child, depth + 1) for child in reversed(below.get(log.id, []))]
    seen = {log.id for log, _ in ordered}
    return ordered + [(log, 0) for log in logs if log.id not in seen]


def _start(log: Log) -> datetime:
    return log.start_time or log.created_at


def _took_ms(log: Log) -> float | None:
    """How long it took; None where nobody said. Clocks that went backwards took no time."""
    if log.start_time and log.end_time:
        return max(0.0, (log.end_time - log.start_time).total_seconds() * 1000)
    return log.latency_ms


def _window(logs: Sequence[Log]) -> tuple[datetime, float]:
    """When the first began, and how many milliseconds there are until the last ended: at least one."""
    began = min(map(_start, logs))
    ended = max(_start(log) + timedelta(milliseconds=min(_took_ms(log) or 0.0, 1e12)) for log in logs)
    return began, max(1.0, (ended - began).total_seconds() * 1000)


def _step(whole_ms: float) -> float:
    """A round number of milliseconds, of which a handful make the whole."""
    least = whole_ms / _MOST_TICKS
    power = 10.0 ** floor(log10(least))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= least)


def _mark(at_ms: float) -> str:
    if 0 < at_ms < 1000:
        return f"{at_ms:g} ms"
    return f"{at_ms / 1000:g} s" if at_ms < 120_000 else formats.estimate(at_ms / 1000)
