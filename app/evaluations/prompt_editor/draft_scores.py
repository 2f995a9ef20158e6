"""What the evaluators of a prompt say of answers that its editor has just got: a look at one row, no evidence."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import DomainError, NotFound
from app.datasets import repository as datasets
from app.evaluations import repository
from app.evaluations.evaluator_editor.trying import (
    SOURCE,
    Trial,
    prepare_trial,
    row_of_datapoint,
    try_evaluator,
)
from app.evaluations.grid.view import Mark, mark_of_value
from app.evaluations.prompt_editor import evaluator_repository
from app.evaluations.verdicts.judged_files import load_files
from app.evaluations.verdicts.judging import execution_of_log
from app.evaluators import databases
from app.evaluators.binding import Execution, Row, is_judged_here
from app.evaluators.describing import describe
from app.files import repository as files_repository
from app.files import service as files
from app.files.models import File, FileKind, Version
from app.generations.draft import MOST_PANES, SAMPLES
from app.generations.prepared import Origin
from app.logs import repository as logs
from app.logs.models import Log

MOST_EVALUATORS = 8
MOST_ANSWERS = MOST_PANES * max(SAMPLES)
_AT_ONCE = 4
_MOST_BESIDE = 50
_NO_EVALUATORS = (
    "Nothing judges these answers yet: no evaluation of this prompt has an evaluator that judges by itself, and none lies "
    "beside the prompt."
)


class NoEvaluators(NotFound):
    """Nothing judges the prompt's answers yet."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one evaluator says of one answer. Both are empty where it does not apply."""

    mark: Mark | None
    reason: str
    """Why, or what went wrong."""
    failed: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One evaluator, with a cell for each answer."""

    evaluator: Version
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything that judging needs, so that it holds no connection while models answer."""

    evaluators: Sequence[Version]
    trials: Sequence[Sequence[Trial | DomainError]]
    """For each evaluator one for each answer, or why there is none."""
    whose: str
    """Whose the evaluators are: of an evaluation, or those that lie beside the prompt."""
    others: int = 0
    """How many more lie beside the prompt, and are not asked."""
    left: int = 0
    """Evaluators that ask models, and were left out."""
    calls: int = 0
    """How many calls of models those would make, at most."""


def prepare(
    session: Session, principal: Principal, file_id: str, log_ids: Sequence[str], *, asking: bool
) -> Wanted:
    """Make ready to judge answers of a prompt by the evaluators of its newest evaluation that has any, or else by those in
    its folder; by those that ask models only where that was wanted (`asking`), for it costs.

    Raises:
        NotFound: no such prompt, one of the answers is not there or is another prompt's, or no evaluator is named.
    """
    file = files.get_file(session, principal, file_id, FileKind.PROMPT)
    found = logs.find_logs(session, principal.workspace_id, log_ids[:MOST_ANSWERS])
    answers = [found[log_id] for log_id in log_ids[:MOST_ANSWERS] if log_id in found]
    if not answers or len(answers) < len(log_ids) or any(log.file_id != file.id for log in answers):
        raise NotFound("One of these answers is not there any more: run the draft again.")
    whose, evaluators, others = _evaluators(session, principal, file)
    rows = _rows(session, principal, answers)
    costly = [] if asking else [one for one in evaluators if describe(one.spec).model_calls]
    evaluators = [version for version in evaluators if version not in costly]
    made_by = load_files(session, principal.workspace_id, answers)
    executions = [execution_of_log(log, file=made_by.get(log.version_id)) for log in answers]
    judged = list(zip(executions, rows, answers, strict=True))
    trials = [[_trial(session, principal, version, *one) for one in judged] for version in evaluators]
    calls = sum(describe(version.spec).model_calls for version in costly) * len(answers)
    return Wanted(evaluators, trials, whose, others, len(costly), calls)


async def judge(wanted: Wanted) -> list[Line]:
    """A line for each evaluator, all judging at once. What goes wrong stands in its cell."""
    room = asyncio.Semaphore(_AT_ONCE)
    cells = await asyncio.gather(
        *(
            _cell(version, trial, room)
            for version, trials in zip(wanted.evaluators, wanted.trials, strict=True)
            for trial in trials
        )
    )
    each = iter(cells)
    return [
        Line(version, [next(each) for _ in trials])
        for version, trials in zip(wanted.evaluators, wanted.trials, strict=True)
    ]


def _evaluators(session: Session, principal: Principal, file: File) -> tuple[str, list[Version], int]:
    """Whose they are, those that judge, and how many more lie beside the prompt."""
    evaluations, _ = repository.list_evaluations(session, principal.workspace_id, file_id=file.id, limit=10)
    for evaluation in evaluations:
        found = [
            one for one in repository.list_evaluators(session, evaluation.id) if is_judged_here(one.spec)
        ]
        if found:
            found.sort(key=lambda one: one.id != evaluation.primary_evaluator_id)
            return f"of {evaluation.name}", found[:MOST_EVALUATORS], 0
    if beside := _beside(session, principal, file):
        taken = beside[:MOST_EVALUATORS]
        return "beside this prompt", taken, len(beside) - len(taken)
    raise NoEvaluators(_NO_EVALUATORS)


def _beside(session: Session, principal: Principal, file: File) -> list[Version]:
    """The newest versions of the evaluators in the prompt's folder, those first that its evaluations had: what a prompt of the
    library comes with, and what a team has chosen before."""
    beside = evaluator_repository.list_beside(session, file, _MOST_BESIDE)
    newest = files_repository.newest_versions(session, beside)
    named = files_repository.find_versions(
        session, principal.workspace_id, [one.id for one in newest.values()]
    )
    judging = [one for one in named if is_judged_here(one.spec)]
    return sorted(judging, key=lambda one: beside.index(one.file_id))


def _rows(session: Session, principal: Principal, answers: Sequence[Log]) -> list[Row]:
    """What each answer was asked: its row of a dataset, or, where the inputs were typed, these without a target."""
    ids = [log.datapoint_id for log in answers if log.datapoint_id]
    found = datasets.find_datapoints(session, principal.workspace_id, ids)
    return [
        row_of_datapoint(found[log.datapoint_id])
        if log.datapoint_id in found
        else Row(log.inputs or {}, log.messages or [], None, None, None)
        for log in answers
    ]


def _trial(
    session: Session, principal: Principal, version: Version, execution: Execution, row: Row, log: Log
) -> Trial | DomainError:
    origin = Origin(principal.workspace_id, version.file_id, version.id, SOURCE)
    try:
        bound = databases.bind_with_files(session, principal.workspace_id, version.spec)
        return prepare_trial(session, bound, origin, execution, row, log)
    except DomainError as error:
        return error


async def _cell(version: Version, trial: Trial | DomainError, room: asyncio.Semaphore) -> Cell:
    if isinstance(trial, DomainError):
        return Cell(None, trial.message, failed=True)
    async with room:
        verdict = (await try_evaluator(trial)).verdict
    mark = None if verdict.value is None else mark_of_value(verdict.value, describe(version.spec))
    return Cell(mark, verdict.error or verdict.rationale or "", failed=verdict.error is not None)
