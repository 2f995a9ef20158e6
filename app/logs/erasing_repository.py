"""The SQL of erasing an end user: their logs with all that hangs on them, what they said, and where copies are."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from app.logs.models import Judgment, Log, QuarantinedSpan
from app.logs.quarantine_repository import KEPT_BYTES
from app.logs.repository import END_USER, empty_judges_above
from app.logs.spans import NOT_WRITTEN

_A_PART = 50
_A_PART_OF_DRAFTS = 3
"""Of up to 4 MiB each."""
_GONE = """
    with recursive of_user as (
        select id, trace_id from log where workspace_id = :workspace and "user" = :user
    ), inside as materialized (
        select id, parent_id from log where workspace_id = :workspace
        and trace_id in (select trace_id from of_user where trace_id is not null)
    ), told(id) as (
        select id from of_user union select inside.id from inside join told on inside.parent_id = told.id
    ), judged as (
        select l.id from log l join told on l.parent_id = told.id
        where l.source = 'judge' and l.workspace_id = :workspace
    ), gone as (select id from told union select id from judged)
"""


class Copies(NamedTuple):
    """A dataset with rows that were made from logs."""

    id: str
    path: str
    rows: int


class PromptDrafts(NamedTuple):
    """Drafts of a prompt, and states of their history, of one person."""

    file_id: str | None
    """None: of a prompt that is not saved yet."""
    path: str | None
    member: str
    """Whose they are: nobody else can discard them."""


def lock_logs_of_user(session: Session, workspace_id: str, user: str) -> None:
    """Hold what is to be deleted, so that no judge that is at it writes what it was sent behind the deletion's back."""
    statement = text(f"""
        {_GONE} select l.id from log l join gone on gone.id = l.id order by l.id for update of l
    """)  # noqa: S608 - our own constants
    session.execute(statement, {"workspace": workspace_id, "user": user})


def delete_logs_of_user(session: Session, workspace_id: str, user: str) -> int:
    """Delete the logs of an end user and what is nested under them, with their judgments and the calls of judges, but for
    those that are what a row of a run came to. Calls of judges about what they are nested in lose their payloads."""
    told = text(f"{_GONE} select id from told")  # noqa: S608 - our own constants
    values = {"workspace": workspace_id, "user": user}
    empty_judges_above(session, workspace_id, session.scalars(told, values).all())
    statement = text(f"""
        {_GONE} delete from log l using gone
        where l.id = gone.id and not exists (select from run_item i where i.log_id = l.id)
    """)  # noqa: S608 - our own constants
    return session.execute(statement, values).rowcount  # type: ignore[attr-defined, no-any-return]


def list_copies(session: Session, workspace_id: str, user: str) -> list[Copies]:
    """The datasets that hold rows from these logs, in any of their versions, in anybody's draft or pinned beside a
    prompt, by their paths. Rows say
    which log they are from in their metadata."""
    statement = text(f"""
        {_GONE}, copied(file_id, row_id) as (
            select r.file_id, d.id from datapoint d join gone on gone.id = d.metadata ->> 'log_id'
            join dataset_row r on r.datapoint_id = d.id where d.workspace_id = :workspace
            union
            select t.file_id, case when c.added is null then c.row_id else c.draft_id || ' ' || c.row_id end
            from dataset_draft t join dataset_draft_change c on c.draft_id = t.id
            join gone on gone.id = c.content -> 'metadata' ->> 'log_id' where t.workspace_id = :workspace
            union
            select p.dataset_id, d.id from pinned_row p join datapoint d on d.id = p.datapoint_id
            join gone on gone.id = d.metadata ->> 'log_id' where d.workspace_id = :workspace
        )
        select f.id, f.path, count(*) from copied join file f on f.id = copied.file_id
        where f.workspace_id = :workspace group by 1, 2 order by 2, 1
    """)  # noqa: S608 - our own constants
    found = session.execute(statement, {"workspace": workspace_id, "user": user})
    return [Copies(*row) for row in found]


def read_said(session: Session, workspace_id: str, user: str) -> Iterator[Any]:
    """What went into the logs of an end user and what is nested under them: inputs, and the user's messages."""
    statement = text(f"""
        {_GONE} select l.inputs, jsonb_path_query_array(l.messages, '$[*] ? (@.role == "user").content')
        from log l join told on told.id = l.id where l.workspace_id = :workspace
    """)  # noqa: S608 - our own constants
    for inputs, messages in session.execute(statement, {"workspace": workspace_id, "user": user}):
        yield from (inputs, messages)


def read_prompt_drafts(session: Session, workspace_id: str) -> Iterator[tuple[PromptDrafts, Any]]:
    """All drafts of prompts with their history: whose and of what, and what is typed into messages and inputs. A few at a
    time."""
    for table in ("prompt_draft", "prompt_draft_state"):
        statement = text(f"""
            select d.id, f.id, f.path, u.full_name, jsonb_build_array(d.content -> 'messages', d.content -> 'inputs')
            from {table} d join user_account u on u.id = d.user_id left join file f on f.id = d.file_id
            where d.workspace_id = :workspace and d.id > :after order by d.id limit :most
        """)  # noqa: S608 - the two above
        values = {"workspace": workspace_id, "after": "", "most": _A_PART_OF_DRAFTS}
        while part := session.execute(statement, values).all():
            yield from ((PromptDrafts(*row[1:4]), row[4]) for row in part)
            values["after"] = part[-1][0]


def delete_judgments_of_user(session: Session, workspace_id: str, user: str) -> int:
    """Delete what an end user said of outputs."""
    statement = delete(Judgment).where(
        Judgment.workspace_id == workspace_id, Judgment.author == f"{END_USER}{user}"
    )
    return session.execute(statement).rowcount  # type: ignore[attr-defined, no-any-return]


def count_logs_of_user(session: Session, workspace_id: str, user: str) -> int:
    """How many logs an end user has."""
    query = select(func.count()).where(Log.workspace_id == workspace_id, Log.user == user)
    return session.scalar(query) or 0


def delete_unsearchable_spans(session: Session, workspace_id: str) -> int:
    """Delete what was set aside as spans and may name anybody unseen: what was cut, is packed, or is no JSON."""
    statement = text("""
        delete from quarantined_span where workspace_id = :workspace and (
            length(body) >= :most or problem = :not_written
            or substring(ltrim(encode(substring(body, 1, 100), 'escape'), E' \\t\\r\\n'), 1, 1) not in ('{', '['))
    """)
    values = {"workspace": workspace_id, "most": KEPT_BYTES, "not_written": NOT_WRITTEN}
    return session.execute(statement, values).rowcount  # type: ignore[attr-defined, no-any-return]


def read_spans(session: Session, workspace_id: str, plain: bytes) -> Iterator[tuple[str, bytes]]:
    """What was set aside as spans and may hold a text: where it stands as it is, or anything is escaped. A few at a time."""
    statement = text("""
        select id, body from quarantined_span where workspace_id = :workspace and id > :after
        and (position(:plain in body) > 0 or position(:escape in body) > 0) order by id limit :most
    """)
    values = {"workspace": workspace_id, "after": "", "plain": plain, "escape": b"\\", "most": _A_PART}
    while part := session.execute(statement, values).all():
        yield from ((span_id, body) for span_id, body in part)
        values["after"] = part[-1][0]


def delete_spans(session: Session, span_ids: Sequence[str]) -> None:
    """Delete what was set aside, by its ids."""
    session.execute(delete(QuarantinedSpan).where(QuarantinedSpan.id.in_(span_ids)))
