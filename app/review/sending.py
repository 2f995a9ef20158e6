"""Sending outputs to review: who is asked about which of them, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from sqlalchemy.orm import Session

from app.core import clock, ids
from app.core.access import ALLOWED, Action, Principal
from app.core.errors import Conflict, Invalid, NotFound
from app.evaluations import service as evaluations
from app.evaluators.binding import make_spec
from app.files import repository as files
from app.files.models import FileKind, Version
from app.files.service import Commit, commit
from app.review import guest_repository, pairs_repository, repository
from app.review.choosing import FromEvaluation
from app.review.from_logs import FromLogs
from app.review.models import ReviewEvaluator, ReviewQueue
from app.review.pairs import QUESTION, SETTINGS, takes_preferences
from app.workspaces import audit
from app.workspaces import repository as workspaces
from app.workspaces.models import Membership

LONGEST_NAME = 200
MOST_EVALUATORS = 8
"""Questions about one output: more are not answered with care."""


Items = list[tuple[str, str | None]]
"""Logs, each with the one that it is compared with."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What is sent to review, and to whom."""

    source: FromEvaluation | FromLogs
    evaluators: Sequence[Version]
    """With their files, in the order in which they are asked. None where two outputs are compared: then which is better."""
    reviewer_ids: Sequence[str]
    """None, where `per_item` is 0: guests are asked later."""
    per_item: int = 1
    blind: bool = True
    shows_target: bool = False
    name: str = ""

    @property
    def pairs(self) -> FromEvaluation | None:
        """The source, where outputs of two versions are shown side by side."""
        return self.source if isinstance(self.source, FromEvaluation) and self.source.is_pair else None


def list_people(session: Session, workspace_id: str) -> list[Membership]:
    """Who may be asked: the members whose role may judge and whose account is not disabled, by name."""
    found = [
        one
        for one in workspaces.list_members(session, workspace_id)
        if one.role in ALLOWED[Action.JUDGE] and one.user.disabled_at is None
    ]
    return sorted(found, key=lambda one: (one.user.full_name.casefold(), one.user_id))


def send(session: Session, principal: Principal, sending: Sending) -> ReviewQueue:
    """A new queue. The evaluation that it is of gets those of its evaluators that it does not have: what people say stands in
    its report.

    Each output is given to `per_item` of the reviewers in turn, so that everybody has as many, and everybody gets theirs in
    an order of their own, drawn once.

    Raises:
        Invalid: names each field that is wrong.
    """
    if sending.pairs and not sending.evaluators:
        sending = replace(sending, evaluators=[_which_is_better(session, principal)])
    _check(session, principal, sending)
    queue_id = ids.new_id("rvq")
    source = sending.source
    items, equal = _choose(session, sending, Random(queue_id))
    candidate, baseline = sending.pairs.names if sending.pairs else (None, None)
    name = sending.name.strip() or f"{source.title}: {sending.evaluators[0].file.name}"
    evaluation = source.evaluation if isinstance(source, FromEvaluation) else None
    queue = ReviewQueue(
        id=queue_id,
        workspace_id=principal.workspace_id,
        evaluation_id=evaluation.id if evaluation else None,
        name=name[:LONGEST_NAME],
        rows=source.rows,
        filters=source.filters,
        sent=len(items),
        candidate=candidate,
        baseline=baseline,
        equal_count=equal,
        per_item=sending.per_item,
        blind=sending.blind,
        shows_target=sending.shows_target,
        created_by=principal.user_id,
        created_by_name=principal.name,
    )
    repository.insert_queue(
        session,
        queue,
        [
            ReviewEvaluator(queue_id=queue_id, evaluator_version_id=version.id, position=position)
            for position, version in enumerate(sending.evaluators)
        ],
        [
            {"queue_id": queue_id, "position": position, "log_id": log_id, "other_log_id": other_id}
            for position, (log_id, other_id) in enumerate(items, start=1)
        ],
        [
            {
                "queue_id": queue_id,
                "position": position,
                "user_id": user_id,
                "workspace_id": principal.workspace_id,
                "place": place,
            }
            for user_id, order in deal(len(items), sending.reviewer_ids, sending.per_item, queue_id).items()
            for place, position in enumerate(order, start=1)
        ],
    )
    if evaluation:
        evaluations.add_evaluators(session, evaluation, sending.evaluators)
    audit.record(
        session, principal, "review.sent", "review_queue", queue_id, name=queue.name, items=len(items)
    )
    return queue


def _which_is_better(session: Session, principal: Principal) -> Version:
    """The question that is asked of two outputs where nobody wrote one; made, where the workspace has it not."""
    there = files.find_file_by_path(session, principal.workspace_id, QUESTION)
    if there and there.kind == FileKind.EVALUATOR and (newest := files.newest_version(session, there.id)):
        version = files.find_versions(session, principal.workspace_id, [newest.id])[0]
        if takes_preferences(version):
            return version
    made = commit(session, principal, Commit(FileKind.EVALUATOR, make_spec("human", SETTINGS), path=QUESTION))
    return files.find_versions(session, principal.workspace_id, [made.version.id])[0]


