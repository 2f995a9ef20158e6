"""Tools that a model calls, in a real browser: shown and answered in the card, and the conversation continued."""

import json
import re
import urllib.request
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.accessibility import violations
from tests.application import Application
from tests.generations.tool_model import running_tool_model

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

EMAIL = "caller@example.com"
SLUG = "tool-calls"
Post = Callable[[str, dict[str, Any]], dict[str, Any]]
HOURS = {
    "name": "opening_hours",
    "description": "Opening hours of the shop in a city",
    "parameters": {
        "type": "object",
        "properties": {"key": {"type": "string", "description": "city"}},
        "required": ["key"],
    },
}
STOCK = {
    "name": "stock",
    "description": "How many pieces of an article the shop has",
    "parameters": {"type": "object", "properties": {"article": {"type": "string"}}},
}


@pytest.fixture(scope="module")
def post(running_app: Application) -> Post:
    """A call that makes something in a workspace of this module, as its admin."""
    made = running_app.run("init", "--workspace", "Tool calls", "--email", EMAIL)
    assert made.returncode == 0, made.stderr
    key = running_app.run(
        "key", "create", "--workspace", SLUG, "--name", "tests", "--role", "admin"
    ).stdout.strip()

    def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(
            running_app.url + path,
            json.dumps(body).encode(),
            {"x-api-key": key, "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    snippet = {"setup_values": {"Berlin": "9 to 17, Sundays closed"}, "tool_type": "snippet"}
    post("/v5/tools", {"path": "shop/opening_hours", "function": HOURS, **snippet})
    return post


@pytest.fixture
def person(page: "Page", running_app: Application, post: Post) -> "Page":
    """The page of somebody who is signed in."""
    link = re.search(r"/signin/link/\S+", running_app.run("signin", EMAIL).stdout)
    assert link
    page.goto(link.group())
    page.get_by_role("main").get_by_role("button").first.click()
    page.wait_for_url(f"**/w/{SLUG}")
    return page


def _prompt(post: Post, **settings: Any) -> str:
    spec = {
        "path": f"shop/{uuid.uuid4()}/Answerer",
        "template": [{"role": "user", "content": "Is the shop in {{city}} open, and is there stock?"}],
        "tools": [HOURS, STOCK],
        "commit_message": "Ask",
    }
    return str(post("/v5/prompts", spec | settings)["id"])


def _open(page: "Page", prompt: str) -> None:
    page.goto(f"/w/{SLUG}/prompts/{prompt}/edit")
    page.locator("prompt-editor[data-ready]:visible").first.wait_for()
    page.get_by_label("city", exact=True).fill("Berlin")


def _result(card: "Locator", name: str) -> "Locator":
    return card.get_by_role("textbox", name=f"Result of {name}")


def test_parallel_calls_are_answered_and_a_chain_goes_on_by_keyboard(person: "Page", post: Post) -> None:
    rounds = [
        [("opening_hours", '{"key":"Berlin"}'), ("stock", '{"article":"lamp"}')],
        [("stock", '{"article":"bulb"}')],
    ]
    with running_tool_model(rounds) as model:
        name = f"chain-{uuid.uuid4()}"
        post("/v5/providers", {"name": name, "base_url": model.url, "api_key": "sk-secret-12345678"})
        _open(person, _prompt(post, model="m-1", provider=name))
        person.keyboard.press("ControlOrMeta+Enter")
        card = person.locator("#outputs article[data-finished=done]")
        card.get_by_text("waits for 2 tools").wait_for()
        assert card.get_by_label("Arguments of stock").inner_text() == '{\n  "article": "lamp"\n}'
        card.get_by_text("run here").wait_for()
        assert _result(card, "opening_hours").input_value() == "9 to 17, Sundays closed"
        card.get_by_text("No tool of the workspace is called stock").wait_for()  # each is asked by itself
        assert violations(person) == []

        _result(card, "opening_hours").focus()
        person.keyboard.press("ControlOrMeta+Enter")
        card.get_by_text("Write what stock gave").wait_for()
        assert len(model.bodies) == 1, "nothing was sent"
        assert violations(person) == []
        person.keyboard.type("7 pieces")  # the field without a result has the focus
        person.keyboard.press("ControlOrMeta+Enter")
        card.get_by_text("waits for a tool").wait_for()
        assert "7 pieces" in card.get_by_label("Result of stock").first.inner_text()
        card.get_by_text("No tool of the workspace is called stock").wait_for()
        person.keyboard.type("none left")  # of the next round, which has the focus
        assert violations(person) == []
        person.keyboard.press("ControlOrMeta+Enter")
        output = card.get_by_label("Output", exact=True)
        output.wait_for()
        assert output.inner_text() == "Done: 9 to 17, Sundays closed, 7 pieces, none left"
        assert violations(person) == []

        sent = model.bodies[-1]["messages"]
        assert [each["role"] for each in sent] == ["user", "assistant", "tool", "tool", "assistant", "tool"]
        assert [each.get("tool_call_id") for each in sent[2:4]] == ["call_0_0", "call_0_1"]
        assert [call["id"] for call in sent[1]["tool_calls"]] == ["call_0_0", "call_0_1"]
        assert "Is the shop in Berlin open" in sent[0]["content"]


def test_a_provider_that_refuses_the_results_is_shown_and_they_are_sent_again(
    person: "Page", post: Post
) -> None:
    with running_tool_model([[("stock", "{broken")]]) as model:
        name = f"refusing-{uuid.uuid4()}"
        post("/v5/providers", {"name": name, "base_url": model.url, "api_key": "sk-secret-12345678"})
        _open(person, _prompt(post, model="m-1", provider=name))
        person.get_by_role("button", name="Run").click()
        card = person.locator("#outputs article[data-finished]")
        assert card.get_by_label("Arguments of stock").inner_text() == "{broken"
        model.refuses = "tool results are not supported"
        _result(card, "stock").fill("7")
        card.get_by_role("button", name="Continue").click()
        card.get_by_text("tool results are not supported").first.wait_for()
        assert _result(card, "stock").input_value() == "7", "what was typed is still there"
        assert violations(person) == []
        model.refuses = ""
        card.get_by_role("button", name="Continue").click()
        card.get_by_label("Output", exact=True).wait_for()
        assert card.get_by_label("Output", exact=True).inner_text() == "Done: 7"
        log = card.get_attribute("data-log")
        person.goto(f"/w/{SLUG}/logs/{log}?tab=attributes")
        assert '"round": 2' in person.get_by_role("main").inner_text()


def test_raw_request_and_response_are_one_key_away(person: "Page", post: Post) -> None:
    with running_tool_model([[("stock", "{}")]]) as model:
        name = f"raw-{uuid.uuid4()}"
        post("/v5/providers", {"name": name, "base_url": model.url, "api_key": "sk-secret-12345678"})
        _open(person, _prompt(post, model="m-1", provider=name))
        field = person.get_by_role("textbox", name="User message")
        field.fill("{{city}}, with the key sk-secret-12345678")
        person.keyboard.press("ControlOrMeta+Enter")
        card = person.locator("#outputs article[data-finished=done]")
        card.get_by_text("waits for a tool").wait_for()
        field.focus()
        person.keyboard.press("ControlOrMeta+i")  # while somebody types
        drawer = person.locator("#drawer[open]")
        sent = drawer.get_by_label("Request", exact=True)
        sent.wait_for()
        body = json.loads(sent.inner_text())
        assert body == json.loads(json.dumps(model.bodies[0]).replace("sk-secret-12345678", "▒▒▒"))
        assert body["stream"] is True
        came = json.loads(drawer.get_by_label("Response", exact=True).inner_text())
        assert came["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "stock"
        assert violations(person) == []
        person.context.grant_permissions(["clipboard-read", "clipboard-write"])
        drawer.get_by_role("button", name="Copy the response").click()
        assert json.loads(person.evaluate("navigator.clipboard.readText()")) == came
        person.keyboard.press("ControlOrMeta+i")
        person.locator("#drawer[open]").wait_for(state="detached")

        model.refuses = "no such thing"
        _result(card, "stock").fill("7")
        card.get_by_role("button", name="Continue").click()
        failed = person.locator("#outputs article[data-finished=problem]")
        failed.get_by_role("link", name="Raw").click()
        drawer.get_by_label("Response", exact=True).wait_for()
        assert "no such thing" in drawer.get_by_label("Response", exact=True).inner_text()
        assert '"role": "tool"' in drawer.get_by_label("Request", exact=True).inner_text()
        assert "Status 400." in drawer.inner_text()
        drawer.get_by_role("link", name="Open its log").click()
        person.wait_for_url("**tab=raw")
        assert '"role": "tool"' in person.get_by_label("Request", exact=True).inner_text()
        assert violations(person) == []


def test_the_request_of_a_log_that_keeps_none_is_made_anew(person: "Page", post: Post) -> None:
    prompt = _prompt(post, model="practice-1", provider="practice", tools=None)
    called = post("/v5/prompts/call", {"id": prompt, "inputs": {"city": "Berlin"}})
    person.goto(f"/w/{SLUG}/logs/{called['log_id']}")
    person.keyboard.press("ControlOrMeta+i")
    person.wait_for_url("**tab=raw")
    assert "Is the shop in Berlin open" in person.get_by_label("Request", exact=True).inner_text()
    assert "Made anew of the version" in person.get_by_role("main").inner_text()
    assert "choices" in person.get_by_label("Response", exact=True).inner_text()
    assert violations(person) == []


def test_each_pane_goes_on_by_itself_with_the_practice_model(person: "Page", post: Post) -> None:
    template = [{"role": "user", "content": "What are the opening hours of the shop in the city “{{city}}”?"}]
    prompt = _prompt(post, model="practice-1", provider="practice", template=template)
    _open(person, prompt)
    person.get_by_label("What runs").select_option("both")
    person.get_by_role("button", name="Run").click()
    cards = person.locator("#outputs article[data-finished=done]")
    cards.nth(1).get_by_text("run here").wait_for()
    cards.nth(0).get_by_text("run here").wait_for()
    cards.nth(1).get_by_role("button", name="Continue").click()
    cards.nth(1).get_by_label("Output", exact=True).wait_for()
    assert "9 to 17" in cards.nth(1).get_by_label("Output", exact=True).inner_text()
    assert _result(cards.nth(0), "opening_hours").input_value() == "9 to 17, Sundays closed"
    assert violations(person) == []
