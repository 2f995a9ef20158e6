"""The pages of human review: the queues, one item at a time, and the disputes of those who answered."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData, QueryParams

from app.core import clock, templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Conflict, Invalid
from app.core.pagination import PageNumber
from app.core.permissions import Editor, Reader, Reviewer
from app.core.request_bodies import read_form
from app.core.typed import whole
from app.review import answering, repository, sending
from app.review.answer_form import answered_of, fields_of_queue, is_marking, problems_of, typed_in, with_marks
from app.review.item_view import build_dispute_page, build_item_page
from app.review.new_view import Chosen, make_offer, read_chosen, sending_of
from app.review.queue_view import PAGE_SIZE, build_queue_page, fields_to_settle, list_lines

router = APIRouter(prefix="/w/{w}/review", include_in_schema=False)


async def _form(request: Request) -> FormData | QueryParams:
    return await read_form(request) if request.method == "POST" else request.query_params


Form = Annotated[FormData, Depends(_form)]


async def _chosen(request: Request) -> Chosen:
    return read_chosen(await _form(request))


WhatIsChosen = Annotated[Chosen, Depends(_chosen)]


def _to(principal: Principal, *parts: object) -> Response:
    """Where the answer to a form leads. Ids and numbers only: nothing in it has to be quoted."""
    return RedirectResponse("/".join(["/w", principal.workspace_slug, "review", *map(str, parts)]), 303)


@router.get("", name="review:queues")
def list_queues(request: Request, session: SessionDep, principal: Reader, page: PageNumber = 1) -> Response:
    """What waits for people, and how far everybody is."""
    lines, total = list_lines(session, principal, page)
    week_ago = clock.now() - timedelta(days=7)
    return templating.render(
        request,
        "review/queues.html",
        lines=lines,
        done=repository.count_answered(session, principal.workspace_id, principal.user_id, week_ago),
        total=total,
        page=page,
        pages=-(-total // PAGE_SIZE),
    )


@router.get("/new", name="review:new")
def choose(request: Request, session: SessionDep, principal: Reader, chosen: WhatIsChosen) -> Response:
    """Which outputs to send to review, to whom, and what they are asked."""
    return templating.render(
        request, "review/new.html", offer=make_offer(session, principal, chosen), problems={}
    )


@router.post("", name="review:send")
def send(request: Request, session: SessionDep, principal: Editor, chosen: WhatIsChosen) -> Response:
    """Send what was chosen to review."""
    offer = make_offer(session, principal, chosen)
    try:
        queue = sending.send(session, principal, sending_of(offer))
    except (Invalid, Conflict) as error:
        session.rollback()
        problems = problems_of(error)
        offer = make_offer(session, principal, chosen)
        return templating.render(
            request, "review/new.html", status=error.status, offer=offer, problems=problems
        )
    return _to(principal, f"{queue.id}#guests" if chosen.guests else queue.id)


@router.get("/{queue_id}", name="review:queue")
def show_queue(queue_id: str, request: Request, session: SessionDep, principal: Reader) -> Response:
    """How far everybody is, how far they agree, and what they dispute."""
    queue = sending.get_queue(session, principal, queue_id)
    return templating.render(
        request,
        "review/queue.html",
        view=build_queue_page(session, principal, queue),
        made=(),
        problems={},
        typed={},
    )


@router.post("/{queue_id}/close", name="review:close")
def close(queue_id: str, session: SessionDep, principal: Editor, form: Form) -> Response:
    """Ask nobody any more; with `reopen`, ask again."""
    queue = sending.get_queue(session, principal, queue_id)
    sending.close(session, principal, queue, closed=not form.get("reopen"))
    return _to(principal, queue.id)


@router.post("/{queue_id}/hand-over", name="review:hand_over")
def hand_over(queue_id: str, session: SessionDep, principal: Editor, form: Form) -> Response:
    """Ask somebody else what one person has not answered."""
    queue = sending.get_queue(session, principal, queue_id)
    sending.hand_over(session, principal, queue, str(form.get("from") or ""), str(form.get("to") or ""))
    return _to(principal, queue.id)


@router.get("/{queue_id}/items", name="review:next")
def next_item(queue_id: str, session: SessionDep, principal: Reviewer) -> Response:
    """The next item that waits for the one who asks; the queue where none does."""
    queue = sending.get_queue(session, principal, queue_id)
    place = None if queue.closed_at else repository.find_next_place(session, queue.id, principal.user_id, 0)
    return _to(principal, queue.id, "items", place) if place else _to(principal, queue.id)


@router.get("/{queue_id}/items/{place}", name="review:item")
def show_item(
    queue_id: str,
    place: int,
    request: Request,
    session: SessionDep,
    principal: Reviewer,
    last: int | None = None,
) -> Response:
    """One output, and what is asked about it. `last` is what was answered just before: now it is told whose it was."""
    queue = sending.get_queue(session, principal, queue_id)
    page = build_item_page(session, principal, queue, place, last=last)
    return templating.render(request, "review/item.html", view=page)


@router.post("/{queue_id}/items/{place}", name="review:answer")
def answer_item(
    queue_id: str, place: int, request: Request, session: SessionDep, principal: Reviewer, form: Form
) -> Response:
    """Keep the answer, and go on with the next item that waits; with `mark` or `drop`, mark a passage first, or take a mark away."""
    queue = sending.get_queue(session, principal, queue_id)
    fields = fields_of_queue(session, queue)
    if is_marking(form):
        typed, problems = with_marks(session, principal, queue, place, fields, form)
        page = build_item_page(session, principal, queue, place, typed=typed, problems=problems)
        return templating.render(request, "review/item.html", status=422 if problems else 200, view=page)
    try:
        answering.answer(session, principal, queue, place, answered_of(fields, form))
    except (Invalid, Conflict) as error:
        session.rollback()
        queue = sending.get_queue(session, principal, queue_id)
        page = build_item_page(
            session, principal, queue, place, typed=typed_in(fields, form), problems=problems_of(error)
        )
        return templating.render(request, "review/item.html", status=error.status, view=page)
    following = repository.find_next_place(session, queue.id, principal.user_id, place)
    if following is None:
        return _to(principal, f"{queue.id}?done=1")
    return _to(principal, queue.id, "items", f"{following}?last={place}")


@router.post("/{queue_id}/undo", name="review:undo")
def undo(queue_id: str, session: SessionDep, principal: Reviewer, form: Form) -> Response:
    """Take the last answer back, and ask it again. The form names its place: sent twice, it takes back one."""
    queue = sending.get_queue(session, principal, queue_id)
    place = whole(str(form.get("place") or ""))
    if not place:
        return _to(principal, queue.id, "items")
    answering.undo(session, principal, queue, place)
    return _to(principal, queue.id, "items", place)


@router.get("/{queue_id}/disputes/{position}", name="review:dispute")
def show_dispute(
    queue_id: str, position: int, request: Request, session: SessionDep, principal: Editor
) -> Response:
    """What everybody said of an item, and a form for the final answer."""
    queue = sending.get_queue(session, principal, queue_id)
    page = build_dispute_page(session, principal, queue, position)
    return templating.render(request, "review/dispute.html", view=page)


@router.post("/{queue_id}/disputes/{position}", name="review:settle")
def settle(
    queue_id: str, position: int, request: Request, session: SessionDep, principal: Editor, form: Form
) -> Response:
    """Keep the final answer; with `reopen`, take it back."""
    queue = sending.get_queue(session, principal, queue_id)
    if form.get("reopen"):
        answering.unsettle(session, principal, queue, position)
        return _to(principal, queue.id)
    answering.log_to_settle(session, principal, queue, position)
    fields = fields_to_settle(session, queue, position)
    try:
        answering.settle(session, principal, queue, position, answered_of(fields, form))
    except Invalid as error:
        session.rollback()
        queue = sending.get_queue(session, principal, queue_id)
        page = build_dispute_page(
            session, principal, queue, position, typed=typed_in(fields, form), problems=problems_of(error)
        )
        return templating.render(request, "review/dispute.html", status=error.status, view=page)
    return _to(principal, queue.id)
