"""Runs as the services and the workers' writes make them, without a worker."""

from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.errors import Conflict, Invalid
from app.evaluations import repository, run_service, service, shard_repository
from app.evaluations.engine.writing import write_outcomes
from app.evaluations.figures import report, stats
from app.evaluations.figures.headline import headline
from app.evaluations.grid import comparison
from app.evaluations.grid.comparison import GridRequest
from app.evaluations.verdicts.plan import load_plan
from tests import factories


@pytest.fixture
def team(session: Session, redis_url: str) -> factories.Team:
    return factories.team(session)


def test_a_finished_run_has_every_row_once_and_its_scores(session: Session, team: factories.Team) -> None:
    admin = team.admin
    version, rows = factories.prompt(session, admin), factories.dataset(session, admin, 4)
    evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))

    run = factories.started_run(session, admin, evaluation, version, rows)
    assert (run.items_count, run.status, run.control) == (4, "pending", True)
    factories.finish_run(session, run, ["answer 0", "wrong", None, "answer 3"])

    assert (run.status, run.done_count, run.failed_count, run.judgments_count) == ("completed", 4, 1, 4)
    cell = report.build_report(session, evaluation).rows[0].cells[run.id]
    assert cell.interval is not None
    assert (cell.interval.estimate, cell.interval.n, cell.errors) == (pytest.approx(2 / 3), 3, 1)


def test_writing_a_batch_twice_adds_nothing(session: Session, team: factories.Team) -> None:
    admin = team.admin
    version, rows = factories.prompt(session, admin), factories.dataset(session, admin, 2)
    evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
    run = factories.finish_run(
        session, factories.started_run(session, admin, evaluation, version, rows), ["a", "b"]
    )

    session.execute(
        text("update shard set state = 'queued', owner = null where run_id = :run"), {"run": run.id}
    )
    session.execute(text("update run set status = 'running' where id = :run"), {"run": run.id})
    factories.finish_run(session, run, ["c", "d"])

    assert run.done_count == 2
    assert session.scalar(text("select count(*) from log where run_id = :run"), {"run": run.id}) == 2


def test_outcomes_that_come_twice_are_counted_once(session: Session, team: factories.Team) -> None:
    """As from a worker that was taken for dead, and has written all the same."""
    admin = team.admin
    version, rows = factories.prompt(session, admin), factories.dataset(session, admin, 3)
    evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
    run = factories.started_run(session, admin, evaluation, version, rows)
    plan, claimed = load_plan(session, run.id), shard_repository.claim_next(session, "own", run.id)
    assert plan
    assert claimed
    good, bad, _ = shard_repository.pending_items(session, claimed.shard_id)

    for owner in ("own", "other"):
        batch = [factories.outcome(plan, good, "a"), factories.outcome(plan, bad, None)]
        write_outcomes(session, plan, owner, batch)

    session.refresh(run)
    assert (run.done_count, run.failed_count, run.calls_count, run.status) == (2, 1, 2, "pending")
    assert session.scalar(text("select count(*) from log where run_id = :run"), {"run": run.id}) == 2


def test_a_batch_that_is_written_again_after_an_evaluator_was_added_costs_nothing(
    session: Session, team: factories.Team
) -> None:
    admin = team.admin
    version, rows = factories.prompt(session, admin), factories.dataset(session, admin, 2)
    evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
    run = factories.started_run(session, admin, evaluation, version, rows)
    plan = load_plan(session, run.id)
    assert plan
    claimed = shard_repository.claim_next(session, "worker", run.id)
    assert claimed
    items = shard_repository.pending_items(session, claimed.shard_id)
    outcomes = [factories.outcome(plan, item, "an answer") for item in items]
    write_outcomes(session, plan, "worker", outcomes)
    session.refresh(run)
    counted = (run.calls_count, run.spent_usd)

    service.add_evaluators(session, evaluation, [factories.evaluator(session, admin, "latency")])
    write_outcomes(session, plan, "worker", outcomes)

    session.refresh(run)
    assert (run.calls_count, run.spent_usd) == counted == (2, Decimal("0.0006"))


def test_the_same_version_on_the_same_rows_reuses_outputs_and_judgments(
    session: Session, team: factories.Team
) -> None:
    admin = team.admin
    version, rows = factories.prompt(session, admin), factories.dataset(session, admin, 3)
    evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
    first = factories.started_run(session, admin, evaluation, version, rows)
    _set_reuse_keys(session, factories.finish_run(session, first, ["answer 0", "x", "y"]), version)

    again = factories.started_run(session, admin, evaluation, version, rows)
    fresh = factories.started_run(session, admin, evaluation, version, rows, fresh=True)

    assert (again.status, again.reused_count, again.done_count) == ("completed", 3, 3)
    assert (fresh.status, fresh.reused_count) == ("pending", 0)


