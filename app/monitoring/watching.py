"""What the page of a file's monitoring says: which evaluators judge its logs, what they said lately, and what waits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import clock, formats
from app.core.access import Action, Principal
from app.evaluations.figures.production import Measure, Tally, measure_score, tally
from app.evaluators.describing import describe
from app.files import repository as files
from app.files.models import Environment, File, Version
from app.logs import health_repository
from app.logs.health_repository import Judged
from app.logs.polarity import Polarity, polarities
from app.monitoring import repository
from app.monitoring.choosing import Choice, list_choices, why_not
from app.monitoring.days import DayChart, draw_days, list_tallies
from app.monitoring.models import Monitor
from app.monitoring.repository import Waiting

_LATE_S = 300
"""Logs that wait longer are late."""


@dataclass(frozen=True, slots=True)
class Lately:
    """What a version of an evaluator made of the logs of the last 24 hours."""

    judged: str
    sampled: bool
    """Whether its numbers are estimates."""
    failed: str
    """How many of them it failed at; empty for none."""
    problem: str
    """Why it did at one of them."""
    usd: str
    score: Measure | None
    """None where it says neither what is good nor how much."""


@dataclass(frozen=True, slots=True)
class Line:
    """One monitor."""

    monitor: Monitor
    evaluator: File
    """Perhaps a deleted one."""
    version: Version | None
    """The one that judges now, or did last."""
    environment: Environment | None
    title: str
    calls: int
    share: str
    """Percent of the logs."""
    refusal: str
    """Why it judges nothing, though it is active; empty where it judges."""
    newer: int | None
    """The number of the newest version, where an older one judges and stays."""
    lately: Lately | None
    """None where it judged none."""
    days: DayChart | None = None
    """None where no log of the last days has a score by it."""

    @property
    def judges(self) -> bool:
        """Whether new logs are judged by it."""
        return self.monitor.active and not self.refusal


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Everything on the page."""

    file: File
    lines: Sequence[Line]
    calls: str
    """Of applications in the last 24 hours; empty for none."""
    waiting: Waiting
    late: bool
    choices: Sequence[Choice]
    """Those that can judge."""
    others: Sequence[Choice]
    """Those that cannot."""
    environments: Sequence[Environment]

    @property
    def judging(self) -> int:
        """How many evaluators judge new logs."""
        return sum(line.judges for line in self.lines)


def build_monitoring(session: Session, principal: Principal, file: File) -> Monitoring:
    """What there is to say of a file's monitoring, in a fixed number of statements; what to choose from only for those who
    may choose."""
    environments = files.list_environments(session, principal.workspace_id)
    calls, lines = _lines(session, principal, file, {one.id: one for one in environments})
    waiting = repository.count_waiting(session, principal.workspace_id, file.id)
    choices = list_choices(session, principal) if principal.may(Action.RUN) else []
    late = waiting.since is not None and (clock.now() - waiting.since).total_seconds() > _LATE_S
    return Monitoring(
        file=file,
        lines=lines,
        calls=calls,
        waiting=waiting,
        late=late,
        choices=[one for one in choices if not one.refusal],
        others=[one for one in choices if one.refusal],
        environments=environments,
    )


def _lines(
    session: Session, principal: Principal, file: File, environments: Mapping[str, Environment]
) -> tuple[str, list[Line]]:
    """The calls of the last 24 hours, and each monitor."""
    monitors = repository.list_monitors(session, [file.id])
    running = repository.deployed_of(session, monitors)
    judging = {one.id: one.evaluator_version_id or running.get(one.id) for one in monitors}
    wanted = {one for one in judging.values() if one}
    versions = {one.id: one for one in files.find_versions(session, principal.workspace_id, wanted)}
    named = {one.evaluator_id for one in monitors if one.evaluator_id}
    named |= {one.file_id for one in versions.values()}
    evaluators = files.find_files_ever(session, principal.workspace_id, named)
    newest = files.newest_versions(session, sorted(named))
    good = polarities(session, principal.workspace_id, set(versions))
    calls, lately = _lately(session, file, versions, good)
    said, sampled = list_tallies(session, file.id, list(versions), good) if versions else ({}, False)
    lines = []
    for one in monitors:
        version = versions.get(judging[one.id] or "")
        evaluator = evaluators[version.file_id if version else one.evaluator_id or ""]
        shown = version or newest.get(evaluator.id)
        info = describe(shown.spec) if shown else None
        last = newest.get(evaluator.id)
        is_old = one.evaluator_version_id and version and last and last.number > version.number
        lines.append(
            Line(
                monitor=one,
                evaluator=evaluator,
                version=version,
                environment=environments.get(one.environment_id or ""),
                title=info.title if info else "",
                calls=info.model_calls if info else 0,
                share=f"{one.sampling * 100:g}",
                refusal=_refusal(one, evaluator, version, environments),
                newer=last.number if is_old and last else None,
                lately=lately.get(version.id) if version else None,
                days=draw_days(_of(said, version.id), info, sampled=sampled) if version and info else None,
            )
        )
    return calls, lines


def _of(said: Mapping[tuple[str, int], Tally], version_id: str) -> dict[int, Tally]:
    return {ago: found for (judge, ago), found in said.items() if judge == version_id}


def _refusal(
    monitor: Monitor, evaluator: File, version: Version | None, environments: Mapping[str, Environment]
) -> str:
    if evaluator.deleted_at:
        return "it lies in the trash"
    if version is None:
        return f"nothing of it runs in {environments[monitor.environment_id or ''].name}"
    if monitor.sampling == 0:
        return "its share is 0%"
    return why_not(version.spec)


def _lately(
    session: Session, file: File, versions: Mapping[str, Version], good: Mapping[str, Polarity]
) -> tuple[str, dict[str, Lately]]:
    probes = health_repository.list_probes(session, [file.id])
    fared = next((one for one in health_repository.list_fared(session, probes) if one.part == "now"), None)
    calls = _about(fared.calls, sampled=fared.sampled) if fared else ""
    if not (versions and fared):
        return calls, {}
    choosing = [one for one, polarity in good.items() if polarity.good or polarity.bad]
    said = tally(health_repository.list_verdicts(session, probes, versions, choosing), good)
    found = {}
    for one in health_repository.list_judged(session, probes, versions):
        key = (file.id, one.evaluator_version_id)
        if one.part == "now":
            now, before = said.get((*key, "now")), said.get((*key, "before"))
            info = describe(versions[one.evaluator_version_id].spec)
            found[one.evaluator_version_id] = _told(one, measure_score(info, now, before) if now else None)
    return calls, found


def _told(judged: Judged, score: Measure | None) -> Lately:
    usd = "" if judged.usd is None else formats.money(judged.usd)
    return Lately(
        judged=_about(judged.logs, sampled=judged.sampled),
        sampled=judged.sampled,
        failed=_about(judged.failed, sampled=judged.sampled) if judged.failed else "",
        problem=judged.problem or "",
        usd=f"about {usd}" if usd and judged.sampled else usd,
        score=score,
    )


def _about(count: float, *, sampled: bool) -> str:
    """A count; an estimate is told to two digits, and that it is one."""
    return f"about {formats.about(round(count))}" if sampled else formats.number(count)
