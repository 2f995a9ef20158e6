"""Rows that a prompt writes into a draft: each once, marked for good, and nothing of what a model said is lost."""

from decimal import Decimal

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from app.core.database import unit_of_work
from app.files.models import Version
from app.generations import row_execution, row_recovery, row_repository
from app.generations.models import RowGeneration, RowGenerationCall
from app.logs import budget
from app.logs.models import Log
from tests import factories
from tests.endpoint import Endpoint
from tests.generations.written_rows import (
    COLUMNS,
    ROW,
    ask,
    drafted,
    read,
    work,
    writer,
)


def test_rows_come_into_the_draft_marked_and_each_call_is_a_log_that_was_paid(
    api: TestClient, committed_team: factories.Team, dataset: Version, endpoint: Endpoint
) -> None:
    prompt = writer(committed_team)
    before = budget_spent(committed_team)
    made = ask(api, dataset, prompt)
    assert (made["status"], made["calls"], drafted(committed_team, dataset)) == ("running", 3, [])
    assert work() == 1
    shown = read(api, dataset, made)
    assert (shown["status"], shown["done_calls"], shown["rows_added"], shown["rows_left_out"]) == (
        "done",
        3,
        5,
        1,
    )
    rows = drafted(committed_team, dataset)
    assert sorted(row.content["inputs"]["question"] for row in rows) == [
        f"Where is card {one}?" for one in ("1x1", "2x1", "2x2", "3x1", "3x2")
    ]
    logs = {call["log_id"]: call for call in shown["records"]}
    for row in rows:
        mark = row.content["metadata"]["synthetic"]
        assert (row.state, row.split, row.content["target"]) == ("add", "train", {"answer": "lost"})
        assert mark["prompt"] == f"{prompt.file.path} v1"
        assert (mark["version"], mark["log"] in logs) == (prompt.id, True)
    (left,) = shown["records"][0]["left_out"]
    assert left["content"]["inputs"] == {"question": "Where is card 1x2?"}
    assert "asks the same" in left["why"]
    with unit_of_work() as session:
        found = list(session.scalars(select(Log).where(Log.id.in_(logs))))
        assert [log.source for log in found] == ["row_generation"] * 3
        paid = sum((log.prompt_cost + log.output_cost for log in found), Decimal(0))
    assert paid > 0
    assert shown["spent_usd"] == pytest.approx(float(paid))
    assert budget_spent(committed_team) - before == paid
    assert work() == 0


def budget_spent(team: factories.Team) -> Decimal:
    with unit_of_work() as session:
        return budget.standing(session, team.workspace.id).spent_usd


def test_a_call_is_shown_training_rows_of_people_and_nothing_that_tests(
    api: TestClient, committed_team: factories.Team, dataset: Version, endpoint: Endpoint
) -> None:
    ask(api, dataset, writer(committed_team), rows=2)
    work()
    (said,) = endpoint.calls()
    assert "Trained?" in said
    assert "Tested?" not in said
    assert "Made up?" not in said
    assert '"inputs.question", "target.answer"' in said


def test_a_template_gets_what_it_names(
    api: TestClient, committed_team: factories.Team, dataset: Version, endpoint: Endpoint
) -> None:
    prompt = writer(committed_team, f"{{{{rows}}}} of {{{{columns}}}} like {{{{examples}}}} ROWS<{ROW}>ROWS")
    made = ask(api, dataset, prompt, rows=2)
    work()
    (call,) = read(api, dataset, made)["records"]
    log = api.get(f"/v5/logs/{call['log_id']}").json()
    assert log["inputs"]["rows"] == 2
    assert log["inputs"]["columns"] == "inputs.question, target.answer"
    assert "Trained?" in log["inputs"]["examples"]
    assert "Trained?" not in log["messages"][-1]["content"]


def test_a_reply_that_cannot_be_read_is_told_and_kept(
    api: TestClient, committed_team: factories.Team, dataset: Version, endpoint: Endpoint
) -> None:
    made = ask(api, dataset, writer(committed_team, "No rows here."), rows=2)
    work()
    shown = read(api, dataset, made)
    (call,) = shown["records"]
    assert "is no JSON: it begins with “an answer”" in call["problem"]
    assert (shown["failed_calls"], shown["rows_added"]) == (1, 0)
    assert api.get(f"/v5/logs/{call['log_id']}").json()["output"] == "an answer"
    assert drafted(committed_team, dataset) == []