def _choose(session: Session, sending: Sending, random: Random) -> tuple[Items, int]:
    """The logs that are asked about, each with the one beside it, and how many rows were left out as both say the same.

    Raises:
        Invalid: there is nothing to ask about, or one of the evaluators means something else of one of these outputs already.
    """
    equal = 0
    if sending.pairs:
        pairs, equal = sending.pairs.choose_pairs(session, random)
        items: Items = [(one.log_id, one.other_log_id) for one in pairs]
    else:
        items = [(log_id, None) for log_id in sending.source.choose(session, random)]
    by_id = {version.id: version for version in sending.evaluators}
    if used := pairs_repository.find_otherwise_used(session, list(by_id), items):
        said = (
            f"{by_id[used[0]].file.path} is asked of these outputs in “{used[1]}”, where they stand beside others, or alone: "
            "one answer cannot mean both. Ask by another evaluator."
        )
        raise Invalid(said, fields={"evaluators": said})
    return items, equal


def deal(items: int, reviewer_ids: Sequence[str], per_item: int, seed: str) -> dict[str, list[int]]:
    """The items, from 1, that each reviewer gets, in their own order.

    Each item goes to `per_item` of them, nobody gets it twice, and nobody gets more than one item more than somebody else.
    """
    people = list(reviewer_ids)
    found: dict[str, list[int]] = {user_id: [] for user_id in people}
    turn = 0
    for item in range(1, items + 1):
        for _ in range(per_item):
            found[people[turn % len(people)]].append(item)
            turn += 1
    for user_id, order in found.items():
        Random(f"{seed} {user_id}").shuffle(order)
    return found


def _check(session: Session, principal: Principal, sending: Sending) -> None:
    problems = dict(sending.source.problems())
    if not sending.evaluators:
        problems["evaluators"] = "Choose what people are asked."
    elif len(sending.evaluators) > MOST_EVALUATORS:
        problems["evaluators"] = f"Ask up to {MOST_EVALUATORS} questions about an output."
    for version in sending.evaluators:
        if version.spec.get("evaluator_type") != "human":
            problems["evaluators"] = f"{version.file.path} is judged by no person."
        elif sending.pairs and not takes_preferences(version):
            problems["evaluators"] = (
                f"{version.file.path} takes no preference: that is a number from 0 to 1 in steps of 0.5, more being better. "
                "Choose no question, and it is asked which is better."
            )
    may = {one.user_id for one in list_people(session, principal.workspace_id)}
    if strangers := [user_id for user_id in sending.reviewer_ids if user_id not in may]:
        problems["reviewers"] = f"{strangers[0]} is nobody who may judge in this workspace."
    elif not sending.reviewer_ids and sending.per_item:
        problems["reviewers"] = "Choose who is asked."
    elif sending.reviewer_ids and not 1 <= sending.per_item <= len(sending.reviewer_ids):
        problems["per_item"] = f"Between 1 and {len(sending.reviewer_ids)}, as many as are asked."
    if len(sending.name.strip()) > LONGEST_NAME:
        problems["name"] = f"Keep the name under {LONGEST_NAME} characters."
    if problems:
        raise Invalid(" ".join(problems.values()), fields=problems)


def get_queue(session: Session, principal: Principal, queue_id: str) -> ReviewQueue:
    """The queue with this id.

    Raises:
        NotFound: the workspace has no such queue.
    """
    queue = repository.find_queue(session, principal.workspace_id, queue_id)
    if queue is None:
        raise NotFound(f"There is no review queue with the id {queue_id}.")
    return queue


def close(session: Session, principal: Principal, queue: ReviewQueue, *, closed: bool) -> None:
    """Ask nobody any more, or again. What was answered stays."""
    if closed == (queue.closed_at is not None):
        return
    queue.closed_at = clock.now() if closed else None
    done = "review.closed" if closed else "review.reopened"
    audit.record(session, principal, done, "review_queue", queue.id, name=queue.name)


def hand_over(
    session: Session, principal: Principal, queue: ReviewQueue, giver_id: str, taker_id: str
) -> int:
    """Ask somebody else what one reviewer has not answered; how many items that were.

    Raises:
        Invalid: who takes over may not judge here, or is the same person.
        Conflict: they are asked about all of these items themselves.
    """
    may = {one.user_id for one in list_people(session, principal.workspace_id)}
    may |= guest_repository.works(session, queue.id, [taker_id])
    if taker_id == giver_id or taker_id not in may:
        said = "Choose another person who may judge in this workspace, or a guest of this queue."
        raise Invalid(said, fields={"to": said})
    moved = repository.hand_over(session, queue.id, giver_id, taker_id)
    if not moved:
        raise Conflict(
            "Nothing was handed over: nothing waits there, or they are asked about the same items."
        )
    audit.record(
        session, principal, "review.handed_over", "review_queue", queue.id,
        name=queue.name, items=moved, giver=giver_id, taker=taker_id,
    )  # fmt: skip
    return moved
