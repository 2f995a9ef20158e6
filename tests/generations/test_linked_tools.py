"""Tools that a prompt links: the model is told of the version that is deployed when it is called."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.generations.calls import CALL_URL, log_of
from tests.generations.model_server import ModelServer

TOWN = {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}


def _tool(caller: TestClient, description: str = "Tells the weather.", **body: Any) -> dict[str, Any]:
    function = {"name": "weather", "description": description, "parameters": TOWN}
    answer = caller.post("/v5/tools", json={"path": "geo/weather", "function": function} | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _prompt(caller: TestClient, *tool_ids: str, **more: Any) -> Any:
    body = {"path": "geo/linked", "provider": "fake", "model": "m", "linked_tools": list(tool_ids)}
    return caller.post("/v5/prompts", json=body | {"template": [{"role": "user", "content": "Hi"}]} | more)


def test_the_model_is_told_of_the_deployed_version_of_a_linked_tool(
    caller: TestClient, model: ModelServer
) -> None:
    tool = _tool(caller)
    own = {"name": "search", "description": "Searches."}
    prompt = _prompt(caller, tool["id"], tools=[own]).json()
    assert prompt["linked_tools"] == [
        {
            "id": tool["id"],
            "version_id": tool["version_id"],
            "name": "weather",
            "description": "Tells the weather.",
            "strict": None,
            "parameters": TOWN,
        }
    ]
    assert caller.get(f"/v5/prompts/{prompt['id']}").json()["linked_tools"] == prompt["linked_tools"]

    assert caller.post(CALL_URL, json={"path": "geo/linked"}).status_code == 200
    told = [each["function"] for each in model.bodies[-1]["tools"]]
    assert [each["name"] for each in told] == ["search", "weather"]
    assert told[1]["description"] == "Tells the weather."

    newer = _tool(caller, "Tells tomorrow's weather.")
    caller.post(CALL_URL, json={"path": "geo/linked"})
    assert model.bodies[-1]["tools"][1]["function"]["description"] == "Tells the weather.", "not deployed yet"
    environments = caller.get(f"/v5/tools/{tool['id']}/environments").json()
    default = next(each["id"] for each in environments if each["tag"] == "default")
    deploy = f"/v5/tools/{tool['id']}/environments/{default}"
    assert caller.post(deploy, params={"version_id": newer["version_id"]}).status_code == 200
    answer = caller.post(CALL_URL, json={"path": "geo/linked"}).json()
    assert model.bodies[-1]["tools"][1]["function"]["description"] == "Tells tomorrow's weather."
    assert answer["prompt"]["version_id"] == prompt["version_id"], "the prompt itself is the same"
    assert log_of(caller, answer["id"])["prompt"]["linked_tools"][0]["version_id"] == newer["version_id"]


def test_the_text_of_a_prompt_file_keeps_what_is_linked(caller: TestClient) -> None:
    tool = _tool(caller)
    prompt = _prompt(caller, tool["id"]).json()
    said = caller.get(f"/v5/prompts/{prompt['id']}/serialize").text
    assert tool["id"] in said
    kernel = caller.post("/v5/prompts/deserialize", json={"prompt": said}).json()
    again = caller.post("/v5/prompts", json={"path": "geo/linked"} | kernel).json()
    assert again["version_id"] == prompt["version_id"]


@pytest.mark.parametrize("what", ["unknown", "a prompt", "without a function", "deleted"])
def test_what_is_no_tool_cannot_be_linked(caller: TestClient, what: str) -> None:
    linked = {
        "unknown": lambda: "tl_unknown",
        "a prompt": lambda: caller.post("/v5/files/retrieve-by-path", json={"path": "geo/capital"}).json()["id"],
        "without a function": lambda: _tool(caller, function=None, setup_values={"a": 1}, tool_type="snippet")["id"],
        "deleted": lambda: _tool(caller)["id"],
    }[what]()  # fmt: skip
    if what == "deleted":
        assert caller.delete(f"/v5/tools/{linked}").status_code == 204
    answer = _prompt(caller, linked)
    assert answer.status_code == 422
    assert linked in answer.text
    assert answer.json()["detail"][0]["loc"] == ["body", "linked_tools"]


def test_a_tool_that_is_deleted_later_is_told_of_where_the_prompt_is_called(
    caller: TestClient, model: ModelServer
) -> None:
    tool = _tool(caller)
    prompt = _prompt(caller, tool["id"]).json()
    assert caller.delete(f"/v5/tools/{tool['id']}").status_code == 204
    answer = caller.post(CALL_URL, json={"path": "geo/linked"})
    assert answer.status_code == 422
    assert f"There is no tool with the id {tool['id']}." in answer.text
    assert model.bodies == []
    assert caller.get(f"/v5/prompts/{prompt['id']}").json()["linked_tools"] == []