def test_a_worker_that_is_lost_loses_no_row_and_doubles_none(
    api: TestClient, committed_team: factories.Team, dataset: Version, endpoint: Endpoint
) -> None:
    made = ask(api, dataset, writer(committed_team))
    with unit_of_work() as session:
        assert row_repository.claim(session, "lost") == made["id"]
    assert work() == 0  # it is the lost one's until its time is over
    assert not row_recovery.reminder().look()
    with unit_of_work() as session:
        session.execute(text("update row_generation set claimed_until = now() - interval '1 second'"))
        first = session.get_one(RowGenerationCall, (made["id"], 1))
        first.finished_at, first.rows_added = first_time(session), 2  # it had settled one
    assert row_recovery.reminder().look()
    assert work() == 1
    shown = read(api, dataset, made)
    assert (shown["status"], shown["done_calls"]) == ("done", 3)
    assert len(drafted(committed_team, dataset)) == 4
    assert sum(endpoint.calls().values()) == 2
    with unit_of_work() as session:
        assert session.get_one(RowGeneration, made["id"]).owner is None


def first_time(session):
    return session.scalar(text("select clock_timestamp()"))


def test_what_a_lost_worker_says_late_is_a_log_and_no_row(
    api: TestClient, committed_team: factories.Team, dataset: Version, endpoint: Endpoint
) -> None:
    from app.datasets.cells import place_of
    from app.datasets.schemas import DatapointContent
    from app.generations.row_reply import Reply
    from app.generations.row_settling import Known, Made, settle
    from app.logs.records import LogRecord

    made = ask(api, dataset, writer(committed_team))
    work()
    count = len(drafted(committed_team, dataset))
    prompt_id = read(api, dataset, made)["version_id"]
    with unit_of_work() as session:
        version = session.get_one(Version, prompt_id)
        log = LogRecord(
            "log_late", version.workspace_id, version.file_id, version.id, "row_generation", None, None
        )
        reply = Reply(rows=[DatapointContent(inputs={"question": "late"}, target={"answer": "late"})])
        settle(session, made["id"], "lost", [place_of(one) for one in COLUMNS], Made(1, log, reply), Known())
    assert len(drafted(committed_team, dataset)) == count
    with unit_of_work() as session:
        assert session.get(Log, "log_late") is not None


def test_a_worker_that_is_lost_again_and_again_ends_it(
    api: TestClient, committed_team: factories.Team, dataset: Version, endpoint: Endpoint
) -> None:
    made = ask(api, dataset, writer(committed_team))
    with unit_of_work() as session:
        session.execute(text("update row_generation set owner = 'lost', losses = 2"))
    work()
    shown = read(api, dataset, made)
    assert (shown["status"], shown["reason"]) == ("done", row_execution._LOST)
    assert all(call["problem"].startswith("not asked:") for call in shown["records"])


def test_stopping_makes_no_call_more(
    api: TestClient, committed_team: factories.Team, dataset: Version, endpoint: Endpoint
) -> None:
    made = ask(api, dataset, writer(committed_team))
    stop = f"/v5/datasets/{dataset.file_id}/generations/{made['id']}/stop"
    assert api.post(stop).json()["status"] == "stopped"
    assert work() == 0
    assert endpoint.calls() == {}
    assert api.post(stop).json()["status"] == "stopped"
    ask(api, dataset, writer(committed_team))  # and another one may begin


def test_a_limit_ends_it_and_keeps_what_is_there(
    api: TestClient, committed_team: factories.Team, dataset: Version, endpoint: Endpoint
) -> None:
    made = ask(api, dataset, writer(committed_team), rows=40, max_cost_usd=0.5)
    work()
    shown = read(api, dataset, made)
    assert (shown["status"], shown["reason"]) == ("done", "The limit of $0.50 reached.")
    assert 0 < shown["rows_added"] < 40
    assert sum(endpoint.calls().values()) < 20
    assert shown["records"][-1]["problem"] == "not asked: the limit of $0.50 reached."


def test_a_budget_that_is_spent_stops_the_start_and_what_goes_on(
    api: TestClient, committed_team: factories.Team, dataset: Version, endpoint: Endpoint
) -> None:
    made = ask(api, dataset, writer(committed_team))
    with unit_of_work() as session:
        budget.set_budget(session, committed_team.admin, Decimal(0), None)
    work()
    shown = read(api, dataset, made)
    assert shown["status"] == "done"
    assert "budget" in shown["reason"]
    assert endpoint.calls() == {}
    assert "is spent" in ask(api, dataset, writer(committed_team), 402)["detail"]


def test_without_a_price_no_limit_in_dollars_holds(
    api: TestClient, committed_team: factories.Team, dataset: Version, endpoint: Endpoint
) -> None:
    said = ask(api, dataset, writer(committed_team, model="unpriced"), 422, max_cost_usd=1)
    assert "There is no price for unpriced" in str(said)
