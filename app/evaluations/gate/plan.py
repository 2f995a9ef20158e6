"""What a gate asks, one check for each thing, before anything was looked at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from app.core import formats
from app.evaluations.figures import headline as words
from app.evaluations.gate.rules import GateRules
from app.evaluators.binding import is_judged_here
from app.evaluators.describing import describe
from app.files.models import Version
from app.statistics.intervals import Interval
from app.statistics.paired import PairedTest

Outcome = Literal["passed", "failed", "undecided"]
Kind = Literal[
    "min", "max", "no_regression", "margin", "max_failed", "max_cost_per_1000_usd", "max_p95_latency_s"
]
LIMITS = frozenset({"min", "max"})
PAIRED = frozenset({"no_regression", "margin"})
_FIGURES: dict[Kind, str] = {
    "max_failed": "Rows without an output",
    "max_cost_per_1000_usd": "Cost of 1,000 answers",
    "max_p95_latency_s": "95th percentile of latency",
}
_ASKED = {
    "min": "at least {}",
    "max": "at most {}",
    "no_regression": "no regression",
    "margin": "no loss of {} or more",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a gate asks, and what came of it."""

    kind: Kind
    title: str
    outcome: Outcome = "undecided"
    result: str = ""
    """The numbers in words; empty where there are none."""
    reason: str = ""
    """Why it passed, failed or cannot be decided, and what to do about it."""
    evaluator: Version | None = None
    limit: float | None = None
    value: float | None = None
    """What was held against the limit."""
    score: Interval | None = None
    change: Interval | None = None
    test: PairedTest | None = None
    p_adjusted: float | None = None
    """After Holm, over the checks of the gate that test."""
    missing: int = 0
    """Rows of the candidate that should have a score and have none."""
    missing_baseline: int = 0
    without_score: int = 0
    """Rows of the candidate whose verdict is no number, such as "no target": they count nowhere."""

    @property
    def n(self) -> int:
        """Rows that it rests on."""
        interval = self.change or self.score
        return interval.n if interval else 0

    def undecided(self, reason: str) -> "Check":
        """The same, with why it cannot be decided."""
        return replace(self, outcome="undecided", reason=reason)


def plan_checks(rules: GateRules, evaluators: Sequence[Version]) -> list[Check]:
    """What `rules` ask, in their order, each thing once. A check whose evaluator is not found says so, undecided."""
    found: dict[tuple[Kind, str, float | None], Check] = {}
    for check in (*_of_evaluators(rules, evaluators), *_of_figures(rules)):
        about = check.evaluator.id if check.evaluator else check.title
        found.setdefault((check.kind, about, check.limit), check)
    return list(found.values())


def _of_evaluators(rules: GateRules, evaluators: Sequence[Version]) -> Iterator[Check]:
    for name, limit in rules.min.items():
        yield _of_evaluator("min", name, limit, evaluators)
    for name, limit in rules.max.items():
        yield _of_evaluator("max", name, limit, evaluators)
    if rules.no_regression is True:
        scored = [each for each in evaluators if _has_direction(each) and is_judged_here(each.spec)]
        for version in scored:
            yield _known("no_regression", version, None, evaluators)
        if not scored:
            said = "The evaluation has no evaluator that gives a score: add one."
            if list_neutral(rules, evaluators):
                said = "By no evaluator that it has is a higher or a lower score better: hold scores by `min` and `max`."
            if list_left_out(rules, evaluators):
                said = "People or programs elsewhere judge by every evaluator that gives a score: name those that count."
            yield Check("no_regression", "No regression", reason=said)
    else:
        for name in dict.fromkeys(rules.no_regression or ()):
            yield _of_evaluator("no_regression", name, None, evaluators)
    for name, limit in rules.margin.items():
        yield _of_evaluator("margin", name, limit, evaluators)


def list_left_out(rules: GateRules, evaluators: Sequence[Version]) -> list[Version]:
    """Evaluators with a score that `no_regression` leaves out where none is named: people, or programs elsewhere, judge by
    them, and of most rows nobody may have been asked."""
    if rules.no_regression is not True:
        return []
    return [each for each in evaluators if _has_direction(each) and not is_judged_here(each.spec)]


def list_neutral(rules: GateRules, evaluators: Sequence[Version]) -> list[Version]:
    """Evaluators with a score that `no_regression` leaves out because neither more nor less is better: nothing is a loss."""
    if rules.no_regression is not True:
        return []
    return [each for each in evaluators if _has_score(each) and not _has_direction(each)]


def _has_direction(version: Version) -> bool:
    return _has_score(version) and not describe(version.spec).is_neutral


def _has_score(version: Version) -> bool:
    info = describe(version.spec)
    return info.return_type in ("boolean", "number") or info.is_share


def _of_evaluator(kind: Kind, name: str, limit: float | None, evaluators: Sequence[Version]) -> Check:
    found = [each for each in evaluators if name in (each.id, each.file_id, each.file.path)]
    found = found or [each for each in evaluators if name == _numbered(each.file.path, each)]
    found = found or [
        each for each in evaluators if name in (each.file.name, _numbered(each.file.name, each))
    ]
    if len(found) == 1:
        return _known(kind, found[0], limit, evaluators)
    check = Check(kind, f"{name}: {_ASKED[kind].format('' if limit is None else f'{limit:g}')}", limit=limit)
    if found:
        ids = ", ".join(f"{_numbered(each.file.path, each)} ({each.id})" for each in found)
        return check.undecided(f"{name} may be several evaluators: name one of {ids}.")
    paths = ", ".join(dict.fromkeys(each.file.path for each in evaluators))
    has = f"It has {paths}." if paths else "It has none."
    return check.undecided(f"The evaluation has no evaluator {name}. {has}")


def _numbered(name: str, version: Version) -> str:
    """What tells a version from others of the same evaluator, as people say it."""
    return f"{name} v{version.number}"


def _known(kind: Kind, version: Version, limit: float | None, evaluators: Sequence[Version]) -> Check:
    info = describe(version.spec)
    write = words.size if kind == "margin" else words.level
    asked = _ASKED[kind].format("" if limit is None else write(limit, info))
    path = version.file.path
    title = _numbered(path, version) if sum(each.file.path == path for each in evaluators) > 1 else path
    check = Check(kind, f"{title}: {asked}", evaluator=version, limit=limit)
    if kind in PAIRED and info.is_neutral:
        return check.undecided(
            f"By {title} neither a higher nor a lower score is better, so that no change is a loss: hold it by `min` and `max`,"
            " or say which is better in its settings (a new version of it)."
        )
    return check


def _of_figures(rules: GateRules) -> Iterator[Check]:
    limits: dict[Kind, float | None] = {
        "max_failed": rules.max_failed,
        "max_cost_per_1000_usd": rules.max_cost_per_1000_usd,
        "max_p95_latency_s": rules.max_p95_latency_s,
    }
    for kind, limit in limits.items():
        if limit is not None:
            yield Check(kind, f"{_FIGURES[kind]}: at most {figure_text(kind, limit)}", limit=limit)


def figure_text(kind: Kind, value: float) -> str:
    """A figure in its unit."""
    if kind == "max_failed":
        return formats.percent(value)
    return formats.money(value) if kind == "max_cost_per_1000_usd" else formats.seconds(value * 1000)
