"""What is kept of ended runs: bounded, and never old."""

import html
import re
import threading
import time

from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.evaluations import repository, run_service
from app.evaluations.figures.memory import Memory, state_of
from app.evaluations.figures.scores import Column
from app.evaluations.models import Evaluation, Run
from app.statistics.arrays import np
from tests import factories
from tests.web import signed_in


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    memory = Memory(10)
    memory.keep(("a",), "A", 4)
    memory.keep(("b",), "B", 4)
    assert memory.find(("a",)) == "A"

    memory.keep(("c",), "C", 4)

    assert memory.find(("b",)) is None
    assert (memory.find(("a",)), memory.find(("c",))) == ("A", "C")


def test_what_nobody_asks_for_goes_with_the_next_that_is_kept() -> None:
    memory = Memory(10, unused_s=0.2)
    memory.keep(("a",), "A")
    memory.keep(("b",), "B")
    time.sleep(0.15)
    assert memory.find(("b",)) == "B"
    time.sleep(0.1)
    memory.keep(("c",), "C")
    assert [memory.find((key,)) for key in "abc"] == [None, "B", "C"]


def test_something_too_heavy_does_not_push_out_the_rest() -> None:
    memory = Memory(10)
    memory.keep(("a",), "A", 4)
    memory.keep(("b",), "B", 11)
    assert (memory.find(("a",)), memory.find(("b",))) == ("A", None)


def test_a_value_is_made_once_and_without_a_state_each_time() -> None:
    memory, made = Memory(10), []

    def make() -> str:
        made.append(1)
        return "made"

    assert [memory.once(("a",), make) for _ in range(3)] == ["made"] * 3
    assert len(made) == 1
    assert [memory.once(None, make) for _ in range(3)] == ["made"] * 3
    assert len(made) == 4


def test_threads_that_keep_much_at_once_never_hold_more_than_was_agreed() -> None:
    memory = Memory(50)

    def fill(of: int) -> None:
        for n in range(500):
            memory.once((of, n % 60), lambda: "x", lambda _: 7)

    threads = [threading.Thread(target=fill, args=[of]) for of in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert memory._held == 7 * len(memory._kept) <= 50


def test_the_scores_of_a_large_report_are_kept_all_at_once() -> None:
    """Five evaluators of four versions on 10,000 rows, with room for what else is kept of them."""
    rows = tuple(f"dp_{number}" for number in range(10_000))
    columns = [Column(rows, np.arange(10_000.0), state=(number,)) for number in range(20)]
    memory = Memory(200_000)
    for column in columns:
        memory.keep(("scores", column.state), column, 1 + column.n // 10)
    assert [memory.find(("scores", column.state)) for column in columns] == columns
    assert memory._held < 50_000


def test_a_report_and_a_grid_are_new_after_failed_rows_were_tried_again(
    client: TestClient, committed_team: factories.Team
) -> None:
    """Every counter is what it was before: only the state that the figures are kept by tells the two apart."""
    admin = committed_team.admin
    right = [f"answer {n}" for n in range(20)]
    with unit_of_work() as session:
        version = factories.prompt(session, admin, "tests/tried again")
        rows = factories.dataset(session, admin, 20)
        exact = factories.evaluator(session, admin, "exact", "tests/Exact")
        evaluation = factories.evaluation(session, admin, version, exact)
        run = factories.started_run(session, admin, evaluation, version, rows)
        factories.finish_run(session, run, [*right[:15], *[None] * 5])
    page = f"/w/{committed_team.workspace.slug}/evaluations/{evaluation.id}"
    signed_in(client, admin)
    before = _words(client.get(page).text), _words(client.get(f"{page}/rows").text)

    with unit_of_work() as session:
        again = repository.find_run(session, evaluation.id, run.id)
        assert again is not None
        run_service.retry_failed(session, again)
        assert state_of(again) is None, "a run that goes on is not kept"
    with unit_of_work() as session:
        again = repository.find_run(session, evaluation.id, run.id)
        assert again is not None
        factories.finish_run(session, again, right[15:])

    after = _words(client.get(page).text), _words(client.get(f"{page}/rows").text)
    assert "v1 scores 100% by Exact 95% CI 79.6–100.0, Wilson, 15 rows" in before[0]
    assert "v1 scores 100% by Exact 95% CI 83.9–100.0, Wilson, 20 rows" in after[0]
    assert before[1] != after[1]


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_the_state_of_an_ended_run_changes_with_what_is_written_to_it(
    committed_team: factories.Team,
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        version = factories.prompt(session, admin)
        rows = factories.dataset(session, admin, 3)
        exact = factories.evaluator(session, admin)
        evaluation: Evaluation = factories.evaluation(session, admin, version, exact)
        run: Run = factories.started_run(session, admin, evaluation, version, rows)
        assert state_of(run) is None
        factories.finish_run(session, run, ["answer 0", None, "answer 2"])
        first = state_of(run)
    with unit_of_work() as session:
        again = repository.find_run(session, evaluation.id, run.id)
        assert again is not None
        assert state_of(again) == first, "looking changes nothing"
        run_service.retry_failed(session, again)
    with unit_of_work() as session:
        again = repository.find_run(session, evaluation.id, run.id)
        assert again is not None
        factories.finish_run(session, again, ["answer 1"])
        assert state_of(again) != first
