"""Runs without a dataset or a version: logs are added to them, and each is a row of its own."""

from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.core.settings import get_settings
from app.evaluations.engine import recovery
from app.evaluations.figures import scoring
from app.files.models import Version
from tests import factories
from tests.asynchronous import run as run_coroutine
from tests.evaluations.test_arrivals import worked
from tests.web import signed_in, with_key

JUDGE = {"evaluator_type": "external", "arguments_type": "target_free", "return_type": "boolean"}


@dataclass
class Collected:
    """An evaluation of a prompt by whether an output holds a word, and by its target."""

    client: TestClient
    team: factories.Team
    version: Version
    other: Version
    """Of another prompt."""
    rows: Version
    address: str

    def begin(self, status: int = 200, **body: object) -> dict:
        answer = self.client.post(f"{self.address}/runs", json=body)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    def send(self, output: str | None, version: Version | None = None, **said: object) -> str:
        """A log of a version; its id."""
        version = version or self.version
        body = {"id": version.file_id, "output": output, "log_status": "complete", "inputs": {"q": "why?"}}
        sent = self.client.post(
            f"/v5/{version.file.kind}s/log", params={"version_id": version.id}, json=body | said
        )
        assert sent.status_code == 200, sent.text
        return str(sent.json()["id"])

    def add(self, run: dict, *log_ids: str, status: int = 200) -> str:
        answer = self.client.post(f"{self.address}/runs/{run['id']}/logs", json={"log_ids": log_ids})
        assert answer.status_code == status, answer.text
        return answer.text

    def now(self, run: dict) -> dict:
        """The run as it stands, after workers have done what there is."""
        run_coroutine(worked())
        runs = self.client.get(f"{self.address}/runs").json()["runs"]
        return next(dict(one) for one in runs if one["id"] == run["id"])

    def stats(self, run: dict) -> list[dict]:
        found = self.client.get(f"{self.address}/stats").json()["run_stats"]
        return next(one["evaluator_stats"] for one in found if one["run_id"] == run["id"])

    def page(self, path: str = "") -> str:
        client = signed_in(self.client, self.team.admin)
        answer = client.get(self.address.replace("/v5", f"/w/{self.team.workspace.slug}") + path)
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture
def collected(client: TestClient, committed_team: factories.Team, redis_url: str) -> Collected:
    admin = committed_team.admin
    with unit_of_work() as session:
        version, other = factories.prompt(session, admin), factories.prompt(session, admin)
        word = factories.evaluator(session, admin, kind="contains", text="right")
        exact = factories.evaluator(session, admin)
        evaluation = factories.evaluation(session, admin, version, word, exact)
        rows = factories.dataset(session, admin, 3)
    with_key(client, admin)
    return Collected(client, committed_team, version, other, rows, f"/v5/evaluations/{evaluation.id}")


def test_logs_are_added_judged_and_end_the_run(collected: Collected) -> None:
    run = collected.client.post(f"{collected.address}/runs").json()  # without a body, as clients send it
    begun = collected.now(run)
    first, second = collected.send("right"), collected.send("wrong", collected.other)
    collected.add(run, first, second)
    ended = collected.now(run)

    assert (run["dataset"], run["version"], run["orchestrated"]) == (None, None, False)
    assert begun["status"] == "pending", "it waits for its first log"
    assert (ended["status"], ended["items_count"], ended["done_count"], ended["failed_count"]) == (
        "completed",
        2,
        2,
        0,
    )
    word, exact = collected.stats(run)
    assert (word["num_true"], word["num_false"], word["num_judgments"]) == (1, 1, 2)
    assert (exact["num_judgments"], exact["num_nulls"] + exact["num_errors"]) == (0, 2), "no row has a target"
    records = collected.client.get(f"{collected.address}/logs").json()["records"]
    assert [(one["datapoint"], one["log"]["id"]) for one in records] == [(None, first), (None, second)]
    assert all(len(one["evaluator_logs"]) == 2 for one in records)

    collected.add(run, first, collected.send("right too"))  # the first of them is there already
    again = collected.now(run)
    assert (again["status"], again["items_count"], again["repeats"]) == ("completed", 3, 1)


