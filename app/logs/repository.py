"""The SQL of logs and judgments."""

from collections.abc import Collection, Sequence
from dataclasses import fields
from typing import NamedTuple

from sqlalchemy import Text, cast, delete, select, text
from sqlalchemy.orm import Session

from app.datasets.models import Datapoint
from app.datasets.synthetic import MARK
from app.files.counting_repository import counting
from app.files.models import File, FileKind
from app.logs.models import Judgment, Log
from app.logs.records import JudgmentRecord, LogRecord, as_json


def _insert(table: str, record: type[LogRecord] | type[JudgmentRecord], key: str) -> str:
    """Insert from one JSON array, whose members take the types of the table's own columns."""
    columns = [f'"{field.name}"' for field in fields(record)]
    values = ["coalesce(created_at, now())" if name == '"created_at"' else name for name in columns]
    rows = f"json_populate_recordset(null::{table}, cast(:rows as json))"
    known = f" on conflict ({key}) do nothing" if key else ""
    return f"insert into {table} ({', '.join(columns)}) select {', '.join(values)} from {rows}{known}"  # noqa: S608


_INSERT_LOGS = text(f"""
with written as ({_insert("log", LogRecord, "id")}
    returning id, workspace_id, file_id, model, provider, created_at, attempts, error, prompt_cost, output_cost),
spent as (insert into spend_day (workspace_id, day, file_id, model, provider, calls, failed, usd)
select workspace_id, (created_at at time zone 'UTC')::date, file_id, coalesce(model, ''), coalesce(provider, ''),
       sum(attempts), count(*) filter (where error is not null),
       sum(coalesce(prompt_cost, 0) + coalesce(output_cost, 0))
from written where attempts > 0 group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
on conflict (workspace_id, day, file_id, model, provider) do update
    set calls = spend_day.calls + excluded.calls, failed = spend_day.failed + excluded.failed,
        usd = spend_day.usd + excluded.usd)
select id from written
""")  # noqa: S608 - columns of our own records; ordered, so that two writers never wait for each other
_INSERT_JUDGMENTS = _insert("judgment", JudgmentRecord, "log_id, evaluator_version_id, author, vote")


def insert_logs(session: Session, records: Sequence[LogRecord]) -> set[str]:
    """Insert logs, and count what they spent: the ids of those that were new. One that is there is left as it is."""
    if not records:
        return set()
    return set(session.scalars(_INSERT_LOGS, {"rows": as_json(records)}))


def _written(column: str) -> str:
    return f"(select {column} as id, count(*)::int as n from written group by 1) as given"  # noqa: S608 - our own


_INSERT_AND_COUNT = text(f"""
with written as ({_insert("log", LogRecord, "")} returning file_id, version_id),
{counting(_written("file_id"), _written("version_id"))}
select count(*) from written
""")  # noqa: S608 - as above


def insert_and_count(session: Session, records: Sequence[LogRecord]) -> None:
    """Insert logs that cost nothing, and add their number to that of their versions and files.

    Raises:
        IntegrityError: the id of one is taken.
    """
    session.execute(_INSERT_AND_COUNT, {"rows": as_json(records)})


def known_ids(session: Session, log_ids: Collection[str]) -> set[str]:
    """Those of the ids that are there already."""
    return set(session.scalars(select(Log.id).where(Log.id.in_(log_ids)))) if log_ids else set()


def insert_judgments(session: Session, records: Sequence[JudgmentRecord]) -> int:
    """Insert judgments; how many were new. A judge's second word on the same log changes nothing."""
    if not records:
        return 0
    return session.execute(text(_INSERT_JUDGMENTS), {"rows": as_json(records)}).rowcount  # type: ignore[attr-defined, no-any-return]


_PUT_JUDGMENT = f"""
{_INSERT_JUDGMENTS.replace("do nothing", "do update set ")}
    id = case when :named then excluded.id else judgment.id end,
    created_at = excluded.created_at, boolean_value = excluded.boolean_value, number_value = excluded.number_value,
    text_value = excluded.text_value, options_value = excluded.options_value, rationale = excluded.rationale,
    error = excluded.error, detail = excluded.detail, stdout = excluded.stdout,
    marked_completed = case when :marks then excluded.marked_completed else judgment.marked_completed end
returning id
"""
_MARK = f"""
{_INSERT_JUDGMENTS.replace("do nothing", "do update set ")} marked_completed = excluded.marked_completed returning id
"""


def put_judgment(
    session: Session, record: JudgmentRecord, *, marks: bool = False, named: bool = False
) -> str:
    """Write a judgment, in place of what the same author said of the same log before; its id, which stays as it was
    unless the new one was chosen by the caller (`named`).

    Whether the author is done with the log stays as it was, too, unless the judgment `marks` it.
    """
    values = {"rows": as_json([record]), "marks": marks, "named": named}
    return str(session.scalars(text(_PUT_JUDGMENT), values).one())


