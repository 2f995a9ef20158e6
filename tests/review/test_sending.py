"""Sending outputs to review: which of them, to whom, and in which order."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.access import Role
from app.core.errors import Conflict, Invalid
from app.evaluations import repository as evaluations
from app.review import repository, sending
from app.review.choosing import FromEvaluation, choose_outputs
from app.review.models import ReviewItem, ReviewTask
from app.review.sending import Sending, deal, send
from tests import factories
from tests.review.staged import queue, stage


@given(st.integers(1, 60), st.integers(1, 6), st.data())
def test_everybody_gets_as_many_and_no_item_twice(items: int, people: int, data: st.DataObject) -> None:
    per_item = data.draw(st.integers(1, people))
    dealt = deal(items, [f"usr_{n}" for n in range(people)], per_item, "seed")
    of_items = Counter(item for order in dealt.values() for item in order)
    assert of_items == dict.fromkeys(range(1, items + 1), per_item)
    assert all(len(order) == len(set(order)) for order in dealt.values())
    sizes = [len(order) for order in dealt.values()]
    assert max(sizes) - min(sizes) <= 1


def test_everybody_has_an_order_of_their_own_that_stays() -> None:
    dealt = deal(30, ["a", "b"], 2, "rvq_1")
    assert dealt["a"] != dealt["b"]
    assert sorted(dealt["a"]) == sorted(dealt["b"]) == list(range(1, 31))
    assert deal(30, ["a", "b"], 2, "rvq_1") == dealt


def _outputs(session: Session, staged, rows: str, most: int | None = None, runs=None) -> list[str]:
    found = choose_outputs(
        session, staged.evaluation, runs or [staged.old, staged.new], rows, most, Random(1)
    )
    texts = dict(session.execute(text("select id, output from log")).all())
    return sorted(texts[one.log_id] for one in found)


def test_rows_are_those_that_were_asked_for(session: Session) -> None:
    staged = stage(session)  # row 0 right in both, 1 got worse, 2 and 3 got better
    assert len(_outputs(session, staged, "all")) == 8
    assert _outputs(session, staged, "worse") == ["answer 1", "new slip 1"]
    assert len(_outputs(session, staged, "changed")) == 6
    assert len(_outputs(session, staged, "random", 2)) == 4
    assert len(_outputs(session, staged, "all", runs=[staged.new])) == 4
    with pytest.raises(Invalid, match="two versions"):
        _outputs(session, staged, "worse", runs=[staged.new])


def test_the_least_certain_rows_are_those_on_which_judges_differ(session: Session) -> None:
    staged = stage(session)
    admin = staged.team.admin
    lenient = factories.evaluator(session, admin, "contains", text="answer")
    slips = factories.evaluator(session, admin, "contains", text="slip")
    evaluation = factories.evaluation(session, admin, staged.prompt, lenient, slips, name="Doubts")
    data = factories.dataset(session, admin, 6)
    run = factories.started_run(session, admin, evaluation, staged.prompt, data)
    factories.finish_run(
        session, run, ["answer slip", "other", "answer slip", "slip", "other", "answer slip"]
    )
    found = choose_outputs(session, evaluation, [run], "uncertain", 1, Random(2))
    said = session.scalar(text("select output from log where id = :log"), {"log": found[0].log_id})
    assert said == "slip", "one says yes, the other no; elsewhere they are of one mind"


def test_rows_without_a_score_are_the_least_doubted(session: Session) -> None:
    staged = stage(session)
    admin = staged.team.admin
    scored = [{"inputs": {"question": str(n)}, "target": {"answer": "a"}} for n in range(2)]
    unscored = [{"inputs": {"question": str(n)}} for n in range(2, 9)]
    data = factories.dataset(session, admin, scored + unscored)
    run = factories.started_run(session, admin, staged.evaluation, staged.prompt, data)
    factories.finish_run(session, run, ["a", "b", *["unscored"] * 7])
    for seed in range(3):
        found = choose_outputs(session, staged.evaluation, [run], "uncertain", 2, Random(seed))
        query = text("select output from log where id = any(:logs)")
        said = session.scalars(query, {"logs": [one.log_id for one in found]})
        assert sorted(said) == ["a", "b"]


def test_as_many_rows_are_taken_as_were_wanted_though_some_cannot_be_read(session: Session) -> None:
    staged = stage(session)
    admin = staged.team.admin
    rows = factories.dataset(session, admin, 6)
    run = factories.started_run(session, admin, staged.evaluation, staged.prompt, rows, fresh=True)
    factories.finish_run(session, run, [None, "one", None, "two", None, None])
    for rows_wanted in ("all", "random", "uncertain"):
        assert _outputs(session, staged, rows_wanted, 2, runs=[run]) == ["one", "two"]


def test_the_first_version_is_the_baseline_and_the_named_evaluator_tells_what_changed(
    session: Session,
) -> None:
    staged = stage(session)
    turned = [staged.new, staged.old]
    lost = ["answer 2", "answer 3", "old slip 2", "old slip 3"]
    assert _outputs(session, staged, "worse", runs=turned) == lost

    admin = staged.team.admin
    exact = factories.evaluator(session, admin)
    slips = factories.evaluator(session, admin, "contains", text="slip")
    evaluation = factories.evaluation(session, admin, staged.prompt, exact, slips, name="Two minds")
    data = factories.dataset(session, admin, 2)
    runs = []
    for outputs in (["answer 0", "slip"], ["slip", "answer 1"]):
        run = factories.started_run(session, admin, evaluation, staged.prompt, data, fresh=True)
        runs.append(factories.finish_run(session, run, outputs))
    by_row = {}
    for judge in (exact, slips):
        found = choose_outputs(session, evaluation, runs, "worse", None, Random(1), judge_id=judge.id)
        (by_row[judge.id],) = {one.row for one in found}
    assert by_row[exact.id] != by_row[slips.id], "what the one takes for worse is better to the other"


def test_failed_and_cleared_outputs_are_nothing_to_judge(session: Session) -> None:
    staged = stage(session)
    admin = staged.team.admin
    rows = factories.dataset(session, admin, 2)
    run = factories.started_run(session, admin, staged.evaluation, staged.prompt, rows, fresh=True)
    factories.finish_run(session, run, [None, "kept"])
    assert _outputs(session, staged, "all", runs=[run]) == ["kept"]
    session.execute(text("update log set payload_cleared_at = now() where run_id = :run"), {"run": run.id})
    with pytest.raises(Invalid, match="can be read"):
        _outputs(session, staged, "all", runs=[run])


def test_a_queue_holds_each_output_once_and_the_report_gets_the_question(session: Session) -> None:
    staged = stage(session, people=3)
    made = queue(session, staged, per_item=2, runs=[staged.old, staged.new])
    items = session.scalars(select(ReviewItem).where(ReviewItem.queue_id == made.id)).all()
    assert len({one.log_id for one in items}) == len(items) == 8
    progress = repository.list_progress(session, [made.id])[made.id]
    assert sorted(one.asked for one in progress) == [5, 5, 6]
    of_report = [one.id for one in evaluations.list_evaluators(session, staged.evaluation.id)]
    assert staged.asked.id in of_report


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"evaluators": []}, "evaluators"),
        ({"runs": []}, "versions"),
        ({"reviewer_ids": []}, "reviewers"),
        ({"reviewer_ids": ["usr_stranger"]}, "reviewers"),
        ({"per_item": 3}, "per_item"),
        ({"per_item": 0}, "per_item"),
        ({"most_rows": 0}, "most"),
        ({"name": "x" * 201}, "name"),
    ],
)
def test_what_cannot_be_sent_is_said_at_its_field(session: Session, wrong: dict, field: str) -> None:
    staged = stage(session)
    source = {name: wrong[name] for name in ("runs", "most_rows") if name in wrong}
    wrong = {name: value for name, value in wrong.items() if name not in source}
    asked = {
        "evaluators": [staged.asked],
        "reviewer_ids": [one.user_id for one in staged.people],
    }
    of = FromEvaluation(**({"evaluation": staged.evaluation, "runs": [staged.new]} | source))
    with pytest.raises(Invalid) as refused:
        send(session, staged.team.admin, Sending(of, **(asked | wrong)))
    assert field in refused.value.fields


def test_a_viewer_and_an_evaluator_of_machines_are_not_asked(session: Session) -> None:
    staged = stage(session)
    viewer = factories.member(session, staged.team.workspace, Role.VIEWER)
    with pytest.raises(Invalid, match="nobody who may judge"):
        factories.review(session, staged.team.admin, staged.evaluation, staged.asked, [viewer])
    machine = factories.evaluator(session, staged.team.admin, "exact")
    with pytest.raises(Invalid, match="judged by no person"):
        factories.review(session, staged.team.admin, staged.evaluation, machine, staged.people)


def test_what_somebody_has_not_answered_is_handed_to_somebody_else(session: Session) -> None:
    staged = stage(session, people=3)
    first, second, third = staged.people
    made = factories.review(
        session, staged.team.admin, staged.evaluation, staged.asked, [first, second], runs=[staged.new]
    )
    factories.reviewed(session, first, made, 1, True)
    with pytest.raises(Conflict, match="same items"):
        sending.hand_over(session, staged.team.admin, made, first.user_id, second.user_id)
    assert sending.hand_over(session, staged.team.admin, made, first.user_id, third.user_id) == 3
    by_person = {
        one.user_id: (one.asked, one.answered)
        for one in repository.list_progress(session, [made.id])[made.id]
    }
    assert by_person == {first.user_id: (1, 1), second.user_id: (4, 0), third.user_id: (3, 0)}
    places = session.scalars(
        select(ReviewTask.place).where(ReviewTask.queue_id == made.id, ReviewTask.user_id == third.user_id)
    )
    assert sorted(places) == [1, 2, 3]