def test_a_log_that_names_the_run_arrives_in_it(collected: Collected) -> None:
    run = collected.begin(version={"version_id": collected.version.id})
    collected.send("right", run_id=run["id"])
    half = collected.send(None, run_id=run["id"], log_status="incomplete")
    waits = collected.now(run)
    change = f"/v5/prompts/{collected.version.file_id}/log/{half}"
    done = {"output": "right", "log_status": "complete"}
    assert collected.client.patch(change, json=done).status_code == 200
    ended = collected.now(run)

    assert (run["dataset"], run["version"]["version_id"]) == (None, collected.version.id)
    assert (waits["status"], waits["items_count"], waits["done_count"]) == ("running", 2, 1)
    assert (ended["status"], ended["done_count"]) == ("completed", 2)
    assert collected.stats(run)[0]["num_true"] == 2


def test_datapoints_that_logs_name_are_their_rows(collected: Collected) -> None:
    with unit_of_work() as session:
        query = "select datapoint_id from dataset_row where file_id = :file order by position"
        rows = list(session.scalars(text(query), {"file": collected.rows.file_id}))
        target = session.scalar(text("select target from datapoint where id = :id"), {"id": rows[0]})
    run = collected.begin()
    answer = next(iter(target.values()))
    logs = [collected.send(answer, source_datapoint_id=rows[0]) for _ in range(2)]
    collected.add(run, *logs, collected.send("wrong", source_datapoint_id="dp_of_nobody"))
    ended = collected.now(run)
    records = collected.client.get(f"{collected.address}/logs").json()["records"]

    assert (ended["status"], ended["items_count"]) == ("completed", 3)
    assert collected.stats(run)[1]["num_true"] == 2
    shown = [one["datapoint"] and one["datapoint"]["id"] for one in records]
    assert (shown, [one["repeat"] for one in records]) == ([rows[0], rows[0], None], [0, 1, 0])


def test_rows_of_a_dataset_are_filled_and_other_logs_come_after_them(collected: Collected) -> None:
    run = collected.begin(dataset={"version_id": collected.rows.id})
    with unit_of_work() as session:
        query = "select datapoint_id from dataset_row where file_id = :file order by position"
        rows = list(session.scalars(text(query), {"file": collected.rows.file_id}))
    filled = [collected.send("right", source_datapoint_id=row) for row in rows]
    collected.add(run, *filled[:2], collected.send("right"))
    half = collected.now(run)
    collected.add(run, filled[2], collected.send("wrong", source_datapoint_id=rows[2]))
    whole = collected.now(run)

    assert (run["version"], run["items_count"], run["dataset"]["version_id"]) == (None, 3, collected.rows.id)
    assert (half["status"], half["items_count"], half["done_count"]) == ("running", 4, 3)
    assert (whole["status"], whole["items_count"], whole["done_count"]) == ("completed", 5, 5)
    word, _ = collected.stats(run)
    assert (word["num_true"], word["num_false"]) == (4, 1), "a second output of a row takes the place of none"


def test_what_does_not_belong_in_the_run_is_refused_by_name(collected: Collected) -> None:
    with unit_of_work() as session:
        tool = factories.tool(session, collected.team.admin)
    whole, loose = (
        collected.begin(version={"version_id": collected.version.id}),
        collected.begin(),
    )
    sent = collected.send("x", tool, inputs={})
    mine, others = collected.send("right"), collected.send("right", collected.other)

    assert f"{sent} is of {tool.file.path}, which is a tool" in collected.add(loose, sent, status=422)
    said = collected.add(whole, mine, others, status=422)
    assert f"{others} is of {collected.other.file.path}" in said
    assert collected.now(whole)["items_count"] == 0, "all of them, or none"
    assert "log_x is unknown" in collected.add(loose, "log_x", status=422)
    cancel = {"status": "cancelled"}
    assert collected.client.patch(f"{collected.address}/runs/{loose['id']}", json=cancel).status_code == 200
    assert "was cancelled" in collected.add(loose, mine, status=409)


def test_what_the_server_makes_needs_both(collected: Collected) -> None:
    version, rows = {"version_id": collected.version.id}, {"version_id": collected.rows.id}
    for body in ({}, {"version": version}, {"dataset": rows}):
        said = collected.begin(422, orchestrated=True, **body)
        assert "it needs `version` and `dataset`" in str(said)
        assert "name both" in str(collected.begin(422, use_existing_logs=True, **body))
    assert "rows of a dataset" in str(collected.begin(422, version=version, repeats=2))
    assert collected.begin(version=version, dataset=rows)["orchestrated"] is True


