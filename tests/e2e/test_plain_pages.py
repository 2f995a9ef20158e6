"""The pages of tools and flows, and the home page with calls in production, in a real browser, wide and narrow."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx2
import pytest

from app.core.mirror import mirror_lines
from tests.accessibility import sound
from tests.application import Application
from tests.browser import sign_in_by_link

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EMAIL = "toolmaker@example.com"
BASE = "/w/plain-pages"
LONG = "the opening hours of every branch that we have, with bank holidays, in the country that is asked for"


@pytest.fixture(scope="module")
def made(running_app: Application) -> dict[str, str]:
    """The ids of a tool, a flow and an agent with what they need to show everything."""
    running_app.run("init", "--workspace", "Plain pages", "--email", EMAIL).check_returncode()
    key = running_app.run("key", "create", "--workspace", "plain-pages", "--name", "k", "--role", "admin")
    headers = {"x-api-key": key.stdout.strip()}

    def send(path: str, body: dict) -> dict:
        answer = httpx2.post(f"{running_app.url}/v5{path}", json=body, headers=headers, timeout=30)
        assert answer.status_code < 300, answer.text
        return answer.json()

    tool = {"path": f"docs/{LONG}", "tool_type": "snippet", "setup_values": {"rome": "10 to 6"}}
    tool_id = send("/tools", tool)["id"]
    send("/tools", tool | {"setup_values": {"rome": "10 to 6", "oslo": "9 to 4"}})
    message = [{"role": "user", "content": "{{q}}"}]
    prompt = {"path": "docs/answer", "model": "practice-1", "template": message}
    prompt_id = send("/prompts", prompt)["id"]
    agent = {"path": "docs/agent", "model": "practice-1", "template": message, "max_iterations": 3}
    flow_id = send("/flows", {"path": "docs/assistant", "attributes": {"commit": "4f2a1c"}})["id"]
    for _ in range(5):
        root = send("/flows/log", {"id": flow_id, "inputs": {"q": "?"}, "log_status": "incomplete"})["id"]
        send("/prompts/log", {"id": prompt_id, "output": "yes", "trace_parent_id": root})
    for n in range(40):
        for hours, failed in ((n / 2, n % 2), (30 + n, False)):
            at = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
            said = {"error": "out of order"} if failed else {"output": "yes"}
            send("/prompts/log", {"id": prompt_id, "created_at": at, **said})
    return {"tool": tool_id, "flow": flow_id, "agent": send("/agents", agent)["id"], "prompt": prompt_id}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_pages_are_accessible_and_fit(
    page: "Page", running_app: Application, made: dict[str, str], scheme: str, width: int
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    sign_in_by_link(page, running_app, EMAIL, BASE)
    page.get_by_text("More calls fail on answer", exact=True).wait_for()
    sound(page, "home")
    for path in (
        f"/tools/{made['tool']}", f"/tools/{made['tool']}/diff", f"/tools/{made['tool']}/deploy", f"/tools/{made['tool']}/edit",
        "/tools/new", f"/flows/{made['flow']}", f"/agents/{made['agent']}", "/files", "/create",
    ):  # fmt: skip
        page.goto(BASE + path)
        sound(page, path)


def test_from_a_new_tool_to_a_call_that_is_logged(
    page: "Page", running_app: Application, made: dict[str, str]
) -> None:
    sign_in_by_link(page, running_app, EMAIL, BASE)
    page.goto(f"{BASE}/create")
    page.get_by_role("link", name="New tool").click()
    page.get_by_label("Path").fill("docs/find_order")
    page.keyboard.press("Control+s")
    page.wait_for_url("**/tools/tl_*")
    page.get_by_label("Inputs, as JSON").fill('{"number": "7"}')
    page.keyboard.press("Control+Enter")
    page.get_by_text("Answered").wait_for()
    assert '"number": "7"' in page.get_by_role("group", name="What the call answered").inner_text().replace(
        '":"', '": "'
    )
    page.reload()
    assert page.get_by_text("Answered").count() == 0, "reloading calls nothing again"
    page.get_by_role("table").last.get_by_role("link").first.click()
    page.wait_for_url("**/logs/*")


def test_json_is_coloured_as_the_server_colours_it(
    page: "Page", running_app: Application, made: dict[str, str]
) -> None:
    text = '{"a \\" b" : ["it", -1.5e+3, true, null, x1],\n  "né": {"x": "never'
    sign_in_by_link(page, running_app, EMAIL, BASE)
    page.goto(f"{BASE}/tools/new")
    page.locator("prompt-editor[data-ready]:visible").first.wait_for()
    field = page.get_by_label("Tool, as JSON")
    field.fill(text)
    shown = page.locator("prompt-editor:has(#tool-spec) .mirror").evaluate(
        "mirror => [...mirror.children].map(line => [...line.childNodes].filter(node => node.textContent).map(node => [node.textContent, node.className ?? '']))"
    )
    assert shown == [
        [[piece.text, piece.token] for piece in line.pieces] for line in mirror_lines(text, language="json")
    ]
    field.fill("{")
    field.press("Enter")
    assert field.input_value() == "{\n  ", "what is opened is indented"
    field.press("Tab")
    assert not field.evaluate("field => field === document.activeElement"), "Tab leaves the field"


def test_a_tool_is_called_and_deployed_without_scripts(
    browser: "Browser", running_app: Application, made: dict[str, str]
) -> None:
    with browser.new_context(base_url=running_app.url, java_script_enabled=False) as plain:
        page = plain.new_page()
        sign_in_by_link(page, running_app, EMAIL, BASE)
        page.goto(f"{BASE}/files")
        page.get_by_role("main").get_by_role("link", name=LONG, exact=True).click()
        page.get_by_label("Version", exact=True).select_option("v2")
        page.get_by_label("Inputs, as JSON").fill('{"key": "oslo"}')
        page.get_by_role("button", name="Call").click()
        assert page.get_by_role("group", name="What the call answered").inner_text() == "9 to 4"
        page.get_by_role("link", name="Deploy v2").click()
        page.get_by_role("button", name="Deploy v2").click()
        page.wait_for_url(f"**/tools/{made['tool']}")
        page.get_by_text("v2, in production").wait_for()


def test_a_flow_leads_to_its_steps_and_traces(
    page: "Page", running_app: Application, made: dict[str, str]
) -> None:
    sign_in_by_link(page, running_app, EMAIL, BASE)
    page.goto(f"{BASE}/flows/{made['flow']}")
    row = page.get_by_role("row", name="answer")
    assert "5 of 5" in row.inner_text()
    page.get_by_role("region", name="Latest traces").get_by_role("link").nth(1).click()
    page.get_by_label("Logs of the trace").first.wait_for()
