"""The v5 routes of review queues."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi import Body as WholeBody

from app.core.database import SessionDep
from app.core.pagination import Page, PageNumber, PageSize
from app.core.permissions import Editor, Reader, Reviewer
from app.evaluations.references import find_evaluators
from app.review import answering, presentation, repository, sending
from app.review.answering import Answered
from app.review.marking import Marked
from app.review.schemas import ItemAnswer, QueueCreate, QueueUpdate
from app.review.sending import Sending
from app.review.sources import source_of

router = APIRouter(prefix="/v5/review-queues", tags=["Review"])
Json = dict[str, Any]
Place = Annotated[
    int, Path(ge=1, le=1_000_000, description="Where the item comes in your own order, from 1.")
]


@router.post("", status_code=201)
def create_review_queue(
    body: Annotated[QueueCreate, WholeBody(default_factory=QueueCreate)],
    session: SessionDep,
    principal: Editor,
) -> Json:
    """Send outputs of an evaluation, or of logs, to review. Each goes to `per_item` of the reviewers, who get them in an order
    of their own.

    The evaluation gets those of the evaluators that it does not have: reports count what people say. What they say of a log is
    a judgment of it. `sent_count` says how many outputs were taken.
    """
    source = source_of(session, principal, body)
    evaluators = find_evaluators(session, principal, body.evaluators)[0] if body.evaluators else []
    queue = sending.send(
        session,
        principal,
        Sending(
            source,
            evaluators=list(dict.fromkeys(evaluators)),
            reviewer_ids=list(dict.fromkeys(body.reviewers)),
            per_item=body.per_item,
            blind=body.blind,
            shows_target=body.shows_target,
            name=body.name,
        ),
    )
    return presentation.present_queue(session, principal, queue)


@router.get("")
def list_review_queues(
    session: SessionDep, principal: Reader, page: PageNumber = 1, size: PageSize = 10
) -> Page[Json]:
    """The queues with everybody's progress: those that are open first, newest first."""
    found, total = repository.list_queues(
        session, principal.workspace_id, offset=(page - 1) * size, limit=size
    )
    records = presentation.present_queues(session, principal, found)
    return Page(records=records, page=page, size=size, total=total)


@router.get("/{queue_id}")
def get_review_queue(queue_id: str, session: SessionDep, principal: Reader) -> Json:
    """One queue, and how far its people agree: `same` is the share of equal pairs of answers, the measures correct it for
    chance. Items that you have not answered yet are not among the disputed ones."""
    return presentation.present_queue(session, principal, sending.get_queue(session, principal, queue_id))


@router.patch("/{queue_id}")
def update_review_queue(queue_id: str, body: QueueUpdate, session: SessionDep, principal: Editor) -> Json:
    """Close a queue: nobody is asked any more, and what was answered stays. Or open it again."""
    queue = sending.get_queue(session, principal, queue_id)
    sending.close(session, principal, queue, closed=body.closed)
    session.flush()
    return presentation.present_queue(session, principal, queue)


@router.get("/{queue_id}/items")
def list_review_items(
    queue_id: str, session: SessionDep, principal: Reviewer, page: PageNumber = 1, size: PageSize = 10
) -> Page[Json]:
    """What the key's maker is asked, in their own order. While an item of a blind queue is not answered, `log_id` and
    `version_id` are null."""
    queue = sending.get_queue(session, principal, queue_id)
    records, total = presentation.present_items(session, principal, queue, (page - 1) * size, size)
    return Page(records=records, page=page, size=size, total=total)


@router.post("/{queue_id}/items/{place}")
def answer_review_item(
    queue_id: str, place: Place, body: ItemAnswer, session: SessionDep, principal: Reviewer
) -> Json:
    """Answer an item: each evaluator's answer becomes the key's maker's judgment of the output. Sent again it takes the place
    of what was said before."""
    queue = sending.get_queue(session, principal, queue_id)
    answered = Answered(
        {one.evaluator_version_id: one.judgment for one in body.answers},
        body.note,
        body.correction,
        [Marked(one.quote, one.note, one.label, one.start, one.end) for one in body.spans],
    )
    answering.answer(session, principal, queue, place, answered)
    return presentation.present_answer(session, principal, queue, place)


@router.post("/{queue_id}/undo")
def undo_review_answer(queue_id: str, session: SessionDep, principal: Reviewer) -> Json:
    """Take back what the key's maker answered last: it counts nowhere any more, and is asked again. `place` is null where there
    is nothing to take back."""
    queue = sending.get_queue(session, principal, queue_id)
    return {"place": answering.undo(session, principal, queue)}
