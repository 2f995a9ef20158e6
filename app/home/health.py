"""How the files that run somewhere fared in the last 24 hours against the 7 days before, from their logs or a sample of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import formats
from app.core.access import Principal
from app.evaluations.figures.production import Measure, measure_score, measure_share, tally
from app.evaluators.describing import describe
from app.files import repository as files
from app.files.models import Environment, File, FileKind, Version
from app.files.sidebar import ICONS, file_url
from app.home import home_repository
from app.logs import health_repository
from app.logs.health_repository import Fared, Probe
from app.logs.polarity import polarities

MOST_FILES = 8
_FEWEST_TIMED = 20
"""Calls: of fewer, a 95th percentile is the slowest one."""
WATCHING: list[Callable[[Session, Sequence[str]], Mapping[str, Sequence[str]]]] = []
"""Which versions of evaluators judge files' logs, by file: `main` fills it, for monitoring stands beside this package."""


@dataclass(frozen=True, slots=True)
class Line:
    """How one file fares."""

    file: File
    url: str
    icon: str
    live: Sequence[tuple[Environment, int]]
    calls: str
    read: int
    """Calls of the last 24 hours that were read."""
    sampled: bool
    """Whether there may have been more."""
    errors: Measure | None
    """None where nobody called in the last 24 hours."""
    p95: str
    """Empty where few calls say how long they took."""
    timed: int
    """Calls behind it."""
    p95_before: str
    cost: str
    watched_by: str
    score: Measure | None


@dataclass(frozen=True, slots=True)
class Health:
    """How the files that are in use fare."""

    lines: Sequence[Line]


def build_health(session: Session, principal: Principal) -> Health:
    """The files in use that applications called in the last 8 days, those with most calls first, `MOST_FILES` at most, in
    a fixed number of statements."""
    found = home_repository.list_in_use(session, principal.workspace_id, 2 * MOST_FILES)
    probes = health_repository.list_probes(session, _ids(found))
    fared = {(one.file_id, one.part): one for one in health_repository.list_fared(session, probes)}
    called = [file for file in found if (file.id, "now") in fared or (file.id, "before") in fared]
    called.sort(key=lambda file: -_calls(fared, file.id))
    shown = called[:MOST_FILES]
    live: dict[str, list[tuple[Environment, int]]] = {}
    for environment, deployment in files.deployed_environments(session, _ids(shown)):
        live.setdefault(deployment.file_id, []).append((environment, deployment.version.number))
    scores = _scores(session, principal, shown, probes)
    return Health(
        [_line(principal, file, fared, live.get(file.id, []), scores.get(file.id)) for file in shown]
    )


def _ids(found: Sequence[File]) -> list[str]:
    return [file.id for file in found]


def _calls(fared: Mapping[tuple[str, str], Fared], file_id: str) -> float:
    now, before = fared.get((file_id, "now")), fared.get((file_id, "before"))
    return (now.calls if now else 0) + (before.calls / 1_000 if before else 0)


def _line(
    principal: Principal,
    file: File,
    fared: Mapping[tuple[str, str], Fared],
    live: Sequence[tuple[Environment, int]],
    score: tuple[str, Measure] | None,
) -> Line:
    now, before = fared.get((file.id, "now")), fared.get((file.id, "before"))
    return Line(
        file=file,
        url=file_url(principal.workspace_slug, file.kind, file.id),
        icon=ICONS[FileKind(file.kind)],
        live=live,
        calls=_about(now) if now else "0",
        read=now.read if now else 0,
        sampled=now is not None and now.sampled,
        errors=_errors(now, before) if now else None,
        p95=_p95(now),
        timed=now.timed if now else 0,
        p95_before=_p95(before),
        cost=_cost(now),
        watched_by=score[0] if score else "",
        score=score[1] if score else None,
    )


def _about(fared: Fared) -> str:
    """How many calls there were; an estimate is told to two digits, and that it is one."""
    if not fared.sampled:
        return formats.number(fared.calls)
    return f"about {formats.number(float(f'{fared.calls:.2g}'))}"


def _cost(now: Fared | None) -> str:
    if now is None or now.usd is None:
        return ""
    return f"about {formats.money(float(f'{now.usd:.2g}'))}" if now.sampled else formats.money(now.usd)


def _p95(fared: Fared | None) -> str:
    return formats.seconds(fared.p95_ms) if fared and fared.timed >= _FEWEST_TIMED else ""


def _errors(now: Fared, before: Fared | None) -> Measure:
    old = (before.failed, before.n) if before else None
    return measure_share((now.failed, now.n), old, "lower")


def _scores(
    session: Session, principal: Principal, shown: Sequence[File], probes: Sequence[Probe]
) -> dict[str, tuple[str, Measure]]:
    """The score of each file by the first of its evaluators that judged anything, with that one's name."""
    watching = {key: list(ids) for ask in WATCHING for key, ids in ask(session, _ids(shown)).items()}
    if not watching:
        return {}
    wanted = {version_id for ids in watching.values() for version_id in ids}
    known = {one.id: one for one in files.find_versions(session, principal.workspace_id, wanted)}
    good = polarities(session, principal.workspace_id, wanted)
    choosing = [version_id for version_id, polarity in good.items() if polarity.good or polarity.bad]
    watched = [probe for probe in probes if probe.file_id in watching]
    tallies = tally(health_repository.list_verdicts(session, watched, wanted, choosing), good)
    found: dict[str, tuple[str, Measure]] = {}
    for file_id, version_ids in watching.items():
        for version_id in version_ids:
            now = tallies.get((file_id, version_id, "now"))
            if now and version_id in known:
                before = tallies.get((file_id, version_id, "before"))
                measure = measure_score(describe(known[version_id].spec), now, before)
                if measure:
                    found.setdefault(file_id, (_named(known[version_id]), measure))
    return found


def _named(version: Version) -> str:
    return f"{version.file.name} v{version.number}"
