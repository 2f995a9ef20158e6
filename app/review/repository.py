"""The SQL of review queues."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, insert, literal, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, contains_eager, joinedload

from app.files.models import File, FileKind, Version
from app.logs.models import Judgment
from app.logs.repository import FINAL, QUESTION
from app.logs.verdict_repository import Said
from app.review.models import ReviewEvaluator, ReviewItem, ReviewQueue, ReviewTask


def insert_queue(
    session: Session,
    queue: ReviewQueue,
    evaluators: Sequence[ReviewEvaluator],
    items: Sequence[dict[str, Any]],
    tasks: Sequence[dict[str, Any]],
) -> None:
    """Write a queue with all that belongs to it."""
    session.add(queue)
    session.flush()
    session.add_all(evaluators)
    session.flush()
    session.execute(insert(ReviewItem), list(items))
    if tasks:
        session.execute(insert(ReviewTask), list(tasks))


def list_queues(
    session: Session, workspace_id: str, *, offset: int = 0, limit: int = 50
) -> tuple[list[ReviewQueue], int]:
    """The queues of a workspace, those that are open first, newest first, and how many there are."""
    query = select(ReviewQueue).where(ReviewQueue.workspace_id == workspace_id)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    order = (ReviewQueue.closed_at.is_not(None), ReviewQueue.created_at.desc(), ReviewQueue.id.desc())
    return list(session.scalars(query.order_by(*order).offset(offset).limit(limit))), total


def find_queue(session: Session, workspace_id: str, queue_id: str) -> ReviewQueue | None:
    query = select(ReviewQueue).where(ReviewQueue.id == queue_id, ReviewQueue.workspace_id == workspace_id)
    return session.scalar(query)


def list_evaluators(session: Session, queue_ids: Collection[str]) -> dict[str, list[Version]]:
    """The evaluator versions of each queue, with their files, in their order."""
    query = (
        select(ReviewEvaluator.queue_id, Version)
        .join(Version, Version.id == ReviewEvaluator.evaluator_version_id)
        .where(ReviewEvaluator.queue_id.in_(queue_ids))
        .order_by(ReviewEvaluator.queue_id, ReviewEvaluator.position)
        .options(joinedload(Version.file))
    )
    found: dict[str, list[Version]] = {queue_id: [] for queue_id in queue_ids}
    for queue_id, version in session.execute(query):
        found[queue_id].append(version)
    return found


def list_human_evaluators(session: Session, workspace_id: str) -> list[Version]:
    """The newest version of each evaluator by which people judge, with its file, by path."""
    query = (
        select(Version)
        .join(File, File.id == Version.file_id)
        .where(File.workspace_id == workspace_id, File.kind == FileKind.EVALUATOR, File.deleted_at.is_(None))
        .ext(distinct_on(Version.file_id))
        .order_by(Version.file_id, Version.number.desc())
        .options(contains_eager(Version.file))
    )
    newest = [one for one in session.scalars(query) if one.spec.get("evaluator_type") == "human"]
    return sorted(newest, key=lambda one: one.file.path)


class Progress(NamedTuple):
    """How far one person is with a queue."""

    queue_id: str
    user_id: str
    asked: int
    answered: int
    last_at: datetime | None


def list_progress(session: Session, queue_ids: Collection[str]) -> dict[str, list[Progress]]:
    """How far everybody is who was asked, by queue."""
    query = (
        select(
            ReviewTask.queue_id,
            ReviewTask.user_id,
            func.count(),
            func.count(ReviewTask.answered_at),
            func.max(ReviewTask.answered_at),
        )
        .where(ReviewTask.queue_id.in_(queue_ids))
        .group_by(ReviewTask.queue_id, ReviewTask.user_id)
        .order_by(ReviewTask.queue_id, ReviewTask.user_id)
    )
    found: dict[str, list[Progress]] = {queue_id: [] for queue_id in queue_ids}
    for row in session.execute(query):
        found[row[0]].append(Progress(*row))
    return found


def count_waiting(session: Session, workspace_id: str, user_id: str, most: int) -> int:
    """How many items of open queues wait for a person, counted up to `most`."""
    waiting = (
        select(ReviewTask.position)
        .join(ReviewQueue, ReviewQueue.id == ReviewTask.queue_id)
        .where(
            ReviewTask.workspace_id == workspace_id,
            ReviewTask.user_id == user_id,
            ReviewTask.answered_at.is_(None),
            ReviewQueue.closed_at.is_(None),
        )
        .limit(most)
    )
    return session.scalar(select(func.count()).select_from(waiting.subquery())) or 0


def count_answered(session: Session, workspace_id: str, user_id: str, since: datetime) -> int:
    """How many items a person has answered since then."""
    query = select(func.count()).where(
        ReviewTask.workspace_id == workspace_id,
        ReviewTask.user_id == user_id,
        ReviewTask.answered_at >= since,
    )
    return session.scalar(query) or 0


def find_task(
    session: Session, queue_id: str, user_id: str, place: int, *, locked: bool = False
) -> tuple[ReviewTask, str] | None:
    """What a person is asked at this place of their order, and the log that it is about; `locked` until the transaction ends."""
    query = (
        select(ReviewTask, ReviewItem.log_id)
        .join(
            ReviewItem,
            (ReviewItem.queue_id == ReviewTask.queue_id) & (ReviewItem.position == ReviewTask.position),
        )
        .where(ReviewTask.queue_id == queue_id, ReviewTask.user_id == user_id, ReviewTask.place == place)
    )
    if locked:
        query = query.with_for_update(of=ReviewTask).execution_options(populate_existing=True)
    found = session.execute(query).one_or_none()
    return (found[0], found[1]) if found else None


def was_asked(session: Session, queue_id: str, user_id: str, place: int) -> bool:
    """Whether a person's order has had this place: places are never dealt anew, so what lies before the last one was."""
    last = select(func.max(ReviewTask.place)).where(
        ReviewTask.queue_id == queue_id, ReviewTask.user_id == user_id
    )
    return 1 <= place <= (session.scalar(last) or 0)


