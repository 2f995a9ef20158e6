"""The page on which what people said becomes targets of a dataset: what there is to choose from, and old beside new."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.database import Json
from app.core.errors import Invalid, NotFound
from app.core.template import as_text
from app.datasets import draft_repository, drafts
from app.datasets import repository as datasets
from app.datasets.cells import shown
from app.datasets.draft_repository import Filter
from app.datasets.models import DatasetDraft
from app.files.models import File
from app.files.repository import newest_version
from app.logs.repository import FINAL
from app.review import repository, targets_repository
from app.review.fields import Field, fields_of
from app.review.models import ReviewQueue
from app.review.queue_view import FORMER, names_of
from app.review.target_writing import note_of
from app.review.targets import REASONS, LeftOut, Proposal, Proposed, Wanted, propose

CORRECTIONS = "corrections"
"""What is written where no question is named: the outputs that people would have given."""
MOST_SHOWN = 200
"""Rows that one page proposes; once they are written, the next come."""
MOST_MEMBERS = 20
DEFAULT_MEMBER = "output"
FINAL_ANSWER = "the final answer"
_SHOWN_ITEMS = 10


@dataclass(frozen=True, slots=True)
class Options:
    """What there is to choose from, and what is chosen."""

    datasets: Sequence[tuple[File, int]]
    """With how many of the queue's rows each has, or had; most first."""
    fields: Sequence[Field]
    """Questions whose answers can be a target: no texts."""
    members: Sequence[str]
    """Of targets, those that most rows have first."""
    wanted: Wanted | None
    """None where the queue's outputs are of no dataset."""


def find_options(
    session: Session,
    principal: Principal,
    queue: ReviewQueue,
    *,
    dataset_id: str | None = None,
    of: str | None = None,
    member: str | None = None,
) -> Options:
    """What is chosen, and proposed where it is not: the dataset with most rows, corrected outputs where there are some, and the
    member that most targets have.

    Raises:
        NotFound: the queue has no row of that dataset, or no such question.
    """
    of_queue = targets_repository.rows_of_queue(queue.id)
    known = datasets.list_datasets_of(session, principal.workspace_id, of_queue)
    every = fields_of(repository.list_evaluators(session, [queue.id])[queue.id], pair=queue.is_pair)
    fields = [one for one in every if one.compared and not one.is_pair]
    members = targets_repository.list_members(session, queue.id, MOST_MEMBERS)
    file = next((file for file, _ in known if dataset_id in (None, file.id)), None)
    if dataset_id is not None and file is None:
        raise NotFound(f"{queue.name} has no row of a dataset with the id {dataset_id:.80}.")
    field = next((one for one in fields if one.version.id == of), None)
    if of not in (None, CORRECTIONS) and field is None:
        raise NotFound(f"{queue.name} does not ask by an evaluator {of:.80} whose answers can be targets.")
    if of is None and fields and not targets_repository.count_corrected(session, queue.id):
        field = fields[0]
    name = (member or "").strip() or (members[0] if members else DEFAULT_MEMBER)
    return Options(known, fields, members, Wanted(file, field, name) if file else None)


def wanted_of(options: Options) -> Wanted:
    """What is chosen.

    Raises:
        Invalid: there is no row to write to.
    """
    if options.wanted is None:
        raise Invalid("The outputs of this queue are of no row of a dataset.")
    return options.wanted


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its target as it is and as it would be."""

    proposal: Proposal
    question: str
    old: str
    new: str
    by: Sequence[str]


@dataclass(frozen=True, slots=True)
class Left:
    """Items that come to no target, for one reason."""

    why: str
    items: int
    positions: Sequence[int]
    """The first of them."""


@dataclass(frozen=True, slots=True)
class TargetsPage:
    """The page."""

    queue: ReviewQueue
    options: Options
    lines: Sequence[Line]
    total: int
    """Rows into which something would be written."""
    left: Sequence[Left]
    silent: int
    next_number: int
    """Of the version that would be written."""
    has_draft: bool
    """Whether the person has a draft with changes, so that a version would have these, too."""
    note: str
    """As somebody typed it."""
    usual_note: str = ""
    """What is noted where nobody types another."""


def build_targets_page(
    session: Session, principal: Principal, queue: ReviewQueue, options: Options, note: str = ""
) -> TargetsPage:
    """What is proposed by what was chosen."""
    wanted = options.wanted
    if wanted is None:
        return TargetsPage(queue, options, (), 0, (), 0, 0, has_draft=False, note=note)
    draft = drafts.find(session, principal, wanted.file)
    now = draft or drafts.read(session, principal, wanted.file)
    proposed = propose(session, principal, queue, wanted, now)
    newest = newest_version(session, wanted.file.id)
    first = proposed.proposals[:MOST_SHOWN]
    return TargetsPage(
        queue,
        options,
        _lines(session, principal, now, first),
        len(proposed.proposals),
        _left(proposed.left_out),
        proposed.silent,
        newest.number + 1 if newest else 1,
        has_draft=draft is not None,
        note=note,
        usual_note=note_of(queue, len(first)),
    )


def _lines(
    session: Session, principal: Principal, draft: DatasetDraft, proposals: Sequence[Proposal]
) -> list[Line]:
    """Rows as people read them."""
    names, _ = names_of(session, principal.workspace_id)
    meant = Filter(row_ids=[one.row.row_id for one in proposals])
    rows = draft_repository.list_rows(session, draft, meant, limit=len(proposals) or 1)
    questions = {row.row_id: _question(row.content) for row in rows}
    return [
        Line(
            one,
            questions.get(one.row.row_id, ""),
            shown(one.old),
            shown(one.new),
            by_names(one.authors, names),
        )
        for one in proposals
    ]


def by_names(authors: Sequence[str], names: dict[str, str]) -> list[str]:
    """Who said it, as people read it."""
    return [FINAL_ANSWER if one == FINAL else names.get(one, FORMER) for one in authors]


def _question(content: Json) -> str:
    """What a row asks, in a few words: its longest input, or its last message."""
    texts = [as_text(value) for value in (content.get("inputs") or {}).values()]
    if texts:
        return max(texts, key=len)
    messages = content.get("messages") or [{}]
    return as_text(messages[-1].get("content") or "")


def _left(left_out: Sequence[LeftOut]) -> list[Left]:
    order = list(REASONS)
    ranked = sorted(left_out, key=lambda one: (order.index(one.reason), one.position))
    found = []
    for reason, group in groupby(ranked, key=lambda one: one.reason):
        positions = [one.position for one in group]
        found.append(Left(REASONS[reason], len(positions), positions[:_SHOWN_ITEMS]))
    return found


def proposed_of(session: Session, principal: Principal, queue: ReviewQueue, wanted: Wanted) -> Proposed:
    """What the principal's draft, or the newest version, would get."""
    return propose(session, principal, queue, wanted, drafts.read(session, principal, wanted.file))
