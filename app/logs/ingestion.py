"""Logs that come at the same moment, written together: one transaction for all that came during the last one.

Each is answered after the commit that holds it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.orm import Session

from app.core.access import Action, Principal
from app.core.conflicts import is_deadlock
from app.core.database import each_statement_commits, unit_of_work
from app.core.gathering import Gatherer
from app.logs import span_intake
from app.logs.records import LogRecord
from app.logs.service import Entry, record_logs, record_plain_logs
from app.logs.spans import ReadSpan
from app.workspaces.service import holders_of

_BESIDE = 2
Item = TypeVar("Item")
Result = TypeVar("Result")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sent(Generic[Item]):
    """What one request sends, all or none of which is written, and the API key that it came with."""

    secret: str
    items: Sequence[Item]


@dataclass(frozen=True, slots=True)
class _Writer(Generic[Item, Result]):
    """Writes what many requests sent."""

    write: Callable[[Session, Principal, Sequence[Item]], Sequence[Result]]
    """Writes items of one sender in their order, and says what came of each."""
    alone: Callable[[Session, Principal, Sequence[Item]], Sequence[Result]] | None = None
    """The same for the items of one request, after `write` failed; None: `write` itself."""
    plainly: Callable[[Session, Principal, Sequence[Item]], Sequence[Result] | None] | None = None
    """The same by statements of which each commits by itself and only the last one writes: a third of the trips. None, where
    that cannot be, and nothing is written."""

    def __call__(self, sent: Sequence[Sent[Item]]) -> Sequence[Sequence[Result] | Exception | None]:
        """All of it at once; where that fails, each request's by itself, so that none costs another."""
        try:
            return self._together(sent)
        except (OperationalError, InterfaceError, PoolExhausted) as error:
            if not (isinstance(error, OperationalError) and is_deadlock(error)):
                raise  # the database is away for all of them
            log.info("logs written one by one", error="deadlock")
        except Exception as error:  # noqa: BLE001 - the next lines find out whose it is
            if len(sent) == 1 and self.alone is None:
                return [error]
        return [self._alone(one) for one in sent]

    def _alone(self, sent: Sent[Item]) -> Sequence[Result] | Exception | None:
        try:
            return self._together([sent], self.alone)[0]
        except Exception as error:  # noqa: BLE001 - raised to the one who sent it
            return error

    def _together(
        self,
        sent: Sequence[Sent[Item]],
        write: Callable[[Session, Principal, Sequence[Item]], Sequence[Result]] | None = None,
    ) -> list[Sequence[Result] | None]:
        with each_statement_commits() as session:  # nobody waits for these logs to note a key's use, too
            holders = holders_of(session, {one.secret for one in sent if one.secret})
            of_whom: dict[Principal, list[int]] = {}
            for n, one in enumerate(sent):
                if (holder := holders.get(one.secret)) and holder.may(Action.LOG):
                    of_whom.setdefault(holder, []).append(n)
            if self.plainly and len(of_whom) == 1:
                [(principal, numbers)] = of_whom.items()
                results = self.plainly(session, principal, _items_of(sent, numbers))
                if results is not None:
                    return _shared_out(sent, [(numbers, results)])
        with unit_of_work() as session:
            # Workspaces in one order for all, so that two of these never wait for each other.
            done = [
                (numbers, (write or self.write)(session, principal, _items_of(sent, numbers)))
                for principal, numbers in sorted(of_whom.items(), key=lambda each: each[0].workspace_id)
            ]
        return _shared_out(sent, done)


def _items_of(sent: Sequence[Sent[Item]], numbers: Sequence[int]) -> list[Item]:
    return [item for n in numbers for item in sent[n].items]


def _shared_out(
    sent: Sequence[Sent[Item]], done: Iterable[tuple[Sequence[int], Sequence[Result]]]
) -> list[Sequence[Result] | None]:
    """What came of the items of each request; None for those that nothing was done for."""
    written: list[Sequence[Result] | None] = [None] * len(sent)
    for numbers, results in done:
        left = iter(results)
        for n in numbers:
            written[n] = [next(left) for _ in sent[n].items]
    return written


Logs = Gatherer[Sent[Entry], Sequence[LogRecord] | None]
"""Asked to write logs, it says what was written; None where the key does not hold, or may not write logs. It raises what
`record_logs` does, to the one whose logs it concerns."""
LOGS: Logs = Gatherer(_Writer(record_logs, plainly=record_plain_logs), most=100, beside=_BESIDE)
"""For doors that take one log."""
BATCHES: Logs = Gatherer(_Writer(record_logs, plainly=record_plain_logs), most=4, beside=_BESIDE)
"""For doors that take many at once, and are long transactions already."""
SPANS: Gatherer[Sent[ReadSpan], Sequence[str] | None] = Gatherer(
    _Writer(span_intake.take_together, span_intake.take), most=50, beside=_BESIDE
)
"""For spans: an id for each, of a log or of what is kept aside."""
