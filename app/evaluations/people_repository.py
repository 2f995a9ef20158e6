"""The SQL of people's verdicts."""

from collections.abc import Sequence

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from app.datasets.models import Datapoint
from app.logs.models import Judgment, Log
from app.logs.repository import END_USER

_NEWEST = 200


def list_verdicts(
    session: Session, workspace_id: str, evaluator_ids: Sequence[str]
) -> list[tuple[Judgment, Log, Datapoint | None]]:
    """The newest 200 verdicts of members on outputs that one of these evaluators judged, too, each with its output and row.

    Newest first. What the users of an application say is feedback, and teaches no judge.
    """
    judged = select(Judgment.log_id).where(
        Judgment.evaluator_version_id.in_(evaluator_ids), Judgment.author == ""
    )
    query = (
        select(Judgment, Log, Datapoint)
        .join(Log, Log.id == Judgment.log_id)
        .outerjoin(
            Datapoint, and_(Datapoint.id == Log.datapoint_id, Datapoint.workspace_id == Log.workspace_id)
        )
        .where(
            Judgment.workspace_id == workspace_id,
            Judgment.author != "",
            Judgment.author.not_like(f"{END_USER}%"),
            Judgment.log_id.in_(judged),
            Judgment.error.is_(None),
        )
        .order_by(Judgment.created_at.desc(), Judgment.id.desc())
        .limit(_NEWEST)
    )
    return [(judgment, log, datapoint) for judgment, log, datapoint in session.execute(query)]
