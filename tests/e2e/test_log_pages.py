"""Logs in a real browser: from the list by filters and keys into a trace, and on to a dataset and the editor."""

import json
import re
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.accessibility import sound
from tests.application import Application
from tests.browser import sign_in_by_link

if TYPE_CHECKING:
    from playwright.sync_api import Page

EMAIL = "watcher@example.com"
BASE = "/w/log-pages"
LONG = (
    "A question that goes on and on about cards, transfers and fees in more words than any row has room for. "
    * 4
)


class Sender:
    """A program that logs what it did."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key

    def __call__(self, path: str, body: dict[str, Any]) -> str:
        headers = {"x-api-key": self._key, "content-type": "application/json"}
        request = urllib.request.Request(f"{self._url}/v5{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["id"]


@pytest.fixture(scope="module")
def send(running_app: Application) -> Sender:
    """Into a workspace of this module, which has a trace of three logs, one of them broken."""
    running_app.run("init", "--workspace", "Log pages", "--email", EMAIL).check_returncode()
    made = running_app.run("key", "create", "--workspace", "log-pages", "--name", "k", "--role", "admin")
    send = Sender(running_app.url, made.stdout.strip())
    began = datetime.now(UTC)

    def took(start_s: float, end_s: float) -> dict[str, str]:
        moments = (began + timedelta(seconds=each) for each in (start_s, end_s))
        return dict(zip(("start_time", "end_time"), (each.isoformat() for each in moments), strict=True))

    root = send(
        "/flows/log",
        {
            "path": "docs/answer",
            "flow": {"attributes": {}},
            "inputs": {"question": LONG},
            "output": "Because.",
            **took(0, 4),
        },
    )
    send(
        "/tools/log",
        {
            "path": "docs/search",
            "tool": {"function": {"name": "search"}},
            "error": "no answer",
            "trace_parent_id": root,
            **took(0, 1),
        },
    )
    send(
        "/prompts/log",
        {"path": "docs/write an answer in the words of the help centre and nothing else", "prompt": {"model": "m", "template": "{{question}}"},
         "inputs": {"question": LONG}, "output": "Because.", "trace_parent_id": root, **took(1, 4)},
    )  # fmt: skip
    return send


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_pages_are_accessible_and_fit(
    page: "Page", running_app: Application, send: Sender, scheme: str, width: int
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    sign_in_by_link(page, running_app, EMAIL, BASE)
    page.goto(f"{BASE}/logs")
    sound(page, "the list")
    page.get_by_role("button", name="Filter").click()
    sound(page, "the filters")
    page.goto(f"{BASE}/logs?q=nothing+like+it")
    sound(page, "nothing found")
    page.goto(f"{BASE}/logs?state=error")
    page.locator("main tbody th a").first.click()
    page.get_by_label("Logs of the trace").first.wait_for()
    address = page.url
    sound(page, "the trace")
    for tab in ("attributes", "raw"):
        page.goto(f"{address}?tab={tab}")
        sound(page, tab)


def test_from_a_filter_by_keys_to_a_row_and_the_editor(
    page: "Page", running_app: Application, send: Sender
) -> None:
    sign_in_by_link(page, running_app, EMAIL, BASE)
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.wait_for_url(f"**{BASE}/logs")
    page.get_by_role("button", name="Filter").click()
    page.locator("#f-file").select_option(label=next(
        text for text in page.locator("#f-file").locator("option").all_inner_texts() if "write an answer" in text
    ))  # fmt: skip
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url(re.compile(r"/logs\?file=\w+$"))
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.get_by_label("Logs of the trace").first.wait_for()
    page.keyboard.press("d")
    dialog = page.locator("#dialog")
    dialog.get_by_label("Or a new one, at").fill("docs/cases")
    dialog.get_by_label("The output of this log is right").check()
    log = page.url
    dialog.get_by_role("button", name="Add the row").click()
    page.wait_for_url(f"**{BASE}/datasets/*")
    assert "Because." in page.get_by_role("main").inner_text()
    page.goto(log)
    page.keyboard.press("o")
    page.wait_for_url("**/edit?*")
    assert page.locator("textarea[name='input.question']").input_value() == LONG


def test_newer_logs_are_counted_and_the_list_stays(
    page: "Page", running_app: Application, send: Sender
) -> None:
    sign_in_by_link(page, running_app, EMAIL, BASE)
    page.goto(f"{BASE}/logs")
    shown = page.locator("main tbody tr").count()
    send("/prompts/log", {"path": "docs/late", "prompt": {"model": "m"}, "output": "late"})
    newer = page.get_by_role("link", name="1 newer log")
    newer.wait_for(timeout=15_000)
    assert page.locator("main tbody tr").count() == shown
    newer.click()
    page.get_by_text("late", exact=True).first.wait_for()
    assert page.locator("main tbody tr").count() == shown + 1


def test_chosen_logs_become_rows(page: "Page", running_app: Application, send: Sender) -> None:
    for n in range(2):
        send(
            "/prompts/log",
            {
                "path": "docs/chosen",
                "prompt": {"model": "m"},
                "inputs": {"q": f"q {n}"},
                "output": f"kept {n}",
            },
        )
    sign_in_by_link(page, running_app, EMAIL, BASE)
    page.goto(f"{BASE}/logs?q=kept")
    for box in page.locator("main tbody input[type=checkbox]").all():
        box.check()
    page.keyboard.press("d")
    dialog = page.locator("#dialog")
    dialog.get_by_label("Or a new one, at").fill("docs/chosen cases")
    dialog.get_by_label("The outputs of these logs are right").check()
    sound(page, "the dialog")
    dialog.get_by_role("button", name="Add the rows").click()
    page.wait_for_url(f"**{BASE}/datasets/*")
    shown = page.get_by_role("main").inner_text()
    assert "kept 0" in shown
    assert "kept 1" in shown
