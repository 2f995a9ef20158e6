"""What happened once becomes a case that is tried again: logs as rows of a dataset."""

from collections.abc import Sequence

from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Invalid, NotFound
from app.datasets import service as datasets
from app.datasets.schemas import DatapointContent
from app.datasets.service import DatasetChange, DatasetWritten
from app.files import repository as files
from app.files.paths import clean_path
from app.logs import repository as logs
from app.logs.models import Log

MOST = 200
"""Logs that become rows at once."""


class Row(BaseModel):
    """Which logs go to which dataset, and what of them is kept beside their inputs."""

    log: list[str] = []
    """Their ids."""
    dataset: str = ""
    """A dataset's id."""
    path: str = ""
    """Where a new one is made, whatever `dataset` says."""
    split: str = ""
    as_target: str = ""
    """Whether their outputs are the right answers."""
    target: str = ""
    """The right answer, as typed: for a single one, in place of its output."""


def refusal_of(log: Log) -> str:
    """Why a log cannot be kept; empty where it can."""
    if log.payload_cleared_at:
        return "Its inputs were cleared, because they were too old or were never to be kept."
    if not log.inputs and not log.messages:
        return "It has neither inputs nor messages, so there is nothing to try again."
    return ""


def find(session: Session, principal: Principal, log_ids: Sequence[str]) -> list[Log]:
    """The logs with these ids, in their order.

    Raises:
        NotFound: one of them is not there.
        Invalid: there are none, or too many.
    """
    if not log_ids or len(log_ids) > MOST:
        raise Invalid(f"Choose the logs first, {MOST} of them at most.")
    found = logs.find_logs(session, principal.workspace_id, log_ids)
    if len(found) < len(set(log_ids)):
        raise NotFound("One of these logs is not there any more: it was deleted, by age or by somebody.")
    return [found[log_id] for log_id in dict.fromkeys(log_ids)]


def keep(session: Session, principal: Principal, wanted: Row) -> DatasetWritten:
    """Add logs to a dataset: a new version, with rows that remember where they are from. All of them, or none.

    Raises:
        NotFound: no such log or dataset.
        Invalid: one of them cannot be a row, no dataset is named, or the path of a new one is taken.
    """
    found = find(session, principal, wanted.log)
    refused = [refusal for log in found if (refusal := refusal_of(log))]
    if refused:
        raise Invalid(
            refused[0]
            if len(found) == 1
            else f"{len(refused)} of the {len(found)} cannot be kept. {refused[0]}"
        )
    path = wanted.path.strip()
    if not wanted.dataset and not path:
        said = "Choose a dataset, or name a new one."
        raise Invalid(said, fields={"path": said})
    if path and files.find_file_by_path(session, principal.workspace_id, clean_path(path)):
        said = f"{path} is there already: empty this field and choose it above, or name another."
        raise Invalid(said, fields={"path": said})
    change = DatasetChange(
        [_content(log, wanted) for log in found],
        action="set" if path else "add",
        file_id=None if path else wanted.dataset,
        path=path or None,
        note=f"A row from the log {found[0].id}" if len(found) == 1 else f"{len(found)} rows from logs",
    )
    return datasets.write(session, principal, change)


def _content(log: Log, wanted: Row) -> DatapointContent:
    typed = wanted.target.strip() if len(wanted.log) == 1 else ""
    target = typed or (log.output if wanted.as_target else None)
    try:
        return DatapointContent.model_validate(
            {
                "inputs": log.inputs or {},
                "messages": log.messages,
                "target": {"output": target} if target else None,
                "metadata": {"log_id": log.id},
                "split": wanted.split or None,
            }
        )
    except ValidationError as error:
        raise Invalid(f"It cannot be a row of a dataset: {error.errors()[0]['msg']}.") from None
