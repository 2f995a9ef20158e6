"""Runs by the name of an evaluation that has other evaluators elsewhere: who joins it, and who is waited for no more."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from app.core.settings import get_settings
from app.evaluations.engine import recovery
from tests import factories
from tests.evaluations.test_arrivals import ROWS, Elsewhere, started

LOG = "/v5/evaluators/log"
SPEC = {"evaluator_type": "external", "return_type": "boolean", "arguments_type": "target_free"}


@pytest.fixture
def run(client: TestClient, committed_team: factories.Team, redis_url: str) -> Elsewhere:
    """A run in which a program of ours, `ours/old`, was to judge beside the server."""
    run = started(client, committed_team)
    for path in ("ours/old", "ours/new"):
        assert client.post("/v5/evaluators", json={"path": path, "spec": SPEC}).status_code == 200
    added = client.post(f"{run.address}/evaluators", json={"evaluators": [{"path": "ours/old"}]})
    assert added.status_code == 200, added.text
    return run


def judge(run: Elsewhere, log_id: str, path: str, judgment: bool = True) -> None:
    said = run.client.post(LOG, json={"parent_id": log_id, "path": path, "judgment": judgment})
    assert said.status_code == 200, said.text


def stats(run: Elsewhere) -> tuple[dict, dict, dict]:
    """What is told of all, by path of the evaluators, and the stats whole."""
    told = run.client.get(f"{run.address}/stats").json()
    (mine,) = told["run_stats"]
    listed = run.client.get(run.address).json()["evaluators"]
    paths = {one["version"]["version_id"]: one["version"]["path"] for one in listed}
    return mine, {paths[one["evaluator_version_id"]]: one for one in mine["evaluator_stats"]}, told


def silent_for(seconds: float) -> None:
    with unit_of_work() as session:
        past = "update run set progressed_at = progressed_at - make_interval(secs => :seconds)"
        session.execute(text(past), {"seconds": seconds})
    recovery.recover()


def test_a_program_that_nobody_named_joins_with_its_first_judgment(run: Elsewhere) -> None:
    logs = [run.send(row) for row in range(ROWS)]
    judge(run, logs[0], "ours/new")
    _, by_path, _ = stats(run)

    assert by_path["ours/new"]["num_true"] == 1
    (joined,) = [
        one
        for one in run.client.get(run.address).json()["evaluators"]
        if one["version"]["path"] == "ours/new"
    ]
    assert joined["orchestrated"] is False


def test_what_is_said_of_an_unfinished_log_or_by_people_adds_nobody(run: Elsewhere) -> None:
    human = SPEC | {"evaluator_type": "human"}
    assert run.client.post("/v5/evaluators", json={"path": "ours/people", "spec": human}).status_code == 200
    half = run.send(0, None, log_status="incomplete", error=None)
    judge(run, half, "ours/new")
    judge(run, run.send(1), "ours/people")

    listed = run.client.get(run.address).json()["evaluators"]
    assert {"ours/new", "ours/people"}.isdisjoint(one["version"]["path"] for one in listed)


def test_a_program_that_judged_nothing_is_not_waited_for_when_all_is_silent(run: Elsewhere) -> None:
    logs = [run.send(row) for row in range(ROWS)]
    run.work()
    for log_id in logs:
        judge(run, log_id, "ours/new")
    recovery.recover()
    at_once = run.run["status"]
    silent_for(get_settings().run_judges_silence_s + 1)
    mine, by_path, told = stats(run)

    assert (at_once, mine["status"]) == ("running", "completed"), "it may only be slow, and then it is not"
    counted = ("num_judgments", "num_nulls", "num_errors")
    assert [by_path["ours/old"][name] for name in counted] == [0, 0, 0], "nor is it an error"
    assert by_path["ours/new"]["num_true"] == ROWS
    assert told["progress"].endswith(f", Not judged: {ROWS}")
    (line,) = [line for line in told["report"].splitlines() if line.startswith("ours/old")]
    assert line.split("|")[1].strip() == "not judged"
    judge(run, logs[0], "ours/old", judgment=False)
    _, by_path, told = stats(run)
    assert by_path["ours/old"]["num_false"] == 1, "what comes late counts"
    assert told["progress"].endswith(f", Not judged: {ROWS - 1}")


def test_a_program_that_died_while_it_judged_is_waited_for_twice_as_long(run: Elsewhere) -> None:
    logs = [run.send(row) for row in range(ROWS)]
    run.work()
    judge(run, logs[0], "ours/old")
    patience = get_settings().run_judges_silence_s
    silent_for(patience + 1)
    assert run.run["status"] == "running", "its next judgment may only be slow"
    silent_for(patience)
    mine, by_path, told = stats(run)

    assert mine["status"] == "completed"
    assert (by_path["ours/old"]["num_true"], by_path["ours/old"]["num_errors"]) == (1, 0)
    assert told["progress"].endswith(f", Not judged: {ROWS - 1}")
    judge(run, logs[1], "ours/old", judgment=False)
    assert stats(run)[1]["ours/old"]["num_false"] == 1, "what comes late counts"


def test_each_judgment_of_a_slow_program_begins_the_wait_anew(run: Elsewhere) -> None:
    logs = [run.send(row) for row in range(ROWS)]
    run.work()
    for log_id in logs[:-1]:
        judge(run, log_id, "ours/old")
        silent_for(2 * get_settings().run_judges_silence_s - 10)
        assert run.run["status"] == "running"
    judge(run, logs[-1], "ours/old")
    assert run.run["status"] == "completed"


def test_a_run_without_all_of_its_outputs_goes_on(run: Elsewhere) -> None:
    judge(run, run.send(0), "ours/new")
    run.work()
    silent_for(get_settings().run_judges_silence_s + 1)
    assert run.run["status"] == "running"


def test_a_taken_name_is_refused_and_its_evaluation_gets_what_it_lacks(run: Elsewhere) -> None:
    name = run.client.get(run.address).json()["name"]
    file = {"id": run.version.file_id}
    body = {"name": name, "file": file, "evaluators": [{"path": "ours/new"}, {"path": "ours/old"}]}
    again = [run.client.post("/v5/evaluations", json=body) for _ in range(2)]

    assert [answer.status_code for answer in again] == [409, 409]
    assert [("`ours/new` now, too" in answer.text) for answer in again] == [True, False]
    listed = run.client.get("/v5/evaluations", params={"file_id": file["id"]}).json()["records"]
    (known,) = [one for one in listed if one["name"] == name]
    paths = [one["version"]["path"] for one in known["evaluators"]]
    assert sorted(paths)[:2] == ["ours/new", "ours/old"], "each once"
    assert len(paths) == 3