def test_a_run_that_nothing_comes_for_ends_by_the_reaper(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty, half = collected.begin(), collected.begin()
    collected.add(half, collected.send(None, log_status="incomplete"))
    recovery.recover()
    waiting = [collected.now(run)["status"] for run in (empty, half)]
    with unit_of_work() as session:
        long = get_settings().run_silence_s + 60
        past = "update run set progressed_at = now() - make_interval(secs => :long)"
        session.execute(text(past), {"long": long})
    recovery.recover()

    assert waiting == ["pending", "pending"]
    assert [collected.now(run)["status"] for run in (empty, half)] == ["completed", "completed"]
    assert collected.now(half)["failed_count"] == 1


def test_a_judgment_from_elsewhere_ends_the_run(collected: Collected) -> None:
    path = {"path": "ours/polite", "spec": JUDGE}
    assert collected.client.post("/v5/evaluators", json=path).status_code == 200
    added = {"evaluators": [{"path": "ours/polite"}]}
    assert collected.client.post(f"{collected.address}/evaluators", json=added).status_code == 200
    run = collected.begin()
    log = collected.send("right")
    collected.add(run, log)
    waits = collected.now(run)["status"]
    said = {"path": "ours/polite", "parent_id": log, "judgment": True}
    assert collected.client.post("/v5/evaluators/log", json=said).status_code == 200

    assert (waits, collected.now(run)["status"]) == ("running", "completed")
    assert collected.stats(run)[2]["num_true"] == 1


def test_a_run_can_be_ended_by_hand_and_goes_on_with_the_next_log(collected: Collected) -> None:
    run = collected.begin()
    end = collected.client.patch(f"{collected.address}/runs/{run['id']}", json={"status": "completed"})
    assert (end.status_code, end.json()["status"]) == (200, "completed")
    collected.add(run, collected.send("right"))
    assert collected.now(run)["status"] == "completed"
    assert collected.now(run)["done_count"] == 1


def test_nothing_of_another_workspace_gets_in(collected: Collected) -> None:
    run = collected.begin()
    with unit_of_work() as session:
        stranger = factories.team(session)
        secret = factories.dataset(session, stranger.admin, 1)
        query = "select datapoint_id from dataset_row where file_id = :file"
        row = session.scalar(text(query), {"file": secret.file_id})
        theirs = factories.logged(session, stranger.admin, factories.prompt(session, stranger.admin))
        target = session.scalar(text("select target from datapoint where id = :id"), {"id": row})
    answer = next(iter(target.values()))
    collected.add(run, collected.send(answer, source_datapoint_id=row), collected.send(answer, log_id=row))
    assert "unknown" in collected.add(run, theirs, status=422)

    assert collected.now(run)["done_count"] == 2
    assert collected.stats(run)[1]["num_judgments"] == 0, "no row of theirs was looked at"
    assert all(
        one["datapoint"] is None
        for one in collected.client.get(f"{collected.address}/logs").json()["records"]
    )


def test_the_pages_show_runs_of_logs(collected: Collected) -> None:
    first = collected.begin()
    second = collected.begin(version={"version_id": collected.version.id})
    collected.add(first, collected.send("right answer"), collected.send("wrong", inputs={"q": "why not?"}))
    collected.add(second, collected.send("quite right"))
    for run in (first, second):
        assert collected.now(run)["status"] == "completed"
    recovery.recover()
    report, rows, row = (
        collected.page(),
        collected.page("/rows"),
        collected.page(f"/rows/2?cols={first['id']}"),
    )

    assert "logs, no dataset" in report
    assert "run of " in report
    assert "right answer" in rows
    assert "why not?" in row
    assert "no target" in row
    found = collected.page("/rows?q=why%20not")
    assert "wrong" in found
    assert "right answer" not in found
    compared = collected.client.get(f"{collected.address}/comparison").json()
    assert (compared["summary"]["n"], compared["total"]) == (0, 3)
    for place in ("evaluations", f"prompts/{collected.version.file_id}", "evaluations/new"):
        answer = collected.client.get(f"/w/{collected.team.workspace.slug}/{place}")
        assert answer.status_code in (200, 303), answer.text
    assert (
        "No version" in report
        or "no version" in collected.client.get(f"{collected.address}/stats").json()["report"]
    )


def test_errors_of_logs_are_not_taken_for_limits_of_spending(collected: Collected) -> None:
    first, second = collected.begin(), collected.begin(version={"version_id": collected.version.id})
    for run in (first, second):
        collected.send(None, run_id=run["id"], error="not run because nobody asked")
        collected.send("right", run_id=run["id"])
        assert collected.now(run)["failed_count"] == 1
    recovery.recover()
    page = collected.page()

    assert "Ended at a limit of spending" not in page
    assert "1 failed" in page


def test_chosen_logs_are_no_score_of_their_version(collected: Collected) -> None:
    version = {"version_id": collected.version.id}
    whole = collected.begin(version=version, dataset={"version_id": collected.rows.id}, orchestrated=False)
    with unit_of_work() as session:
        query = "select datapoint_id from dataset_row where file_id = :file order by position"
        rows = list(session.scalars(text(query), {"file": collected.rows.file_id}))
    for row in rows:
        collected.send("wrong", source_datapoint_id=row, run_id=whole["id"])
    assert collected.now(whole)["status"] == "completed"
    chosen = collected.begin(version=version)
    for _ in range(2):
        collected.send("right", run_id=chosen["id"])
    assert collected.now(chosen)["status"] == "completed"
    with unit_of_work() as session:
        for run in (whole, chosen):
            scoring.score_run(session, run["id"])
    with unit_of_work() as session:
        kept = session.execute(text("select run_id, value, n from version_score")).all()

    assert (whole["id"], 0.0, len(rows)) in kept
    assert chosen["id"] not in {one.run_id for one in kept}


def ended_by_hand(collected: Collected, run: dict) -> str:
    end = collected.client.patch(f"{collected.address}/runs/{run['id']}", json={"status": "completed"})
    assert end.status_code == 200, end.text
    return str(end.json()["status"])


def test_an_end_by_hand_holds_where_outputs_are_being_judged(collected: Collected) -> None:
    said = {"path": "ours/polite", "spec": JUDGE}
    assert collected.client.post("/v5/evaluators", json=said).status_code == 200
    run, reopened, half = collected.begin(), collected.begin(), collected.begin()
    added = {"evaluators": [{"path": "ours/polite"}]}
    assert collected.client.post(f"{collected.address}/evaluators", json=added).status_code == 200
    for each in (run, reopened):
        collected.send("right", run_id=each["id"])
    collected.send(None, run_id=half["id"], log_status="incomplete")
    asked = [ended_by_hand(collected, each) for each in (run, reopened)]
    collected.send("right", run_id=reopened["id"])
    ended, goes_on = collected.now(run), collected.now(reopened)
    with unit_of_work() as session:
        late = factories.evaluator(session, collected.team.admin, kind="contains", text="right")
    added = {"evaluators": [{"version_id": late.id}]}
    assert collected.client.post(f"{collected.address}/evaluators", json=added).status_code == 200
    ended_by_hand(collected, half)

    assert asked == ["pending", "pending"]
    assert (ended["status"], ended["done_count"]) == ("completed", 1), "it does not wait for the program"
    assert goes_on["status"] == "running", "with another log it waits again"
    assert collected.now(half)["status"] == "completed", (
        "what was never completed is sent to no late evaluator"
    )
    assert ended_by_hand(collected, reopened) in ("running", "completed")
    assert collected.now(reopened)["status"] == "completed"


def test_a_log_finds_its_row_without_a_look_at_all_of_the_run(session: Session) -> None:
    team = factories.team(session)
    version, rows = factories.prompt(session, team.admin), factories.dataset(session, team.admin, 1)
    evaluation = factories.evaluation(session, team.admin, version)
    run = factories.started_run(session, team.admin, evaluation, version, rows, orchestrated=False)
    session.execute(
        text("""
        insert into run_item (run_id, position, datapoint_id)
        select :run, n, 'dp_' || n from generate_series(1, 20000) n
        """),
        {"run": run.id},
    )
    session.execute(text("analyze run_item"))
    query = "explain (analyze, buffers, format json) select max(repeat) from run_item where run_id = :run and datapoint_id = 'dp_7'"
    (found,) = session.scalar(text(query), {"run": run.id})

    assert found["Plan"]["Shared Hit Blocks"] + found["Plan"]["Shared Read Blocks"] < 20
