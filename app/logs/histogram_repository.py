"""The SQL of logs over time: how many there are in each part of a span, counted among so many that nobody waits."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.logs import listing_repository
from app.logs.listing_repository import Failing, Place, Wanted


class Counted(NamedTuple):
    """The logs of one part of a span."""

    place: int
    logs: int
    failed: int
    """Of them, those that failed a check."""


def count_parts(
    session: Session,
    workspace_id: str,
    wanted: Wanted,
    parts: tuple[datetime, int],
    among: int,
    before: Place | None = None,
    failing: Failing | None = None,
) -> list[Counted]:
    """The logs that match, among the `among` newest before a place, by the part that they came in: `parts` says when the
    first begins, and how many seconds each has. Without `failing` nobody looks whether they failed a check."""
    failed = listing_repository.FAILED if failing else "false"
    looked_at = listing_repository.looked_at(wanted, before)
    statement = text(f"""
        select floor((date_part('epoch', s.created_at) - :first) / :width)::int as place, count(*)::int,
               (count(*) filter (where {failed}))::int
        from ({looked_at}) as s where {listing_repository.matches(wanted)} group by 1 order by 1
    """)  # noqa: S608 - of our own conditions; what is asked for is bound
    values = listing_repository.values_of(workspace_id, wanted, before, failing)
    values |= {"most": among, "first": parts[0].timestamp(), "width": parts[1]}
    return [Counted(*row) for row in session.execute(statement, values)]


class Deployed(NamedTuple):
    """A version that was put into an environment."""

    at: datetime
    file_id: str
    path: str
    number: int
    environment: str


def list_deployed(
    session: Session, workspace_id: str, since: datetime, until: datetime, file_id: str, most: int
) -> Sequence[Deployed]:
    """What was deployed in a span, newest first: of one file, where it is named, else of all that are logged."""
    statement = text("""
        select d.at, f.id, f.path, v.number, e.name
        from deployment d join file f on f.id = d.file_id join version v on v.id = d.version_id
        join environment e on e.id = d.environment_id
        where d.workspace_id = :workspace and d.at >= :since and d.at < :until and f.deleted_at is null
          and f.kind <> 'dataset' and (:file = '' or d.file_id = :file)
        order by d.at desc, d.id desc limit :most
    """)
    values = {"workspace": workspace_id, "since": since, "until": until, "file": file_id, "most": most}
    return [Deployed(*row) for row in session.execute(statement, values)]
