"""What a judge that was tried in an editor was sent of a log goes with the log, also where the log goes meanwhile."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.evaluations.evaluator_editor.trying import SOURCE, prepare_trial, row_of, try_evaluator
from app.evaluations.verdicts.judging import execution_of_log
from app.evaluators.binding import bind
from app.files.models import Version
from app.generations.prepared import Origin
from app.logs import deleting, repository
from app.logs.models import Log
from app.providers import service as providers
from app.providers.service import ProviderChange
from tests import factories
from tests.asynchronous import run
from tests.endpoint import running_endpoint
from tests.web import csrf_of, signed_in

SECRET = "the secret of bob"


@pytest.fixture
def judge(committed_team: factories.Team) -> Iterator[Version]:
    admin = committed_team.admin
    asked = {"model": "judge", "provider": "fake", "template": "ECHO<They tell it.\nTrue> {{log.output}}"}
    with running_endpoint(0) as endpoint:
        with unit_of_work() as session:
            change = ProviderChange(
                name="fake", base_url=endpoint.base_url, api_key="k", prices={"judge": ("1000", "1000")}
            )
            providers.create_provider(session, admin, change)
            made = factories.evaluator(session, admin, "prompt_judge", prompt=asked)
        yield made


def calls_of(session: Session, judge: Version) -> list[Log]:
    return list(session.scalars(select(Log).where(Log.file_id == judge.file_id)))


def test_answers_of_the_prompt_editor(
    client: TestClient, committed_team: factories.Team, judge: Version
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        prompt = factories.prompt(session, admin, "tests/asked")
        factories.evaluation(session, admin, prompt, judge)
        log_id = factories.logged(session, admin, prompt, output=SECRET, inputs={"question": "?"})
    signed_in(client, admin)
    sent = {"_csrf": csrf_of(client), "log": [log_id], "label": ["Draft"], "asking": "true"}
    url = f"/w/{committed_team.workspace.slug}/prompts/{prompt.file_id}/scores"
    assert "Pass" in client.post(url, data=sent).text
    with unit_of_work() as session:
        (call,) = calls_of(session, judge)
        assert SECRET in str(call.messages)
        assert (call.parent_id, call.source) == (log_id, "judge")
        deleting.delete_logs(session, admin, [log_id])
        assert calls_of(session, judge) == []


def test_the_output_of_the_last_run_on_a_row(
    client: TestClient, committed_team: factories.Team, judge: Version
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        prompt, rows = factories.prompt(session, admin), factories.dataset(session, admin, 1)
        evaluation = factories.evaluation(session, admin, prompt, factories.evaluator(session, admin))
        made = factories.started_run(session, admin, evaluation, prompt, rows)
        factories.finish_run(session, made, [SECRET])
    signed_in(client, admin)
    url = f"/w/{committed_team.workspace.slug}/evaluators/{judge.file_id}"
    page = client.get(url, params={"dataset": rows.file_id, "row": "1"}).text
    assert SECRET in page
    rubric = {"s.model": "judge", "s.provider": "fake", "s.verdict": "boolean", "s.rubric": "{{log.output}}?"}
    sent = {"_csrf": csrf_of(client), "kind": "llm_judge", "dataset": rows.file_id, "row": "1", **rubric}
    sent |= {"s.lowest": "1", "s.highest": "5", "s.wanted": "higher", "s.votes": "1", "s.fence": "on"}
    new = f"/w/{committed_team.workspace.slug}/evaluators/new/test"
    assert "as the reference says" in client.post(new, data=sent | {"output": SECRET}).text
    with unit_of_work() as session:
        (call,) = session.scalars(select(Log).where(Log.source == "judge"))
        (result,) = session.scalars(select(Log.id).where(Log.run_id == made.id))
        assert (call.parent_id, SECRET in str(call.messages)) == (result, True)


def test_a_log_that_goes_while_its_judge_is_asked(committed_team: factories.Team, judge: Version) -> None:
    admin, workspace_id = committed_team.admin, committed_team.workspace.id
    with unit_of_work() as session:
        prompt = factories.prompt(session, admin, "tests/asked")
        log_id = factories.logged(session, admin, prompt, output=SECRET)
        log = repository.find_logs(session, workspace_id, [log_id])[log_id]
        origin = Origin(workspace_id, judge.file_id, judge.id, SOURCE)
        trial = prepare_trial(session, bind(judge.spec), origin, execution_of_log(log), row_of({}), log)
    with unit_of_work() as session:
        deleting.delete_logs(session, admin, [log_id])
    assert run(try_evaluator(trial)).verdict.value is True
    with unit_of_work() as session:
        (call,) = calls_of(session, judge)
        assert (call.messages, call.output, call.output_message, call.provider_response) == (None,) * 4
        assert call.payload_cleared_at
        assert call.prompt_cost > 0, "it was paid"
