"""Logs that are judged as they come: once each, whatever is lost on the way."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from app.core import clock, ids
from app.core.beside import work_beside
from app.core.database import unit_of_work
from app.files.models import Version
from app.logs import arrivals, budget
from app.logs.models import Judgment, Log
from app.logs.records import LogRecord
from app.monitoring import execution, recovery, repository
from app.monitoring.models import LogToJudge
from app.monitoring.schemas import MonitorActivation, MonitoringChange, MonitorReference
from app.monitoring.service import change_monitoring
from app.providers import service as providers
from app.providers.service import ProviderChange
from tests import factories
from tests.asynchronous import run
from tests.endpoint import Endpoint, running_endpoint
from tests.web import with_key


@pytest.fixture(autouse=True)
def listening(app) -> None:
    """The application listens to its logs."""


@pytest.fixture
def prompt(committed_team: factories.Team) -> Version:
    with unit_of_work() as session:
        return factories.prompt(session, committed_team.admin)


@pytest.fixture
def is_json(committed_team: factories.Team) -> Version:
    with unit_of_work() as session:
        return factories.evaluator(session, committed_team.admin, "json_valid")


@pytest.fixture
def endpoint(committed_team: factories.Team) -> Iterator[Endpoint]:
    with running_endpoint(0) as endpoint, unit_of_work() as session:
        prices = {"judge": ("1000", "1000")}
        change = ProviderChange(name="fake", base_url=endpoint.base_url, api_key="k", prices=prices)
        providers.create_provider(session, committed_team.admin, change)
        session.commit()
        yield endpoint


def watch(team: factories.Team, prompt: Version, evaluator: Version, sampling: float = 1) -> None:
    with unit_of_work() as session:
        wanted = MonitorActivation(evaluator_version_id=evaluator.id, sampling=sampling)
        change_monitoring(session, team.admin, prompt.file, MonitoringChange(activate=[wanted]))


def arrive(prompt: Version, output: str | None = "{}", **more) -> str:
    return arrive_all(prompt, 1, output, **more)[0]


def arrive_all(
    prompt: Version, count: int, output: str | None = "{}", source: str = "sdk", **more
) -> list[str]:
    now = clock.now().isoformat()
    records = [
        LogRecord(
            ids.new_id("log"), prompt.workspace_id, prompt.file_id, prompt.id, source, now, now,
            inputs={"question": "?"}, output=output, **more,
        )
        for _ in range(count)
    ]  # fmt: skip
    with unit_of_work() as session:
        arrivals.write_logs(session, records)
    return [record.id for record in records]


def work() -> int:
    return run(execution.work())


def judgments(*log_ids: str) -> list[Judgment]:
    with unit_of_work() as session:
        query = select(Judgment).where(Judgment.log_id.in_(log_ids)).order_by(Judgment.log_id)
        return list(session.scalars(query))


def waiting() -> list[LogToJudge]:
    with unit_of_work() as session:
        return list(session.scalars(select(LogToJudge).order_by(LogToJudge.log_id)))


def forget_lease() -> None:
    with unit_of_work() as session:
        session.execute(text("update log_to_judge set claimed_until = now() - interval '1 second'"))


def test_each_new_log_is_judged_and_shows_it(
    client: TestClient, committed_team: factories.Team, prompt: Version, is_json: Version
) -> None:
    watch(committed_team, prompt, is_json)
    good, bad = arrive(prompt, "{}"), arrive(prompt, "{")
    assert judgments(good, bad) == []
    assert work() == 2
    assert [one.boolean_value for one in judgments(good, bad)] == [True, False]
    assert waiting() == []
    assert work() == 0
    shown = with_key(client, committed_team.admin).get(f"/v5/logs/{bad}").json()
    (said,) = shown["evaluator_logs"]
    assert (said["judgment"], said["parent_id"]) == (False, bad)


def test_only_logs_of_monitored_files_wait_and_only_from_elsewhere(
    committed_team: factories.Team, prompt: Version, is_json: Version
) -> None:
    arrive(prompt)
    watch(committed_team, prompt, is_json)
    with unit_of_work() as session:
        other = factories.prompt(session, committed_team.admin)
    arrive(other)
    for source in ("evaluation", "editor", "judge", "evaluator_test"):
        arrive(prompt, source=source)
    arrive(prompt, run_id="run_of_somebody")
    assert waiting() == []
    wanted = arrive(prompt)
    assert [one.log_id for one in waiting()] == [wanted]
    with unit_of_work() as session:
        gone = MonitorReference(evaluator_version_id=is_json.id)
        change_monitoring(session, committed_team.admin, prompt.file, MonitoringChange(deactivate=[gone]))
    arrive(prompt)
    assert len(waiting()) == 1
    work()
    assert judgments(wanted) == [], "it was deactivated before anybody judged"


def test_an_incomplete_log_waits_until_it_is_complete(
    committed_team: factories.Team, prompt: Version, is_json: Version
) -> None:
    watch(committed_team, prompt, is_json)
    log_id = arrive(prompt, None, status="incomplete")
    assert work() == 0
    with unit_of_work() as session:
        log = session.get_one(Log, log_id)
        log.output, log.status = "{}", "complete"
        arrivals.tell_changed(session, log)
    assert work() == 1
    assert [one.boolean_value for one in judgments(log_id)] == [True]


def test_a_log_that_changes_is_judged_anew(
    committed_team: factories.Team, prompt: Version, is_json: Version
) -> None:
    watch(committed_team, prompt, is_json)
    log_id = arrive(prompt, "{}")
    work()
    with unit_of_work() as session:
        log = session.get_one(Log, log_id)
        log.output = "{"
        arrivals.tell_changed(session, log)
    work()
    (said,) = judgments(log_id)
    assert said.boolean_value is False


def test_what_was_found_of_a_log_that_changed_meanwhile_is_dropped(
    committed_team: factories.Team, prompt: Version, is_json: Version
) -> None:
    watch(committed_team, prompt, is_json)
    log_id = arrive(prompt, "{}")
    with unit_of_work() as session:
        claimed = repository.claim(session, "slow", 10)
        batch = execution.load(session, claimed)
    found = run(_judge(batch))
    with unit_of_work() as session:
        log = session.get_one(Log, log_id)
        log.output = "{"
        arrivals.tell_changed(session, log)
    with unit_of_work() as session:
        execution.write(session, "slow", claimed, found)
    assert judgments(log_id) == []
    assert work() == 1
    assert [one.boolean_value for one in judgments(log_id)] == [False]


async def _judge(batch):
    from app.core.broker import connect_async

    redis = connect_async()
    try:
        return await execution.judge(batch, redis)
    finally:
        await redis.aclose()


def test_a_lost_worker_loses_no_log(
    committed_team: factories.Team, prompt: Version, is_json: Version
) -> None:
    watch(committed_team, prompt, is_json)
    log_ids = arrive_all(prompt, 5)
    with unit_of_work() as session:
        assert len(repository.claim(session, "lost", 10)) == 5
    assert work() == 0, "somebody is at them"
    forget_lease()
    assert work() == 5
    assert [one.boolean_value for one in judgments(*log_ids)] == [True] * 5


def test_a_worker_that_lives_keeps_what_it_took(
    committed_team: factories.Team, prompt: Version, is_json: Version
) -> None:
    watch(committed_team, prompt, is_json)
    arrive(prompt)
    with unit_of_work() as session:
        claimed = repository.claim(session, "alive", 10)
    forget_lease()
    with unit_of_work() as session:
        repository.renew(session, "alive")
    assert work() == 0
    with unit_of_work() as session:
        assert repository.settle(session, "other", claimed) == set()
        assert len(repository.settle(session, "alive", claimed)) == 1


def test_a_log_over_which_three_workers_were_lost_says_so(
    committed_team: factories.Team, prompt: Version, is_json: Version
) -> None:
    watch(committed_team, prompt, is_json)
    log_id = arrive(prompt)
    for _ in range(3):
        with unit_of_work() as session:
            repository.claim(session, "lost", 10)
        forget_lease()
    work()
    (said,) = judgments(log_id)
    assert said.error == "not judged: the worker that was at it was lost 3 times"
    assert waiting() == []


def test_a_share_of_the_logs_is_judged_and_always_the_same(
    committed_team: factories.Team, prompt: Version, is_json: Version
) -> None:
    watch(committed_team, prompt, is_json, sampling=0.25)
    log_ids = arrive_all(prompt, 400)
    work()
    judged = {one.log_id for one in judgments(*log_ids)}
    assert 60 <= len(judged) <= 140, "0.25 of 400, give or take four and a half standard deviations"
    with unit_of_work() as session:
        for log in session.scalars(select(Log).where(Log.id.in_(log_ids))):
            arrivals.tell_changed(session, log)
    work()
    assert {one.log_id for one in judgments(*log_ids)} == judged
    watch(committed_team, prompt, is_json, sampling=0)
    arrive_all(prompt, 20)
    assert waiting() == []


@pytest.fixture
def judge(committed_team: factories.Team, endpoint: Endpoint) -> Version:
    """A prompt that judges at the endpoint."""
    prompt = {"model": "judge", "provider": "fake", "template": "ECHO<So it is.\nTrue> {{log.output}}"}
    with unit_of_work() as session:
        return factories.evaluator(session, committed_team.admin, "prompt_judge", prompt=prompt)


def test_a_models_judgment_has_its_reason_its_cost_and_its_own_log(
    committed_team: factories.Team, prompt: Version, judge: Version
) -> None:
    watch(committed_team, prompt, judge)
    log_id = arrive(prompt, "hello")
    work()
    (said,) = judgments(log_id)
    assert (said.boolean_value, said.rationale, said.error) == (True, "So it is.", None)
    assert said.cost is not None
    with unit_of_work() as session:
        call = session.get_one(Log, said.judge_log_id)
        assert (call.source, call.parent_id, call.run_id) == ("judge", log_id, None)
        assert said.cost == call.prompt_cost + call.output_cost
        standing = budget.standing(session, prompt.workspace_id)
        assert standing.spent_usd == said.cost
    assert waiting() == [], "a judge's own call is not judged"


def test_with_the_budget_spent_a_judgment_says_why_there_is_none(
    committed_team: factories.Team, prompt: Version, judge: Version, endpoint: Endpoint
) -> None:
    watch(committed_team, prompt, judge)
    with unit_of_work() as session:
        budget.set_budget(session, committed_team.admin, Decimal(0), None)
    log_id = arrive(prompt, "hello")
    work()
    (said,) = judgments(log_id)
    assert said.error.startswith("not run: the workspace's budget for ")
    assert endpoint.calls() == {}


def test_under_a_budget_a_judge_without_a_price_is_not_asked(
    committed_team: factories.Team, prompt: Version, endpoint: Endpoint
) -> None:
    asked = {"model": "nobody-knows", "provider": "fake", "template": "{{log.output}}"}
    with unit_of_work() as session:
        judge = factories.evaluator(session, committed_team.admin, "prompt_judge", prompt=asked)
        budget.set_budget(session, committed_team.admin, Decimal(5), None)
    watch(committed_team, prompt, judge)
    log_id = arrive(prompt, "hello")
    work()
    (said,) = judgments(log_id)
    assert said.error.startswith("There is no price for nobody-knows, so that the workspace's budget")
    assert endpoint.calls() == {}


def test_a_failed_log_and_one_without_payload(
    committed_team: factories.Team, prompt: Version, is_json: Version
) -> None:
    watch(committed_team, prompt, is_json)
    failed = arrive(prompt, None, error="timed out")
    empty = arrive(prompt, None)
    with unit_of_work() as session:
        session.get_one(Log, empty).payload_cleared_at = clock.now()
    assert work() == 2
    (said,) = judgments(failed, empty)
    assert (said.log_id, said.error) == (failed, "no output: timed out")


def test_a_deleted_log_is_forgotten_and_logs_of_two_workspaces_are_kept_apart(
    committed_team: factories.Team, prompt: Version, is_json: Version
) -> None:
    watch(committed_team, prompt, is_json)
    gone, kept = arrive(prompt), arrive(prompt)
    with unit_of_work() as session:
        session.execute(text("delete from log where id = :id"), {"id": gone})
        other = factories.team(session)
        theirs = factories.prompt(session, other.admin)
        length = factories.evaluator(session, other.admin, "length", unit="characters")
    watch(other, theirs, length)
    foreign = arrive(theirs, "abcd")
    assert work() == 2
    assert [one.evaluator_version_id for one in judgments(kept)] == [is_json.id]
    (said,) = judgments(foreign)
    assert (said.number_value, said.workspace_id) == (4, other.workspace.id)


def test_the_reaper_tells_workers_of_logs_that_wait_and_not_too_often(
    committed_team: factories.Team, prompt: Version, is_json: Version
) -> None:
    reminder = recovery.reminder()
    assert reminder.look() is False
    watch(committed_team, prompt, is_json)
    arrive(prompt)
    assert reminder.look() is True
    assert reminder.look() is False, "it was told a moment ago"
    with unit_of_work() as session:
        repository.claim(session, "busy", 10)
    assert recovery.reminder().look() is False, "somebody is at it"


def test_logs_are_judged_beside_a_run(
    committed_team: factories.Team, prompt: Version, is_json: Version
) -> None:
    watch(committed_team, prompt, is_json)
    log_id = arrive(prompt)
    assert run(_beside_something_long(log_id)) is True
    assert waiting() == []


async def _beside_something_long(log_id: str) -> bool:
    ended = asyncio.Event()
    beside = asyncio.create_task(work_beside(execution.work, "logs not judged", ended))
    deadline = clock.seconds() + 20
    while not (said := await asyncio.to_thread(judgments, log_id)) and clock.seconds() < deadline:  # noqa: ASYNC110 - for a row
        await asyncio.sleep(0.1)
    ended.set()
    await beside
    return bool(said)


def test_a_rolled_back_log_leaves_nothing(
    committed_team: factories.Team, prompt: Version, is_json: Version
) -> None:
    watch(committed_team, prompt, is_json)
    now = clock.now().isoformat()
    record = LogRecord(ids.new_id("log"), prompt.workspace_id, prompt.file_id, prompt.id, "sdk", now, now)
    with unit_of_work() as session:
        arrivals.write_logs(session, [record])
        session.rollback()
    assert waiting() == []
