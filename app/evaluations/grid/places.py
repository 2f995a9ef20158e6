"""Where a log stands in evaluations: which row of which one it is an answer to."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.evaluations.grid import comparison_repository


@dataclass(frozen=True, slots=True)
class Place:
    """A row of an evaluation."""

    name: str
    """The evaluation's."""
    number: int | None
    """None where rows are in no order that one run alone tells."""
    url: str


def places_of_logs(session: Session, principal: Principal, log_ids: Collection[str]) -> dict[str, Place]:
    """The newest run that each log is an answer of, with the row there, beside the baseline; logs of no run are left out."""
    if not log_ids:
        return {}
    places = {}
    for found in comparison_repository.list_places(session, principal.workspace_id, log_ids):
        rows = f"/w/{principal.workspace_slug}/evaluations/{found.evaluation_id}/rows"
        compared = f"?cols={','.join(filter(None, (found.control_id, found.run_id)))}"
        url = rows + compared if found.number is None else f"{rows}/{found.number}{compared}"
        places[found.log_id] = Place(found.name, found.number, url)
    return places
