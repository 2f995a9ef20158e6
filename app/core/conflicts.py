"""Two writers at once: what the database says then, in words, and trying again where that helps."""

from collections.abc import Callable
from typing import TypeVar

from psycopg import errors
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from app.core.errors import Conflict

Result = TypeVar("Result")
_TRIES = 5


def conflict_of(error: IntegrityError) -> Conflict | None:
    """What a broken constraint means to the person who caused it; None for a fault of ours."""
    cause = error.orig
    if isinstance(cause, errors.UniqueViolation):
        what = (cause.diag.table_name or "thing").replace("_", " ")
        article = "an" if what[0] in "aeiou" else "a"
        return Conflict(
            f"There is {article} {what} of this name or place already: somebody was faster. Nothing was saved. "
            "Reload to see it, or choose another name."
        )
    if isinstance(cause, errors.ForeignKeyViolation):
        return Conflict(
            "Something that this names was deleted at the same moment, or is in use since. Nothing was saved: "
            "reload and look again."
        )
    return None


def is_deadlock(error: DBAPIError) -> bool:
    """Whether the database broke a circle of writers that waited for each other; ours was the one to give up."""
    return isinstance(error.orig, errors.DeadlockDetected)


def is_read_only(error: DBAPIError) -> bool:
    """Whether the database takes no writes for now, as one does that another is about to take the place of."""
    return isinstance(error.orig, errors.ReadOnlySqlTransaction)


def again_on_deadlock(session: Session, work: Callable[[], Result]) -> Result:
    """Do `work` in a savepoint, and again when the database broke it off because of a deadlock.

    Raises:
        OperationalError: it was broken off every time.
    """
    for _ in range(_TRIES - 1):
        try:
            with session.begin_nested():
                return work()
        except OperationalError as error:
            if not is_deadlock(error):
                raise
    with session.begin_nested():
        return work()
