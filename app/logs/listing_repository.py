"""The SQL of the page of logs: the newest that match, looked for among so many that a page never waits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import orjson
from sqlalchemy import RowMapping, select, text
from sqlalchemy.orm import Session, defer, joinedload

from app.files.models import Version

MOST_LOOKED_AT = 20_000
"""Logs that one page looks through. What matches further back is behind a link that goes on from there."""
MOST_READ = 4_000
"""The same where their texts have to be read: a part at a time, for they may be long."""
_PART = 500
_PART_BYTES = 512 * 1024
"""Of texts as they are stored: Postgres packs a hundred into one at most, and reads so much in a second."""
_SHOWN = 300
"""Characters of a text in a row of the list."""


class Place(NamedTuple):
    """A log's place in time; ids tell those of the same moment apart."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Failing:
    """What evaluators say no by, where it is not `false`."""

    where_lower_is_better: Sequence[str] = ()
    """Versions of evaluators whose `true` is bad."""
    good: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By the version of an evaluator, the only choices that are good."""
    bad: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The same of those that are bad, where none is called good."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which logs are meant; what is empty leaves none out."""

    file_id: str = ""
    version_id: str = ""
    environment: str = ""
    source: str = ""
    user: str = ""
    session_id: str = ""
    words: str = ""
    """In inputs, messages, output or error, wherever and in whatever case."""
    metadata: str = ""
    since: datetime | None = None
    until: datetime | None = None
    failed: "Failing | None" = None
    """An evaluator said no to it, or could not judge."""
    broken: bool = False
    """It ended with an error."""
    slower_than_ms: float | None = None
    dearer_than_usd: Decimal | None = None
    readable: bool = False
    """It has an output, no error, and its texts are there."""

    @property
    def most(self) -> int:
        """How many logs are looked through for a page."""
        return MOST_READ if self.reads_texts else MOST_LOOKED_AT

    @property
    def reads_texts(self) -> bool:
        """Whether the texts of logs tell whether they match."""
        return bool(self.words or self.metadata)

    @property
    def is_narrow(self) -> bool:
        """Whether some of the logs that are looked at may not match."""
        only_time = Wanted(
            file_id=self.file_id,
            version_id=self.version_id,
            user=self.user,
            since=self.since,
            until=self.until,
        )
        return self != only_time


def size_of_part(
    session: Session, workspace_id: str, wanted: Wanted, place: Place | None = None, *, newer: bool = False
) -> int:
    """How many logs before a place, or of those `newer` than it, may be looked at by one statement: 0 where there are none.

    Where texts have to be read, it is as many as have so many bytes, but at least one.
    """
    if not wanted.reads_texts:
        return MOST_LOOKED_AT
    size = " + ".join(f"coalesce(pg_column_size(s.{name}), 0)" for name in _TEXTS)
    statement = text(f"""
        select count(*) from (
            select sum(size) over (order by created_at desc, id desc) - size as earlier
            from (select s.created_at, s.id, {size} as size from ({looked_at(wanted, place, newer=newer)}) as s) as each
        ) as part where earlier < :bytes
    """)  # noqa: S608 - of our own conditions; what is asked for is bound
    values = values_of(workspace_id, wanted, place) | {"most": _PART, "bytes": _PART_BYTES}
    return session.scalar(statement, values) or 0


