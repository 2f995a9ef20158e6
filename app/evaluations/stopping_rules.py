"""Which evaluations may stop as soon as it is clear: those that are looked at honestly however often one looks."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.datasets.summary import summarise
from app.evaluations import repository, stopping_repository
from app.evaluations.figures.report import compared_of
from app.evaluations.models import Evaluation
from app.evaluators.describing import describe
from app.files.models import Version

FIELD = "stops_when_clear"
_PREFIX = "It cannot stop as soon as it is clear:"
ONE_VERSION = (
    f"{_PREFIX} that takes two versions, one of them the baseline. Choose another version, or run every row."
)
_NO_PRIMARY = f"{_PREFIX} it has no evaluator whose score is looked at. Name one first."
_ELSEWHERE = f"{_PREFIX} the outputs of this run are made elsewhere, in an order of yours. Leave it to our workers, or use another evaluation."
_CLUSTERS = f"{_PREFIX} rows of this dataset belong together in clusters, and what is looked at are single rows. Run every row."
_NO_DATASET = f"{_PREFIX} a run of logs has no rows to leave out. Name a version and a dataset."


def refuse_primary(primary: Version | None, judged_elsewhere: bool) -> None:
    """Refuse a primary evaluator whose verdicts do not come with the rows, or are no score of a row on a scale with two ends.

    Raises:
        Invalid: says which it is.
    """
    if primary is None:
        _refuse(_NO_PRIMARY)
    elif judged_elsewhere:
        _refuse(
            f"{_PREFIX} by {primary.file.path}, people or programs elsewhere judge, and their verdicts come when they come. Choose a primary evaluator that our workers run."
        )
    else:
        info = describe(primary.spec)
        if info.return_type not in ("boolean", "number") and not info.is_share:
            _refuse(
                f"{_PREFIX} {primary.file.path} gives rows no score, such as yes, no or a number. Choose another primary evaluator."
            )
        if info.ends is None:
            _refuse(
                f"{_PREFIX} scores by {primary.file.path} have no lowest and highest value, so that one rare row could outweigh all that were seen. Choose a primary evaluator with a scale, or run every row."
            )


def refuse_evaluation(session: Session, evaluation: Evaluation) -> None:
    """As `refuse_primary`, of the evaluation as it is.

    Raises:
        Invalid: says why it cannot stop as soon as it is clear.
    """
    links = repository.list_evaluator_links(session, [evaluation.id])
    link = next(
        (each for each in links if each.evaluator_version_id == evaluation.primary_evaluator_id), None
    )
    judges = {version.id for version in repository.list_judges(session, [evaluation.id])}
    refuse_primary(link.version if link else None, bool(link) and link.evaluator_version_id not in judges)  # type: ignore[union-attr]


def stops_by(
    session: Session, evaluation: Evaluation, data: Version | None, *, orchestrated: bool
) -> str | None:
    """The evaluator version whose score ends a new run of the evaluation as soon as it is clear; None where it runs every row.

    Raises:
        Invalid: the evaluation stops as soon as it is clear, and a run such as this one cannot.
    """
    if not evaluation.stops_when_clear:
        return None
    refuse_evaluation(session, evaluation)
    if data is None:
        _refuse(_NO_DATASET)
    if not orchestrated:
        _refuse(_ELSEWHERE)
    refuse_rows(session, data)
    return evaluation.primary_evaluator_id


def refuse_rows(session: Session, data: Version | None) -> None:
    """Refuse rows that belong together.

    Raises:
        Invalid: the dataset has clusters.
    """
    if data is not None and summarise(session, data).clusters:
        _refuse(_CLUSTERS)


def share_level(session: Session, evaluation: Evaluation) -> None:
    """Share what may be wrong among the candidates that there are by now."""
    if evaluation.stops_when_clear:
        runs: Sequence[object] = compared_of(session, evaluation)[0]
        stopping_repository.share_among(session, evaluation.id, max(1, len(runs) - 1))


def _refuse(said: str) -> None:
    raise Invalid(said, fields={FIELD: said})
