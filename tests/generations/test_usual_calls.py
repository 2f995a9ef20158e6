"""Calls that are made ready together: what is kept of a prompt is never older than what the database says."""

import asyncio
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.core.access import Role
from app.core.database import unit_of_work
from app.core.template import MissingInputs
from app.generations.calling import ReadyCall
from app.generations.schemas import PromptCall
from app.generations.usual_calls import CALLS, UsualCall
from app.providers import service as providers
from app.providers.service import ProviderChange
from tests import factories
from tests.asynchronous import run as run_coroutine
from tests.generations.calls import CALL_URL, STYLE, called
from tests.generations.model_server import ModelServer, running_model
from tests.statements import recorded


def _say(caller: TestClient, what: str, **more: Any) -> dict[str, Any]:
    body = {"path": "geo/capital", "provider": "fake", "model": "m", "template": what} | more
    answer = caller.post("/v5/prompts", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _deploy(caller: TestClient, version: dict[str, Any]) -> None:
    environments = caller.get(f"/v5/prompts/{version['id']}/environments").json()
    default = next(one["id"] for one in environments if one["tag"] == "default")
    url = f"/v5/prompts/{version['id']}/environments/{default}"
    assert caller.post(url, params={"version_id": version["version_id"]}).status_code == 200


def test_a_call_like_one_before_asks_the_database_little(
    caller: TestClient, model: ModelServer, database: Engine
) -> None:
    """For the key, the version and whether it is still what it was; and to write its log."""
    called(caller)
    called(caller)
    with recorded(database) as seen:
        answer = called(caller)
    assert len(seen) <= 8, seen
    assert answer["prompt"]["version_logs_count"] == 2, "counts are those of now"
    assert answer["prompt"]["path"] == "geo/capital"
    assert len(model.bodies) == 3


def test_a_deployment_holds_from_the_next_call_on(caller: TestClient, model: ModelServer) -> None:
    called(caller)
    newer = _say(caller, "Other words, {{style}}.")
    called(caller)
    assert model.bodies[-1]["messages"][0]["content"] != "Other words, prose."
    _deploy(caller, newer)
    answer = called(caller)
    assert model.bodies[-1]["messages"][0]["content"] == "Other words, prose."
    assert answer["prompt"]["version_id"] == newer["version_id"]
    assert answer["prompt"]["environments"][0]["tag"] == "default"


def test_another_price_and_address_of_the_provider_hold_from_the_next_call_on(
    caller: TestClient, committed_team: factories.Team, model: ModelServer
) -> None:
    assert called(caller)["logs"][0]["prompt_cost"]
    with running_model() as other:
        with unit_of_work() as session:
            provider = providers.get_provider(session, committed_team.admin, "fake")
            change = ProviderChange(
                name="fake", base_url=other.url, api_key="another-key-654321", prices={"m": (0, 0)}
            )
            providers.change_provider(session, committed_team.admin, provider, change)
        answer = called(caller)
        assert (len(other.bodies), len(model.bodies)) == (1, 1)
        assert answer["logs"][0]["prompt_cost"] == 0
        with unit_of_work() as session:
            found = providers.get_provider(session, committed_team.admin, "fake")
            providers.delete_provider(session, committed_team.admin, found)
        gone = caller.post(CALL_URL, json=STYLE)
        assert (gone.status_code, "There is no provider `fake`" in gone.text) == (404, True)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("update file set deleted_at = now()", 404),
        ("update api_key set role = 'viewer'; update membership set role = 'viewer'", 403),
        ("delete from api_key", 401),
        ("insert into budget (workspace_id, monthly_usd) select id, 0.000001 from workspace", 402),
    ],
)
def test_what_is_taken_away_is_gone_at_the_next_call(
    caller: TestClient, model: ModelServer, change: str, status: int
) -> None:
    called(caller)
    called(caller)
    with unit_of_work() as session:
        for statement in change.split(";"):
            session.execute(text(statement))
    answer = caller.post(CALL_URL, json=STYLE)
    assert answer.status_code == status, answer.text
    assert len(model.bodies) == 2, "no model was asked"


