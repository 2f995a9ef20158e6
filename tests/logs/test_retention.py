"""Retention: what is too old goes, by a real reaper, and nothing that an evaluation found."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.comments.models import Subject
from app.core import clock, ids
from app.core.database import get_engine, unit_of_work
from app.embedded import programs
from app.embedded.layout import CLONE
from app.evaluations import shard_repository
from app.evaluations.engine import taking
from app.evaluations.engine.recovery import recover
from app.evaluations.verdicts.plan import load_plan
from app.logs import repository, retention, retention_repository
from app.logs.records import JudgmentRecord, LogRecord
from tests import factories
from tests.statements import recorded
from tests.web import csrf_of, signed_in, with_key

MANY = retention.BATCH + 1_000


@contextmanager
def reaper() -> Iterator[None]:
    environment = {**os.environ, "PYTHONPATH": str(CLONE)}
    with subprocess.Popen([sys.executable, *programs.reaper()], cwd=CLONE, env=environment) as process:
        try:
            yield
        finally:
            process.terminate()


def wait_until(engine: Engine, query: str, reached: Callable[[Any], bool]) -> None:
    deadline = time.monotonic() + 90
    while True:
        with engine.connect() as connection:
            found = connection.execute(text(query)).one()
        if reached(found[0]):
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def log_of(session: Session, team: factories.Team, days: int, **more: Any) -> str:
    at = clock.now().isoformat()
    record = LogRecord(
        ids.new_id("log"), team.workspace.id, "pr_x", "prv_x", "editor", at, at, inputs={"q": "who?"},
        output="canary", output_message={"content": "canary"}, provider_response={"raw": "canary"},
        prompt_cost="0.5", output_cost="0.5", reuse_key=f"key {ids.new_id('k')}", **more,
    )  # fmt: skip
    repository.insert_logs(session, [record])
    old = text("update log set created_at = now() - make_interval(days => :days) where id = :id")
    session.execute(old, {"days": days, "id": record.id})
    judgment = JudgmentRecord(ids.new_id("jdg"), team.workspace.id, record.id, "evv_x")
    judgment.number_value, judgment.rationale = 0.75, "canary"
    repository.insert_judgments(session, [judgment])
    return record.id


def ended_run(session: Session, team: factories.Team) -> tuple[Any, list[str]]:
    """An evaluation with an ended run, and the logs that it made a hundred days ago."""
    prompt, rows = factories.prompt(session, team.admin), factories.dataset(session, team.admin)
    evaluation = factories.evaluation(session, team.admin, prompt, factories.evaluator(session, team.admin))
    run = factories.started_run(session, team.admin, evaluation, prompt, rows)
    factories.finish_run(session, run, ["answer 0", "no", "answer 2"])
    old = text(
        "update log set created_at = now() - interval '100 days', reuse_key = id where run_id = :run returning id"
    )
    return evaluation, sorted(session.scalars(old, {"run": run.id}))


def test_what_is_too_old_goes_and_what_was_found_stays(database: Engine) -> None:
    with unit_of_work() as session:
        team, other = factories.team(session), factories.team(session)
        young, middle, old = (log_of(session, team, days) for days in (5, 40, 100))
        for log_id in (young, middle, old):
            factories.comment(session, team.admin, Subject.LOG, log_id, "It said canary.")
        elsewhere = log_of(session, other, 4000)
        evaluation, results = ended_run(session, team)
        many = text("""
            insert into log (id, workspace_id, file_id, version_id, created_at, output)
            select 'log_0' || lpad(n::text, 20, '0'), :workspace, 'pr_x', 'prv_x', now() - interval '100 days', 'x'
            from generate_series(1, :many) n
        """)
        session.execute(many, {"workspace": team.workspace.id, "many": MANY})
        spent = session.scalar(text("select sum(usd) from spend_day"))
        evaluation_id = evaluation.id
        retention.set_retention(session, team.admin, 30, 90)
    with reaper():
        applied = "select count(*) from audit_entry where action = 'retention.applied'"
        wait_until(database, applied, lambda count: count == 1)
    with unit_of_work() as session:
        logs = repository.find_logs(session, team.workspace.id, [young, middle, old, *results])
        assert old not in logs
        assert (logs[young].output, logs[young].payload_cleared_at) == ("canary", None)
        gone = logs[middle]
        assert gone.payload_cleared_at
        assert gone.reuse_key is None, "a cleared output is no output to use again"
        assert {gone.inputs, gone.messages, gone.output, gone.output_message, gone.provider_response} == {
            None
        }
        assert gone.prompt_cost == gone.output_cost
        (judgment,) = repository.list_judgments(session, [middle])[middle]
        assert (judgment.number_value, judgment.rationale) == (0.75, None)
        assert list(session.scalars(text("select log_id from comment"))) == [young], "they may quote it"
        assert len(results) == 3
        assert all(logs[log_id].output and logs[log_id].inputs for log_id in results)
        assert repository.find_log(session, other.workspace.id, elsewhere).output == "canary"
        left = session.scalar(
            text("select count(*) from log where workspace_id = :w"), {"w": team.workspace.id}
        )
        assert left == 2 + len(results)
        assert session.scalar(text("select sum(usd) from spend_day")) == spent
        told = session.execute(
            text("select detail, actor_name from audit_entry where action = 'retention.applied'")
        ).one()
        assert told == ({"payloads_cleared": 1, "logs_deleted": MANY + 1}, "Whetstone")
        # Once the evaluation is gone, its logs go by age like others.
        session.execute(text("delete from evaluation where id = :id"), {"id": evaluation_id})
        retention.set_retention(session, team.admin, 30, 90)
    with reaper():
        wait_until(database, applied, lambda count: count == 2)
    with unit_of_work() as session:
        assert repository.find_logs(session, team.workspace.id, results) == {}


@pytest.mark.parametrize("days", [40, 100], ids=["cleared", "deleted"])
def test_what_a_judge_was_sent_of_a_log_goes_when_the_log_does(session: Session, days: int) -> None:
    """The log took place long ago, and was sent and judged today."""
    team = factories.team(session)
    judged, other = (log_of(session, team, age) for age in (days, 5))
    sent = [log_of(session, team, 0, parent_id=each) for each in (judged, other)]
    too = log_of(session, team, days, parent_id=judged)
    nested = log_of(session, team, 0, parent_id=judged)
    session.execute(text("update log set source = 'judge' where id = any(:ids)"), {"ids": [*sent, too]})
    retention.set_retention(session, team.admin, 30, 90)
    cleared = retention_repository.clear_due(session, "", "log_z")
    assert cleared + retention_repository.delete_due(session, "", "log_z") == (2 if days == 40 else 4)
    session.expire_all()
    logs = repository.find_logs(session, team.workspace.id, [*sent, nested])
    assert {name: logs[name].output for name in (*sent, nested)} == {
        sent[0]: None, sent[1]: "canary", nested: "canary",
    }  # fmt: skip
    assert logs[sent[0]].payload_cleared_at
    assert logs[sent[0]].prompt_cost, "what it cost stays"


def test_an_output_that_another_run_uses_stays_when_its_own_run_is_gone(session: Session) -> None:
    team = factories.team(session)
    first, (used, unused, *_) = ended_run(session, team)
    second, _ = ended_run(session, team)
    session.execute(
        text("""
        update run_item set log_id = :used, reused = true
        where position = 0 and run_id in (select id from run where evaluation_id = :second)
        """),
        {"used": used, "second": second.id},
    )
    session.execute(text("delete from evaluation where id = :id"), {"id": first.id})
    retention.set_retention(session, team.admin, 30, 90)

    retention.apply(session)

    left = repository.find_logs(session, team.workspace.id, [used, unused])
    assert list(left) == [used]
    assert left[used].payload_cleared_at is None


def test_nothing_goes_where_nothing_is_set(database: Engine) -> None:
    with unit_of_work() as session:
        team = factories.team(session)
        log_of(session, team, 4000)
        retention.set_retention(session, team.admin, 30, None)
        retention.set_retention(session, team.admin, None, None)
    for _ in range(3):
        with unit_of_work() as session:
            assert retention.apply(session) == retention.Applied()
    with unit_of_work() as session:
        assert session.scalar(text("select output from log")) == "canary"


def test_a_walk_ends_and_begins_anew_after_a_day(database: Engine) -> None:
    def look() -> retention.Applied:
        with unit_of_work() as session:
            return retention.apply(session)

    with unit_of_work() as session:
        team = factories.team(session)
        retention.set_retention(session, team.admin, 30, None)
        log_of(session, team, 40)
    assert look().cleared == 1
    assert look() == retention.Applied(), "the end"
    with unit_of_work() as session:
        log_of(session, team, 40)
    assert look() == retention.Applied(), "not before a day has gone"
    with unit_of_work() as session:
        session.execute(text("update retention_walk set began_at = now() - interval '25 hours'"))
    assert look().cleared == 1


def test_a_cleared_output_that_a_run_has_chosen_is_made_again(session: Session) -> None:
    """It was cleared between the choice and the work."""
    team = factories.team(session)
    _, results = ended_run(session, team)
    prompt = factories.prompt(session, team.admin)
    rows = factories.dataset(session, team.admin)
    run = factories.started_run(
        session, team.admin, factories.evaluation(session, team.admin, prompt), prompt, rows
    )
    session.execute(
        text("update run_item set log_id = :log where run_id = :run"), {"log": results[0], "run": run.id}
    )
    for cleared in (False, True):
        if cleared:
            session.execute(text("update log set output = null, payload_cleared_at = now()"))
            session.expire_all()
        claimed = shard_repository.claim_next(session, "me", run.id)
        taken = taking.take(session, "me", load_plan(session, run.id), claimed)
        assert {known is None for _, known in taken} == {cleared}
        session.execute(text("update shard set state = 'queued', owner = null, lease_until = null"))


@pytest.mark.parametrize(
    "body", [{"payload_days": 0}, {"log_days": -1}, {"payload_days": 30, "log_days": 29}, {"log_days": 10**6}]
)
def test_days_that_mean_nothing_are_refused(
    client: TestClient, committed_team: factories.Team, body: dict[str, int]
) -> None:
    with_key(client, committed_team.admin)
    assert client.put("/v5/retention", json={"payload_days": 60, "log_days": 90}).status_code == 200
    assert client.put("/v5/retention", json=body).status_code == 422
    kept = client.get("/v5/retention").json()
    assert (kept["payload_days"], kept["log_days"]) == (60, 90)


def test_the_page_takes_no_word_for_good(client: TestClient, committed_team: factories.Team) -> None:
    signed_in(client, committed_team.admin)
    page = f"/w/{committed_team.workspace.slug}/settings/retention"

    def save(**form: str) -> int:
        return client.post(page, data={"_csrf": csrf_of(client), **form}).status_code

    assert save(payload_days="30", log_days=" 90 ") == 303
    assert "Payloads are kept 30 days, logs 90 days" in client.get(page).text
    for wrong in ("abc", "-1", "1.5", "0", "9" * 5000):
        assert save(payload_days=wrong, log_days="90") == 422
    assert save(payload_days="40", log_days="20") == 422
    assert "Payloads are kept 30 days, logs 90 days" in client.get(page).text
    assert save(payload_days="", log_days="") == 303
    assert "Payloads are kept for good, logs for good" in client.get(page).text


def test_stamps_from_the_future_age_from_when_they_came(session: Session) -> None:
    """A sender's clock that is wrong must not keep a log for good."""
    team = factories.team(session)
    fresh, old = log_of(session, team, -36_500), log_of(session, team, -36_500)
    session.execute(
        text("update log set received_at = now() - interval '40 days' where id = :id"), {"id": old}
    )
    retention.set_retention(session, team.admin, 30, 60)
    session.flush()
    while retention.apply(session).read:
        pass
    cleared = "select id from log where payload_cleared_at is not null"
    assert list(session.scalars(text(cleared))) == [old]
    session.execute(text("update log set received_at = received_at - interval '40 days'"))
    retention.set_retention(session, team.admin, 30, 60)
    session.flush()
    while retention.apply(session).read:
        pass
    assert list(session.scalars(text("select id from log"))) == [fresh]


def test_spans_that_were_set_aside_are_looked_for_seldom(database: Engine) -> None:
    """The reaper looks every two seconds; to find what is old there, it reads all that are kept."""
    recover()
    with recorded(get_engine()) as statements:
        for _ in range(3):
            recover()
    assert any("retention_walk" in each for each in statements)
    assert not [each for each in statements if "quarantined_span" in each]
