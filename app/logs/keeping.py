"""What happened once becomes a case that is tried again: logs as rows of a dataset."""

from collections.abc import Iterator, Sequence

import orjson
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.database import Json
from app.core.errors import Invalid, NotFound
from app.datasets import service as datasets
from app.datasets.schemas import DatapointContent
from app.datasets.service import DatasetChange, DatasetWritten
from app.datasets.synthetic import MARK, mark_of
from app.files import repository as files
from app.files.paths import clean_path
from app.logs import repository as logs
from app.logs.repository import Case, Keepable
from app.logs.size_repository import MOST_BYTES, OF_ROWS, logs_exceed

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


def refusal_of(log: Keepable) -> str:
    """Why a log cannot be kept; empty where it can."""
    if log.is_cleared:
        return "Its inputs were cleared, because they were too old or were never to be kept."
    if log.is_empty:
        return "It has neither inputs nor messages, so there is nothing to try again."
    return ""


def find(session: Session, principal: Principal, log_ids: Sequence[str]) -> list[Keepable]:
    """The logs with these ids, in their order, without their texts.

    Raises:
        NotFound: one of them is not there.
        Invalid: there are none, or too many.
    """
    if not log_ids or len(log_ids) > MOST:
        raise Invalid(f"Choose the logs first, {MOST} of them at most.")
    found = logs.find_keepable(session, principal.workspace_id, log_ids)
    if len(found) < len(set(log_ids)):
        raise NotFound("One of these logs is not there any more: it was deleted, by age or by somebody.")
    return [found[log_id] for log_id in dict.fromkeys(log_ids)]


def keep(session: Session, principal: Principal, wanted: Row) -> DatasetWritten:
    """Add logs to a dataset: a new version, with rows that remember where they are from. All of them, or none.

    Raises:
        NotFound: no such log or dataset.
        Invalid: one of them cannot be a row, they are too large together, no dataset is named, or the path of a new
            one is taken.
    """
    found = find(session, principal, wanted.log)
    refused = [refusal for log in found if (refusal := refusal_of(log))]
    if refused:
        raise Invalid(
            refused[0]
            if len(found) == 1
            else f"{len(refused)} of the {len(found)} cannot be kept. {refused[0]}"
        )
    ids = [log.id for log in found]
    if logs_exceed(session, ids, OF_ROWS):
        most = MOST_BYTES // 1024**2
        raise Invalid(f"These logs hold more than {most} MiB of inputs and outputs: choose fewer at once.")
    path = wanted.path.strip()
    if not wanted.dataset and not path:
        said = "Choose a dataset, or name a new one."
        raise Invalid(said, fields={"path": said})
    if path and files.find_file_by_path(session, principal.workspace_id, clean_path(path)):
        said = f"{path} is there already: empty this field and choose it above, or name another."
        raise Invalid(said, fields={"path": said})
    change = DatasetChange(
        _contents(logs.find_cases(session, principal.workspace_id, ids), wanted),
        action="set" if path else "add",
        file_id=None if path else wanted.dataset,
        path=path or None,
        note=f"A row from the log {found[0].id}" if len(found) == 1 else f"{len(found)} rows from logs",
    )
    return datasets.write(session, principal, change)


def _contents(cases: list[Case], wanted: Row) -> Iterator[DatapointContent]:
    """One after another, each forgotten once it is a row: read JSON takes several times its text."""
    cases.reverse()
    while cases:
        yield _content(cases.pop(), wanted)


def _mark(log: Case) -> Json:
    """What a model wrote stays told apart: the row is that row again."""
    mark = mark_of({MARK: orjson.loads(log.mark or "null")})
    return {} if mark is None else {MARK: mark}


def _content(log: Case, wanted: Row) -> DatapointContent:
    typed = wanted.target.strip() if len(wanted.log) == 1 else ""
    target = typed or (log.output if wanted.as_target else None)
    try:
        return DatapointContent.model_validate(
            {
                "inputs": orjson.loads(log.inputs or "{}") or {},
                "messages": orjson.loads(log.messages or "null"),
                "target": {"output": target} if target else None,
                "metadata": {"log_id": log.id, **_mark(log)},
                "split": wanted.split or None,
            }
        )
    except ValidationError as error:
        raise Invalid(f"It cannot be a row of a dataset: {error.errors()[0]['msg']}.") from None
