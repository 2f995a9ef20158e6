"""Everything about one row of an evaluation: what every version said, why it was judged so, and what it took."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import DomainError, NotFound
from app.datasets.models import Datapoint
from app.evaluations.figures.models_used import ModelUsed, models_of_runs
from app.evaluations.grid import people_repository
from app.evaluations.grid.comparison import Grid, GridRequest, GridRow, build_row, load_cells
from app.evaluations.grid.comparison_repository import ItemCell
from app.evaluations.grid.view import Address, CellView, Mark, cell_view, mark_of, others_of
from app.evaluations.grid.wording import plain
from app.evaluations.models import Evaluation, Run
from app.evaluations.verdicts.judging import execution_of_log
from app.evaluators.binding import Row, bind
from app.evaluators.describing import describe
from app.evaluators.kinds.injection import words_to_a_judge
from app.evaluators.kinds.passages import texts_at
from app.files.models import Version
from app.logs import repository as logs
from app.logs.models import Judgment, Log
from app.logs.passages import Passage, passages_of
from app.logs.presentation import present_log

_MOST_JUDGMENTS = 20
"""Of one evaluator about one answer: many people may have judged it."""


@dataclass(frozen=True, slots=True)
class JudgmentView:
    """One evaluator's word on an output."""

    name: str
    mark: Mark | None
    judgment: Judgment
    suspect: str | None
    """Words to a judge in the output, where a model judged it."""
    passages: Sequence[Passage]
    """What was marked in the output."""


@dataclass(frozen=True, slots=True)
class RepeatView:
    """One answer of a version."""

    number: int
    item: ItemCell
    log: Log | None
    judgments: Sequence[JudgmentView]
    more: Mapping[str, int]
    """How many judgments of an evaluator's are not among them, where there are more than are shown."""
    retrieved: Sequence[str]
    """The passages that it was given, where an evaluator knows where its log tells them."""
    read: Sequence[tuple[str, str]]
    """What the practice model says it read, where it was the one that answered."""


@dataclass(frozen=True, slots=True)
class VersionView:
    """What one version did with the row."""

    run: Run
    model: ModelUsed
    view: CellView
    repeats: Sequence[RepeatView]


@dataclass(frozen=True, slots=True)
class RowPage:
    """The row's drawer and page."""

    grid: Grid
    row: GridRow
    address: Address
    versions: Sequence[VersionView]
    total: int
    made_of: Log | None = None
    """The log that somebody made the row of, where it is still there."""


def build_row_page(session: Session, evaluation: Evaluation, address: Address, number: int) -> RowPage:
    """Everything about the row of this number.

    Raises:
        NotFound: the evaluation has no such row.
    """
    grid, row = build_row(session, evaluation, GridRequest(address.cols, address.evaluator or None), number)
    if row is None:
        raise NotFound(f"The evaluation has no row {number}.")
    items = load_cells(session, grid.runs, [row.datapoint.id])
    by_id = {version.id: version for version in grid.evaluators}
    log_ids = [item.log_id for each in items.values() for item in each if item.log_id]
    origin = (row.datapoint.details or {}).get("log_id")  # as `keeping` writes it
    origins = [origin] if isinstance(origin, str) else []
    found = logs.find_logs(session, evaluation.workspace_id, log_ids + origins)
    outputs = {(item.run_id, item.log_id) for each in items.values() for item in each if item.log_id}
    judged = people_repository.list_counted(session, outputs)
    models = models_of_runs(session, grid.runs)
    others = others_of(grid)
    versions = [
        VersionView(
            run,
            models[run.id],
            cell_view(cell, row, grid, others, address.output, whole=True),
            _repeats(items.get((run.id, row.datapoint.id), []), by_id, found, judged, row.datapoint),
        )
        for run, cell in zip(grid.runs, row.cells, strict=True)
    ]
    made_of = found.get(origins[0]) if origins else None
    return RowPage(grid, row, address, versions, grid.counts["all"], made_of)


def _repeats(
    items: Sequence[ItemCell],
    evaluators: Mapping[str, Version],
    found: dict[str, Log],
    judged: dict[tuple[str, str], list[Judgment]],
    datapoint: Datapoint,
) -> list[RepeatView]:
    repeats = []
    for item in items:
        said: dict[str, list[Judgment]] = {version_id: [] for version_id in evaluators}
        for one in judged.get((item.run_id, item.log_id or ""), []):
            if one.evaluator_version_id in said:
                said[one.evaluator_version_id].append(one)
        repeats.append(
            RepeatView(
                number=item.repeat + 1,
                item=item,
                log=found.get(item.log_id or ""),
                judgments=[
                    _judgment(evaluators[version_id], one, item)
                    for version_id, each in said.items()
                    for one in each[:_MOST_JUDGMENTS]
                ],
                more={
                    evaluators[version_id].file.name: len(each) - _MOST_JUDGMENTS
                    for version_id, each in said.items()
                    if len(each) > _MOST_JUDGMENTS
                },
                retrieved=_retrieved(found.get(item.log_id or ""), datapoint, evaluators),
                read=_read(found.get(item.log_id or "")),
            )
        )
    return repeats


def _judgment(evaluator: Version, judgment: Judgment, item: ItemCell) -> JudgmentView:
    info = describe(evaluator.spec)
    suspect = words_to_a_judge(item.output) if info.model_calls else None
    return JudgmentView(
        evaluator.file.name, mark_of(judgment, info), judgment, suspect, passages_of(judgment.detail)
    )


def _retrieved(log: Log | None, datapoint: Datapoint, evaluators: Mapping[str, Version]) -> list[str]:
    """What the first evaluator that reads passages out of the log finds there."""
    if log is None:
        return []
    row = Row(
        datapoint.inputs, datapoint.messages or [], datapoint.target, datapoint.context, datapoint.details
    )
    for version in evaluators.values():
        try:
            options = bind(version.spec).options
        except DomainError:  # of a kind that this server does not know
            continue
        place = str(getattr(options, "passages", None) or getattr(options, "retrieved", None) or "")
        if place.startswith("log.") and (found := texts_at(place, row, execution_of_log(log))):
            return found
    return []


def _read(log: Log | None) -> list[tuple[str, str]]:
    said: Any = (log.provider_response or {}).get("x_practice") if log else None
    if not isinstance(said, dict):
        return []
    return [(str(name).replace("_", " ").capitalize(), plain(value)) for name, value in said.items() if value]


def present_row(session: Session, page: RowPage) -> list[dict[str, Any]]:
    """The logs behind a row as the API has them, with their judgments."""
    judged = logs.list_judgments(
        session, [repeat.log.id for one in page.versions for repeat in one.repeats if repeat.log]
    )
    return [
        present_log(repeat.log, None, judged[repeat.log.id])
        for one in page.versions
        for repeat in one.repeats
        if repeat.log
    ]