def test_renaming_shows_at_the_next_call(caller: TestClient, committed_team: factories.Team) -> None:
    first = called(caller)
    answer = caller.patch(f"/v5/prompts/{first['prompt']['id']}", json={"path": "geo/renamed"})
    assert answer.status_code == 200, answer.text
    assert caller.post(CALL_URL, json=STYLE).status_code == 404
    again = caller.post(CALL_URL, json={"id": first["prompt"]["id"], "inputs": {"style": "prose"}})
    assert again.json()["prompt"]["path"] == "geo/renamed"


def test_a_tool_that_a_prompt_links_is_that_of_the_call(caller: TestClient, model: ModelServer) -> None:
    def tool(said: str) -> dict[str, Any]:
        body = {"path": "geo/tool", "function": {"name": "look", "description": said}}
        return caller.post("/v5/tools", json=body).json()

    first = tool("first")
    _deploy(caller, _say(caller, "x {{style}}", linked_tools=[first["id"]]))
    for said in ("first", "second"):
        tool(said)
        with unit_of_work() as session:
            session.execute(text("delete from deployment where file_id = :f"), {"f": first["id"]})
        called(caller)
        assert model.bodies[-1]["tools"][0]["function"]["description"] == said


def test_monitors_that_are_set_show_at_the_next_call(
    caller: TestClient, committed_team: factories.Team
) -> None:
    first = called(caller)
    assert called(caller)["prompt"]["evaluators"] == []
    with unit_of_work() as session:
        judge = factories.evaluator(session, committed_team.admin, kind="length").id
    said = {"activate": [{"evaluator_version_id": judge}]}
    answer = caller.post(f"/v5/prompts/{first['prompt']['id']}/evaluators", json=said)
    assert answer.status_code == 200, answer.text
    assert [one["state"] for one in called(caller)["prompt"]["evaluators"]] == ["active"]
    assert [one["state"] for one in called(caller)["prompt"]["evaluators"]] == ["active"]
    said = {"deactivate": [{"evaluator_version_id": judge}]}
    assert caller.post(f"/v5/prompts/{first['prompt']['id']}/evaluators", json=said).status_code == 200
    assert [one["state"] for one in called(caller)["prompt"]["evaluators"]] == ["inactive"]


def test_calls_of_many_at_once_are_each_their_own(
    caller: TestClient, committed_team: factories.Team, model: ModelServer
) -> None:
    """A wrong one among them costs the others nothing."""
    with unit_of_work() as session:
        viewer = factories.key(session, committed_team.admin, Role.VIEWER)
    wanted = [
        UsualCall(caller.headers["x-api-key"], PromptCall.model_validate(STYLE)),
        UsualCall(caller.headers["x-api-key"], PromptCall.model_validate(STYLE | {"inputs": {}})),
        UsualCall(caller.headers["x-api-key"], PromptCall.model_validate({"path": "no/such"})),
        UsualCall(viewer, PromptCall.model_validate(STYLE)),
        UsualCall("hunt", PromptCall.model_validate(STYLE)),
        UsualCall(caller.headers["x-api-key"], PromptCall.model_validate(STYLE)),
    ]

    async def ask() -> list[Any]:
        return await asyncio.gather(*(CALLS.ask(one) for one in wanted), return_exceptions=True)

    good, lacking, missing, refused, strange, again = run_coroutine(ask())
    assert isinstance(good, ReadyCall)
    assert isinstance(lacking, MissingInputs)
    assert (missing, refused, strange) == (None, None, None)
    assert good.log_ids != again.log_ids
    assert model.bodies == []


def test_whoever_is_erased_is_not_named_by_the_next_call(
    caller: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        bob = factories.member(session, committed_team.workspace, Role.ADMIN, "Bob Secretname")
        version = factories.prompt(
            session, bob, "geo/capital", provider="fake", model="m", template="By Bob, {{style}}."
        )
    query = {"version_id": version.id}
    for _ in range(2):
        assert "Bob Secretname" in caller.post(CALL_URL, json=STYLE, params=query).text
    with unit_of_work() as session:
        session.execute(
            text("update version set author_name = 'Deleted person' where id = :id"), {"id": version.id}
        )
    assert "Bob Secretname" not in caller.post(CALL_URL, json=STYLE, params=query).text
