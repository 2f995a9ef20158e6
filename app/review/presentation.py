"""Review queues, their items and how far people agree, in the shapes of the API."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.settings import get_settings
from app.datasets import repository as datasets
from app.datasets.models import Datapoint
from app.evaluations.presentation import present_interval
from app.evaluators.binding import shown_spec
from app.files.models import Version
from app.logs import repository as logs
from app.logs.models import Log
from app.logs.passages import SPANS
from app.logs.presentation import judgment_value
from app.logs.searching import refuse_too_large
from app.review import pairs_repository, repository
from app.review.agreement import Agreement, agreements
from app.review.answering import own_form
from app.review.fields import fields_of
from app.review.marking import read_spans
from app.review.models import ReviewQueue, ReviewTask
from app.review.pairs import first_of, said_of
from app.review.preferences import Preference, preferences
from app.review.queue_view import QueueLine, lines_of

Json = dict[str, Any]


def present_queues(session: Session, principal: Principal, queues: Sequence[ReviewQueue]) -> list[Json]:
    """Queues in the order given, in a fixed number of queries."""
    return [_queue(principal, line) for line in lines_of(session, principal, queues)]


def present_queue(session: Session, principal: Principal, queue: ReviewQueue) -> Json:
    """One queue, with how far its people agree."""
    (line,) = lines_of(session, principal, [queue])
    fields = fields_of(line.evaluators, pair=queue.is_pair)
    answers = repository.list_answers(session, queue.id)
    found = agreements(fields, answers)
    finals = repository.list_finals(session, queue.id)
    unseen = repository.open_positions(session, queue, principal.user_id)
    preferred = [_preference(one) for one in preferences(queue, fields, answers, finals)]
    return _queue(principal, line) | {
        "agreement": [_agreement(one, unseen, finals) for one in found],
        "preferences": preferred,
    }


def _preference(one: Preference) -> Json:
    return {
        "evaluator_version_id": one.field.version.id,
        "items": one.items,
        "candidate_items": one.candidate_items,
        "baseline_items": one.baseline_items,
        "ties": one.ties,
        "share_of_wins": present_interval(one.share),
        "first_place": present_interval(one.first_place),
    }


def _queue(principal: Principal, line: QueueLine) -> Json:
    queue = line.queue
    return {
        "id": queue.id,
        "name": queue.name,
        "evaluation_id": queue.evaluation_id,
        "evaluators": [
            {"version_id": one.id, "file_id": one.file_id, "path": one.file.path} for one in line.evaluators
        ],
        "rows": queue.rows,
        "side_by_side": {
            "candidate": queue.candidate,
            "baseline": queue.baseline,
            "equal_count": queue.equal_count,
        }
        if queue.is_pair
        else None,
        "log_filters": queue.filters,
        "sent_count": queue.sent,
        "items_count": line.items,
        "per_item": queue.per_item,
        "blind": queue.blind,
        "shows_target": queue.shows_target,
        "answers_count": line.answered,
        "asked_count": line.asked,
        "waiting_count": line.waiting,
        "reviewers": [
            {"id": one.user_id, "full_name": one.name, "asked": one.asked, "answered": one.answered}
            for one in line.people
        ],
        "created_at": queue.created_at,
        "created_by": {"id": queue.created_by, "full_name": queue.created_by_name, "email_address": ""}
        if queue.created_by
        else None,
        "closed_at": queue.closed_at,
        "url": f"{get_settings().public_url}/w/{principal.workspace_slug}/review/{queue.id}",
    }


def _agreement(one: Agreement, unseen: set[int], finals: dict[tuple[int, str], Any]) -> Json:
    version_id = one.field.version.id
    return {
        "evaluator_version_id": version_id,
        "items": one.items,
        "people": one.people,
        "same": present_interval(one.share),
        "measures": [{"name": each.code, "value": present_interval(each.interval)} for each in one.measures],
        "disputed": [
            {"position": position, "settled": (position, version_id) in finals}
            for position in one.disputed
            if position not in unseen
        ],
    }


def present_items(
    session: Session, principal: Principal, queue: ReviewQueue, offset: int, limit: int
) -> tuple[list[Json], int]:
    """The items that the principal is asked about, in their own order, and how many there are. Of one that is hidden, the
    log's id is: by it, everything else would be found.

    Raises:
        Invalid: they are more than one, and together too large to be read.
    """
    tasks, total = repository.list_tasks(session, queue.id, principal.user_id, offset, limit)
    others = pairs_repository.other_logs(session, queue.id, [task.position for task, _ in tasks])
    log_ids = [*(log_id for _, log_id in tasks), *others.values()]
    refuse_too_large(session, log_ids)
    found = logs.find_logs(session, principal.workspace_id, log_ids)
    rows = _rows(session, queue, list(found.values()))
    evaluators = repository.list_evaluators(session, [queue.id])[queue.id]
    items = []
    for task, log_id in tasks:
        if log := found.get(log_id):
            shown = task.answered_at is not None or not queue.blind
            row = rows.get(log.datapoint_id or "")
            sides = _sides(queue, principal, task, log, found.get(others.get(task.position, "")))
            items.append(_item(task.place, task.answered_at, log, row, sides, shown=shown))
    return [one | {"evaluators": _questions(evaluators)} for one in items], total


def _sides(
    queue: ReviewQueue, principal: Principal, task: ReviewTask, log: Log, other: Log | None
) -> list[Log]:
    first = first_of(queue, task.position, principal.user_id)
    if first is None or other is None:
        return []
    return [log, other] if first == "output" else [other, log]


def _rows(session: Session, queue: ReviewQueue, found: Sequence[Log]) -> dict[str, Datapoint]:
    """The rows that the logs answer, by id, where the queue shows what belongs to them."""
    wanted = [log.datapoint_id for log in found if log.datapoint_id] if queue.shows_target else []
    return datasets.find_datapoints(session, queue.workspace_id, wanted)


def _questions(evaluators: Sequence[Version]) -> list[Json]:
    return [{"version_id": one.id, "path": one.file.path, "spec": shown_spec(one.spec)} for one in evaluators]


def _item(
    place: int, answered_at: Any, log: Log, row: Datapoint | None, sides: Sequence[Log], *, shown: bool
) -> Json:
    return {
        "place": place,
        "answered_at": answered_at,
        "log_id": log.id if shown and not sides else None,
        "version_id": log.version_id if shown and not sides else None,
        "inputs": log.inputs or {},
        "messages": log.messages or [],
        "output": None if sides else log.output,
        "sides": [
            {
                "output": one.output,
                "log_id": one.id if shown else None,
                "version_id": one.version_id if shown else None,
            }
            for one in sides
        ]
        or None,
        "target": row.target if row else None,
        "context": row.context if row else None,
    }


def present_answer(session: Session, principal: Principal, queue: ReviewQueue, place: int) -> Json:
    """What the principal said of an item, and how far they are."""
    found = repository.find_task(session, queue.id, principal.user_id, place)
    assert found is not None  # noqa: S101 - it was just answered
    task, log_id = found
    evaluators = repository.list_evaluators(session, [queue.id])[queue.id]
    said = repository.own_answers(session, log_id, principal.user_id, [one.id for one in evaluators])
    first = first_of(queue, task.position, principal.user_id)
    fields = fields_of(evaluators, pair=queue.is_pair)
    form = own_form(session, log_id, principal.user_id, fields, first)
    return {
        "place": place,
        "answered_at": task.answered_at,
        "log_id": log_id,
        "answers": [
            {
                "evaluator_version_id": version_id,
                "judgment": said_of(first, judgment_value(judgment)) if first else judgment_value(judgment),
            }
            for version_id, judgment in said.items()
        ],
        "note": "".join(form.get("note", [])),
        "spans": [one.kept() for one in read_spans(form.get(SPANS, []))],
        "next_place": repository.find_next_place(session, queue.id, principal.user_id, place),
    }