def is_taken(session: Session, record: JudgmentRecord) -> bool:
    """Whether its id is that of a log, or of a judgment that it would not take the place of."""
    there = session.execute(
        select(Judgment.log_id, Judgment.evaluator_version_id, Judgment.author, Judgment.vote).where(
            Judgment.id == record.id
        )
    ).one_or_none()
    own = (record.log_id, record.evaluator_version_id, record.author, record.vote)
    return (there is not None and tuple(there) != own) or bool(known_ids(session, [record.id]))


def mark_judgment(session: Session, record: JudgmentRecord) -> str:
    """Write whether an author is done with a log, and leave what the author said of it; the judgment's id."""
    return str(session.scalars(text(_MARK), {"rows": as_json([record])}).one())


def find_log(session: Session, workspace_id: str, log_id: str) -> Log | None:
    return session.scalar(select(Log).where(Log.id == log_id, Log.workspace_id == workspace_id))


def find_logs(session: Session, workspace_id: str, log_ids: Sequence[str]) -> dict[str, Log]:
    """Logs by their ids."""
    query = select(Log).where(Log.workspace_id == workspace_id, Log.id.in_(log_ids))
    return {log.id: log for log in session.scalars(query)}


class Keepable(NamedTuple):
    """What tells whether a log can be a row of a dataset."""

    id: str
    is_cleared: bool
    is_empty: bool
    """Whether it has neither inputs nor messages."""


def find_keepable(session: Session, workspace_id: str, log_ids: Sequence[str]) -> dict[str, Keepable]:
    """The logs that are there, by their ids, without their texts."""
    statement = text("""
        select id, payload_cleared_at is not null,
            coalesce(inputs in ('{}', '[]', 'null'), true) and coalesce(messages in ('{}', '[]', 'null'), true)
        from log where workspace_id = :workspace and id = any(:logs)
    """)
    found = session.execute(statement, {"workspace": workspace_id, "logs": list(log_ids)})
    return {row[0]: Keepable(*row) for row in found}


class Case(NamedTuple):
    """What of a log becomes a row of a dataset, its JSON as text."""

    id: str
    inputs: str | None
    messages: str | None
    output: str | None
    mark: str | None
    """Who wrote the row that it was called on, where a model did."""


def find_cases(session: Session, workspace_id: str, log_ids: Sequence[str]) -> list[Case]:
    """The logs that are there, in the order of the ids."""
    mark = cast(Datapoint.details[MARK], Text)
    query = select(Log.id, cast(Log.inputs, Text), cast(Log.messages, Text), Log.output, mark)
    of_row = (Datapoint.id == Log.datapoint_id) & (Datapoint.workspace_id == Log.workspace_id)
    query = query.outerjoin(Datapoint, of_row)
    rows = session.execute(query.where(Log.workspace_id == workspace_id, Log.id.in_(log_ids)))
    found = {row[0]: Case(*row) for row in rows}
    return [found.pop(log_id) for log_id in log_ids if log_id in found]


def find_last_datapoint(session: Session, file_id: str, among: int = 500) -> str | None:
    """The row that a file was last called on, if one of its newest `among` calls was on a row of a dataset."""
    newest = select(Log.id, Log.created_at, Log.datapoint_id).where(Log.file_id == file_id)
    found = newest.order_by(Log.created_at.desc(), Log.id.desc()).limit(among).subquery()
    query = select(found.c.datapoint_id).where(found.c.datapoint_id.is_not(None))
    return session.scalar(query.order_by(found.c.created_at.desc(), found.c.id.desc()).limit(1))


def list_judgments(session: Session, log_ids: Sequence[str]) -> dict[str, list[Judgment]]:
    """The judgments on each of the logs, oldest first."""
    found: dict[str, list[Judgment]] = {log_id: [] for log_id in log_ids}
    for judgment in session.scalars(
        select(Judgment).where(Judgment.log_id.in_(log_ids)).order_by(Judgment.id)
    ):
        found[judgment.log_id].append(judgment)
    return found


def find_judgment(session: Session, workspace_id: str, judgment_id: str) -> Judgment | None:
    return session.scalar(
        select(Judgment).where(Judgment.id == judgment_id, Judgment.workspace_id == workspace_id)
    )


def lock_log_of_kind(session: Session, workspace_id: str, log_id: str, kind: FileKind) -> Log | None:
    """A log of a file of this kind, held until the transaction ends."""
    of_kind = select(File.id).where(File.id == Log.file_id, File.kind == kind).exists()
    query = select(Log).where(Log.id == log_id, Log.workspace_id == workspace_id, of_kind)
    return session.scalar(query.with_for_update())


def name_row(session: Session, log_id: str, run_id: str, datapoint_id: str) -> None:
    """Note in a log which row of which run it is of, unless it says so."""
    session.execute(
        text("update log set run_id = :run, datapoint_id = :datapoint where id = :log and run_id is null"),
        {"log": log_id, "run": run_id, "datapoint": datapoint_id},
    )


