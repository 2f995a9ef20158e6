"""The one door through which logs are written, and the bell that rings when one is: packages above listen to it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.files import counting_repository
from app.logs import repository
from app.logs.models import Log
from app.logs.records import LogRecord


@dataclass(frozen=True, slots=True)
class Arrival:
    """A log that was written or changed, as far as it concerns those who listen."""

    id: str
    workspace_id: str
    file_id: str
    version_id: str
    source: str | None
    status: str
    """`complete` or `incomplete`."""
    run_id: str | None
    datapoint_id: str | None
    new: bool
    """False: it was there, and something was said of it since."""
    of_flow: bool | None = None
    """Whether it is of a flow; None where nobody has looked."""


Listener = Callable[[Session, Sequence[Arrival]], None]
Concerned = Callable[[Session, Sequence[Arrival]], bool]
_listeners: dict[Listener, Concerned | None] = {}


def listen(listener: Listener, *, concerned: Concerned | None = None) -> Listener:
    """Call `listener` for all logs that are written or changed, in the transaction that does it, in the order of arrival.

    It runs before the commit, so it is quick: it writes rows, and enqueues jobs, which leave after the commit. An error
    of it undoes the log. Listening twice is the same as once. `concerned` tells beforehand whether it would do anything at
    all, and changes nothing; without it, it always would.
    """
    _listeners.setdefault(listener, concerned)
    return listener


def write_logs(session: Session, records: Sequence[LogRecord], *, counted: bool = True) -> set[str]:
    """Write logs, and tell who listens: the ids of those that were new. One whose id is there is left as it is.

    `counted` is False where their number is added to that of the version and the file later, or never.
    """
    written = repository.insert_logs(session, records)
    # The same log may have been sent twice at once: the first of them was written.
    first = {record.id: record for record in reversed(records)}
    new = [record for record in records if record.id in written and first[record.id] is record]
    flows = None
    if counted and new:
        flows = counting_repository.count_logs(
            session, Counter((record.file_id, record.version_id) for record in new)
        )
    tell(session, [_arrival(record, new=True, flows=flows) for record in new])
    return written


def write_if_nobody_is_concerned(session: Session, records: Sequence[LogRecord]) -> bool:
    """Write logs that were called elsewhere, are of no flow and have new ids, by one statement that comes last, unless somebody
    listens whom they concern: whether they were written."""
    coming = [_arrival(record, new=True, flows=set()) for record in records]
    if any(concerned is None or concerned(session, coming) for concerned in _listeners.values()):
        return False
    repository.insert_and_count(session, records)
    return True


def tell_changed(session: Session, log: Log) -> None:
    """Say that something was said of a log since it was written."""
    session.flush()
    tell(session, [_arrival(log, new=False)])


def tell(session: Session, arrivals: Sequence[Arrival]) -> None:
    """Call all who listen. For writers that do not come through `write_logs`."""
    if arrivals:
        for listener in _listeners:
            listener(session, arrivals)


def _arrival(log: LogRecord | Log, *, new: bool, flows: set[str] | None = None) -> Arrival:
    return Arrival(
        id=log.id,
        workspace_id=log.workspace_id,
        file_id=log.file_id,
        version_id=log.version_id,
        source=log.source,
        status=log.status,
        run_id=log.run_id,
        datapoint_id=log.datapoint_id,
        new=new,
        of_flow=None if flows is None else log.file_id in flows,
    )
