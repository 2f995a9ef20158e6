"""The names of the channels that evaluations publish on, and saying something on all that a run concerns."""

from sqlalchemy.orm import Session

from app.core import events
from app.evaluations import sharing_repository


def evaluation_channel(evaluation_id: str) -> str:
    """Where an evaluation says that something about it changed."""
    return f"evaluation:{evaluation_id}"


def announce(session: Session, run_id: str) -> None:
    """Say in every evaluation that a run is part of that something about it changed."""
    for evaluation_id in sharing_repository.evaluations_of(session, run_id):
        events.emit(session, evaluation_channel(evaluation_id), run=run_id)
