"""The evaluators of a workspace by what they are for, each with where it is used and what it last said."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, get_args

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.evaluations.evaluator_editor import list_repository as repository
from app.evaluations.evaluator_editor.list_repository import Composite, EvaluatorEntry, Use, Uses
from app.evaluations.figures.models_used import models_of
from app.evaluations.file_pages.dashboard import ScoreText
from app.evaluations.file_pages.file_list import last_score_text
from app.evaluators.binding import BUILTIN
from app.evaluators.kinds import all_kinds
from app.evaluators.kinds.contract import Purpose

PAGE_SIZE = 100
_USES_SHOWN = 10
UNKNOWN = "Not known here"
"""The heading of what this server does not run."""
_HEADINGS = (*get_args(Purpose), UNKNOWN)


class MonitorUse(NamedTuple):
    """A file whose logs an evaluator judges as they come."""

    path: str
    file_id: str
    kind: str
    number: int | None
    """Of the evaluator's version; None where it is whichever runs in the environment."""
    environment: str | None
    sampling: float
    """The share of logs that it judges."""


MONITORS: list[Callable[[Session, Sequence[str]], Mapping[str, Sequence[MonitorUse]]]] = []
"""What says which evaluators judge logs, by the evaluators' ids: `main` adds it, for it lies above."""


def _monitors(session: Session, file_ids: Sequence[str]) -> dict[str, list[MonitorUse]]:
    found: dict[str, list[MonitorUse]] = {}
    for ask in MONITORS:
        for file_id, uses in ask(session, file_ids).items():
            found.setdefault(file_id, []).extend(uses)
    return found


@dataclass(frozen=True, slots=True)
class EvaluatorLine:
    """An evaluator in the list."""

    entry: EvaluatorEntry
    name: str
    folder: str
    title: str
    """Of its kind."""
    uses: Uses
    composites: Sequence[Composite]
    """Those that it is a part of."""
    monitors: Sequence[MonitorUse]
    """Whose logs it judges as they come."""
    score: ScoreText | None
    scored: str
    """What got that score: name and version."""
    practice: bool
    """Whether that was the practice model's work, which is not an LLM."""


@dataclass(frozen=True, slots=True)
class EvaluatorList:
    """A page of the evaluators that match."""

    sections: Mapping[str, Sequence[EvaluatorLine]]
    """Under the headings that have any, in the order of purposes."""
    found: int
    total: int
    pages: int


def list_by_purpose(session: Session, principal: Principal, text: str, page: int = 1) -> EvaluatorList:
    """The evaluators whose path or kind holds every word of `text`, in a fixed number of statements."""
    every = repository.list_evaluators(session, principal.workspace_id)
    words = text.casefold().split()
    placed = []
    for entry in every:
        heading, title = _place(entry)
        looked_in = f"{entry.path} {title} {heading}".casefold()
        if all(word in looked_in for word in words):
            placed.append((_HEADINGS.index(heading), entry.path.casefold(), entry, title))
    placed.sort(key=lambda one: (one[0], one[1]))
    shown = placed[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    ids = [entry.id for *_, entry, _ in shown]
    uses = repository.count_uses(session, ids)
    composites = repository.list_composites(session, principal.workspace_id, ids)
    monitors = _monitors(session, ids)
    scores = repository.last_scores_by(session, principal.workspace_id, ids)
    models = models_of(session, [last.version for last in scores.values()])
    sections: dict[str, list[EvaluatorLine]] = {}
    for at, _, entry, title in shown:
        folder, _, name = entry.path.rpartition("/")
        last = scores.get(entry.id)
        line = EvaluatorLine(
            entry=entry,
            name=name,
            folder=folder,
            title=title,
            uses=uses.get(entry.id, Uses(0, None)),
            composites=composites.get(entry.id, ()),
            monitors=monitors.get(entry.id, ()),
            score=last_score_text(last)[0] if last else None,
            scored=f"{last.version.file.name} v{last.version.number}" if last else "",
            practice=last is not None and models[last.version.id].practice,
        )
        sections.setdefault(_HEADINGS[at], []).append(line)
    return EvaluatorList(sections, len(placed), len(every), max(1, -(-len(placed) // PAGE_SIZE)))


@dataclass(frozen=True, slots=True)
class UsedIn:
    """Where one evaluator is used."""

    evaluations: int
    """How many have a version of it."""
    newest: Sequence[Use]
    """The newest of them."""
    composites: Sequence[Composite]
    """Those that it is a part of."""
    monitors: Sequence[MonitorUse]
    """Whose logs it judges as they come."""


def used_in(session: Session, principal: Principal, file_id: str) -> UsedIn:
    """Where an evaluator is used, whichever version of it."""
    uses = repository.count_uses(session, [file_id]).get(file_id)
    composites = repository.list_composites(session, principal.workspace_id, [file_id])
    return UsedIn(
        uses.evaluations if uses else 0,
        repository.list_uses(session, file_id, _USES_SHOWN) if uses else [],
        composites.get(file_id, []),
        _monitors(session, [file_id]).get(file_id, []),
    )


def _place(entry: EvaluatorEntry) -> tuple[str, str]:
    """The heading of an evaluator, and its kind's title."""
    for one in all_kinds():
        if one.evaluator_type == entry.type and (entry.type != BUILTIN or one.name == entry.kind):
            return one.purpose, one.title
    return UNKNOWN, entry.kind or entry.type or "no kind"
