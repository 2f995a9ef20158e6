"""What is odd about single rows: how far a judge and people are apart on one, and how often repeats of one differ."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from app.evaluations.figures import score_repository
from app.evaluations.figures.memory import kept, state_of, states_of
from app.evaluations.figures.scores import load_scores
from app.evaluations.judges.agreement import is_alike
from app.evaluations.models import Run
from app.evaluators.describing import describe
from app.files.models import Version

_HALF, _A_STEP = 0.5, 1.0


@dataclass(frozen=True, slots=True)
class RowSigns:
    """By the row's id."""

    people: Version | None = None
    """The evaluator that asked people the same question; None where none did."""
    gaps: Mapping[str, float] = field(default_factory=dict)
    """How far the evaluator and people are apart at most, over the versions that both have scored."""
    disputed_from: float = _HALF
    """The gap from which a row is disputed: half of a share, a step of another scale."""
    flips: Mapping[str, float] = field(default_factory=dict)
    """The share of pairs of repeats that do not score alike, of the version where it is highest; only rows with several
    scores, and none where nothing was repeated, or while a run goes on: every answer would have to be read each time."""

    def is_disputed(self, row: str) -> bool:
        """Whether a judge and people differ on a row."""
        return self.gaps.get(row, 0.0) >= self.disputed_from


def asked_alike(evaluators: Sequence[Version], evaluator: Version) -> Version | None:
    """The first of the evaluators that asks people what `evaluator` decides; None where it asks people itself."""
    if is_human(evaluator):
        return None
    return next((one for one in evaluators if is_human(one) and is_alike(evaluator.spec, one.spec)), None)


def is_human(evaluator: Version) -> bool:
    """Whether people judge by it."""
    return evaluator.spec.get("evaluator_type") == "human"


def load_signs(
    session: Session, runs: Sequence[Run], evaluators: Sequence[Version], evaluator: Version
) -> RowSigns:
    """The signs of the rows of `runs` by `evaluator`, which is one of the `evaluators`. Of ended runs they are kept."""
    people = asked_alike(evaluators, evaluator)
    states = states_of(runs)
    share = describe(evaluator.spec).is_share
    return RowSigns(
        people=people,
        gaps=kept.once(
            states and ("gaps", states, evaluator.id, people.id),
            lambda: _gaps(session, runs, evaluator.id, people.id),
            len,
        )
        if people
        else {},
        disputed_from=_HALF if share else _A_STEP,
        flips=kept.once(("flips", states, evaluator.id), lambda: _flips(session, runs, evaluator.id), len)
        if states
        else {},
    )


def _gaps(session: Session, runs: Sequence[Run], judge_id: str, people_id: str) -> dict[str, float]:
    """Of repeats, those that both have judged are compared, one by one."""
    gaps: dict[str, float] = {}
    for run in runs:
        apart = run.repeats > 1 and not run.takes_any_log
        table = load_scores(session, [run], [judge_id, people_id], apart=apart)
        judged, told = (table.column(run.id, by).by_row() for by in (judge_id, people_id))
        rows = _rows_of(session, run) if apart else ()
        for key in judged.keys() & told.keys():
            row = rows[int(key) // run.repeats] if apart else key
            gaps[row] = max(gaps.get(row, 0.0), abs(judged[key] - told[key]))
    return gaps


def _flips(session: Session, runs: Sequence[Run], evaluator_id: str) -> dict[str, float]:
    flips: dict[str, float] = {}
    for run in runs:
        if run.repeats < 2 or run.takes_any_log:
            continue
        for row, scores in scores_of_repeats(session, run, evaluator_id).items():
            if len(scores) > 1:
                flips[row] = max(flips.get(row, 0.0), _differing_pairs(scores))
    return flips


def _differing_pairs(scores: Sequence[float]) -> float:
    n = len(scores)
    alike = sum(count * (count - 1) for count in Counter(scores).values())
    return 1 - alike / (n * (n - 1))


def scores_of_repeats(session: Session, run: Run, evaluator_id: str) -> dict[str, list[float]]:
    """The scores that the repeats of each row have, one each, rows in the run's order, which may be a random one."""
    column = load_scores(session, [run], [evaluator_id], apart=True).column(run.id, evaluator_id)
    rows = _rows_of(session, run)
    by_row: dict[str, list[float]] = {}
    for position, score in column.by_row().items():
        by_row.setdefault(rows[int(position) // run.repeats], []).append(score)
    return by_row


def _rows_of(session: Session, run: Run) -> Sequence[str]:
    """The ids of a run's rows, in its order, which may be a random one."""
    state = state_of(run)
    return kept.once(
        state and ("rows of run", state), lambda: score_repository.load_row_order(session, run.id), len
    )