def _set_reuse_keys(session: Session, run, version) -> None:
    """What the engine notes with each log; `finish_run` has no endpoint to take it from."""
    from app.generations.service import prepare

    prompt = prepare(session, version)
    for datapoint_id, log_id in session.execute(
        text("select datapoint_id, log_id from run_item where run_id = :run"), {"run": run.id}
    ).all():
        session.execute(
            text("update log set reuse_key = :key where id = :id"),
            {"key": prompt.reuse_key(version.id, datapoint_id, 0), "id": log_id},
        )


def test_cancelling_keeps_what_is_done_and_resuming_does_the_rest(
    session: Session, team: factories.Team
) -> None:
    admin = team.admin
    version, rows = factories.prompt(session, admin), factories.dataset(session, admin, 30)
    evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
    run = factories.started_run(session, admin, evaluation, version, rows)
    claimed = shard_repository.claim_next(session, "somebody", run.id)
    assert claimed is not None

    run_service.cancel_run(session, run)
    renewed = shard_repository.renew(session, "somebody", run.id)
    shard_repository.give_back(session, "somebody", run.id)

    assert (renewed.kept, renewed.wanted, run.status) == ({claimed.shard_id}, False, "cancelled")
    assert shard_repository.claim_next(session, "another", run.id) is None
    run_service.resume_run(session, run)
    factories.finish_run(session, run, [f"answer {n}" for n in range(30)])
    assert (run.status, run.done_count) == ("completed", 30)
    run_service.cancel_run(session, run)
    assert run.status == "completed", "what has ended stays"


def test_retrying_runs_failed_rows_only(session: Session, team: factories.Team) -> None:
    admin = team.admin
    version, rows = factories.prompt(session, admin), factories.dataset(session, admin, 3)
    evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
    run = factories.started_run(session, admin, evaluation, version, rows)
    factories.finish_run(session, run, ["answer 0", None, "answer 2"])

    assert run_service.retry_failed(session, run) == 1
    assert (run.done_count, run.failed_count) == (2, 0)
    factories.finish_run(session, run, ["answer 1"])

    assert (run.status, run.done_count, run.failed_count) == ("completed", 3, 0)
    interval = report.build_report(session, evaluation).rows[0].cells[run.id].interval
    assert interval is not None
    assert interval.estimate == 1
    with pytest.raises(Conflict, match="No row"):
        run_service.retry_failed(session, run)


def test_an_evaluator_added_later_judges_the_outputs_that_are_there(
    session: Session, team: factories.Team
) -> None:
    admin = team.admin
    version, rows = factories.prompt(session, admin), factories.dataset(session, admin, 2)
    evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
    run = factories.started_run(session, admin, evaluation, version, rows)
    factories.finish_run(session, run, ["answer 0", "x"])
    logs_before = session.scalar(text("select count(*) from log"))

    service.add_evaluators(session, evaluation, [factories.evaluator(session, admin, "latency")])

    session.refresh(run)
    assert (run.status, run.done_count) == ("pending", 0)
    items = [
        item.log_id
        for shard in _shards(session, run.id)
        for item in shard_repository.pending_items(session, shard)
    ]
    assert len(items) == 2
    assert all(items), "the outputs stay"
    assert session.scalar(text("select count(*) from log")) == logs_before


def _shards(session: Session, run_id: str) -> list[str]:
    return list(
        session.scalars(
            text("select id from shard where run_id = :run and state = 'queued'"), {"run": run_id}
        )
    )