def list_newest(
    session: Session, workspace_id: str, wanted: Wanted, limit: int, among: int, before: Place | None = None
) -> Sequence[RowMapping]:
    """The newest `limit` that match and come before a place, among the `among` newest before it."""
    statement = text(f"""
        select s.id, s.created_at, s.file_id, s.version_id, s.environment, s.source, s.trace_id, s.status, s.latency_ms,
            s.prompt_cost + s.output_cost as cost, s.payload_cleared_at,
            coalesce(
                (select left(each.value #>> '{{}}', :shown)
                 from jsonb_each(case when jsonb_typeof(s.inputs) = 'object' then s.inputs end) as each limit 1),
                left(coalesce(
                    jsonb_path_query_first(s.messages, '$[last].content[*].text') #>> '{{}}',
                    s.messages -> -1 ->> 'content'), :shown)) as input_start,
            left(s.output, :shown) as output_start, left(s.error, :shown) as error_start,
            case when jsonb_typeof(s.output_message -> 'tool_calls') = 'array'
                then jsonb_array_length(s.output_message -> 'tool_calls') end as calls
        from ({looked_at(wanted, before)}) as s
        where {matches(wanted)}
        order by s.created_at desc, s.id desc limit :limit
    """)  # noqa: S608 - of our own conditions; what is asked for is bound
    values = values_of(workspace_id, wanted, before) | {"limit": limit, "shown": _SHOWN, "most": among}
    return session.execute(statement, values).mappings().all()


def list_ids(
    session: Session, workspace_id: str, wanted: Wanted, limit: int, among: int, before: Place | None = None
) -> list[str]:
    """The ids of what `list_newest` lists."""
    statement = text(f"""
        select s.id from ({looked_at(wanted, before)}) as s where {matches(wanted)}
        order by s.created_at desc, s.id desc limit :limit
    """)  # noqa: S608 - as above
    values = values_of(workspace_id, wanted, before) | {"limit": limit, "most": among}
    return list(session.scalars(statement, values))


def find_readable(session: Session, workspace_id: str, log_ids: Sequence[str]) -> dict[str, bool]:
    """Those of the logs that are there, each with whether its output can be read."""
    statement = text(
        f"select s.id, {_READABLE} from log s where s.workspace_id = :workspace and s.id = any(:logs)"  # noqa: S608 - a constant
    )
    return dict(session.execute(statement, {"workspace": workspace_id, "logs": list(log_ids)}).all())


def count_newer(session: Session, workspace_id: str, wanted: Wanted, after: Place, most: int) -> int:
    """How many logs that match have come after a place, counted no further than `most`, among the newest."""
    among = size_of_part(session, workspace_id, wanted, after, newer=True)
    statement = text(f"""
        select count(*) from (
            select 1 from ({looked_at(wanted, after, newer=True)}) as s
            where {matches(wanted)} limit :limit) as found
    """)  # noqa: S608 - as above
    values = values_of(workspace_id, wanted, after) | {"limit": most, "most": among}
    return session.scalar(statement, values) or 0


def newest(session: Session, workspace_id: str, wanted: Wanted) -> Place | None:
    """The place of the newest log that is looked at, whether it matches or not; now, where it is stamped in the future:
    what comes would all be older."""
    statement = text(f"select least(created_at, now()), id from ({looked_at(wanted, None)}) as s")  # noqa: S608 - as above
    found = session.execute(statement, values_of(workspace_id, wanted, None) | {"most": 1}).one_or_none()
    return Place(*found) if found else None


def last_looked_at(
    session: Session, workspace_id: str, wanted: Wanted, among: int, before: Place | None = None
) -> Place | None:
    """The place of the last of the `among` logs that `list_newest` looks at; None where there are not so many."""
    statement = text(f"""
        select created_at, id from ({looked_at(wanted, before)}) as s
        order by created_at desc, id desc offset :most - 1 limit 1
    """)  # noqa: S608 - as above
    values = values_of(workspace_id, wanted, before) | {"most": among}
    found = session.execute(statement, values).one_or_none()
    return Place(*found) if found else None


def looked_at(wanted: Wanted, before: Place | None, *, newer: bool = False) -> str:
    """The logs that are looked at, by the index of what is narrowest."""
    among = ["l.workspace_id = :workspace"]
    if wanted.version_id:
        among.append("l.version_id = :version")
    elif wanted.file_id:
        among.append("l.file_id = :file")
    if wanted.user:
        among.append('l."user" = :user')
    if wanted.since:
        among.append("l.created_at >= :since")
    if wanted.until:
        among.append("l.created_at < :until")
    if newer:
        # Of what is stamped in the future nothing is newer: it stands first in the list already, or will for years.
        among.append("(l.created_at, l.id) > (:at, :id) and l.created_at <= now() and l.received_at > :at")
    elif before:
        among.append("(l.created_at, l.id) < (:at, :id)")
    return (
        f"select l.* from log l where {' and '.join(among)} order by l.created_at desc, l.id desc limit :most"  # noqa: S608 - as above
    )