def list_tasks(
    session: Session, queue_id: str, user_id: str, offset: int, limit: int
) -> tuple[list[tuple[ReviewTask, str]], int]:
    """A page of what a person is asked, each with the log that it is about, and how much that is."""
    query = (
        select(ReviewTask, ReviewItem.log_id)
        .join(
            ReviewItem,
            (ReviewItem.queue_id == ReviewTask.queue_id) & (ReviewItem.position == ReviewTask.position),
        )
        .where(ReviewTask.queue_id == queue_id, ReviewTask.user_id == user_id)
    )
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    found = session.execute(query.order_by(ReviewTask.place).offset(offset).limit(limit))
    return [(row[0], row[1]) for row in found], total


def list_same_tasks(
    session: Session, task: ReviewTask, log_id: str, evaluator_ids: Collection[str]
) -> list[tuple[ReviewQueue, ReviewTask]]:
    """What the same person has answered in other queues about the same log, by any of these evaluators; locked."""
    same = select(ReviewEvaluator.queue_id).where(ReviewEvaluator.evaluator_version_id.in_(evaluator_ids))
    query = (
        select(ReviewQueue, ReviewTask)
        .join(ReviewItem, ReviewItem.queue_id == ReviewQueue.id)
        .join(
            ReviewTask,
            (ReviewTask.queue_id == ReviewItem.queue_id) & (ReviewTask.position == ReviewItem.position),
        )
        .where(
            ReviewQueue.workspace_id == task.workspace_id,
            ReviewItem.log_id == log_id,
            ReviewTask.user_id == task.user_id,
            ReviewTask.answered_at.is_not(None),
            ReviewTask.queue_id != task.queue_id,
            ReviewTask.queue_id.in_(same),
        )
        .order_by(ReviewTask.queue_id)
        .with_for_update(of=ReviewTask)
        .execution_options(populate_existing=True)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def find_last_place(session: Session, queue_id: str, user_id: str) -> int | None:
    """The place of what a person answered last."""
    query = select(ReviewTask.place).where(
        ReviewTask.queue_id == queue_id, ReviewTask.user_id == user_id, ReviewTask.answered_at.is_not(None)
    )
    return session.scalar(query.order_by(ReviewTask.answered_at.desc(), ReviewTask.place.desc()).limit(1))


def find_next_place(session: Session, queue_id: str, user_id: str, after: int) -> int | None:
    """The next place that a person has not answered, from the start again behind the last one."""
    query = select(ReviewTask.place).where(
        ReviewTask.queue_id == queue_id,
        ReviewTask.user_id == user_id,
        ReviewTask.answered_at.is_(None),
        ReviewTask.place != after,
    )
    return session.scalar(query.order_by(ReviewTask.place <= after, ReviewTask.place).limit(1))


def mark_answered(session: Session, task: ReviewTask, at: datetime | None, draft: Any = None) -> None:
    """Note when a task was answered; None: it is not, any more."""
    session.execute(
        update(ReviewTask)
        .where(
            ReviewTask.queue_id == task.queue_id,
            ReviewTask.position == task.position,
            ReviewTask.user_id == task.user_id,
        )
        .values(answered_at=at, draft=draft)
        .execution_options(synchronize_session=False)
    )
    session.expire(task)


class Neighbour(NamedTuple):
    """A line of a person's queue."""

    place: int
    answered: bool
    label: str


def list_neighbours(session: Session, queue_id: str, user_id: str, first: int, last: int) -> list[Neighbour]:
    """A person's items between two places, both included, in their order."""
    rows = session.execute(
        text(f"""
        select t.place, t.answered_at is not null, {QUESTION}
        from review_task t join review_item i on i.queue_id = t.queue_id and i.position = t.position
        join log l on l.id = i.log_id
        where t.queue_id = :queue and t.user_id = :user and t.place between :first and :last order by t.place
        """),  # noqa: S608 - a constant
        {"queue": queue_id, "user": user_id, "first": first, "last": last},
    )
    return [Neighbour(*row) for row in rows]


class Answer(NamedTuple):
    """What one person said of an item, by one evaluator."""

    position: int
    user_id: str
    said: Said


def list_answers(session: Session, queue_id: str, position: int | None = None) -> list[Answer]:
    """What was answered in a queue, or of one of its items: of a text the beginning, of a choice all. Oldest items first."""
    rows = session.execute(
        text("""
        with asked as materialized (
            select v.id, v.spec->>'return_type' = 'text' as is_text
            from review_evaluator e join version v on v.id = e.evaluator_version_id where e.queue_id = :queue)
        select t.position, t.user_id, j.evaluator_version_id, j.error is not null, j.boolean_value, j.number_value,
               case when asked.is_text then left(j.text_value, 1000) else j.text_value end, j.options_value
        from review_task t join review_item i on i.queue_id = t.queue_id and i.position = t.position
        join judgment j on j.log_id = i.log_id and j.author = t.user_id and j.vote = 0
        join asked on asked.id = j.evaluator_version_id
        where t.queue_id = :queue and t.answered_at is not null and (:any or t.position = :position)
        order by t.position, t.user_id
        """),
        {"queue": queue_id, "position": position or 0, "any": position is None},
    )
    return [Answer(row[0], row[1], Said(*row[2:])) for row in rows.all()]


def list_finals(session: Session, queue_id: str) -> dict[tuple[int, str], Judgment]:
    """The words that settled what people said differently, by item and evaluator."""
    query = (
        select(ReviewItem.position, Judgment)
        .join(Judgment, Judgment.log_id == ReviewItem.log_id)
        .join(
            ReviewEvaluator,
            (ReviewEvaluator.queue_id == ReviewItem.queue_id)
            & (ReviewEvaluator.evaluator_version_id == Judgment.evaluator_version_id),
        )
        # Written out: a plan made for any author takes this one to be as frequent as "no author", and reads every judgment.
        .where(ReviewItem.queue_id == queue_id, Judgment.author == literal(FINAL, literal_execute=True))
    )
    return {(row[0], row[1].evaluator_version_id): row[1] for row in session.execute(query)}


def list_labels(session: Session, queue_id: str, positions: Collection[int]) -> dict[int, str]:
    """What each of the items answers, in a few words."""
    rows = session.execute(
        text(f"""
        select i.position, {QUESTION} from review_item i join log l on l.id = i.log_id
        where i.queue_id = :queue and i.position = any(:positions)
        """),  # noqa: S608 - a constant
        {"queue": queue_id, "positions": list(positions)},
    )
    return {row[0]: row[1] for row in rows}


def find_item(session: Session, queue_id: str, position: int) -> ReviewItem | None:
    return session.get(ReviewItem, (queue_id, position))


def open_positions(session: Session, queue: ReviewQueue, user_id: str) -> set[int]:
    """The items that wait for a person's answer: none, where the queue is closed."""
    if queue.closed_at:
        return set()
    query = select(ReviewTask.position).where(
        ReviewTask.queue_id == queue.id, ReviewTask.user_id == user_id, ReviewTask.answered_at.is_(None)
    )
    return set(session.scalars(query))


def own_answers(
    session: Session, log_id: str, user_id: str, evaluator_ids: Collection[str]
) -> dict[str, Judgment]:
    """What a person, or `FINAL`, said of a log, by evaluator."""
    query = select(Judgment).where(
        Judgment.log_id == log_id,
        Judgment.author == user_id,
        Judgment.vote == 0,
        Judgment.evaluator_version_id.in_(evaluator_ids),
    )
    return {one.evaluator_version_id: one for one in session.scalars(query)}


class Output(NamedTuple):
    """The first answer of a run on a row."""

    run_id: str
    row: str
    log_id: str


def list_outputs(session: Session, run_ids: Sequence[str], rows: Sequence[str]) -> list[Output]:
    """The outputs of runs on some rows that can be read: no failed ones, and none whose texts are gone. One a log."""
    found = session.execute(
        text("""
        select distinct on (i.log_id) i.run_id, i.datapoint_id, i.log_id
        from run_item i join log l on l.id = i.log_id
        where i.run_id = any(:runs) and i.datapoint_id = any(:rows) and i.repeat = 0
          and i.error is null and l.output is not null and l.payload_cleared_at is null
        order by i.log_id, i.run_id
        """),
        {"runs": list(run_ids), "rows": list(rows)},
    )
    return [Output(*row) for row in found]


def hand_over(session: Session, queue_id: str, giver_id: str, taker_id: str) -> int:
    """Ask somebody else what one person has not answered, behind what they are asked already, but for items that they are
    asked about themselves; how many that were."""
    moved = session.execute(
        text("""
        with given as (
            select t.position, row_number() over (order by t.place) as nth from review_task t
            where t.queue_id = :queue and t.user_id = :giver and t.answered_at is null and not exists (
                select from review_task o
                where o.queue_id = t.queue_id and o.position = t.position and o.user_id = :taker))
        update review_task t set user_id = :taker, draft = null, place = given.nth + coalesce(
            (select max(place) from review_task where queue_id = :queue and user_id = :taker), 0)
        from given where t.queue_id = :queue and t.user_id = :giver and t.position = given.position
            and t.answered_at is null -- told again: an answer may have come while this waited for its lock
        """),
        {"queue": queue_id, "giver": giver_id, "taker": taker_id},
    )
    return int(moved.rowcount)  # type: ignore[attr-defined]


def count_items(session: Session, queue_ids: Collection[str]) -> dict[str, int]:
    """How many outputs each queue has still: those of deleted logs are gone."""
    query = select(ReviewItem.queue_id, func.count()).where(ReviewItem.queue_id.in_(queue_ids))
    found = dict(session.execute(query.group_by(ReviewItem.queue_id)).all())
    return {queue_id: found.get(queue_id, 0) for queue_id in queue_ids}