def lock_logs(session: Session, workspace_id: str, log_ids: Sequence[str]) -> dict[str, str | None]:
    """Those of the logs that are there, each with the run that made it, held until the transaction ends."""
    query = select(Log.id, Log.run_id).where(Log.workspace_id == workspace_id, Log.id.in_(log_ids))
    rows = session.execute(query.order_by(Log.id).with_for_update()).all()
    return dict(rows)


def hold_logs(session: Session, log_ids: Collection[str]) -> dict[str, bool]:
    """Those of the logs that are there, each with whether its payload is, neither of which changes until the transaction
    ends."""
    query = select(Log.id, Log.payload_cleared_at.is_(None)).where(Log.id.in_(log_ids))
    rows = session.execute(query.order_by(Log.id).with_for_update(read=True)).all()
    return dict(rows)


def is_cleared(session: Session, log_id: str) -> bool:
    """Whether the payloads of a log are gone, or were never kept: then none that are said later are kept either."""
    return session.scalar(select(Log.payload_cleared_at).where(Log.id == log_id)) is not None


def logs_made_by(session: Session, log_ids: Collection[str], user_id: str) -> set[str]:
    """Which of the logs somebody sent or called for."""
    return set(session.scalars(select(Log.id).where(Log.id.in_(log_ids), Log.created_by == user_id)))


def runs_started_by(session: Session, run_ids: Collection[str], user_id: str) -> set[str]:
    """Which of the runs somebody started. Runs are asked by the name of their table: their package stands above."""
    statement = text("select id from run where id = any(:runs) and created_by = :user")
    return set(session.scalars(statement, {"runs": list(run_ids), "user": user_id}))


def count_results(session: Session, log_ids: Sequence[str]) -> int:
    """How many of the logs are what a row of a run came to."""
    statement = text("select count(distinct log_id) from run_item where log_id = any(:logs)")
    return session.scalar(statement, {"logs": list(log_ids)}) or 0


END_USER = "end_user:"
"""Before the id of an application's user, as the author of a judgment: nobody passes for one of the team."""
CALLER = "caller"
"""The author of judgments that were sent for an evaluator that the server could judge by: nobody's word passes for the
server's, in whatever runs the log is."""
FINAL = "final"
"""The author of the judgment that settles what several people said of a log differently: it counts in place of theirs."""


QUESTION = """left(coalesce(
    (select value from jsonb_each_text(case jsonb_typeof(l.inputs) when 'object' then l.inputs end) order by
        length(value) < 12, case when length(value) < 12 then -length(value) else length(value) end limit 1),
    l.messages -> -1 ->> 'content', ''), 120)"""
"""What the output of a log `l` answers: of its inputs the shortest that says something, else its last message. A short one is a setting as
a rule, which many rows share."""


def take_judgment_back(session: Session, log_id: str, evaluator_version_id: str, author: str) -> bool:
    """Delete what an author said of a log by an evaluator; whether there was anything."""
    said = delete(Judgment).where(
        Judgment.log_id == log_id,
        Judgment.evaluator_version_id == evaluator_version_id,
        Judgment.author == author,
    )
    gone = session.execute(said.execution_options(synchronize_session=False))
    return bool(gone.rowcount)  # type: ignore[attr-defined]


EMPTIED = """
    inputs = null, messages = null, output = null, output_message = null, provider_request = null, provider_response = null,
    stdout = null, reuse_key = null, payload_cleared_at = now()
"""
"""What is set in a log that loses its payloads."""


def empty_judges_above(session: Session, workspace_id: str, log_ids: Sequence[str]) -> None:
    """Take the payloads of calls of judges about what logs are nested in, which may have been shown these, too."""
    statement = text(f"""
        with recursive above(id) as (
            select parent_id from log where workspace_id = :workspace and id = any(:logs) and parent_id is not null
            union select l.parent_id from log l join above a on l.id = a.id
            where l.workspace_id = :workspace and l.parent_id is not null
        )
        update log l set {EMPTIED} from above where l.parent_id = above.id and l.source = 'judge'
        and l.workspace_id = :workspace and l.payload_cleared_at is null and l.id <> all(:logs)
    """)  # noqa: S608 - our own constants
    session.execute(statement, {"workspace": workspace_id, "logs": list(log_ids)})


def delete_logs(session: Session, workspace_id: str, log_ids: Sequence[str]) -> int:
    """Delete logs with their judgments and the calls of judges about them, which hold their texts; how many of `log_ids`
    there were."""
    empty_judges_above(session, workspace_id, log_ids)
    judged = text("""
        delete from log l where l.parent_id = any(:logs) and l.source = 'judge' and l.workspace_id = :workspace
        and not exists (select from run_item i where i.log_id = l.id)
    """)
    session.execute(judged, {"logs": list(log_ids), "workspace": workspace_id})
    statement = delete(Log).where(Log.workspace_id == workspace_id, Log.id.in_(log_ids))
    return session.execute(statement).rowcount  # type: ignore[attr-defined, no-any-return]
