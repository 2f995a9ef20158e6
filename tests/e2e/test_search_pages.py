"""The palette and the page of the search in a real browser: by keyboard, by mouse, on a phone, and without scripts."""

import re
from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.accessibility import sound
from tests.application import Application
from tests.browser import sign_in_by_link

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

EMAIL = "seeker@example.com"
BASE = "/w/search-pages"
LONG = "the answer that explains at length, with every source it has, why the card was not accepted abroad"


@pytest.fixture(scope="module")
def workspace(running_app: Application) -> None:
    """A workspace of this module, with a few files."""
    running_app.run("init", "--workspace", "Search pages", "--email", EMAIL).check_returncode()
    made = running_app.run("key", "create", "--workspace", "search-pages", "--name", "k", "--role", "admin")
    headers = {"x-api-key": made.stdout.strip()}
    for path in ("support/intent classifier", "support/reply drafter", f"support/{LONG}"):
        body = {"path": path, "model": "practice-1", "template": [{"role": "user", "content": "{{q}}"}]}
        httpx2.post(f"{running_app.url}/v5/prompts", json=body, headers=headers).raise_for_status()
    tool = {"path": "docs/search_docs", "function": {"name": "search_docs"}}
    httpx2.post(f"{running_app.url}/v5/tools", json=tool, headers=headers).raise_for_status()


def _chosen(page: "Page") -> str:
    """What a screen reader is told of, by the input's own word."""
    chosen = page.locator("#palette-text").get_attribute("aria-activedescendant")
    option = page.locator(f"#{chosen}")
    assert option.get_attribute("aria-selected") == "true"
    assert page.locator('#palette [aria-selected="true"]').count() == 1
    return re.sub(r"\s+", " ", option.inner_text())


