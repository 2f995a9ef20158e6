"""The log of a judge's call shows what the judge was sent, on its page, too."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.core.database import unit_of_work
from app.evaluations.verdicts.sent import MOST_KEPT, as_kept
from app.logs.models import Log
from app.providers import service as providers
from app.providers.service import ProviderChange
from tests import factories
from tests.fault_provider import running_fault_provider
from tests.web import signed_in, with_key


@pytest.mark.parametrize("asked", ["", "FAULT<bad request> "])
def test_the_page_of_a_judges_log_shows_what_it_was_sent(
    client: TestClient, committed_team: factories.Team, redis_url: str, asked: str
) -> None:
    """Whether or not there was an answer."""
    rubric = asked + "Is <b>{{log.output}}</b> kind?"
    settings = {"model": "m", "provider": "fake", "rubric": rubric}
    spec = {"evaluator_type": "builtin", "kind": "llm_judge", "settings": settings}
    with_key(client, committed_team.admin)
    with running_fault_provider() as endpoint:
        with unit_of_work() as session:
            change = ProviderChange(name="fake", base_url=endpoint.url, api_key="k")
            providers.create_provider(session, committed_team.admin, change)
        made = client.post("/v5/evaluators", json={"path": "judges/kind", "spec": spec}).json()
        client.post(f"/v5/evaluators/{made['id']}/test", json={"log": {"output": "Please wait."}})
    with unit_of_work() as session:
        log = session.scalars(select(Log).where(Log.file_id == made["id"])).one()
        assert [one["role"] for one in log.messages or []] == ["system", "user"]
        assert bool(log.error) is bool(asked)
    shown = client.get(f"/v5/logs/{log.id}").json()
    assert "Please wait." in shown["messages"][1]["content"]
    signed_in(client, committed_team.admin)
    page = client.get(f"/w/{committed_team.workspace.slug}/logs/{log.id}").text
    assert "Please wait." in page
    assert "Is &lt;b&gt;" in page


def test_so_much_is_kept_and_what_is_missing_is_said() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:" + "A" * MOST_KEPT}}
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Judge."},
        {"role": "user", "content": [image, {"type": "text", "text": "kind"}]},
    ]
    kept = as_kept(messages)
    assert kept[0] == messages[0]
    image_kept, text = kept[1]["content"]
    size = len("image_url") + len("data:") + MOST_KEPT
    assert image_kept == {"type": "text", "text": f"… (an image of {size:,} characters)"}
    assert text["text"] == "kind"
    assert as_kept([{"content": "x" * MOST_KEPT}, {"content": "é"}])[1]["content"] == "… (1 more character)"
    assert messages[1]["content"][1]["text"] == "kind", "what is sent is whole"


def test_what_is_no_text_is_kept_whole_or_not_at_all() -> None:
    """A role, a type, the address or the detail of an image, and what a tool is called are nothing by halves."""
    address = "https://images.example/" + "a" * 1_500
    image = {"type": "image_url", "image_url": {"url": address, "detail": "high"}}
    function = {"name": "look_up", "arguments": '{"q": 1}'}
    call = {"id": "call_1", "type": "function", "function": function}
    kept = as_kept(
        [
            {"role": "system", "content": "x" * MOST_KEPT},
            {"role": "user", "name": "ann", "content": [image, {"type": "text", "text": "kind"}]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": "found"},
        ]
    )
    cut = {**call, "function": {"name": "look_up", "arguments": "… (8 more characters)"}}
    assert kept[1:] == [
        {
            "role": "user",
            "name": "ann",
            "content": [image, {"type": "text", "text": "… (4 more characters)"}],
        },
        {"role": "assistant", "content": None, "tool_calls": [cut]},
        {"role": "tool", "tool_call_id": "call_1", "content": "… (5 more characters)"},
    ]
    drawn = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 30_000}}
    twice = as_kept([{"role": "user", "content": [drawn, drawn]}])[0]["content"]
    assert twice[0] == drawn
    assert "an image of 30,0" in twice[1]["text"]