_TEXTS = ("output", "inputs", "error", "messages", "metadata")


def matches(wanted: Wanted) -> str:
    """Which of the logs that are looked at are meant, as `s`."""
    conditions = {
        "s.environment = :environment": wanted.environment,
        "s.source = :source": wanted.source,
        "s.session_id = :session": wanted.session_id,
        "(s.output ilike :words or s.inputs::text ilike :words or s.error ilike :words or s.messages::text ilike :words)": wanted.words,
        "s.metadata::text ilike :metadata": wanted.metadata,
        "s.error is not null": wanted.broken,
        FAILED: wanted.failed,
        "s.latency_ms > :slower": wanted.slower_than_ms is not None,
        "s.prompt_cost + s.output_cost > :dearer": wanted.dearer_than_usd is not None,
        _READABLE: wanted.readable,
    }
    return " and ".join(condition for condition, asked in conditions.items() if asked) or "true"


_READABLE = "(s.output is not null and s.error is null and s.payload_cleared_at is null)"
FAILED = """exists (
    select from judgment j where j.log_id = s.id and (
        j.error is not null
        or j.boolean_value = (j.evaluator_version_id = any(cast(:lower as text[])))
        or jsonb_exists(cast(:bad as jsonb) -> j.evaluator_version_id, j.text_value)
        or not jsonb_exists(cast(:good as jsonb) -> j.evaluator_version_id, j.text_value)))"""


def values_of(
    workspace_id: str, wanted: Wanted, place: Place | None, failing: Failing | None = None
) -> dict[str, Any]:
    """What the statements name. `failing` is what evaluators say no by, where that is asked beside what is wanted."""
    values: dict[str, Any] = {
        "workspace": workspace_id, "version": wanted.version_id, "file": wanted.file_id, "since": wanted.since,
        "until": wanted.until, "environment": wanted.environment, "source": wanted.source, "user": wanted.user,
        "session": wanted.session_id, "words": _like(wanted.words), "metadata": _like(wanted.metadata),
        "slower": wanted.slower_than_ms, "dearer": wanted.dearer_than_usd,
    }  # fmt: skip
    if failing := failing or wanted.failed:
        values |= {"lower": list(failing.where_lower_is_better)}
        values |= {"good": orjson.dumps(failing.good).decode(), "bad": orjson.dumps(failing.bad).decode()}
    return values | ({"at": place.at, "id": place.id} if place else {})


def _like(words: str) -> str:
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def list_judging_versions(session: Session, workspace_id: str) -> list[str]:
    """The ids of those versions of the workspace's evaluators that have judged anything."""
    statement = text("""
        select v.id from version v join file f on f.id = v.file_id
        where f.workspace_id = :workspace and f.kind = 'evaluator'
          and exists (select from judgment j where j.evaluator_version_id = v.id)
    """)
    return list(session.scalars(statement, {"workspace": workspace_id}))


def find_specs(session: Session, workspace_id: str, version_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What versions say, by their ids."""
    statement = text("select id, spec from version where workspace_id = :workspace and id = any(:versions)")
    values = {"workspace": workspace_id, "versions": list(version_ids)}
    return dict(session.execute(statement, values).all())


def find_versions(session: Session, workspace_id: str, version_ids: Collection[str]) -> dict[str, Version]:
    """Versions by their ids, each with its file, and without its content, which may be long and is not listed."""
    query = select(Version).where(Version.workspace_id == workspace_id, Version.id.in_(version_ids))
    query = query.options(joinedload(Version.file), defer(Version.spec, raiseload=True))
    return {each.id: each for each in session.scalars(query)} if version_ids else {}