def _shown(page: "Page", text: str) -> None:
    page.locator(f'#palette [data-said="{text}"]').wait_for(state="attached")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_it_is_accessible_and_fits(
    page: "Page", running_app: Application, workspace: None, scheme: str, width: int
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    sign_in_by_link(page, running_app, EMAIL, BASE)
    page.keyboard.press("Control+k")
    _shown(page, "")
    sound(page, "what is offered first")
    for text in ("s", "answer explains", "nothing like it"):
        page.locator("#palette-text").fill(text)
        _shown(page, text)
        sound(page, text)
    for query in ("", "?q=s", "?q=answer+explains", "?q=nothing+like+it"):
        page.goto(f"{BASE}/search{query}")
        sound(page, query)


def test_three_keystrokes_to_a_file_and_back(page: "Page", running_app: Application, workspace: None) -> None:
    sign_in_by_link(page, running_app, EMAIL, BASE)
    page.goto(f"{BASE}/files")
    search = page.get_by_role("searchbox", name="Search files")
    search.focus()
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Search or type a command")
    assert box.evaluate("e => e === document.activeElement")
    page.keyboard.press("Escape")
    assert search.evaluate("e => e === document.activeElement"), "the focus is where it was"
    page.keyboard.press("Control+k")
    page.keyboard.type("dra rep")
    page.keyboard.press("Enter")  # before the server has answered
    page.wait_for_url("**/prompts/*")
    assert page.get_by_role("heading", level=1).inner_text() == "reply drafter"


@pytest.mark.parametrize(("key", "text"), [("Escape", "dra rep"), ("Backspace", "dra re")])
def test_who_leaves_or_types_on_takes_enter_back(
    page: "Page", running_app: Application, workspace: None, key: str, text: str
) -> None:
    held: list[Route] = []
    holding = True

    def hold(route: "Route") -> None:
        if holding:
            held.append(route)
        else:
            route.continue_()

    sign_in_by_link(page, running_app, EMAIL, BASE)
    page.keyboard.press("Control+k")
    _shown(page, "")
    page.route("**/search?**", hold)
    with page.expect_request("**/search?q=dra*"):
        page.keyboard.type("dra rep")
    page.keyboard.press("Enter")  # before the server has answered
    page.keyboard.press(key)
    holding = False
    for route in held:
        route.continue_()
    _shown(page, text)
    page.wait_for_timeout(300)
    assert page.url.endswith(BASE)
    assert page.locator("#palette").evaluate("e => e.open") == (key != "Escape")


def test_arrows_choose_and_the_mouse_too(page: "Page", running_app: Application, workspace: None) -> None:
    sign_in_by_link(page, running_app, EMAIL, BASE)
    page.keyboard.press("Meta+k")
    page.keyboard.type("intent")
    _shown(page, "intent")
    assert _chosen(page).startswith("intent classifier")
    page.keyboard.press("ArrowDown")
    assert _chosen(page).startswith("Edit intent classifier")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert _chosen(page) == "Search logs for “intent”", "round the end"
    page.get_by_role("option", name="Deploy intent classifier").hover()
    assert _chosen(page).startswith("Deploy")
    page.keyboard.press("Enter")
    page.wait_for_url("**/deploy")


def test_a_result_opens_in_another_tab(page: "Page", running_app: Application, workspace: None) -> None:
    sign_in_by_link(page, running_app, EMAIL, BASE)
    page.keyboard.press("Control+k")
    page.keyboard.type("audit")
    _shown(page, "audit")
    with page.context.expect_page() as opened:
        page.keyboard.press("Control+Enter")
    assert opened.value.url.endswith(f"{BASE}/audit")
    assert page.url.endswith(BASE)


def test_actions_without_an_address_happen(page: "Page", running_app: Application, workspace: None) -> None:
    sign_in_by_link(page, running_app, EMAIL, BASE)
    page.locator("[data-palette]").click()
    page.keyboard.type("dark")
    _shown(page, "dark")
    page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.dataset.theme") in ("light", "dark")
    assert not page.locator("#palette").evaluate("e => e.open")
    page.keyboard.press("Control+k")
    page.keyboard.type("shortcuts")
    _shown(page, "shortcuts")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Keyboard").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("sign out")
    _shown(page, "sign out")
    page.keyboard.press("Enter")
    page.wait_for_url("**/signin")


def test_it_says_when_the_server_is_away(
    browser: "Browser", running_app: Application, workspace: None
) -> None:
    with browser.new_context(base_url=running_app.url) as context:
        page = context.new_page()
        sign_in_by_link(page, running_app, EMAIL, BASE)
        context.set_offline(True)
        page.keyboard.press("Control+k")
        page.get_by_text("The server cannot be reached. Type again").wait_for()
        context.set_offline(False)
        page.keyboard.type("intent")
        _shown(page, "intent")


def test_signed_out_meanwhile_the_palette_asks_who_it_is(
    browser: "Browser", running_app: Application, workspace: None
) -> None:
    with browser.new_context(base_url=running_app.url) as context:
        page = context.new_page()
        sign_in_by_link(page, running_app, EMAIL, BASE)
        context.clear_cookies()
        page.keyboard.press("Control+k")
        page.get_by_label("Password").wait_for()


def test_it_is_a_page_without_scripts(browser: "Browser", running_app: Application, workspace: None) -> None:
    with browser.new_context(base_url=running_app.url, java_script_enabled=False) as plain:
        page = plain.new_page()
        sign_in_by_link(page, running_app, EMAIL, BASE)
        page.get_by_role("link", name="Search or jump to").click()
        page.get_by_role("searchbox").fill("docs sear")
        page.get_by_role("searchbox").press("Enter")
        page.wait_for_url("**/search?q=docs+sear")
        page.get_by_role("main").get_by_role("link", name="search_docs", exact=True).click()
        assert page.url != f"{running_app.url}{BASE}/search?q=docs+sear"
        page.goto(f"{BASE}/search?q=sign+out")
        page.get_by_role("main").get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/signin")
