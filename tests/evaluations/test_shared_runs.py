"""One run in several evaluations: both show it, both judge it, and it goes with the last."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text

from app.core.database import unit_of_work
from app.evaluations import repository, run_service, service, sharing_repository
from app.evaluations.engine import recovery
from app.evaluations.grid.people_repository import list_counted
from tests import factories
from tests.evaluations.test_ended_early import Halfway
from tests.evaluations.test_runs_of_logs import Collected, collected  # noqa: F401 - a fixture
from tests.web import with_key


@pytest.fixture
def other(collected: Collected) -> Collected:  # noqa: F811
    """An evaluation of another prompt, by whether an output holds another word."""
    with unit_of_work() as session:
        word = factories.evaluator(session, collected.team.admin, kind="contains", text="enough")
        evaluation = factories.evaluation(session, collected.team.admin, collected.other, word)
    return Collected(
        collected.client,
        collected.team,
        collected.version,
        collected.other,
        collected.rows,
        f"/v5/evaluations/{evaluation.id}",
    )


def share(into: Collected, run: dict, status: int = 200) -> dict:
    answer = into.client.post(f"{into.address}/runs/{run['id']}")
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def remove(of: Collected, run: dict, status: int = 204) -> None:
    assert of.client.delete(f"{of.address}/runs/{run['id']}").status_code == status


def runs(of: Collected) -> list[str]:
    return [one["id"] for one in of.client.get(f"{of.address}/runs").json()["runs"]]


def with_politeness(of: Collected) -> None:
    """Have an evaluation wait for the judgments of a program elsewhere."""
    spec = {"evaluator_type": "external", "arguments_type": "target_free", "return_type": "boolean"}
    body = {"path": "ours/polite", "spec": spec}
    assert of.client.post("/v5/evaluators", json=body).status_code == 200
    added = {"evaluators": [{"path": "ours/polite"}]}
    assert of.client.post(f"{of.address}/evaluators", json=added).status_code == 200


def filled(collected: Collected) -> dict:  # noqa: F811
    run = collected.begin()
    collected.add(run, collected.send("right"), collected.send("wrong enough"))
    assert collected.now(run)["status"] == "completed"
    return run


def test_both_evaluations_show_and_judge_the_run(collected: Collected, other: Collected) -> None:  # noqa: F811
    run = filled(collected)
    shared = share(other, run)
    again = share(other, run)
    ended = other.now(run)
    recovery.recover()

    assert (shared["id"], again["id"], shared["control"]) == (run["id"], run["id"], False)
    assert (ended["status"], ended["done_count"]) == ("completed", 2)
    (word,) = other.stats(run)
    assert (word["num_true"], word["num_false"]) == (1, 1), "its outputs are judged here, too"
    assert [one["num_judgments"] for one in collected.stats(run)] == [2, 0]
    assert (runs(collected), runs(other)) == ([run["id"]], [run["id"]])
    assert other.client.get(other.address).json()["runs_count"] == 1
    assert len(other.client.get(f"{other.address}/logs").json()["records"]) == 2
    for page in (other.page(), other.page("/rows"), other.page("/rows/1"), collected.page()):
        assert "run of " in page


def test_each_has_a_baseline_of_its_own(collected: Collected, other: Collected) -> None:  # noqa: F811
    run, own = filled(collected), other.begin()
    share(other, run)
    made = other.client.patch(f"{other.address}/runs/{run['id']}", json={"control": True}).json()

    def controls(of: Collected) -> dict[str, bool]:
        return {one["id"]: one["control"] for one in of.client.get(f"{of.address}/runs").json()["runs"]}

    assert made["control"] is True
    assert controls(other) == {run["id"]: True, own["id"]: False}
    back = other.client.patch(f"{other.address}/runs/{own['id']}", json={"control": True})
    assert back.status_code == 200
    assert (controls(other), controls(collected)) == (
        {run["id"]: False, own["id"]: True},
        {run["id"]: True},
    )


def test_a_run_that_goes_on_waits_for_the_evaluators_of_both(
    collected: Collected,  # noqa: F811
    other: Collected,
) -> None:
    with_politeness(other)
    run = collected.begin()
    share(other, run)
    log = collected.send("right", run_id=run["id"])
    waits = collected.now(run)
    judged = other.stats(run)[0]
    said = {"path": "ours/polite", "parent_id": log, "judgment": True}
    assert collected.client.post("/v5/evaluators/log", json=said).status_code == 200

    assert (waits["status"], waits["done_count"], judged["num_false"]) == ("running", 1, 1)
    assert (collected.now(run)["status"], other.now(run)["status"]) == ("completed", "completed")
    second = collected.begin()
    share(other, second)
    collected.send("right", run_id=second["id"])
    assert collected.now(second)["status"] == "running"
    remove(other, second)
    assert collected.now(second)["status"] == "completed", "it had waited for the other's evaluator only"


def test_a_run_stays_until_the_last_evaluation_leaves_it(
    collected: Collected,  # noqa: F811
    other: Collected,
) -> None:
    run = filled(collected)
    share(other, run)
    remove(collected, run)
    remove(collected, run, 404)
    assert (runs(collected), runs(other)) == ([], [run["id"]])
    assert other.now(run)["status"] == "completed"
    remove(other, run)

    assert runs(other) == []
    share(collected, run, 404)
    with unit_of_work() as session:
        assert session.scalar(
            text("select count(*) from log where version_id = :v"), {"v": collected.version.id}
        )
        assert session.scalar(text("select count(*) from audit_entry where action = 'run.deleted'")) == 1


def test_a_shared_run_outlives_the_evaluation_that_it_was_begun_in(
    collected: Collected,  # noqa: F811
    other: Collected,
) -> None:
    run, alone = filled(collected), collected.begin()
    share(other, run)
    assert collected.client.delete(collected.address).status_code == 204

    assert runs(other) == [run["id"]]
    assert other.now(run)["done_count"] == 2
    share(other, alone, 404)


def with_length(of: Collected, *, orchestrated: bool) -> None:
    """Have an evaluation judge by a program that the server can run; it says false of everything."""
    spec = {
        "evaluator_type": "python",
        "code": "def judge(log):\n    return False",
        "arguments_type": "target_free",
        "return_type": "boolean",
    }
    made = of.client.post("/v5/evaluators", json={"path": "ours/length", "spec": spec})
    assert made.status_code == 200, made.text
    said = {"evaluators": [{"path": "ours/length", "orchestrated": orchestrated}]}
    added = of.client.post(f"{of.address}/evaluators", json=said)
    assert added.status_code == 200, added.text


def judged(of: Collected, log_ids: list[str]) -> None:
    for log_id in log_ids:
        said = {"path": "ours/length", "parent_id": log_id, "judgment": True}
        answer = of.client.post("/v5/evaluators/log", json=said)
        assert answer.status_code == 200, answer.text


def test_judgments_that_were_sent_elsewhere_are_not_taken_for_the_servers(
    collected: Collected,  # noqa: F811
    other: Collected,
) -> None:
    with_length(other, orchestrated=False)
    sent, alone = other.begin(), other.begin()
    log_ids = [collected.send(output) for output in ("right", "wrong")]
    other.add(sent, *log_ids)
    other.add(alone, *log_ids)
    other.now(sent)
    judged(other, log_ids)
    ended = other.now(sent)
    before = other.stats(sent)[1]
    with_length(collected, orchestrated=True)
    own = collected.begin()
    collected.add(own, *log_ids)
    share(collected, sent)
    collected.now(own)
    recovery.recover()

    def counts(of: Collected, run: dict) -> tuple[int, int]:
        found = of.stats(run)
        stats = found[2] if of is collected else found[1]
        return stats["num_true"], stats["num_false"]

    assert ended["status"] == "completed"
    assert (before["num_true"], before["num_false"]) == (2, 0), "it leaves them to whoever sends them"
    assert counts(collected, own) == (0, 2)
    assert counts(collected, sent) == (0, 2), "who sees the run there is told what the server found"
    assert counts(other, alone) == (2, 0), "what was sent stays where nobody else judges"
    with unit_of_work() as session:
        outputs = [(run["id"], log_ids[0]) for run in (own, sent, alone)]
        values = {
            run_id: [one.boolean_value for one in said if one.evaluator_version_id == length]
            for (run_id, _), said in list_counted(session, outputs).items()
            for length in session.scalars(text("select id from version where spec->>'code' is not null"))
        }
    assert values == {own["id"]: [False], sent["id"]: [False], alone["id"]: [True]}, "as in the grid"


def test_what_was_done_before_a_run_moved_is_judged_by_its_new_home(
    collected: Collected,  # noqa: F811
    other: Collected,
) -> None:
    with_politeness(collected)
    run = collected.begin()
    collected.send("right enough", run_id=run["id"])
    assert collected.now(run)["status"] == "running", "it waits for the program"
    share(other, run)
    remove(collected, run)
    ended = other.now(run)

    assert (ended["status"], ended["done_count"]) == ("completed", 1)
    assert other.stats(run)[0]["num_true"] == 1


def test_runs_that_stay_do_not_wait_for_an_evaluation_that_was_deleted(
    collected: Collected,  # noqa: F811
    other: Collected,
) -> None:
    with_politeness(other)
    beside, moved = collected.begin(), other.begin()
    share(other, beside)
    share(collected, moved)
    for run in (beside, moved):
        collected.add(run, collected.send("right"))
        assert collected.now(run)["status"] == "running", "it waits for the program"
    assert other.client.delete(other.address).status_code == 204

    assert runs(collected) == [moved["id"], beside["id"]]
    assert [collected.now(run)["status"] for run in (beside, moved)] == ["completed"] * 2


def test_a_run_finds_the_evaluation_that_stays_where_two_are_deleted_at_once(
    collected: Collected,  # noqa: F811
    other: Collected,
) -> None:
    run = filled(collected)
    share(other, run)
    with unit_of_work() as session:
        third = factories.evaluation(session, collected.team.admin, collected.other)
    share(replace(other, address=f"/v5/evaluations/{third.id}"), run)
    first, second = (of.address.rsplit("/", 1)[1] for of in (collected, other))

    def delete() -> None:
        with unit_of_work() as session:
            evaluation = repository.find_evaluation_to_work_on(session, second)
            assert evaluation is not None
            service.delete_evaluation(session, collected.team.admin, evaluation)

    with ThreadPoolExecutor(1) as pool:
        with unit_of_work() as session:
            repository.lock_run(session, run["id"])
            sharing_repository.leave(session, first, run["id"])
            deleting = pool.submit(delete)
            time.sleep(0.5)
        deleting.result(timeout=20)
    with unit_of_work() as session:
        assert list(session.execute(text("select id, evaluation_id from run"))) == [(run["id"], third.id)]


@pytest.mark.parametrize("by", ["a run", "an evaluator"])
def test_who_adds_to_an_evaluation_gives_way_to_a_worker_who_is_writing(
    collected: Collected,  # noqa: F811
    other: Collected,
    by: str,
) -> None:
    with unit_of_work() as session:
        half = Halfway(session, collected.team)
        run_service.complete_run(session, half.run)
        late = factories.evaluator(session, collected.team.admin, kind="contains", text="answer")
    address = f"/v5/evaluations/{half.evaluation.id}/evaluators"

    def add() -> int:
        if by == "a run":
            return other.client.post(f"{other.address}/runs/{half.run.id}").status_code
        said = {"evaluators": [{"version_id": late.id}]}
        return other.client.post(address, json=said).status_code

    with ThreadPoolExecutor(1) as pool:
        with unit_of_work() as session:  # a worker: first the rows, then the run
            session.execute(text("set local deadlock_timeout = '30s'"))  # so that the others are broken off
            rows = "select from run_item where run_id = :run and state = 'pending' for update"
            session.execute(text(rows), {"run": half.run.id})
            adding = pool.submit(add)
            time.sleep(0.5)
            assert repository.lock_run(session, half.run.id)
        assert adding.result(timeout=20) == 200


def test_runs_of_other_workspaces_are_not_there(collected: Collected, other: Collected) -> None:  # noqa: F811
    run = filled(collected)
    with unit_of_work() as session:
        stranger = factories.team(session)
        version = factories.prompt(session, stranger.admin)
        theirs = factories.evaluation(session, stranger.admin, version)
    client = with_key(collected.client, stranger.admin)
    assert client.post(f"/v5/evaluations/{theirs.id}/runs/{run['id']}").status_code == 404
