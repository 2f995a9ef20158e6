"""All combinations of what changed between two versions, in words: what each is worth, or what it takes to know."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.core.charts import Axis
from app.evaluations.figures import headline as words
from app.evaluations.figures.numbers import usage_of
from app.evaluations.lineage.amounts import Amount, Bar, placed, plot_axis, written
from app.evaluations.lineage.runs import Terms
from app.evaluations.lineage.steps import LEVEL, Factorial, LineageStep
from app.evaluators.describing import EvaluatorInfo
from app.prompts.components import TITLES
from app.statistics.factorial import Effects, interaction_p
from app.statistics.intervals import Interval


@dataclass(frozen=True, slots=True)
class EffectView:
    """What one component is worth, over all combinations."""

    title: str
    main: Amount
    shapley: Amount


@dataclass(frozen=True, slots=True)
class EffectsView:
    """What all combinations found."""

    rows: str
    effects: Sequence[EffectView]
    interactions: Sequence[tuple[str, Amount]]
    total: Amount
    shares: str
    """All Shapley shares together."""
    ticks: Sequence[tuple[float, str]]
    zero: float


@dataclass(frozen=True, slots=True)
class FactorialView:
    """All combinations between two versions."""

    factorial: Factorial
    found: EffectsView | None
    """None until every combination has run."""
    sequence: Sequence[tuple[str, str]]
    """The steps that led from the one to the other and what each did, where the line has some; for contrast."""
    calls: int
    usd: float | None
    """What the missing outputs alone would cost at most, by what both versions cost; None where that is not known."""

    @property
    def titles(self) -> list[str]:
        """The components that differ."""
        return [TITLES[one] for one in self.factorial.pair.components]


def build_factorial_view(
    session: Session, factorial: Factorial, steps: Sequence[LineageStep], terms: Terms, info: EvaluatorInfo
) -> FactorialView:
    """All combinations, what they found or what they would take."""
    missing = len(factorial.missing)
    return FactorialView(
        factorial=factorial,
        found=_found(factorial.effects, info) if factorial.effects else None,
        sequence=_sequence(factorial, steps, info) if factorial.effects else [],
        calls=missing * terms.calls,
        usd=_usd(session, factorial, terms) if missing else None,
    )


def _found(effects: Effects, info: EvaluatorInfo) -> EffectsView:
    shown = [*effects.shapley.values(), *effects.main.values()]
    axis = plot_axis([0.0, *(end for one in shown for end in (one.lo, one.hi, one.estimate))], info)
    p = interaction_p(effects)
    titles = {str(name): title for name, title in TITLES.items()}
    return EffectsView(
        rows=words.rows(effects.total),
        effects=[
            EffectView(
                titles[name], _effect(effects.main[name], info), _effect(effects.shapley[name], info, axis)
            )
            for name in titles
            if name in effects.shapley
        ],
        interactions=[
            (
                f"{titles[pair[0]]} with {titles[pair[1]].lower()}",
                replace(_effect(interval, info, p=p.get(pair)), p=words.p_text(p[pair]) if pair in p else ""),
            )
            for pair, interval in effects.interactions.items()
        ],
        total=_effect(effects.total, info),
        shares=words.change_text(sum(one.estimate for one in effects.shapley.values()), info),
        ticks=[(axis.at(value), words.change_text(value, info).removesuffix(".0")) for value in axis.ticks],
        zero=axis.at(0.0),
    )


def _effect(
    interval: Interval, info: EvaluatorInfo, axis: Axis | None = None, p: float | None = None
) -> Amount:
    """An effect, called better or worse only by the p that was adjusted for all that are tested with it."""
    tone = "same"
    if p is not None and p < LEVEL and interval.excludes(0.0) and not info.is_neutral:
        tone = "better" if (interval.estimate > 0) == (info.wanted == "higher") else "worse"
    bar = Bar(0.0, 0.0, 0.0, placed(axis, interval)) if axis else None
    return replace(written(interval, tone, info), bar=bar)


def _sequence(
    factorial: Factorial, steps: Sequence[LineageStep], info: EvaluatorInfo
) -> list[tuple[str, str]]:
    older, newer = factorial.pair.older.number, factorial.pair.newer.number
    inside = [s for s in steps if older <= s.before.version.number and s.after.version.number <= newer]
    ends = {inside[0].before.version.number, inside[-1].after.version.number} if inside else set()
    if len(inside) < 2 or ends != {older, newer}:
        return []
    return [
        (
            ", ".join(TITLES[one] for one in step.pair.components) or "Nothing that a model sees",
            words.change_text(step.judged.step.delta.estimate, info),
        )
        for step in inside
    ]


def _usd(session: Session, factorial: Factorial, terms: Terms) -> float | None:
    """By what the two versions themselves cost."""
    pair = factorial.pair
    runs = [mix.run for mix in factorial.mixes if mix.run and mix.version in (pair.older, pair.newer)]
    costs = [usage.cost_per_1000_usd for usage in usage_of(session, runs).values()] if runs else []
    known = [cost for cost in costs if cost is not None]
    if terms.like is None or not known or len(known) < len(costs):
        return None
    return sum(known) / len(known) / 1000 * terms.like.items_count * len(factorial.missing)
