"""What people answer becomes their judgments, which reports count once; it can be taken back, and settled."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.core.errors import Conflict, Invalid, NotFound
from app.evaluations.grid.people_repository import list_counted, list_verdicts
from app.logs.models import Judgment
from app.logs.repository import FINAL
from app.review import answering, repository, sending
from app.review.agreement import agreements
from app.review.answering import Answered
from app.review.fields import fields_of
from tests import factories
from tests.review.staged import CHOICES, queue, score, stage


def _place_of(session: Session, queue_id: str, user_id: str, log_id: str) -> int:
    return session.scalar(
        text("""
        select t.place from review_task t join review_item i on i.queue_id = t.queue_id and i.position = t.position
        where t.queue_id = :queue and t.user_id = :user and i.log_id = :log
        """),
        {"queue": queue_id, "user": user_id, "log": log_id},
    )


def _position(session: Session, queue_id: str, log_id: str) -> int:
    query = text("select position from review_item where queue_id = :queue and log_id = :log")
    return session.scalar(query, {"queue": queue_id, "log": log_id})


def test_an_answer_is_a_judgment_of_its_author_and_the_report_counts_it_once(session: Session) -> None:
    staged = stage(session)
    made = queue(session, staged)
    first, second = staged.people
    for place in range(1, 5):
        log_id = factories.reviewed(session, first, made, place, True, note="Short.", correction="Better.")
    assert score(session, staged.new, staged.asked) == (1.0, 4)
    factories.reviewed(session, first, made, 4, False)
    assert score(session, staged.new, staged.asked) == (0.75, 4), "the last word, once"
    factories.reviewed(session, second, made, _place_of(session, made.id, second.user_id, log_id), True)
    assert score(session, staged.new, staged.asked) == (0.875, 4), "the mean of what people said of it"
    said = session.scalars(select(Judgment).where(Judgment.author == first.user_id)).all()
    assert len(said) == 4
    assert {(one.rationale, (one.detail or {}).get("correction")) for one in said} == {
        ("Short.", "Better."), (None, None),
    }  # fmt: skip


def test_who_cannot_tell_has_answered_and_counts_for_no_score(session: Session) -> None:
    staged = stage(session)
    made = queue(session, staged)
    first = staged.people[0]
    factories.reviewed(session, first, made, 1, None)
    factories.reviewed(session, first, made, 2, True)
    assert score(session, staged.new, staged.asked) == (1.0, 1)
    mine = next(
        one for one in repository.list_progress(session, [made.id])[made.id] if one.user_id == first.user_id
    )
    assert mine.answered == 2


def test_the_last_answer_is_taken_back_with_what_was_typed(session: Session) -> None:
    staged = stage(session, **CHOICES)
    made = queue(session, staged)
    first = staged.people[0]
    factories.reviewed(session, first, made, 1, "yes")
    factories.reviewed(session, first, made, 3, "no", note="It is wrong.")
    assert answering.undo(session, first, made) == 3
    assert score(session, staged.new, staged.asked) == (1.0, 1), "as if it had never been said"
    task, _ = answering.get_task(session, first, made, 3)
    assert task.answered_at is None
    assert task.draft == {"answer-0": ["c2"], "note": ["It is wrong."]}
    assert answering.undo(session, first, made) == 1
    assert answering.undo(session, first, made) is None
    assert session.scalar(select(func.count()).where(Judgment.author == first.user_id)) == 0


def test_what_is_taken_back_is_asked_again_in_other_queues_too(session: Session) -> None:
    staged = stage(session)
    one, other = queue(session, staged), queue(session, staged)
    first = staged.people[0]
    log_id = factories.reviewed(session, first, one, 1, True, note="At first.")
    place = _place_of(session, other.id, first.user_id, log_id)
    factories.reviewed(session, first, other, place, False, note="Then so.")
    assert answering.undo(session, first, other) == place
    assert answering.undo(session, first, one) is None, "it is open there as well"
    task, _ = answering.get_task(session, first, one, 1)
    assert task.answered_at is None
    assert task.draft == {"answer-0": ["false"], "note": ["Then so."]}

    factories.reviewed(session, first, one, 1, True)
    factories.reviewed(session, first, other, place, True)
    sending.close(session, staged.team.admin, one, closed=True)
    with pytest.raises(Conflict, match="stay as they are there"):
        answering.undo(session, first, other)
    assert score(session, staged.new, staged.asked) == (1.0, 1)


def test_undo_takes_back_only_the_answer_that_was_meant(session: Session) -> None:
    staged = stage(session)
    made = queue(session, staged)
    first = staged.people[0]
    for place in (1, 2):
        factories.reviewed(session, first, made, place, True)
    assert answering.undo(session, first, made, 2) == 2
    assert answering.undo(session, first, made, 2) is None
    assert score(session, staged.new, staged.asked) == (1.0, 1)


def test_the_next_item_is_the_next_that_waits_and_from_the_start_again(session: Session) -> None:
    staged = stage(session)
    made = queue(session, staged)
    user = staged.people[0].user_id
    assert repository.find_next_place(session, made.id, user, 0) == 1
    factories.reviewed(session, staged.people[0], made, 2, True)
    assert repository.find_next_place(session, made.id, user, 1) == 3
    assert repository.find_next_place(session, made.id, user, 4) == 1
    for place in (1, 3, 4):
        factories.reviewed(session, staged.people[0], made, place, True)
    assert repository.find_next_place(session, made.id, user, 4) is None


def test_only_who_is_asked_answers_and_only_while_it_is_open(session: Session) -> None:
    staged = stage(session)
    made = queue(session, staged)
    with pytest.raises(NotFound):
        factories.reviewed(session, staged.team.admin, made, 1, True)
    with pytest.raises(NotFound):
        factories.reviewed(session, staged.people[0], made, 5, True)
    with pytest.raises(Invalid, match="is not answered"):
        answering.answer(session, staged.people[0], made, 1, Answered({}))
    with pytest.raises(Invalid, match="true or false"):
        factories.reviewed(session, staged.people[0], made, 1, "perhaps")
    factories.reviewed(session, staged.people[0], made, 1, True)
    sending.close(session, staged.team.admin, made, closed=True)
    with pytest.raises(Conflict, match="closed"):
        factories.reviewed(session, staged.people[0], made, 2, True)
    with pytest.raises(Conflict, match="closed"):
        answering.undo(session, staged.people[0], made)
    sending.close(session, staged.team.admin, made, closed=False)
    factories.reviewed(session, staged.people[0], made, 2, True)


def test_a_final_answer_counts_in_place_of_what_people_said(session: Session) -> None:
    staged = stage(session)
    made = queue(session, staged)
    first, second = staged.people
    log_id = factories.reviewed(session, first, made, 1, True)
    position = _position(session, made.id, log_id)
    with pytest.raises(Conflict, match="answer it first"):
        answering.settle(session, second, made, position, Answered({staged.asked.id: True}))
    factories.reviewed(session, second, made, _place_of(session, made.id, second.user_id, log_id), False)
    assert score(session, staged.new, staged.asked) == (0.5, 1)

    answering.settle(
        session, staged.team.admin, made, position, Answered({staged.asked.id: False}, note="The rule.")
    )
    assert score(session, staged.new, staged.asked) == (0.0, 1)
    counted = list_counted(session, [(staged.new.id, log_id)])[staged.new.id, log_id]
    human = [one for one in counted if one.evaluator_version_id == staged.asked.id]
    assert [(one.author, one.boolean_value, one.rationale) for one in human] == [(FINAL, False, "The rule.")]
    exact = next(one.evaluator_version_id for one in counted if not one.author)
    taught = list_verdicts(session, staged.team.workspace.id, [exact])
    assert [one.author for one, _, _ in taught] == [FINAL], "a judge is taught the final word alone"
    assert len(repository.list_answers(session, made.id, position)) == 2, "what people said stays"

    factories.reviewed(session, first, made, 1, True)
    assert score(session, staged.new, staged.asked) == (0.0, 1), "it is settled, whatever is said again"
    answering.unsettle(session, staged.team.admin, made, position)
    assert score(session, staged.new, staged.asked) == (0.5, 1)


def test_people_agree_on_choices_of_any_length(session: Session) -> None:
    long = ["x" * 1_200 + end for end in ("a", "b")]
    staged = stage(session, answers="select", choices=long)
    made = queue(session, staged)
    first, second = staged.people
    log_id = factories.reviewed(session, first, made, 1, long[0])
    factories.reviewed(session, second, made, _place_of(session, made.id, second.user_id, log_id), long[1])
    fields = fields_of(repository.list_evaluators(session, [made.id])[made.id])
    (found,) = agreements(fields, repository.list_answers(session, made.id))
    assert found.disputed == [_position(session, made.id, log_id)]


def test_an_item_goes_with_its_log_and_the_queue_outlives_its_evaluation(session: Session) -> None:
    staged = stage(session)
    made = queue(session, staged)
    session.execute(text("delete from log where id in (select log_id from review_item where position = 1)"))
    assert repository.count_items(session, [made.id]) == {made.id: 3}
    assert all(one.asked == 3 for one in repository.list_progress(session, [made.id])[made.id])
    session.execute(text("delete from evaluation where id = :id"), {"id": staged.evaluation.id})
    session.expire_all()
    found = repository.find_queue(session, staged.team.workspace.id, made.id)
    assert found is not None
    assert found.evaluation_id is None
