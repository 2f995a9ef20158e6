"""What comes of one call of a prompt that writes rows: its log, and its rows in the draft, in one transaction.

Whoever loses the worker loses the call, and neither finds its rows twice nor without their log: a call is settled once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from app.core import clock
from app.datasets import alike, drafts
from app.datasets.models import DatasetDraft
from app.datasets.rows import Destination
from app.datasets.schemas import DatapointContent
from app.datasets.synthetic import MARK
from app.files import repository as files_repository
from app.files.models import File, FileKind
from app.generations import row_generations, row_repository
from app.generations.models import RowGeneration
from app.generations.row_reply import Reply
from app.logs import repository as logs
from app.logs.records import LogRecord

GONE = "The dataset was deleted."
_ALIKE = "it asks the same as a row that is there, but for capitals, spaces and punctuation"


@dataclass(slots=True)
class Known:
    """What the rows of a version say in the inputs that are filled in: eight bytes of each."""

    number: int = -1
    words: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Made:
    """A call that was made."""

    number: int
    log: LogRecord
    reply: Reply


def settle(
    session: Session,
    generation_id: str,
    owner: str,
    columns: Sequence[Destination],
    made: Made,
    known: Known,
) -> None:
    """Write a call's log, and its rows into the draft, unless somebody else has taken the call meanwhile. The call was paid,
    whatever became of it."""
    logs.insert_logs(session, [made.log])
    generation = row_repository.lock_own(session, generation_id, owner)
    if generation is None:
        return
    row_repository.spend(session, generation, _cost(made.log), made.log.attempts)
    call = row_repository.find_open_call(session, generation_id, made.number)
    file = files_repository.find_file(session, generation.workspace_id, generation.file_id, FileKind.DATASET)
    if call is None:
        return
    if file is None:
        row_generations.end(session, generation, GONE)
        return
    call.log_id, call.finished_at = made.log.id, clock.now()
    call.problem = made.reply.problem
    fresh, repeated = _unlike(session, generation, file, columns, made, known)
    call.rows_added, call.left_out = len(fresh), [*made.reply.left_out, *repeated]
    if not fresh and not call.problem and call.left_out:
        call.problem = f"No row of the reply is new: {call.left_out[0]['why']}."
    session.flush()


def _unlike(
    session: Session,
    generation: RowGeneration,
    file: File,
    columns: Sequence[Destination],
    made: Made,
    known: Known,
) -> tuple[list[DatapointContent], list[dict[str, Any]]]:
    """The rows that ask what no other row does, which are in the draft then; and the others."""
    if not made.reply.rows:
        return [], []
    draft = drafts.opened_of(session, generation.user_id, file)
    names = [one.name or "" for one in columns if one.place == "inputs"]
    _learn(session, draft, names, known)
    drafted = row_repository.list_drafted_inputs(session, draft, names)
    taken = {alike.words_of(one) for one in drafted}
    said = row_repository.as_texts(session, [row.inputs for row in made.reply.rows])
    fresh, repeated = [], []
    for row, text in zip(made.reply.rows, said, strict=True):
        words = alike.words_of(text)
        if words in taken or words in known.words:
            repeated.append({"content": row.content(), "why": _ALIKE})
            continue
        taken.add(words)
        mark = {"prompt": generation.asked_by, "version": generation.version_id, "log": made.log.id}
        row.metadata, row.split = {MARK: mark}, generation.split  # type: ignore[assignment]
        fresh.append(row)
    if fresh:
        drafts.add(session, draft, fresh)
    return fresh, repeated


def _learn(session: Session, draft: DatasetDraft, names: Sequence[str], known: Known) -> None:
    """Take in the version that the draft changes: another one than before, where it was put on a newer one."""
    if known.number != draft.base_number:
        said = row_repository.stream_inputs(session, draft.file_id, draft.base_number, names)
        known.words = {alike.words_of(one) for one in said}
        known.number = draft.base_number


def _cost(log: LogRecord) -> Decimal:
    return Decimal(log.prompt_cost or 0) + Decimal(log.output_cost or 0)
