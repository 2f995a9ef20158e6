"""The SQL of retention: one walk through all logs in the order of their ids, a batch at a time."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.logs.models import Retention, RetentionWalk
from app.logs.repository import EMPTIED

_WALK = 1
_OF_A_RUN = """
    (exists (select from run r where r.id = l.run_id and r.workspace_id = l.workspace_id and l.attempts > 0)
     or exists (select from run_item i where i.log_id = l.id))
"""
"""Runs are asked by the names of their tables: their package stands above. Which run it was, callers say as they like of
logs that took no call of ours."""
_DUE = """
    select l.id, l.workspace_id from log l join retention k on k.workspace_id = l.workspace_id
    where l.id > :after and l.id <= :until and least(l.created_at, l.received_at) < now() - make_interval(days => {days})
      and {more} not {of_a_run}
    for update of l skip locked
"""
"""Age counts from when a log was received, where its sender says that it took place later: stamps from the future are none."""
_OF_JUDGES = f"""
    update log l set {EMPTIED} from gone
    where l.parent_id = gone.id and l.source = 'judge' and l.workspace_id = gone.workspace_id
      and l.payload_cleared_at is null and l.id not in (select id from due)
"""  # noqa: S608 - our own constants
"""What judges were sent of a log holds its text, and is younger where the log was sent long after it took place."""
_CLEAR = f"""
    with due as ({_DUE.format(days="k.payload_days", more="l.payload_cleared_at is null and", of_a_run=_OF_A_RUN)}),
    gone as (
        update log l set {EMPTIED} from due where l.id = due.id returning l.id, l.workspace_id
    ), said as (update judgment j set rationale = null, detail = null, stdout = null from gone where j.log_id = gone.id)
    , of_judges as ({_OF_JUDGES})
    , remarks as (delete from comment c using gone where c.log_id = gone.id)
    , counts as (select workspace_id, count(*) as n from gone group by 1)
    update retention k set cleared = cleared + counts.n from counts where k.workspace_id = counts.workspace_id
    returning counts.n
"""  # noqa: S608 - our own constants
_DELETE = f"""
    with due as ({_DUE.format(days="k.log_days", more="", of_a_run=_OF_A_RUN)}),
    gone as (delete from log l using due where l.id = due.id returning l.id, l.workspace_id),
    of_judges as ({_OF_JUDGES}),
    counts as (select workspace_id, count(*) as n from gone group by 1)
    update retention k set deleted = deleted + counts.n from counts where k.workspace_id = counts.workspace_id
    returning counts.n
"""  # noqa: S608 - our own constants


def find_retention(session: Session, workspace_id: str) -> Retention | None:
    return session.get(Retention, workspace_id)


def lock_retention(session: Session, workspace_id: str) -> tuple[Retention, dict[str, Any]]:
    """What a workspace keeps, made if nobody has set it, and how it was."""
    session.execute(insert(Retention).values(workspace_id=workspace_id).on_conflict_do_nothing())
    retention = session.scalars(
        select(Retention).where(Retention.workspace_id == workspace_id).with_for_update()
    ).one()
    return retention, {"payload_days": retention.payload_days, "log_days": retention.log_days}


def begin_anew(session: Session) -> None:
    """Let the walk begin at the first log again, at the next look."""
    fresh = insert(RetentionWalk).values(id=_WALK, position="")
    changed = {"position": "", "began_at": text("now()"), "ended_at": None}
    session.execute(fresh.on_conflict_do_update(index_elements=["id"], set_=changed))


def take_walk(session: Session) -> RetentionWalk | None:
    """The walk, for one at a time; None where nobody has set a retention, somebody is at it, or it ended today."""
    walk = session.scalar(
        select(RetentionWalk).where(RetentionWalk.id == _WALK).with_for_update(skip_locked=True)
    )
    if walk is None:
        return None
    session.refresh(walk)
    if walk.ended_at is not None:
        anew = text(
            "update retention_walk set position = '', began_at = now(), ended_at = null"
            " where id = :id and began_at < now() - interval '1 day'"
        )
        if not session.execute(anew, {"id": _WALK}).rowcount:  # type: ignore[attr-defined]
            return None
        session.refresh(walk)
    some = "select exists (select from retention where payload_days is not null or log_days is not null)"
    return walk if session.scalar(text(some)) else None


def next_logs(session: Session, after: str, most: int) -> str | None:
    """The id of the last of the `most` logs after `after`; None when there is none."""
    query = "select max(id) from (select id from log where id > :after order by id limit :most) l"
    last: str | None = session.scalar(text(query), {"after": after, "most": most})
    return last


def clear_due(session: Session, after: str, until: str) -> int:
    """Take the payloads of logs that are older than their workspace keeps them, and of the calls of judges about them; how many
    logs were too old."""
    return sum(session.scalars(text(_CLEAR), {"after": after, "until": until}))


def delete_due(session: Session, after: str, until: str) -> int:
    """Delete logs, with their judgments, that are older than their workspace keeps them; how many. Calls of judges about them
    lose their payloads, and go at their own age."""
    return sum(session.scalars(text(_DELETE), {"after": after, "until": until}))


def move_walk(session: Session, to: str) -> None:
    session.execute(text("update retention_walk set position = :to where id = :id"), {"to": to, "id": _WALK})


def end_walk(session: Session) -> None:
    session.execute(text("update retention_walk set ended_at = now() where id = :id"), {"id": _WALK})


def delete_quarantined(session: Session, days: int) -> None:
    """Delete what was sent as spans and set aside more than so many days ago, or than the workspace keeps payloads."""
    session.execute(
        text("delete from quarantined_span where created_at < now() - make_interval(days => :days)"),
        {"days": days},
    )
    session.execute(
        text("""
        delete from quarantined_span q using retention r
        where q.workspace_id = r.workspace_id
          and q.created_at < now() - make_interval(days => least(r.payload_days, r.log_days))
        """)
    )


def take_counts(session: Session) -> list[tuple[str, int, int]]:
    """What was cleared and deleted since this was last asked, by workspace; the counts begin at 0 again."""
    rows = session.execute(
        text("""
        with before as (
            select workspace_id, cleared, deleted from retention where cleared > 0 or deleted > 0 for update
        )
        update retention k set cleared = 0, deleted = 0, applied_at = now() from before b
        where k.workspace_id = b.workspace_id returning b.workspace_id, b.cleared, b.deleted
        """)
    )
    return [(row[0], row[1], row[2]) for row in rows]
