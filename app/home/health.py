"""How the files that run somewhere fared in the last 24 hours against the 7 days before, from their logs or a sample of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.core import formats
from app.core.access import Principal
from app.evaluations.figures import headline as words
from app.evaluators.describing import EvaluatorInfo, describe
from app.files import repository as files
from app.files.models import Environment, File, FileKind, Version
from app.files.sidebar import ICONS, file_url
from app.home import home_repository
from app.logs import health_repository
from app.logs.health_repository import Fared, Probe, Verdicts
from app.logs.polarity import Polarity, polarities
from app.logs.verdict_repository import Said
from app.statistics.experiments import Moments, mean_of, two_means, two_proportions
from app.statistics.intervals import wilson
from app.statistics.verdict import Verdict, verdict

MOST_FILES = 8
_FEWEST_TIMED = 20
"""Calls: of fewer, a 95th percentile is the slowest one."""
WATCHING: list[Callable[[Session, Sequence[str]], Mapping[str, Sequence[str]]]] = []
"""Which versions of evaluators judge files' logs, by file: `main` fills it, for monitoring stands beside this package."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number from both windows, in words."""

    now: str
    span: str
    n: int
    before: str
    """Empty where there was nothing."""
    word: Verdict | None
    """None where there was nothing before."""
    change: str = ""


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
    return _share((now.failed, now.n), old, "lower")


def _share(now: tuple[int, int], before: tuple[int, int] | None, wanted: str) -> Measure:
    """A share of logs in both windows, and the word for its change: Newcombe's interval, taking logs as independent."""
    interval = wilson(*now)
    level = f"{formats.percent(interval.estimate)}"
    span = f"{_plain(interval.lo)}–{_plain(interval.hi)}"
    if before is None:
        return Measure(level, span, now[1], "", None)
    delta, p = two_proportions(*before, *now)
    word = verdict(
        delta, n=min(now[1], before[1]), wanted="lower" if wanted == "lower" else "higher", share=True, p=p
    )
    was = formats.percent(before[0] / before[1])
    return Measure(level, span, now[1], was, word, f"{formats.signed(delta.estimate * 100)} points")


def _plain(share: float | None) -> str:
    return "" if share is None else formats.number(share * 100, 1)


@dataclass(slots=True)
class _Tally:
    """What one evaluator said in one window."""

    good: float = 0.0
    weight: float = 0.0
    squares: float = 0.0
    numbers: Moments | None = None

    @property
    def told(self) -> int:
        """As many verdicts of equal weight say as much (Kish)."""
        return max(1, round(self.weight**2 / self.squares)) if self.weight else 0

    @property
    def share(self) -> tuple[int, int]:
        """How many of them are good."""
        return round(self.told * self.good / self.weight), self.told


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
    tallies: dict[tuple[str, str, str], _Tally] = {}
    watched = [probe for probe in probes if probe.file_id in watching]
    for said in health_repository.list_verdicts(session, watched, wanted, choosing):
        key = (said.file_id, said.evaluator_version_id, said.part)
        _count(tallies.setdefault(key, _Tally()), said, good[said.evaluator_version_id])
    found: dict[str, tuple[str, Measure]] = {}
    for file_id, version_ids in watching.items():
        for version_id in version_ids:
            now = tallies.get((file_id, version_id, "now"))
            if now and version_id in known:
                before = tallies.get((file_id, version_id, "before"))
                measure = _score(describe(known[version_id].spec), now, before)
                if measure:
                    found.setdefault(file_id, (_named(known[version_id]), measure))
    return found


def _named(version: Version) -> str:
    return f"{version.file.name} v{version.number}"


def _count(tally: _Tally, said: Verdicts, polarity: Polarity) -> None:
    if said.numbers:
        effective = max(1, round(said.weight**2 / said.squares))
        tally.numbers = Moments(said.mean or 0.0, said.variance, effective)
        return
    is_good = (
        polarity.is_good(Said("", False, said.boolean_value, None, said.text_value, None))
        if _says(said)
        else None
    )
    if is_good is not None:
        tally.weight += said.weight
        tally.squares += said.squares
        tally.good += said.weight if is_good else 0.0


def _says(said: Verdicts) -> bool:
    return said.boolean_value is not None or said.text_value is not None


def _score(info: EvaluatorInfo, now: _Tally, before: _Tally | None) -> Measure | None:
    if now.told:
        return _share(now.share, before.share if before and before.told else None, "higher")
    if not now.numbers:
        return None
    level, span = words.level(now.numbers.mean, info), words.span(mean_of(now.numbers), info)
    shown = Measure(level, span, now.numbers.n, "", None)
    if before is None or not before.numbers:
        return shown
    delta = two_means(before.numbers, now.numbers)
    word = verdict(
        delta,
        n=min(now.numbers.n, before.numbers.n),
        wanted="lower" if info.wanted == "lower" else "higher",
        share=info.is_share,
        neutral=info.is_neutral,
    )
    was, change = words.level(before.numbers.mean, info), words.change_text(delta.estimate, info)
    return replace(shown, before=was, word=word, change=change)
