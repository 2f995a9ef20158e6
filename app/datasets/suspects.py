"""Targets that may be wrong: several versions agree with each other on another answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.files.models import Version


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row whose target several versions speak against."""

    datapoint_id: str
    answer: str
    """What they agree on; its first 500 characters."""
    versions: Sequence[str]
    """Who said so: “support/intent v3”."""


SPEAKING: list[Callable[[Session, Version], Sequence[Suspect]]] = []
"""Who knows of outputs says here, of a version of a dataset, which of its rows are suspect, in their order."""


def of(session: Session, version: Version) -> list[Suspect]:
    """The rows of a version of a dataset with a suspect target, at most 500 of each who knows any."""
    return [one for ask in SPEAKING for one in ask(session, version)]
