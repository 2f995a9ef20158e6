"""What a flow does, seen in its latest traces: which files were called under which, at which versions, how often and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from sqlalchemy.orm import Session

from app.files import repository as files
from app.files.models import File, FileKind, Version
from app.files.sidebar import ICONS, file_url
from app.logs import listing_repository, search_repository, trace_repository
from app.logs.models import Log
from app.logs.traces import below

MOST_TRACES = 20
_MOST_LOGS = 100
"""Of each trace, the oldest."""
_MOST_STEPS = 60
_Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A place in the flow: a file, under those that called it."""

    name: str
    path: str
    url: str
    """Empty where the file was deleted."""
    icon: str
    depth: int
    traces: int
    """In how many of the traces it is there."""
    calls: int
    versions: Sequence[tuple[str, int]]
    """Version names, each with how many calls, most first."""
    failed: int
    median_ms: float | None
    usd: float | None


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One trace of the flow."""

    log_id: str
    at: datetime
    version: str
    status: str
    error: str
    steps: int
    more: bool
    """Whether it has more logs than were read."""
    ms: float | None
    usd: float | None


@dataclass(frozen=True, slots=True)
class FlowTraces:
    """The latest traces of a flow, and the steps in them."""

    traces: Sequence[TraceLine]
    steps: Sequence[Step]


@dataclass(slots=True)
class _Place:
    logs: list[Log] = field(default_factory=list)
    roots: set[str] = field(default_factory=set)


def build_traces(session: Session, workspace_slug: str, file: File) -> FlowTraces:
    """The newest `MOST_TRACES` traces of a flow, each read as far as its first hundred logs, in a fixed number of
    statements."""
    roots = search_repository.list_newest(session, file.workspace_id, file.id, MOST_TRACES)
    whole = trace_repository.find_traces(
        session, file.workspace_id, {root.trace_id for root in roots if root.trace_id}, _MOST_LOGS, light=True
    )
    places: dict[_Path, _Place] = {}
    under: dict[str, list[Log]] = {}
    for root in roots:
        paths: dict[str, _Path] = {root.id: ()}
        for placed in below(root.id, whole.get(root.trace_id or "", [])):
            path = (*paths[placed.above], placed.log.file_id)
            paths[placed.log.id] = path
            place = places.setdefault(path, _Place())
            place.logs.append(placed.log)
            place.roots.add(root.id)
            under.setdefault(root.id, []).append(placed.log)
    logs = [*roots, *(log for each in under.values() for log in each)]
    versions = listing_repository.find_versions(session, file.workspace_id, {log.version_id for log in logs})
    known = files.find_files_ever(session, file.workspace_id, {log.file_id for log in logs})
    lines = [_line(root, under.get(root.id, []), whole, versions) for root in roots]
    ordered = _depth_first(list(places))[:_MOST_STEPS]
    return FlowTraces(lines, [_step(path, places[path], known, versions, workspace_slug) for path in ordered])


def _depth_first(paths: Sequence[_Path]) -> list[_Path]:
    """Each path after the one that it goes on from, siblings in the order in which they came."""
    children: dict[_Path, list[_Path]] = {}
    for path in paths:
        children.setdefault(path[:-1], []).append(path)
    ordered: list[_Path] = []
    waiting = list(reversed(children.get((), [])))
    while waiting:
        path = waiting.pop()
        ordered.append(path)
        waiting += reversed(children.get(path, []))
    return ordered


def _named(version_id: str, versions: Mapping[str, Version]) -> str:
    version = versions.get(version_id)
    return f"v{version.number}" if version else "a deleted version"


def _usd(logs: Sequence[Log]) -> float | None:
    known = [
        float((log.prompt_cost or 0) + (log.output_cost or 0))
        for log in logs
        if log.prompt_cost is not None or log.output_cost is not None
    ]
    return sum(known) if known else None


def _ms(log: Log) -> float | None:
    """How long it took: from beginning to end where both are known."""
    if log.start_time and log.end_time:
        return (log.end_time - log.start_time).total_seconds() * 1000
    return log.latency_ms


def _line(
    root: Log, nested: Sequence[Log], whole: Mapping[str, Sequence[Log]], versions: Mapping[str, Version]
) -> TraceLine:
    return TraceLine(
        log_id=root.id,
        at=root.created_at,
        version=_named(root.version_id, versions),
        status=root.status,
        error=(root.error or "")[:300],
        steps=len(nested),
        more=len(whole.get(root.trace_id or "", [])) >= _MOST_LOGS,
        ms=_ms(root),
        usd=_usd([root, *nested]),
    )


def _step(
    path: _Path,
    place: _Place,
    known: Mapping[str, File],
    versions: Mapping[str, Version],
    workspace_slug: str,
) -> Step:
    file, logs = known.get(path[-1]), place.logs
    counts: dict[str, int] = {}
    for log in logs:
        name = _named(log.version_id, versions)
        counts[name] = counts.get(name, 0) + 1
    took = [ms for log in logs if (ms := _ms(log)) is not None]
    alive = file is not None and file.deleted_at is None
    return Step(
        name=file.name if file else "a deleted file",
        path=file.path if file else "",
        url=file_url(workspace_slug, file.kind, file.id) if file and alive else "",
        icon=ICONS[FileKind(file.kind)] if file else "list",
        depth=len(path) - 1,
        traces=len(place.roots),
        calls=len(logs),
        versions=sorted(counts.items(), key=lambda pair: -pair[1]),
        failed=sum(log.error is not None for log in logs),
        median_ms=median(took) if took else None,
        usd=_usd(logs),
    )
