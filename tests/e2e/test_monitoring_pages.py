"""The page of a file's monitoring in a real browser: set up, paused and removed by hand, and judged by a real worker."""

import time
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.accessibility import sound
from tests.application import Application
from tests.browser import sign_in_by_link

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EMAIL = "monitoring@example.com"
BASE = "/w/monitored"
LONG = "is it polite even to those who write in capital letters and ask for the third time"


class Server:
    """The application, asked by the API."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._headers = url, {"x-api-key": key}

    def send(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = httpx2.post(f"{self._url}/v5{path}", json=body, headers=self._headers, timeout=30)
        assert answer.status_code < 300, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def server(running_app: Application) -> Server:
    running_app.run("init", "--workspace", "Monitored", "--email", EMAIL).check_returncode()
    key = running_app.run("key", "create", "--workspace", "monitored", "--name", "k", "--role", "admin")
    return Server(running_app.url, key.stdout.strip())


@pytest.fixture(scope="module")
def prompt_id(server: Server) -> str:
    message = [{"role": "user", "content": "{{q}}"}]
    prompt = server.send("/prompts", {"path": "support/answer", "model": "practice-1", "template": message})
    for path, kind, settings in (
        (f"judges/{LONG}", "regex", {"pattern": "please"}),
        ("judges/exact", "exact", {}),
    ):
        spec = {"evaluator_type": "builtin", "kind": kind, "settings": settings}
        server.send("/evaluators", {"path": path, "spec": spec})
    return prompt["id"]


def test_from_the_first_evaluator_to_its_score(
    page: "Page", running_app: Application, server: Server, prompt_id: str
) -> None:
    sign_in_by_link(page, running_app, EMAIL, BASE)
    page.goto(f"{BASE}/prompts/{prompt_id}")
    page.get_by_role("link", name="Monitoring", exact=True).click()
    page.get_by_role("heading", name="No evaluator judges its logs yet").wait_for()
    page.get_by_label("Evaluator", exact=True).fill(f"judges/{LONG}")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("heading", name="1 evaluator judges its logs as they come").wait_for()

    for n in range(40):
        server.send("/prompts/log", {"id": prompt_id, "output": "please" if n % 4 else "no", "source": "sdk"})
    ends = time.monotonic() + 60
    while not page.get_by_text("No log waits to be judged.").count() or not page.get_by_text("75.0%").count():
        assert time.monotonic() < ends, page.locator("main").inner_text()
        time.sleep(0.5)
        page.reload()
    assert "40" in page.locator("tbody tr").inner_text()

    page.get_by_label("Percent of the logs that").fill("12.5")
    page.get_by_role("button", name="Set the share").click()
    page.locator("tbody input[name=share][value='12.5']").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("heading", name="Monitoring is paused").wait_for()
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("heading", name="1 evaluator judges its logs as they come").wait_for()
    page.get_by_role("button", name="Remove").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.get_by_role("heading", name="No evaluator judges its logs yet").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_it_is_accessible_and_fits(
    page: "Page", running_app: Application, server: Server, prompt_id: str, scheme: str, width: int
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    sign_in_by_link(page, running_app, EMAIL, BASE)
    url = f"{BASE}/prompts/{prompt_id}/monitoring"
    page.goto(url)
    sound(page, "empty")
    page.get_by_label("Evaluator", exact=True).fill(f"judges/{LONG}")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("heading", name="1 evaluator judges").wait_for()
    sound(page, "one")
    page.get_by_role("button", name="Remove").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.get_by_role("heading", name="No evaluator judges its logs yet").wait_for()


def test_it_works_without_any_script(
    browser: "Browser", running_app: Application, server: Server, prompt_id: str
) -> None:
    with browser.new_context(base_url=running_app.url, java_script_enabled=False) as context:
        page = context.new_page()
        sign_in_by_link(page, running_app, EMAIL, BASE)
        page.goto(f"{BASE}/prompts/{prompt_id}/monitoring")
        page.get_by_label("Evaluator", exact=True).fill("judges/exact")
        page.get_by_role("button", name="Add").click()
        page.get_by_text("compares with a target, and logs have none").first.wait_for()
        page.get_by_label("Evaluator", exact=True).fill(f"judges/{LONG}")
        page.get_by_role("button", name="Add").click()
        page.get_by_role("button", name="Pause").click()
        page.get_by_role("heading", name="Monitoring is paused").wait_for()
        page.get_by_role("button", name="Remove").first.click()
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        page.get_by_role("heading", name="No evaluator judges its logs yet").wait_for()


def test_what_is_refused_stands_beside_its_field(
    browser: "Browser", running_app: Application, server: Server, prompt_id: str
) -> None:
    """In a page of its own: a browser's console tells of each answer that is an error."""
    with browser.new_context(base_url=running_app.url) as context:
        page = context.new_page()
        sign_in_by_link(page, running_app, EMAIL, BASE)
        page.goto(f"{BASE}/prompts/{prompt_id}/monitoring")
        page.get_by_label("Evaluator", exact=True).fill("judges/nobody")
        page.get_by_label("Percent of logs").fill("10")
        page.get_by_role("button", name="Add").click()
        page.get_by_text("There is no evaluator at judges/nobody").first.wait_for()
        assert page.get_by_label("Percent of logs").input_value() == "10"
        sound(page, "refused")
        page.get_by_label("Evaluator", exact=True).fill(f"judges/{LONG}")
        page.get_by_role("button", name="Add").click()
        page.get_by_role("button", name="Remove").first.click()
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        page.get_by_role("heading", name="No evaluator judges its logs yet").wait_for()
