"""How the files that run somewhere fared in the last 24 hours against the 7 days before, from a sample of their logs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from sqlalchemy.orm import Session

from app.core import formats
from app.core.access import Principal
from app.evaluations import headline as words
from app.evaluators.describing import EvaluatorInfo, describe
from app.files import repository as files
from app.files.models import Environment, File, FileKind, Version
from app.files.sidebar import ICONS, file_url
from app.home import home_repository
from app.logs import health_repository
from app.logs.health_repository import Fared, Verdicts
from app.logs.polarity import Polarity, polarities
from app.logs.verdict_repository import Said
from app.statistics.experiments import two_proportions
from app.statistics.intervals import Interval, normal_quantile, t_quantile, wilson
from app.statistics.verdict import Verdict, verdict

MOST_FILES = 8
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
    sampled: bool
    """Whether there were more calls than were looked at."""
    errors: Measure | None
    """None where nobody called in the last 24 hours."""
    p95: str
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
    fared = {(one.file_id, one.part): one for one in health_repository.list_fared(session, _ids(found))}
    called = [file for file in found if (file.id, "now") in fared or (file.id, "before") in fared]
    called.sort(key=lambda file: -_calls(fared, file.id))
    shown = called[:MOST_FILES]
    live: dict[str, list[tuple[Environment, int]]] = {}
    for environment, deployment in files.deployed_environments(session, _ids(shown)):
        live.setdefault(deployment.file_id, []).append((environment, deployment.version.number))
    scores = _scores(session, principal, shown)
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
        sampled=now is not None and now.sampled,
        errors=_errors(now, before) if now else None,
        p95=formats.seconds(now.p95_ms) if now else "",
        p95_before=formats.seconds(before.p95_ms) if before else "",
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

    good: int = 0
    told: int = 0
    numbers: int = 0
    mean: float = 0.0
    variance: float | None = None


def _scores(session: Session, principal: Principal, shown: Sequence[File]) -> dict[str, tuple[str, Measure]]:
    """The score of each file by the first of its evaluators that judged anything, with that one's name."""
    watching = {key: list(ids) for ask in WATCHING for key, ids in ask(session, _ids(shown)).items()}
    if not watching:
        return {}
    wanted = {version_id for ids in watching.values() for version_id in ids}
    known = {one.id: one for one in files.find_versions(session, principal.workspace_id, wanted)}
    good = polarities(session, principal.workspace_id, wanted)
    choosing = [version_id for version_id, polarity in good.items() if polarity.good or polarity.bad]
    tallies: dict[tuple[str, str, str], _Tally] = {}
    for said in health_repository.list_verdicts(session, list(watching), wanted, choosing):
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
        tally.numbers, tally.mean, tally.variance = said.numbers, said.mean or 0.0, said.variance
        return
    is_good = (
        polarity.is_good(Said("", False, said.boolean_value, None, said.text_value, None))
        if _says(said)
        else None
    )
    if is_good is not None:
        tally.told += said.n
        tally.good += said.n if is_good else 0


def _says(said: Verdicts) -> bool:
    return said.boolean_value is not None or said.text_value is not None


def _score(info: EvaluatorInfo, now: _Tally, before: _Tally | None) -> Measure | None:
    if now.told:
        old = (before.good, before.told) if before and before.told else None
        return _share((now.good, now.told), old, "higher")
    if not now.numbers:
        return None
    interval = _mean(now)
    level, span = words.level(now.mean, info), words.span(interval, info)
    if before is None or not before.numbers:
        return Measure(level, span, now.numbers, "", None)
    delta = _difference(before, now)
    word = verdict(
        delta,
        n=min(now.numbers, before.numbers),
        wanted="lower" if info.wanted == "lower" else "higher",
        share=info.is_share,
    )
    change = words.change_text(delta.estimate, info)
    return Measure(level, span, now.numbers, words.level(before.mean, info), word, change)


def _mean(tally: _Tally) -> Interval:
    """The mean of some numbers with its t interval."""
    quantile = t_quantile(0.95, tally.numbers - 1) if tally.numbers > 1 else 0.0
    return _around(tally.mean, _error_of(tally), tally.numbers, quantile)


def _difference(before: _Tally, now: _Tally) -> Interval:
    """The difference of two means, unpaired, each with its own variance: the words begin at 30 of each, where the normal
    quantile is near enough."""
    errors = (_error_of(before), _error_of(now))
    error = None if None in errors else sqrt(sum(each * each for each in errors if each is not None))
    return _around(now.mean - before.mean, error, now.numbers + before.numbers, normal_quantile(0.95))


def _error_of(tally: _Tally) -> float | None:
    return None if tally.variance is None else sqrt(tally.variance / tally.numbers)


def _around(estimate: float, error: float | None, n: int, quantile: float) -> Interval:
    half = None if error is None else quantile * error
    lo, hi = (None, None) if half is None else (estimate - half, estimate + half)
    return Interval(estimate, lo, hi, n, "means")
