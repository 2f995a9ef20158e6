"""Which logs people are asked about: those that somebody chose, or those that match the filters of the page of logs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.logs import listing_repository
from app.logs import repository as logs
from app.logs.listing import Filters, read_filters
from app.logs.taking import Taken, take_readable
from app.review.choosing import MOST_OUTPUTS
from app.review.models import LogRows


@dataclass(frozen=True, slots=True)
class Named:
    """What became of logs that were named."""

    readable: Sequence[str]
    """Their ids, in their order: people can read what stands there."""
    unreadable: Sequence[str]
    """They have no output, or an error, or their texts were cleared."""
    gone: Sequence[str]
    """The workspace has no such log."""


@dataclass(frozen=True, slots=True)
class FromLogs:
    """Outputs of logs."""

    workspace_id: str
    log_ids: Sequence[str] = ()
    """Those that were chosen; empty: those that match."""
    sought: Filters = field(default_factory=Filters)
    rows: LogRows = "newest"
    """Of those that match."""
    most: int = MOST_OUTPUTS

    @property
    def title(self) -> str:
        """What a queue is called that nobody named."""
        return "Logs"

    @property
    def filters(self) -> dict[str, str] | None:
        """What was looked for; None where logs were chosen."""
        return None if self.log_ids else self.sought.given()

    def problems(self) -> Mapping[str, str]:
        """What is wrong, by field."""
        if len(self.log_ids) > MOST_OUTPUTS:
            return {"rows": f"A queue takes {MOST_OUTPUTS:,} outputs, and these are {len(self.log_ids):,}."}
        if not 1 <= self.most <= MOST_OUTPUTS:
            return {"most": f"Between 1 and {MOST_OUTPUTS:,}."}
        return {}

    def choose(self, session: Session, random: Random) -> list[str]:
        """The logs, in no order that says anything.

        Raises:
            Invalid: one that was chosen cannot be judged, a filter cannot be understood, or nothing matches.
        """
        found = self._chosen(session) if self.log_ids else self._matching(session, random)
        random.shuffle(found)
        return found

    def _chosen(self, session: Session) -> list[str]:
        named = _held(session, self.workspace_id, self.log_ids)
        if left := [*named.gone, *named.unreadable]:
            raise _wrong(_cannot(left, len(left) + len(named.readable)))
        return list(named.readable)

    def _matching(self, session: Session, random: Random) -> list[str]:
        ids = look_for(session, self.workspace_id, self.sought).ids
        of_them = random.sample(ids, min(self.most, len(ids))) if self.rows == "random" else ids[: self.most]
        if there := _held(session, self.workspace_id, of_them).readable:
            return list(there)
        raise _wrong("No log matches that has an output that can be read.")


def _cannot(left: Sequence[str], of: int) -> str:
    return (
        f"{len(left):,} of the {of:,} logs cannot be judged: deleted, without an output, or with their texts cleared. "
        f"The first is {left[0]:.200}. Nothing was sent."
    )


def _held(session: Session, workspace_id: str, log_ids: Sequence[str]) -> Named:
    """As `look_up`; nobody deletes them until the transaction ends."""
    logs.lock_logs(session, workspace_id, log_ids)
    return look_up(session, workspace_id, log_ids)


def look_up(session: Session, workspace_id: str, log_ids: Sequence[str]) -> Named:
    """What is there of the logs with these ids, each once."""
    known = listing_repository.find_readable(session, workspace_id, log_ids)
    each = list(dict.fromkeys(log_ids))
    return Named(
        [one for one in each if known.get(one)],
        [one for one in each if known.get(one) is False],
        [one for one in each if one not in known],
    )


def look_for(session: Session, workspace_id: str, sought: Filters) -> Taken:
    """The logs that match and can be read, as many as a queue takes.

    Raises:
        Invalid: a filter cannot be understood: it would leave nothing out.
    """
    wanted, _, problems = read_filters(session, workspace_id, sought)
    if problems:
        raise Invalid(" ".join(problems.values()), fields={"rows": " ".join(problems.values())})
    return take_readable(session, workspace_id, wanted, MOST_OUTPUTS)


def _wrong(said: str) -> Invalid:
    return Invalid(said, fields={"rows": said})
