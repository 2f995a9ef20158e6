"""The v5 route of a lineage."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.core.database import SessionDep
from app.core.permissions import Reader
from app.evaluations import service
from app.evaluations.lineage.presentation import present_lineage
from app.evaluations.lineage.runs import terms_of
from app.evaluations.lineage.steps import LineageRequest, build_lineage

router = APIRouter(prefix="/v5/evaluations", tags=["Evaluations"])


@router.get("/{evaluation_id}/lineage")
def get_lineage(
    evaluation_id: str,
    session: SessionDep,
    principal: Reader,
    evaluator: str | None = None,
    to: Annotated[
        int | None,
        Query(
            ge=1,
            lt=2**31,
            description="The number of the version that the line ends with; without it, the line in which most versions have run.",
        ),
    ] = None,
    older: Annotated[
        int | None,
        Query(
            ge=1,
            lt=2**31,
            description="With `newer`: between which two versions all combinations are looked at, by their numbers.",
        ),
    ] = None,
    newer: Annotated[
        int | None, Query(ge=1, lt=2**31, description="The later of the two versions, as `older`.")
    ] = None,
) -> dict[str, Any]:
    """What each step along the versions did, on the rows that all of them share, and what changed in it.

    Steps are paired differences with 95% intervals, clustered where the rows are; `adjusted_p` is Holm's over the steps, whose
    deltas add up to the total. A step that changed several components is `bundled`: `single_changes` says what each does alone, as
    far as it was run. `factorial` has main effects, interactions and Shapley shares once all combinations have run.
    """
    evaluation = service.get_evaluation(session, principal, evaluation_id)
    found = build_lineage(session, evaluation, LineageRequest(evaluator, to, older, newer))
    return present_lineage(found, terms_of(session, evaluation, found.file, found.runs))
