"""Which outputs of an evaluation people are asked about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.evaluations.figures.scores import load_scores
from app.evaluations.grid.comparison import GridRequest, matching_rows
from app.evaluations.models import Evaluation, Run
from app.evaluations.repository import list_evaluators
from app.evaluators.describing import describe
from app.files.models import Version
from app.review import pairs_repository, repository
from app.review.models import Rows
from app.review.pairs_repository import Pair
from app.review.repository import Output

MOST_OUTPUTS = 2_000
"""Of one queue: nobody reads more, and a sample of so many narrows every interval enough."""
_NO_SCORE = -1.0
"""Below every uncertainty."""


@dataclass(frozen=True, slots=True)
class FromEvaluation:
    """Outputs of an evaluation's runs."""

    evaluation: Evaluation
    runs: Sequence[Run]
    """The first is the baseline."""
    rows: Rows = "all"
    judge_id: str | None = None
    """The evaluator by which rows changed or got worse; the primary one where it is None."""
    most_rows: int | None = None
    """None: every one."""
    is_pair: bool = False
    """Whether the outputs of two runs are shown side by side."""

    @property
    def title(self) -> str:
        """What a queue is called that nobody named."""
        return self.evaluation.name

    @property
    def filters(self) -> None:
        """None: they are no logs that were looked for."""
        return

    def problems(self) -> Mapping[str, str]:
        """What is wrong, by field."""
        found = {}
        if not self.runs:
            found["versions"] = "Choose a version whose outputs are judged."
        elif self.is_pair and len(self.runs) != 2:
            found["versions"] = f"Choose two versions to show side by side: {len(self.runs)} are chosen."
        if self.most_rows is not None and self.most_rows < 1:
            found["most"] = "At least 1 row, or leave it empty for all."
        return found

    def choose(self, session: Session, random: Random) -> list[str]:
        """The logs of the outputs, as `choose_outputs`."""
        outputs = choose_outputs(
            session, self.evaluation, self.runs, self.rows, self.most_rows, random, judge_id=self.judge_id
        )
        return [one.log_id for one in outputs]

    @property
    def names(self) -> tuple[str, str] | tuple[None, None]:
        """What the newer and the older of two compared versions are called; Nones where outputs are shown one at a time."""
        if not self.is_pair:
            return None, None
        baseline, candidate = self.runs
        if baseline.name != candidate.name:
            return candidate.name, baseline.name
        return f"{candidate.name}, newer run", f"{baseline.name}, older run"

    def choose_pairs(self, session: Session, random: Random) -> tuple[list[Pair], int]:
        """The pairs of outputs that differ, in no order that says anything, and how many rows have equal ones.

        Raises:
            Invalid: no row is so, or there are more than a queue takes.
        """
        baseline, candidate = self.runs
        found = _rows(session, self.evaluation, self.runs, self.rows, random, judge_id=self.judge_id)
        pairs = {
            one.row: one for one in pairs_repository.list_pairs(session, candidate.id, baseline.id, found)
        }
        readable = [pairs[row] for row in found if row in pairs]
        taken = [one for one in readable if not one.is_same][: self.most_rows]
        if not taken:
            equal = " Where both can be read they say the same." if readable else ""
            raise _wrong(f"On no such row are there two outputs that differ.{equal}")
        if len(taken) > MOST_OUTPUTS:
            raise _wrong(
                f"These are {len(taken):,} pairs, and a queue takes {MOST_OUTPUTS:,}. Take fewer rows."
            )
        random.shuffle(taken)
        return taken, sum(one.is_same for one in readable)


def choose_outputs(
    session: Session,
    evaluation: Evaluation,
    runs: Sequence[Run],
    rows: Rows,
    most_rows: int | None,
    random: Random,
    *,
    judge_id: str | None = None,
) -> list[Output]:
    """The outputs of `runs`, the first of which is the baseline, on the rows that were asked for, in no order that says
    anything. Rows changed by the evaluator `judge_id`, or by the primary one.

    Of more than `most_rows` rows that can be read, so many are drawn at random; of `uncertain` ones, the least certain are taken.

    Raises:
        Invalid: no row is so, or there are more outputs than a queue takes.
    """
    run_ids = [run.id for run in runs]
    found = _rows(session, evaluation, runs, rows, random, judge_id=judge_id)
    readable = repository.list_outputs(session, run_ids, found)
    there = {one.row for one in readable}
    taken = set([row for row in found if row in there][:most_rows])
    outputs = [one for one in readable if one.row in taken]
    if not outputs:
        said = (
            "is"
            if rows in ("all", "random", "uncertain")
            else f"{_moved(session, evaluation, rows, judge_id)} and is"
        )
        raise _wrong(f"No row {said} there with an output that can be read.")
    if len(outputs) > MOST_OUTPUTS:
        raise _wrong(
            f"These are {len(outputs):,} outputs, and a queue takes {MOST_OUTPUTS:,}. Take fewer rows, or one version."
        )
    random.shuffle(outputs)
    return outputs


def _rows(
    session: Session,
    evaluation: Evaluation,
    runs: Sequence[Run],
    rows: Rows,
    random: Random,
    *,
    judge_id: str | None,
) -> list[str]:
    """The rows that are asked for, in a random order, or the least certain ones first."""
    run_ids = [run.id for run in runs]
    if rows in ("changed", "worse"):
        if len(runs) < 2:
            raise _wrong(
                "Choose two versions: rows change, or get worse, between a baseline and another one."
            )
        found = matching_rows(session, evaluation, GridRequest(run_ids, judge_id, only=rows))
    else:
        found = matching_rows(session, evaluation, GridRequest(run_ids))
    random.shuffle(found)
    if rows == "uncertain":
        found = _least_certain_first(session, evaluation, runs, found)
    return found


def is_neutral_by(evaluators: Sequence[Version], version_id: str | None) -> bool:
    """Whether that one of an evaluation's evaluators finds no score better than another; without a name, its only or first one."""
    found = next((one for one in evaluators if one.id == version_id), next(iter(evaluators), None))
    return found is not None and describe(found.spec).is_neutral


def _moved(session: Session, evaluation: Evaluation, rows: Rows, judge_id: str | None) -> str:
    if rows == "changed":
        return "changed"
    own = list_evaluators(session, evaluation.id)
    return "scored lower" if is_neutral_by(own, judge_id or evaluation.primary_evaluator_id) else "got worse"


def _wrong(said: str) -> Invalid:
    return Invalid(said, fields={"rows": said})


def _least_certain_first(
    session: Session, evaluation: Evaluation, runs: Sequence[Run], rows: Sequence[str]
) -> list[str]:
    """The rows by how much judges and repeats disagree on them, most first; what is equal stays in its order.

    What people said is left out. A row's uncertainty is p(1 - p), with p the mean of all scores between 0 and 1 that one
    version's outputs got: a label tells the most where the machine's own is most likely to be wrong. Rows without a score come
    last: nobody doubts them.
    """
    judges = [version for version in list_evaluators(session, evaluation.id) if _is_machine(version)]
    table = load_scores(session, runs, [version.id for version in judges])
    by_run = [[table.column(run.id, version.id).by_row() for version in judges] for run in runs]

    def uncertainty(row: str) -> float:
        most = _NO_SCORE
        for columns in by_run:
            if scores := [column[row] for column in columns if row in column]:
                share = sum(scores) / len(scores)
                most = max(most, share * (1 - share))
        return most

    return sorted(rows, key=uncertainty, reverse=True)


def _is_machine(version: Version) -> bool:
    return version.spec.get("evaluator_type") != "human" and describe(version.spec).is_share
