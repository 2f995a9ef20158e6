"""What went to the provider and what came back, as people read it."""

import html
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from tests import factories
from tests.generations.model_server import ModelServer
from tests.generations.test_property_order import NAMES, PATH, content
from tests.web import csrf_of, signed_in

KEY = "stored-key-123456"
"""The caller's provider's."""
TURNED = "Members stand in the order of the database"


def _parts(page: str) -> dict[str, str]:
    found = re.findall(r'<pre class="code box" id="raw-(\w+)"[^>]*>(.*?)</pre>', page, re.DOTALL)
    return {name: html.unescape(text) for name, text in found}


@pytest.mark.parametrize(("names", "turned"), [(NAMES, True), (["only"], False)])
def test_the_request_of_a_run_says_no_key_and_what_the_database_does_to_its_order(
    caller: TestClient, committed_team: factories.Team, model: ModelServer, names: list[str], turned: bool
) -> None:
    version = caller.post("/v5/prompts", json={"path": PATH} | content(names)).json()
    signed_in(caller, committed_team.admin)
    home = f"/w/{committed_team.workspace.slug}"
    schema = content(names)["response_format"]["json_schema"]
    form = {
        "_csrf": csrf_of(caller), "base": "1", "model": "m", "provider": "fake", "input.x": "it", "output": "json_schema",
        "role": ["user"], "name": [""], "content": [f"Judge {{{{x}}}} {KEY}"], "extra": [""],
        "json_schema": str(schema).replace("'", '"'),
    }  # fmt: skip
    ran = caller.post(f"{home}/prompts/{version['id']}/run", data=form)
    [log] = set(re.findall(r"raw-logs\?log=(log_\w+)", ran.text))
    page = caller.get(f"{home}/raw-logs", params={"log": log}).text
    assert KEY in str(model.bodies[-1]), "it was sent"
    assert KEY not in page
    assert (TURNED in page) is turned
    assert "The pieces of a stream are put together." in page
    assert '"stream": true' in _parts(page)["request"]


OTHERS = {"id": "msg_1", "content": [{"type": "text", "text": "It is."}]}


@pytest.mark.parametrize(
    ("said", "shown", "note"),
    [
        ({"provider_response": OTHERS}, OTHERS["content"][0]["text"], ""),  # type: ignore[index]
        ({}, '"choices"', "Only the message was logged."),
    ],
)
def test_what_a_caller_logged_as_the_response_is_shown_as_it_is(
    caller: TestClient, committed_team: factories.Team, said: dict[str, Any], shown: str, note: str
) -> None:
    message = {"role": "assistant", "content": "It is."}
    log = {
        "path": PATH,
        "prompt": {"model": "m"},
        "output_message": message,
        "provider_request": {"a": 1},
    } | said
    log_id = caller.post("/v5/prompts/log", json=log).json()["id"]
    signed_in(caller, committed_team.admin)
    page = caller.get(f"/w/{committed_team.workspace.slug}/raw-logs", params={"log": log_id}).text
    response = _parts(page)["response"]
    assert shown in response
    assert ('"choices"' in response) is (not said)
    assert note in page
    assert "The pieces of a stream" not in page
    assert "The key goes along" not in page


def test_nobody_reads_what_another_workspace_sent(caller: TestClient, committed_team: factories.Team) -> None:
    log_id = caller.post(
        "/v5/prompts/log", json={"path": PATH, "prompt": {"model": "m"}, "output": "y"}
    ).json()["id"]
    with unit_of_work() as session:
        other = factories.team(session)
    signed_in(caller, other.admin)
    assert caller.get(f"/w/{other.workspace.slug}/raw-logs", params={"log": log_id}).status_code == 404
