"""Logs over time in a real browser: it comes after the list, a drag sets the time, and axe finds nothing."""

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.accessibility import violations
from tests.application import Application

if TYPE_CHECKING:
    from playwright.sync_api import Page

EMAIL = "historian@example.com"
BASE = "/w/log-times/logs"
BARS = ".histogram a[data-since]"


@pytest.fixture(scope="module")
def workspace(running_app: Application) -> None:
    """A workspace of this module, with logs in the last hours."""
    running_app.run("init", "--workspace", "Log times", "--email", EMAIL).check_returncode()
    made = running_app.run("key", "create", "--workspace", "log-times", "--name", "k", "--role", "admin")
    headers = {"x-api-key": made.stdout.strip(), "content-type": "application/json"}
    for hours in range(1, 13):
        moment = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
        said = {"path": "docs/answer", "prompt": {"model": "m"}, "output": f"{hours} h", "created_at": moment}
        request = urllib.request.Request(
            f"{running_app.url}/v5/prompts/log", json.dumps(said).encode(), headers
        )
        urllib.request.urlopen(request).close()


@pytest.fixture
def inside(page: "Page", running_app: Application, workspace: None) -> "Page":
    page.goto(urlsplit(running_app.run("signin", EMAIL).stdout.strip()).path)
    page.get_by_role("main").get_by_role("button").first.click()
    page.wait_for_url("**/w/log-times")
    return page


def test_a_drag_sets_the_time_which_stands_in_the_address(inside: "Page") -> None:
    inside.goto(BASE)
    inside.locator(BARS).first.wait_for(state="attached")
    bars = inside.locator(f"{BARS} .hit")
    shown = inside.locator("main tbody tr").count()
    for is_forwards in (True, False):
        inside.goto(BASE)
        inside.locator(BARS).first.wait_for(state="attached")
        inside.wait_for_load_state("networkidle")  # nothing moves any more
        ends = [bars.nth(bars.count() * 3 // 4).bounding_box(), bars.last.bounding_box()]
        start, end = ends if is_forwards else reversed(ends)
        assert start
        assert end
        inside.mouse.move(start["x"] + 2, start["y"] + 20)
        inside.mouse.down()
        inside.mouse.move((start["x"] + end["x"]) / 2, start["y"] + 20, steps=4)
        inside.mouse.move(end["x"] + 2, end["y"] + 20, steps=4)
        inside.mouse.up()
        inside.wait_for_url("**since=*")
        asked = parse_qs(urlsplit(inside.url).query)
        assert asked.keys() == {"since", "until"}
        assert 0 < inside.locator("main tbody tr").count() < shown
    inside.get_by_role("link", name="Any time").click()
    inside.wait_for_url(lambda address: "since" not in address)


def test_a_click_on_a_bar_is_its_link(inside: "Page") -> None:
    inside.goto(BASE)
    bar = inside.locator(BARS, has=inside.locator(".base")).first
    bar.click()
    inside.wait_for_url("**since=*")
    assert inside.locator("main tbody tr").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(inside: "Page", scheme: str) -> None:
    inside.emulate_media(color_scheme=scheme)
    inside.goto(BASE)
    inside.locator(BARS).first.wait_for(state="attached")
    inside.get_by_text("In words").click()
    assert violations(inside) == []
    inside.set_viewport_size({"width": 390, "height": 800})
    assert inside.evaluate("document.documentElement.scrollWidth <= innerWidth")
