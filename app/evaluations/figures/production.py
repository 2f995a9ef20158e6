"""What is said of production in words: a share of calls, or what an evaluator said of them, now and before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.core import formats
from app.evaluations.figures import headline as words
from app.evaluators.describing import EvaluatorInfo
from app.logs.health_repository import Verdicts
from app.logs.polarity import Polarity
from app.logs.verdict_repository import Said
from app.statistics.experiments import Moments, mean_of, two_means, two_proportions
from app.statistics.intervals import Interval, wilson
from app.statistics.verdict import Verdict, verdict


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


@dataclass(slots=True)
class Tally:
    """What one evaluator said in one window."""

    good: float = 0.0
    weight: float = 0.0
    squares: float = 0.0
    numbers: Moments | None = None
    logs: float = 0.0
    """Those that it gave a score, an estimate where not all were read."""

    @property
    def told(self) -> int:
        """As many verdicts of equal weight say as much (Kish)."""
        return max(1, round(self.weight**2 / self.squares)) if self.weight else 0

    @property
    def share(self) -> tuple[int, int]:
        """How many of them are good."""
        return round(self.told * self.good / self.weight), self.told


def tally(
    verdicts: Sequence[Verdicts], polarities: Mapping[str, Polarity]
) -> dict[tuple[str, str, str], Tally]:
    """What was said, by file, version of the evaluator and window (`now` or `before`)."""
    found: dict[tuple[str, str, str], Tally] = {}
    for said in verdicts:
        key = (said.file_id, said.evaluator_version_id, said.part)
        _count(found.setdefault(key, Tally()), said, polarities[said.evaluator_version_id])
    return found


def _count(into: Tally, said: Verdicts, polarity: Polarity) -> None:
    if said.numbers:
        effective = max(1, round(said.weight**2 / said.squares))
        into.numbers = Moments(said.mean or 0.0, said.variance, effective)
        into.logs += said.weight
        return
    is_good = (
        polarity.is_good(Said("", False, said.boolean_value, None, said.text_value, None))
        if said.boolean_value is not None or said.text_value is not None
        else None
    )
    if is_good is not None:
        into.weight += said.weight
        into.squares += said.squares
        into.logs += said.weight
        into.good += said.weight if is_good else 0.0


def interval_of(said: Tally) -> Interval | None:
    """The share that is good, or the mean, with its interval; None where it said neither."""
    if said.told:
        return wilson(*said.share)
    return mean_of(said.numbers) if said.numbers else None


def measure_share(now: tuple[int, int], before: tuple[int, int] | None, wanted: str) -> Measure:
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


def measure_score(info: EvaluatorInfo, now: Tally, before: Tally | None) -> Measure | None:
    """The score of both windows by one evaluator: the share that is good, or the mean; None where it said neither."""
    if now.told:
        return measure_share(now.share, before.share if before and before.told else None, "higher")
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
