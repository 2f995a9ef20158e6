"""Logs that are deleted, or lose their payload, while their judges are at it: nothing of them comes back."""

import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core import clock, ids
from app.core.broker import connect_async
from app.core.database import unit_of_work
from app.files.models import Version
from app.logs import arrivals, deleting
from app.logs.models import Judgment, Log
from app.logs.records import LogRecord
from app.monitoring import execution, repository
from app.monitoring.repository import Claimed
from app.monitoring.schemas import MonitorActivation, MonitoringChange
from app.monitoring.service import change_monitoring
from app.providers import service as providers
from app.providers.service import ProviderChange
from tests import factories
from tests.asynchronous import run
from tests.endpoint import running_endpoint

SECRET = "the secret of bob"
OWNER = "a worker"


@pytest.fixture(autouse=True)
def listening(app) -> None:
    """The application listens to its logs."""


@pytest.fixture
def prompt(committed_team: factories.Team) -> Iterator[Version]:
    """A prompt whose logs a model judges."""
    admin = committed_team.admin
    asked = {"model": "judge", "provider": "fake", "template": "ECHO<They tell it.\nTrue> {{log.output}}"}
    with running_endpoint(0) as endpoint:
        with unit_of_work() as session:
            change = ProviderChange(
                name="fake", base_url=endpoint.base_url, api_key="k", prices={"judge": ("1000", "1000")}
            )
            providers.create_provider(session, admin, change)
            judge = factories.evaluator(session, admin, "prompt_judge", prompt=asked)
            prompt = factories.prompt(session, admin)
            wanted = MonitorActivation(evaluator_version_id=judge.id)
            change_monitoring(session, admin, prompt.file, MonitoringChange(activate=[wanted]))
        yield prompt


def arrive(prompt: Version) -> str:
    now = clock.now().isoformat()
    record = LogRecord(
        ids.new_id("log"), prompt.workspace_id, prompt.file_id, prompt.id, "sdk", now, now,
        inputs={"q": "?"}, output=SECRET, user="bob",
    )  # fmt: skip
    with unit_of_work() as session:
        arrivals.write_logs(session, [record])
    return record.id


async def _judge(batch: execution.Batch) -> execution.Found:
    redis = connect_async()
    try:
        return await execution.judge(batch, redis)
    finally:
        await redis.aclose()


def judged() -> tuple[list[Claimed], execution.Found]:
    """What a worker has in its hands just before it writes."""
    with unit_of_work() as session:
        claimed = repository.claim(session, OWNER, 10)
        batch = execution.load(session, claimed)
    found = run(_judge(batch))
    assert SECRET in str(found.calls[0].messages), "the judge was sent it"
    return claimed, found


def write(claimed: list[Claimed], found: execution.Found) -> None:
    with unit_of_work() as session:
        execution.write(session, OWNER, claimed, found)


def delete(session: Session, team: factories.Team, log_id: str) -> None:
    deleting.delete_logs(session, team.admin, [log_id])


def erase(session: Session, team: factories.Team, log_id: str) -> None:
    deleting.delete_logs_of_user(session, team.admin, "bob")


def clear(session: Session, team: factories.Team, log_id: str) -> None:
    session.execute(text("update log set output = null, inputs = null, payload_cleared_at = now()"))


@pytest.mark.parametrize("goes", [delete, erase, clear])
def test_what_its_judges_were_sent_is_not_kept_and_what_they_cost_is(
    committed_team: factories.Team, prompt: Version, goes: Callable[..., None]
) -> None:
    log_id = arrive(prompt)
    claimed, found = judged()
    with unit_of_work() as session:
        goes(session, committed_team, log_id)
    write(claimed, found)
    with unit_of_work() as session:
        (call,) = session.scalars(select(Log).where(Log.source == "judge"))
        assert (call.messages, call.output, call.output_message) == (None, None, None)
        assert (call.provider_request, call.provider_response) == (None, None)
        assert call.payload_cleared_at
        assert call.prompt_cost > 0
        said = session.scalars(select(Judgment)).all()
        if goes is not clear:
            assert said == []
        else:
            assert [(one.boolean_value, one.rationale, one.detail) for one in said] == [(True, None, None)]


@pytest.mark.parametrize("goes", [delete, erase])
def test_whoever_deletes_while_it_is_written_deletes_that_too(
    committed_team: factories.Team, prompt: Version, goes: Callable[..., None]
) -> None:
    log_id = arrive(prompt)
    claimed, found = judged()

    def deletes() -> None:
        with unit_of_work() as session:
            goes(session, committed_team, log_id)

    thread = threading.Thread(target=deletes)
    with unit_of_work() as session:
        execution.write(session, OWNER, claimed, found)
        session.flush()
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "it waits for what is written"
    thread.join(10)
    with unit_of_work() as session:
        assert session.scalars(select(Log.id)).all() == []
