"""How far a judge that is asked several times about the same output says the same again."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.evaluations.judges import repository as agreement_repository
from app.evaluators.describing import describe
from app.files.models import Version
from app.statistics.intervals import Interval
from app.statistics.raters import agreement_share, krippendorff_alpha, rated


@dataclass(frozen=True, slots=True)
class Repeats:
    """The votes that a model cast on one output, beside each other; those of several models are no repeats."""

    same: float
    """The share of pairs of votes on an output that are equal."""
    alpha: Interval | None
    """Krippendorff's alpha of votes: 1 where they are always the same, 0 where they differ on one output as much as between
    outputs. By the squared difference for numbers. None where all votes on all outputs are the same."""
    outputs: int
    """With two votes or more of one model that can be read."""


def repeats_of(session: Session, version: Version) -> Repeats | None:
    """From the newest verdicts of a judge's version; None where nothing was asked twice."""
    ratings = [
        votes
        for cast in agreement_repository.list_votes(session, version.id)
        for votes in _by_model(cast).values()
        if len(votes) > 1
    ]
    items = rated(ratings)
    same = agreement_share(items)
    if same is None:
        return None
    is_number = describe(version.spec).return_type == "number"
    return Repeats(same, krippendorff_alpha(items, "interval" if is_number else "nominal"), len(ratings))


def _by_model(cast: Sequence[agreement_repository.CastVote]) -> dict[str, list[Hashable]]:
    found: dict[str, list[Hashable]] = {}
    for vote in cast:
        if vote.verdict is not None:
            found.setdefault(vote.model, []).append(vote.verdict)
    return found
