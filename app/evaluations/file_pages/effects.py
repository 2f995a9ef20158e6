"""What a change from one version to another did to the scores, on the rows that both ran."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.charts import Axis, Whisker, axis_around, whisker
from app.evaluations import repository, sharing_repository
from app.evaluations.figures import headline as words
from app.evaluations.figures.models_used import ModelUsed, grouped
from app.evaluations.figures.numbers import Change, compare
from app.evaluations.figures.scores import load_scores, run_interval
from app.evaluations.file_pages.dashboard import ChangeText, ScoreText, change_text, score_text
from app.evaluations.models import Evaluation, Run
from app.evaluators.describing import EvaluatorInfo, describe
from app.files.models import Version

_LOOKED_AT = 20
PLOT_WIDTH = 112


@dataclass(frozen=True, slots=True)
class Effect:
    """The change by one evaluator."""

    evaluator: Version
    info: EvaluatorInfo
    primary: bool
    before: ScoreText | None
    after: ScoreText | None
    change: Change
    text: ChangeText | None
    mark: Whisker | None
    """Where it stands on the axis that all shares of the list have in common."""

    @property
    def turned(self) -> tuple[int, int, int]:
        """Rows that got better, got worse, stayed."""
        counts = self.change.changes
        if counts is None:
            return 0, 0, 0
        up, down = counts.higher, counts.lower
        return (up, down, counts.same) if self.info.wanted == "higher" else (down, up, counts.same)


@dataclass(frozen=True, slots=True)
class Effects:
    """What the newest evaluation in which both versions answered the same rows says."""

    evaluation: Evaluation
    baseline: Run
    candidate: Run
    effects: Sequence[Effect]
    axis: Axis | None
    models: Sequence[tuple[ModelUsed, Sequence[int]]]
    """The models that answered, each with the numbers of the versions that ask it."""

    @property
    def primary(self) -> Effect | None:
        """The change that the evaluation is about."""
        return next((effect for effect in self.effects if effect.primary), None)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """The labels of the axis, in points."""
        if self.axis is None:
            return []
        ends = sorted({self.axis.low, 0.0, self.axis.high})
        return [(self.axis.at(value), words.change_text(value, _SHARE).replace(".0", "")) for value in ends]


_SHARE = EvaluatorInfo("", "boolean", "higher", None, is_share=True, model_calls=0)


def find_effects(session: Session, before: Version, after: Version) -> Effects | None:
    """The paired changes from `before` to `after`; None when no evaluation ran both on the same rows."""
    found = _shared_runs(session, before, after)
    if found is None:
        return None
    evaluation, baseline, candidate = found
    evaluators = repository.list_evaluators(session, evaluation.id)
    table = load_scores(session, [baseline, candidate], [version.id for version in evaluators])
    effects = []
    changes = {}
    for version in evaluators:
        is_primary = version.id == evaluation.primary_evaluator_id
        smallest = evaluation.smallest_difference if is_primary else None
        changes[version.id] = compare(table, baseline, candidate, version, smallest)
    shares = [c.delta for v in evaluators if describe(v.spec).is_share and (c := changes[v.id]).delta]
    ends = [end for delta in shares for end in (delta.lo, delta.hi, delta.estimate) if end is not None]
    axis = axis_around([*ends, 0.0], 4, PLOT_WIDTH - 4, least=0.1) if shares else None
    for version in evaluators:
        info, change = describe(version.spec), changes[version.id]
        delta = change.delta
        effects.append(
            Effect(
                evaluator=version,
                info=info,
                primary=version.id == evaluation.primary_evaluator_id,
                before=score_text(run_interval(table, baseline.id, version), info),
                after=score_text(run_interval(table, candidate.id, version), info),
                change=change,
                text=change_text(change, info),
                mark=whisker(axis, delta.estimate, delta.lo, delta.hi)
                if axis and delta and info.is_share
                else None,
            )
        )
    effects.sort(key=lambda effect: not effect.primary)
    models = grouped(session, [before, after])
    return Effects(evaluation, baseline, candidate, effects, axis, models)


def _shared_runs(session: Session, before: Version, after: Version) -> tuple[Evaluation, Run, Run] | None:
    found, _ = repository.list_evaluations(
        session, before.workspace_id, file_id=before.file_id, limit=_LOOKED_AT
    )
    every = [evaluation.id for evaluation in found]
    runs, of = (
        repository.list_runs(session, every),
        sharing_repository.runs_by_evaluation(session, every),
    )
    for evaluation in found:
        own = [run for run in runs if run.id in of[evaluation.id]]
        for new in (run for run in own if run.version_id == after.id):
            for old in (run for run in own if run.version_id == before.id):
                if old.dataset_version_id == new.dataset_version_id is not None:
                    return evaluation, old, new
    return None


def sentence(before: Version, after: Version, summary: str, effects: Effects | None) -> words.Headline:
    """What changed in words, and what it did."""
    effect = effects.primary if effects else None
    if effect is None or effect.change.delta is None:
        detail = "No evaluation has run both versions on the same rows: whether it helped is not known."
        return words.Headline(f"{summary} from v{before.number} to v{after.number}", "", "", detail)
    delta, info, name = effect.change.delta, effect.info, effect.change.verdict.name
    detail = f"{effect.evaluator.file.name}, 95% CI {words.signed_span(delta, info)} on the same {words.rows(delta)}. {summary}."
    if name in ("better", "worse"):
        amount = words.size(abs(delta.estimate), info)
        more = "more" if delta.estimate > 0 else "less"
        return words.Headline(
            f"v{after.number} scores",
            amount,
            f" {more} than v{before.number}",
            detail,
            effect.change.verdict.tone,
        )
    return words.Headline(
        f"{effect.change.verdict.word} from v{before.number} to v{after.number}", "", "", detail
    )
