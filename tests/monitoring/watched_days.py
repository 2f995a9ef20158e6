"""Logs of the last days, and what an evaluator said of them."""

from datetime import timedelta

from sqlalchemy.orm import Session

from app.core import clock, ids
from app.files.models import Version
from app.logs.records import JudgmentRecord, LogRecord
from app.logs.repository import insert_judgments, insert_logs
from app.monitoring.models import Monitor


def watch(session: Session, version: Version, judge: Version) -> None:
    """Have the logs of a prompt judged by this version of an evaluator."""
    session.add(
        Monitor(
            id=ids.new_id("mon"),
            workspace_id=version.workspace_id,
            file_id=version.file_id,
            evaluator_version_id=judge.id,
        )
    )
    session.flush()


def judged_day(
    session: Session, version: Version, judge: Version, ago: int, values: list[bool | float]
) -> None:
    """Calls within 24 hours so many days ago, each with what was said of it."""
    ended = clock.now() - timedelta(days=ago)
    moments = [
        (ended - timedelta(hours=23.5) + timedelta(hours=23) * place / len(values)).isoformat()
        for place in range(len(values))
    ]
    made = [
        LogRecord(
            ids.new_id("log"), version.workspace_id, version.file_id, version.id, "sdk", moment, moment,
            output="x", created_at=moment,
        )
        for moment in moments
    ]  # fmt: skip
    insert_logs(session, made)
    insert_judgments(
        session,
        [
            JudgmentRecord(
                ids.new_id("jdg"), version.workspace_id, one.id, judge.id,
                boolean_value=value if isinstance(value, bool) else None,
                number_value=None if isinstance(value, bool) else value,
            )
            for one, value in zip(made, values, strict=True)
        ],
    )  # fmt: skip
