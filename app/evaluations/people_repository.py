"""The SQL of people's verdicts."""

from collections.abc import Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from app.datasets.models import Datapoint
from app.files.models import Version
from app.logs.models import Judgment, Log
from app.logs.repository import END_USER

_NEWEST = 200
_BY_PEOPLE = (
    select(Version.id)
    .where(Version.id == Judgment.evaluator_version_id, Version.spec["evaluator_type"].astext == "human")
    .exists()
)


def list_counted(session: Session, log_ids: Sequence[str]) -> dict[str, list[Judgment]]:
    """The judgments on each of the logs that scores are made of, oldest first: not what a member said beside an evaluator
    that is no person."""
    found: dict[str, list[Judgment]] = {log_id: [] for log_id in log_ids}
    query = select(Judgment).where(Judgment.log_id.in_(log_ids), or_(Judgment.author == "", _BY_PEOPLE))
    for judgment in session.scalars(query.order_by(Judgment.id)):
        found[judgment.log_id].append(judgment)
    return found


def list_verdicts(
    session: Session, workspace_id: str, evaluator_ids: Sequence[str]
) -> list[tuple[Judgment, Log, Datapoint | None]]:
    """The newest 200 verdicts of members, by human evaluators, on outputs that one of these evaluators judged, too, each with its output and row.

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
            _BY_PEOPLE,
            Judgment.log_id.in_(judged),
            Judgment.error.is_(None),
        )
        .order_by(Judgment.created_at.desc(), Judgment.id.desc())
        .limit(_NEWEST)
    )
    return [(judgment, log, datapoint) for judgment, log, datapoint in session.execute(query)]
