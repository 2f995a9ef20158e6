"""The page of a lineage: the finding in a sentence, the steps as a waterfall, bundled ones change by change."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.core.charts import Axis, Whisker
from app.evaluations.figures import headline as words
from app.evaluations.figures.headline import Headline
from app.evaluations.judges.agreement import Trust, trust_of
from app.evaluations.lineage.amounts import Amount, amount_of, fall, placed, plot_axis
from app.evaluations.lineage.factorial_view import FactorialView, build_factorial_view
from app.evaluations.lineage.runs import Terms, terms_of
from app.evaluations.lineage.steps import Judged, Lineage, LineageStep, Single
from app.evaluators.describing import EvaluatorInfo
from app.files.models import Version
from app.statistics.lineage import Path

MOST_NAMED = 8
"""Versions that were not run, of which each has a button; older ones are counted."""


@dataclass(frozen=True, slots=True)
class StepView:
    """A line of the waterfall."""

    step: LineageStep
    amount: Amount
    level: str
    """What the later version scores on the shared rows."""


@dataclass(frozen=True, slots=True)
class SingleView:
    """One change of a bundle alone."""

    single: Single
    title: str
    size: str
    amount: Amount | None


@dataclass(frozen=True, slots=True)
class BundleView:
    """A step that changed several things at once, change by change."""

    step: LineageStep
    amount: Amount
    singles: Sequence[SingleView]
    missing: int
    calls: int


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The steps from the first version to the last, and the whole."""

    rows: str
    start: str
    start_span: str
    start_mark: Whisker
    steps: Sequence[StepView]
    total: Amount
    summed: str
    """All steps together."""
    ticks: Sequence[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class LineageView:
    """The page."""

    lineage: Lineage
    terms: Terms
    headline: Headline
    waterfall: Waterfall | None
    """None where there is no step."""
    bundles: Sequence[BundleView]
    factorial: FactorialView | None
    trust: Trust | None
    """What the evaluator is worth as an instrument, where it is a judge."""

    @property
    def missing(self) -> Sequence[Version]:
        """The versions that were not run, those nearest to the end of the line."""
        return self.lineage.line.missing[-MOST_NAMED:]

    @property
    def rows_count(self) -> int:
        """Rows of the largest run on the line's dataset."""
        return max((run.items_count // run.repeats for run in self.lineage.runs), default=0)


def build_lineage_view(session: Session, lineage: Lineage) -> LineageView:
    """The page of a lineage as it stands."""
    terms = terms_of(session, lineage.evaluation, lineage.file, lineage.runs)
    factorial, info = lineage.factorial, lineage.info
    return LineageView(
        lineage=lineage,
        terms=terms,
        headline=sentence(lineage),
        waterfall=waterfall_of(lineage),
        bundles=[_bundle(step, terms, info) for step in lineage.steps if step.singles and info],
        factorial=build_factorial_view(session, factorial, lineage.steps, terms, info)
        if factorial and info
        else None,
        trust=_trust(session, lineage),
    )


def _trust(session: Session, lineage: Lineage) -> Trust | None:
    judges = [lineage.evaluator] if lineage.evaluator else []
    return next(iter(trust_of(session, lineage.evaluation.workspace_id, judges).values()), None)


def waterfall_of(lineage: Lineage) -> Waterfall | None:
    """The steps as they are drawn; None where there are none."""
    path, info, total = lineage.path, lineage.info, lineage.total
    if path is None or info is None or total is None:
        return None
    axis = _axis(path, info)
    levels = path.levels
    return Waterfall(
        rows=words.rows(path.total.delta),
        start=words.level(levels[0].estimate, info),
        start_span=words.span(levels[0], info),
        start_mark=placed(axis, levels[0]),
        steps=[
            StepView(
                step,
                _drawn(step.judged, info, axis, levels[at].estimate),
                words.level(levels[at + 1].estimate, info),
            )
            for at, step in enumerate(lineage.steps)
        ],
        total=_drawn(total, info, axis, levels[0].estimate),
        summed=words.change_text(path.summed, info),
        ticks=[(axis.at(value), words.level(value, info).replace(".0%", "%")) for value in axis.ticks],
    )


def _axis(path: Path, info: EvaluatorInfo) -> Axis:
    """Around every score, and every interval of a change from the score that it begins at."""
    first = path.levels[0]
    begun = [*zip(path.levels, path.steps, strict=False), (first, path.total)]
    ends = [
        None if end is None else level.estimate + end
        for level, step in begun
        for end in (step.delta.lo, step.delta.hi)
    ]
    return plot_axis([*ends, first.lo, first.hi, *(level.estimate for level in path.levels)], info)


def _drawn(judged: Judged, info: EvaluatorInfo, axis: Axis, base: float) -> Amount:
    return replace(amount_of(judged, info), bar=fall(axis, base, judged.step.delta))


def _bundle(step: LineageStep, terms: Terms, info: EvaluatorInfo) -> BundleView:
    sizes = {change.component: change.size for change in step.changes}
    singles = [
        SingleView(
            single,
            single.mix.title,
            sizes[next(iter(single.mix.components))],
            amount_of(single.judged, info) if single.judged else None,
        )
        for single in step.singles
    ]
    missing = sum(single.mix.is_missing for single in step.singles)
    return BundleView(step, amount_of(step.judged, info), singles, missing, missing * terms.calls)


def sentence(lineage: Lineage) -> Headline:
    """What the whole line did, and how many of its steps stand out of the noise."""
    if not lineage.runs:
        return Headline("Not started", "", "", "No version has run on a dataset here.")
    if lineage.evaluator is None or lineage.info is None:
        return Headline("No evaluator yet", "", "", "Add one, and the outputs that are there will be judged.")
    if lineage.total is None:
        return _nothing(lineage)
    info, judged = lineage.info, lineage.total
    first, last = lineage.scored[0].version.number, lineage.scored[-1].version.number
    delta, word = judged.step.delta, judged.verdict.word.lower()
    scores = f"scores {word}" if info.is_neutral else f"is {word}"
    told = f"95% CI {words.signed_span(delta, info)}, paired on the same {words.rows(delta)}. "
    told += _steps_told(lineage.steps)
    if judged.is_clear:
        by = words.size(abs(delta.estimate), info)
        return Headline(
            f"v{last} {scores} than v{first} by",
            by,
            f" on {lineage.evaluator.file.name}",
            told,
            judged.verdict.tone,
        )
    return Headline(f"{judged.verdict.word} from v{first} to v{last}", "", "", told)


def _nothing(lineage: Lineage) -> Headline:
    nodes = lineage.line.nodes
    if len(lineage.scored) > 1:
        return Headline(
            "These versions share no row", "", "", "Each answered other rows: nothing can be compared."
        )
    if lineage.running:
        done, total = (sum(getattr(r, name) for r in lineage.runs) for name in ("done_count", "items_count"))
        return Headline(
            "Too early to say", "", "", f"{done:,} of {total:,} answers are in. Closing this tab is safe."
        )
    if lineage.unscored and len(nodes) > 1:
        name = lineage.evaluator.file.name if lineage.evaluator else ""
        return Headline(f"{name} gave no score to compare", "", "", "Every row failed, or none has a target.")
    detail = "A lineage needs two versions that ran on the same rows."
    return Headline("One version has run", "", "", detail)


def _steps_told(steps: Sequence[LineageStep]) -> str:
    """How many steps stand out of the noise, and which do not."""
    if len(steps) == 1:
        return "It is one step."
    clear = sum(step.judged.is_clear for step in steps)
    if clear == len(steps):
        return f"All {clear} steps are clear."
    told = [f"{clear} of {len(steps)} steps {'is' if clear == 1 else 'are'} clear"]
    noise = [step for step in steps if step.judged.is_noise]
    few = [step for step in steps if not (step.judged.is_noise or step.judged.is_clear)]
    told += [f"{_named(noise)} {'is' if len(noise) == 1 else 'are'} inside noise"] if noise else []
    told += [f"{_named(few)} cannot be told yet"] if few else []
    return "; ".join(told) + "."


def _named(steps: Sequence[LineageStep]) -> str:
    return ", ".join(f"v{step.before.version.number} to v{step.after.version.number}" for step in steps)
