"""The SQL of people's verdicts."""

from collections.abc import Collection, Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from app.datasets.models import Datapoint
from app.evaluations.figures import judges_repository
from app.files.models import Version
from app.logs.models import Judgment, Log
from app.logs.repository import CALLER, END_USER, FINAL

_NEWEST = 200
_BY_PEOPLE = (
    select(Version.id)
    .where(Version.id == Judgment.evaluator_version_id, Version.spec["evaluator_type"].astext == "human")
    .exists()
)
_settling = aliased(Judgment)
_IS_SETTLED = (
    select(_settling.id)
    .where(
        _settling.log_id == Judgment.log_id,
        _settling.evaluator_version_id == Judgment.evaluator_version_id,
        _settling.author == FINAL,
    )
    .exists()
)


def list_counted(
    session: Session, outputs: Collection[tuple[str, str]]
) -> dict[tuple[str, str], list[Judgment]]:
    """The judgments that scores are made of, oldest first, by run and log: not what a member said beside an evaluator
    that is no person. Where what people said was settled, the final word alone. Of those that a caller sent for an
    evaluator that the server could judge by, and the server's own, the caller's are where the run's evaluations leave it to
    callers, the server's elsewhere."""
    left = judges_repository.left_to_callers(session, {run_id for run_id, _ in outputs})
    said: dict[str, dict[str, list[Judgment]]] = {}
    counted = or_(Judgment.author.in_(["", CALLER]), _BY_PEOPLE)
    query = select(Judgment).where(Judgment.log_id.in_({log_id for _, log_id in outputs}), counted)
    for judgment in session.scalars(query.order_by(Judgment.id)):
        by_judge = said.setdefault(judgment.log_id, {})
        by_judge.setdefault(judgment.evaluator_version_id, []).append(judgment)
    return {
        (run_id, log_id): [
            judgment
            for judge, all_said in said.get(log_id, {}).items()
            for judgment in _of_whom(all_said, is_left=(run_id, judge) in left)
        ]
        for run_id, log_id in outputs
    }


def _of_whom(said: list[Judgment], *, is_left: bool) -> list[Judgment]:
    if final := [judgment for judgment in said if judgment.author == FINAL]:
        return final
    sent = [judgment for judgment in said if judgment.author == CALLER]
    if is_left and sent:
        return [judgment for judgment in said if judgment.author]
    return [judgment for judgment in said if judgment.author != CALLER]


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
            or_(Judgment.author == FINAL, ~_IS_SETTLED),
            _BY_PEOPLE,
            Judgment.log_id.in_(judged),
            Judgment.error.is_(None),
        )
        .order_by(Judgment.created_at.desc(), Judgment.id.desc())
        .limit(_NEWEST)
    )
    return [(judgment, log, datapoint) for judgment, log, datapoint in session.execute(query)]
