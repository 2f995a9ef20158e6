"""Evaluators with all that they take from elsewhere: the databases that they hold, and what their templates include."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.evaluators import databases, repository
from app.evaluators.binding import BoundEvaluator
from app.evaluators.including import bind_with_included
from app.files.includes import Includes


def load(session: Session, workspace_id: str, spec: Mapping[str, Any]) -> BoundEvaluator:
    """The evaluator that a spec describes, ready to judge.

    Raises:
        NotFound, Invalid: as `bind`, or what a template includes cannot be put in.
    """
    bound = bind_with_included(Includes(session, workspace_id), spec)
    if not bound.traits.files:
        return bound
    return bound.given(repository.load_contents(session, workspace_id, bound.traits.files))


def refuse_missing(session: Session, workspace_id: str, spec: Mapping[str, Any]) -> None:
    """Look at a spec that is about to be saved.

    Raises:
        Invalid: it names a database that the workspace does not have, includes what cannot be included, or could not judge
            with it.
    """
    bound = bind_with_included(Includes(session, workspace_id), spec)
    if bound.included:
        bound.kind.refuse(bound.options)
    for hash_ in bound.traits.files:
        databases.get(session, workspace_id, hash_)
