"""Importing logs and judgments in batches, each in a transaction of its own.

They do not come through `logs.arrivals`: what took place elsewhere is history, which no evaluator judges anew, no run waits
for and no budget pays.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.logs import repository as logs
from app.logs import traces
from app.logs.records import JudgmentRecord
from app.transfer import repository
from app.transfer.executions import JUDGMENTS, LOGS, Batch, Source, take, take_judgments
from app.transfer.reading import Folder
from app.transfer.report import Report
from app.transfer.repository import Voice

_MOST_ROWS = 1_000
_MOST_BYTES = 8 << 20
_ELSEWHERE = "another workspace has its id"


class LogWriter:
    """Writes what is added to it, at the latest when it is flushed. What is there already is left as it is."""

    def __init__(self, workspace_id: str, files: Mapping[str, str], report: Report) -> None:
        self._workspace_id = workspace_id
        self._files = files
        """The kinds of the workspace's files, by id: logs of others are left out."""
        self._report = report
        self._batch = Batch()
        self._bytes = 0

    def add(
        self,
        values: Mapping[str, Any],
        where: str,
        *,
        size: int,
        file_id: str | None = None,
        judgments: list[dict[str, Any]] | None = None,
    ) -> str | None:
        """Take a log with all that belongs to it, and judgments on it that stand beside it; its id."""
        source = Source(self._workspace_id, self._report, file_id)
        log_id = take(values, where, source, self._batch)
        if log_id and judgments:
            take_judgments(judgments, log_id, where, source, self._batch)
        self._bytes += size
        if len(self._batch.logs) + len(self._batch.judgments) >= _MOST_ROWS or self._bytes >= _MOST_BYTES:
            self.flush()
        return log_id

    def flush(self) -> None:
        """Write what was added."""
        batch, self._batch, self._bytes = self._batch, Batch(), 0
        if not (batch.logs or batch.judgments):
            return
        with unit_of_work() as session:
            repository.one_at_a_time(session, self._workspace_id)
            self._write_logs(session, batch)
            self._write_judgments(session, batch)

    def _write_logs(self, session: Session, batch: Batch) -> None:
        there = repository.logs_there(session, batch.logs.keys())
        self._name_taken(LOGS, there)
        new = [record for record in batch.logs.values() if record.id not in there]
        for record in new:
            if record.file_id not in self._files:
                reason = "its file is neither in the export nor here"
                self._report.leave_out(LOGS, reason, f"{record.id}, of {record.file_id}")
        new = [record for record in new if record.file_id in self._files]
        loose = [record for record in new if record.trace_id is None]
        joined = traces.find_place(
            session,
            self._workspace_id,
            loose,
            batch.roots.intersection(record.id for record in loose),
            [record.id for record in loose],
            late=True,
        )
        written = logs.insert_logs(session, new)
        traces.settle(session, self._workspace_id, joined)
        counted = Counter((record.file_id, record.version_id) for record in new if record.id in written)
        repository.count_logs(session, self._workspace_id, counted)
        self._report.written[LOGS] += len(written)

    def _name_taken(self, what: str, there: Mapping[str, str]) -> None:
        for row_id, workspace_id in there.items():
            if workspace_id != self._workspace_id:
                self._report.leave_out(what, _ELSEWHERE, row_id)

    def _write_judgments(self, session: Session, batch: Batch) -> None:
        there = repository.judgments_there(session, batch.judgments.keys())
        self._name_taken(JUDGMENTS, there)
        new = [record for record in batch.judgments.values() if record.id not in there]
        judged = repository.logs_there(session, {record.log_id for record in new})
        kept = [record for record in new if judged.get(record.log_id) == self._workspace_id]
        for record in new:
            if judged.get(record.log_id) != self._workspace_id:
                reason = "the log that it is about is not here"
                self._report.leave_out(JUDGMENTS, reason, f"{record.id}, on {record.log_id}")
        _number(session, kept)
        self._report.written[JUDGMENTS] += logs.insert_judgments(session, kept)


def _number(session: Session, records: list[JudgmentRecord]) -> None:
    """Give each judgment the next vote of its author: none takes the place of another."""
    last = repository.last_votes(session, {record.log_id for record in records})
    for record in records:
        voice = Voice(record.log_id, record.evaluator_version_id, record.author)
        record.vote = last[voice] = last.get(voice, -1) + 1


def read_logs(folder: Folder, writer: LogWriter, report: Report) -> None:
    """Import the logs of a file's folder; of an evaluator's, judgments."""
    for line in folder.folder("logs").lines(LOGS, report):
        writer.add(line.value, line.where, size=line.size, file_id=folder.id)
    writer.flush()
