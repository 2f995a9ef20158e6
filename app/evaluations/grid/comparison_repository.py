"""The SQL of the comparison grid: which rows there are, and what each run did with those of a page."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session


class ItemCell(NamedTuple):
    """One item of a run with what its log says."""

    run_id: str
    datapoint_id: str
    repeat: int
    state: str
    log_id: str | None
    error: str | None
    output: str | None
    latency_ms: float | None
    cost_usd: float | None
    prompt_tokens: int | None
    output_tokens: int | None


_ROWS = text("""
    select datapoint_id from run_item where run_id = any(:runs) and repeat = 0
    group by datapoint_id order by min(position), datapoint_id
""")
_SHUFFLED_ROWS = text("""
    select i.datapoint_id from run_item i join run r on r.id = i.run_id
    left join version v on v.id = r.dataset_version_id
    left join dataset_row d on d.file_id = v.file_id and d.datapoint_id = i.datapoint_id
        and d.from_number <= v.number and (d.until_number is null or d.until_number > v.number)
    where i.run_id = any(:runs) and i.repeat = 0
    group by i.datapoint_id order by min(d.position), min(i.position), i.datapoint_id
""")


def row_numbers(session: Session, run_ids: Sequence[str], *, shuffled: bool = False) -> dict[str, int]:
    """The rows of runs in the dataset's order, numbered from 1. `shuffled`: their items are in another one."""
    rows = session.scalars(_SHUFFLED_ROWS if shuffled else _ROWS, {"runs": list(run_ids)})
    return {datapoint_id: number for number, datapoint_id in enumerate(rows, start=1)}


def search(session: Session, run_ids: Sequence[str], query: str) -> set[str]:
    """The rows of runs whose inputs, target or outputs contain `query`, without regard to case."""
    pattern = "%" + query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    rows = session.scalars(
        text("""
        select d.id from datapoint d
        where d.id in (select datapoint_id from run_item where run_id = any(:runs))
          and (d.inputs::text ilike :pattern or d.target::text ilike :pattern)
        union
        select i.datapoint_id from run_item i join log l on l.id = i.log_id
        where i.run_id = any(:runs)
          and (l.output ilike :pattern or (l.datapoint_id is null and l.inputs::text ilike :pattern))
        """),
        {"runs": list(run_ids), "pattern": pattern},
    )
    return set(rows)


def load_cells(
    session: Session, run_ids: Sequence[str], datapoint_ids: Sequence[str]
) -> dict[tuple[str, str], list[ItemCell]]:
    """The items of some rows of runs, repeats in order."""
    rows = session.execute(
        text("""
        select i.run_id, i.datapoint_id, i.repeat, i.state, i.log_id, i.error, l.output, l.latency_ms,
               (l.prompt_cost + l.output_cost)::float8, l.prompt_tokens, l.output_tokens
        from run_item i left join log l on l.id = i.log_id
        where i.run_id = any(:runs) and i.datapoint_id = any(:rows)
        order by i.run_id, i.position
        """),
        {"runs": list(run_ids), "rows": list(datapoint_ids)},
    )
    cells: dict[tuple[str, str], list[ItemCell]] = {}
    for row in rows:
        cell = ItemCell(*row)
        cells.setdefault((cell.run_id, cell.datapoint_id), []).append(cell)
    return cells


class LogPlace(NamedTuple):
    """A row of an evaluation, by a log that answers it."""

    log_id: str
    run_id: str
    evaluation_id: str
    name: str
    control_id: str | None
    """The run of the baseline, where it is another one that has the same rows."""
    number: int | None
    """Of the row in a grid of these two; None where the order of rows is not the run's own."""


def list_places(session: Session, workspace_id: str, log_ids: Collection[str]) -> list[LogPlace]:
    """The newest run that each log is in, and its row there: repeats of a row stand together, and rows as in the dataset."""
    rows = session.execute(
        text("""
        select distinct on (i.log_id) i.log_id, r.id, e.id, e.name, c.id,
            case when r.stops_by is null and r.dataset_version_id is not null and r.version_id is not null
                then i.position / r.repeats + 1 end
        from run_item i join run r on r.id = i.run_id join evaluation e on e.id = r.evaluation_id
        left join run c on c.evaluation_id = r.evaluation_id and c.control and c.id <> r.id and c.stops_by is null
            and c.dataset_version_id = r.dataset_version_id and c.items_count = r.items_count and c.repeats = r.repeats
            and c.split is not distinct from r.split
        where i.log_id = any(:logs) and r.workspace_id = :workspace
        order by i.log_id, r.created_at desc, r.id desc, c.id
        """),
        {"logs": list(log_ids), "workspace": workspace_id},
    )
    return [LogPlace(*row) for row in rows]


class LoggedItem(NamedTuple):
    """An item of a run that has a log."""

    run_id: str
    datapoint_id: str
    log_id: str
    repeat: int


def list_items(
    session: Session, run_ids: Sequence[str], offset: int, limit: int
) -> tuple[list[LoggedItem], int]:
    """A page of the items of runs that have a log, and how many there are."""
    parameters = {"runs": list(run_ids), "offset": offset, "limit": limit}
    total = session.scalar(
        text("select count(*) from run_item where run_id = any(:runs) and log_id is not null"), parameters
    )
    rows = session.execute(
        text("""
        select run_id, datapoint_id, log_id, repeat from run_item where run_id = any(:runs) and log_id is not null
        order by run_id desc, position offset :offset limit :limit
        """),
        parameters,
    )
    return [LoggedItem(*row) for row in rows], total or 0
