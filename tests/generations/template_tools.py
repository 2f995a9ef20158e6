"""A tool of hours, a prompt whose template calls it, and calls of that prompt."""

from typing import Any

from fastapi.testclient import TestClient

from tests.generations.calls import CALL_URL
from tests.generations.model_server import ModelServer

HOURS = {"tool_type": "snippet", "setup_values": {"berlin": "9 to 5", "paris": "10 to 6"}}
TEMPLATE = [
    {"role": "system", "content": 'Open {{ hours("berlin") }}, in {{style}}.'},
    {"role": "user", "content": [{"type": "text", "text": "And there {{hours(city)}}?"}]},
]


def written(api: TestClient, kind: str, path: str, **body: Any) -> dict[str, Any]:
    answer = api.post(f"/v5/{kind}s", json={"path": path} | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def prompt(api: TestClient, template: Any = TEMPLATE, **more: Any) -> dict[str, Any]:
    return written(api, "prompt", "shop/answer", provider="fake", model="m", template=template, **more)


def called(api: TestClient, **body: Any) -> Any:
    return api.post(CALL_URL, json={"path": "shop/answer"} | body)


def needs(*names: str) -> dict[str, Any]:
    """A function that requires these."""
    properties = {name: {"type": "string"} for name in names}
    schema = {"type": "object", "properties": properties, "required": list(names)}
    return {"name": "hours", "description": "", "parameters": schema}


def texts_of(model: ModelServer) -> list[str]:
    contents = [message["content"] for message in model.bodies[-1]["messages"]]
    return [content if isinstance(content, str) else content[0]["text"] for content in contents]
