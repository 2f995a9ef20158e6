"""The rows of runs as people see them: datapoints, or what a log says of itself where it is of none."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from app.datasets import repository as datasets
from app.datasets.models import Datapoint
from app.evaluations.grid.comparison_repository import ItemCell
from app.logs import repository as logs
from app.logs.models import Log


def rows_of(session: Session, workspace_id: str, items: Iterable[ItemCell]) -> dict[str, Datapoint]:
    """What was asked in each row that these items are of, by the row's id. Rows of logs are not written anywhere."""
    log_ids = {item.datapoint_id: item.log_id for item in items}
    found = datasets.find_datapoints(session, workspace_id, list(log_ids))
    other = {row: log_id for row, log_id in log_ids.items() if row not in found and log_id}
    known = logs.find_logs(session, workspace_id, list(other.values())) if other else {}
    return found | {row: _row(row, known[log_id]) for row, log_id in other.items() if log_id in known}


def _row(row_id: str, log: Log) -> Datapoint:
    return Datapoint(
        id=row_id, workspace_id=log.workspace_id, inputs=log.inputs or {}, messages=log.messages,
        target=None, context=None, cluster=None, details=None,
    )  # fmt: skip
