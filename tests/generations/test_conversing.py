"""Going on with a conversation in which a model calls tools, as the editor asks for it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from app.files.models import Version
from app.generations.conversing import calls_of, talk_of
from app.logs.records import LogRecord
from app.providers import service as providers
from app.providers.service import ProviderChange
from tests import factories
from tests.generations.http_service import running_service
from tests.generations.tool_model import ToolModel, running_tool_model
from tests.web import csrf_of, signed_in

CALLED = [("find_order", '{"id":7}'), ("find_order", '{"id":8}')]


@pytest.fixture
def model(committed_team: factories.Team) -> Iterator[ToolModel]:
    with running_tool_model([CALLED]) as model:
        with unit_of_work() as session:
            change = ProviderChange(name="calling", base_url=model.url, api_key="sk-secret-12345678")
            providers.create_provider(session, committed_team.admin, change)
        yield model


@pytest.fixture
def prompt(committed_team: factories.Team) -> Version:
    with unit_of_work() as session:
        return factories.prompt(session, committed_team.admin, "tests/calls")


def _form(client: TestClient, **changes: Any) -> dict[str, Any]:
    form = {
        "_csrf": csrf_of(client), "base": "1", "model": "m-1", "provider": "calling", "role": "user",
        "name": "", "content": "Where is {{order}}?", "extra": "", "input.order": "order 7",
    }  # fmt: skip
    return form | changes


def _after(page: str) -> str:
    found = re.search(r'name="after" value="([^"]+)"', page)
    assert found, page
    return found[1]


def _log_of(after: str) -> str:
    return after.split(":")[1]


def test_without_a_script_the_calls_are_answered_on_the_page(
    client: TestClient, committed_team: factories.Team, prompt: Version, model: ToolModel
) -> None:
    signed_in(client, committed_team.admin)
    run = f"/w/{committed_team.workspace.slug}/prompts/{prompt.file_id}/run"
    after = _after(client.post(run, data=_form(client)).text)
    log_id = _log_of(after)
    typed = {f"result.{log_id}.0": "shipped\r\non Monday", f"result.{log_id}.1": "lost"}

    changed = _form(client, after=after, **typed) | {"input.order": "something else"}
    answer = client.post(run, data=changed)
    assert "Done: shipped\non Monday, lost" in answer.text
    asked = model.bodies[-1]["messages"]
    assert asked[0]["content"] == "Where is order 7?", "the inputs that it began with"
    assert [each["role"] for each in asked] == ["user", "assistant", "tool", "tool"]
    with unit_of_work() as session:
        details = session.scalar(text("select metadata from log where output like 'Done:%'"))
    assert details == {"continues": log_id, "round": 2}


def test_a_result_that_is_missing_and_an_answer_that_is_not_there_are_refused(
    client: TestClient, committed_team: factories.Team, prompt: Version, model: ToolModel
) -> None:
    signed_in(client, committed_team.admin)
    run = f"/w/{committed_team.workspace.slug}/prompts/{prompt.file_id}/run"
    after = _after(client.post(run, data=_form(client)).text)
    refused = client.post(run, data=_form(client, after=after, **{f"result.{_log_of(after)}.0": "shipped"}))
    assert refused.status_code == 422
    assert "Write what find_order gave" in refused.text
    gone = client.post(run, data=_form(client, after="draft:log_none:Draft"))
    assert gone.status_code == 404
    other = client.post(run, data=_form(client, after=after.replace("Draft", "v1")))
    assert other.status_code == 422
    assert "does not stand here any more" in other.text
    assert len(model.bodies) == 1


def test_a_tool_that_is_linked_is_run_and_its_failure_is_said(
    client: TestClient, committed_team: factories.Team, prompt: Version, model: ToolModel
) -> None:
    signed_in(client, committed_team.admin)
    with unit_of_work() as session:
        spec = {"function": {"name": "find_order"}, "setup_values": {"a": "b"}, "tool_type": "snippet"}
        factories.tool(session, committed_team.admin, "tests/find_order", **spec)
    base = f"/w/{committed_team.workspace.slug}/prompts/{prompt.file_id}"
    log_id = _log_of(_after(client.post(f"{base}/run", data=_form(client)).text))
    field = client.post(f"{base}/tool-result", data=_form(client, call=f"{log_id}.1"))
    assert field.status_code == 200
    assert "Give the input `key`. Its keys: a. Type what it gives." in field.text
    assert client.post(f"{base}/tool-result", data=_form(client, call=f"{log_id}.2")).status_code == 404
    assert client.post(f"{base}/tool-result", data=_form(client)).status_code == 404


def test_a_tool_that_asks_a_service_waits_for_a_person(
    client: TestClient, committed_team: factories.Team, prompt: Version, model: ToolModel
) -> None:
    signed_in(client, committed_team.admin)
    base = f"/w/{committed_team.workspace.slug}/prompts/{prompt.file_id}"
    with running_service() as service:
        with unit_of_work() as session:
            setup = {"url": f"{service.url}/orders", "method": "GET"}
            spec = {"function": {"name": "find_order"}, "setup_values": setup, "tool_type": "get_api_call"}
            factories.tool(session, committed_team.admin, "tests/find_order", **spec)
        log_id = _log_of(_after(client.post(f"{base}/run", data=_form(client)).text))
        form = _form(client, call=f"{log_id}.1")
        waits = client.post(f"{base}/tool-result", data=form | {"by_itself": "1"}).text
        assert "It asks a service. Run it, or type what it gives." in waits
        assert service.heard == []
        ran = client.post(f"{base}/tool-result", data=form).text
    assert "its log" in ran
    assert len(service.heard) == 1


def test_of_very_many_calls_the_first_are_asked_of_their_tools_at_once(
    client: TestClient, committed_team: factories.Team
) -> None:
    signed_in(client, committed_team.admin)
    with running_tool_model([[("find_order", f'{{"id":{n}}}') for n in range(11)]]) as many:
        with unit_of_work() as session:
            change = ProviderChange(name="many", base_url=many.url, api_key="sk-secret-12345678")
            providers.create_provider(session, committed_team.admin, change)
            made = factories.prompt(session, committed_team.admin, "tests/many calls")
        run = f"/w/{committed_team.workspace.slug}/prompts/{made.file_id}/run"
        page = client.post(run, data=_form(client) | {"provider": "many"}).text
    assert page.count('hx-trigger="load"') == 8
    assert page.count("Run it<span") == 3


def test_calls_without_ids_are_told_apart() -> None:
    call = {"function": {"name": "f", "arguments": ""}}
    found = calls_of({"tool_calls": [{"id": "", **call}, {"id": "", **call}, "no call"]})
    assert [each["id"] for each in found] == ["call_0", "call_1"]
    assert found[0]["function"]["arguments"] == "{}"


def test_the_calls_of_a_round_that_failed_are_open_still() -> None:
    said = {
        "role": "assistant",
        "tool_calls": calls_of({"tool_calls": [{"id": "a", "function": {"name": "f"}}]}),
    }
    log = LogRecord("log_2", "w", "f", "v", "editor", None, None)
    log.messages = [{"role": "tool", "tool_call_id": "a", "content": "from the row"}, said]
    log.messages += [{"role": "tool", "tool_call_id": "a", "content": "7"}]
    log.error, log.metadata = "refused", {"continues": "log_1", "round": 2}
    talk = talk_of(log)
    assert (talk.log_id, talk.rounds, talk.open[0].result) == ("log_1", [], "7")
    log.error = None
    assert talk_of(log).rounds[0].calls[0].result == "7"


def test_a_row_whose_calls_have_odd_ids_is_no_round_of_the_conversation() -> None:
    call = {"id": "call_0", "function": {"name": "stock", "arguments": "{}"}}
    odd = {"role": "tool", "tool_call_id": ["x"], "content": "7"}
    said = [{"role": "assistant", "tool_calls": [call]}, odd]
    log = LogRecord("log_1", "w", "f", "v", "editor", None, None)
    log.messages, log.output_message = said, {"role": "assistant", "content": "7"}
    assert talk_of(log).rounds == []