def test_two_versions_give_a_paired_change_a_word_and_a_sentence(
    session: Session, team: factories.Team
) -> None:
    admin = team.admin
    old = factories.prompt(session, admin, "tests/two")
    new = factories.prompt(session, admin, "tests/two", temperature=0.5)
    rows = factories.dataset(session, admin, 60)
    judge = factories.evaluator(session, admin, path="tests/Exact match")
    evaluation = factories.evaluation(session, admin, old, judge)
    right = [f"answer {n}" for n in range(60)]
    baseline = factories.started_run(session, admin, evaluation, old, rows)
    factories.finish_run(session, baseline, ["no"] * 30 + right[30:])
    candidate = factories.started_run(session, admin, evaluation, new, rows)
    factories.finish_run(session, candidate, ["no"] * 5 + right[5:58] + ["no"] * 2)

    found = report.build_report(session, evaluation)
    change = found.rows[0].changes[candidate.id]
    grid = comparison.build_grid(session, evaluation, GridRequest(only="worse"))

    assert change.delta is not None
    assert change.delta.estimate == pytest.approx((53 - 30) / 60)
    assert change.delta.method == "Bonett-Price"
    assert change.verdict.name == "better"
    name = found.rows[0].version.file.name
    assert headline(found, candidate).text == f"v2 is better than v1 by 38.3 points on {name}"
    assert (grid.counts["better"], grid.counts["worse"], grid.counts["failed"], grid.matching) == (
        25,
        2,
        5,
        2,
    )
    assert [row.number for row in grid.rows] == [59, 60]
    assert [cell.turn for cell in grid.rows[0].cells] == [None, "worse"]


def test_repeats_are_averaged_within_the_row(session: Session, team: factories.Team) -> None:
    admin = team.admin
    version, rows = factories.prompt(session, admin), factories.dataset(session, admin, 2)
    evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
    run = factories.started_run(session, admin, evaluation, version, rows, repeats=2)
    factories.finish_run(session, run, ["answer 0", "wrong", "answer 1", "answer 1"])

    interval = report.build_report(session, evaluation).rows[0].cells[run.id].interval

    assert run.items_count == 4
    assert interval is not None
    assert (interval.n, interval.estimate) == (2, 0.75)
    (counted,) = stats.evaluation_stats(session, evaluation)["run_stats"]
    (exact,) = counted["evaluator_stats"]
    names = ("total_logs", "num_judgments", "num_true", "num_false")
    assert [exact[name] for name in names] == [4, 4, 3, 1], "clients divide them: outputs, not rows"


@pytest.mark.parametrize("repeats", [1, 5])
@pytest.mark.parametrize("clustered", [True, False])
def test_a_corpus_metric_counts_rows_and_resamples_clusters(
    session: Session, team: factories.Team, repeats: int, clustered: bool
) -> None:
    """Repeating every answer tells nothing new: neither n nor the interval may say otherwise."""
    admin = team.admin
    content = [
        {"inputs": {"question": f"q {n}"}, "target": {"answer": f"label {n % 3}"}}
        | ({"cluster": f"document {n // 10}"} if clustered else {})
        for n in range(60)
    ]
    version, rows = factories.prompt(session, admin), factories.dataset(session, admin, content)
    judge = factories.evaluator(session, admin, "class_match")
    evaluation = factories.evaluation(session, admin, version, judge)
    run = factories.started_run(session, admin, evaluation, version, rows, repeats=repeats)
    right = [f"label {n % 3}" if n // 10 < 4 else "label 0" for n in range(60)]
    factories.finish_run(session, run, [answer for answer in right for _ in range(repeats)])

    score = next(s for s in repository.list_run_scores(session, [run.id]) if s.slice == "macro_f1")
    assert score.n == 60
    assert score.clusters == (6 if clustered else None)
    width = score.hi - score.lo
    assert width > 0.3 if clustered else 0.15 < width < 0.3


def test_a_dataset_without_rows_cannot_be_run(session: Session, team: factories.Team) -> None:
    version = factories.prompt(session, team.admin)
    evaluation = factories.evaluation(session, team.admin, version, factories.evaluator(session, team.admin))
    with pytest.raises(Invalid, match="no rows"):
        factories.started_run(
            session, team.admin, evaluation, version, factories.dataset(session, team.admin, 0)
        )


def test_an_evaluator_added_while_a_run_goes_on_judges_every_row(
    session: Session, team: factories.Team
) -> None:
    admin = team.admin
    version, rows = factories.prompt(session, admin), factories.dataset(session, admin, 30)
    evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
    run = factories.started_run(session, admin, evaluation, version, rows)
    shard_repository.start_run(session, run.id)
    shards_before = len(_shards(session, run.id))

    late = factories.evaluator(session, admin, "latency")
    service.add_evaluators(session, evaluation, [late])
    assert len(_shards(session, run.id)) == shards_before, "nothing is asked twice"
    factories.finish_run(session, run, [f"answer {n}" for n in range(30)])

    assert (run.status, run.done_count) == ("completed", 30)
    judged = session.scalar(
        text("select count(*) from judgment where evaluator_version_id = :evaluator"), {"evaluator": late.id}
    )
    assert judged == 30
