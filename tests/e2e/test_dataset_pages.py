"""A dataset's grid in a real browser: cells edited in place, rows pasted and moved, by keyboard and without a script."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.accessibility import violations
from tests.application import Application

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route

WORKSPACE = "Dataset pages"
SLUG = "dataset-pages"
EMAIL = "editor@example.com"
ROWS = b"question,target.intent,split\nWhere is my card?,card_arrival,test\nClose it,close,test\nA fee?,fee,test\n"


@pytest.fixture(scope="module")
def workspace(running_app: Application) -> None:
    """A workspace of this module alone."""
    made = running_app.run("init", "--workspace", WORKSPACE, "--email", EMAIL)
    assert made.returncode == 0, made.stderr


@pytest.fixture
def signed_in(browser: "Browser", running_app: Application, workspace: None) -> Iterator["BrowserContext"]:
    """The browser of somebody who is signed in."""
    with browser.new_context(base_url=running_app.url) as context:
        _sign_in(context, running_app)
        yield context


def _sign_in(context: "BrowserContext", running_app: Application) -> None:
    link = re.search(r"/signin/link/\S+", running_app.run("signin", EMAIL).stdout)
    assert link
    page = context.new_page()
    page.goto(running_app.url + link.group())
    page.get_by_role("main").get_by_role("button").first.click()
    page.wait_for_url(f"**/w/{SLUG}")
    page.close()


def _new_dataset(page: "Page", name: str) -> str:
    """A dataset of three rows, made by the page; the address of its grid."""
    page.goto(f"/w/{SLUG}/datasets/new")
    page.set_default_timeout(15_000)
    page.get_by_label("Path").fill(f"tests/{name}")
    page.get_by_label("CSV or JSONL file").set_input_files(
        {"name": "rows.csv", "mimeType": "text/csv", "buffer": ROWS}
    )
    page.get_by_role("button", name="Create dataset").click()
    page.wait_for_url(re.compile("/datasets/ds_"))
    return page.url


def _cell(page: "Page", row: int, text: str) -> "Locator":
    return page.locator("tbody tr").nth(row).get_by_role("cell", name=text, exact=True)


def _paste(page: "Page", text: str) -> None:
    page.evaluate(
        """text => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text/plain", text);
            const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
            document.activeElement.dispatchEvent(event);
        }""",
        text,
    )


def test_cells_are_edited_in_place_by_keyboard_and_committed(signed_in: "BrowserContext") -> None:
    page = signed_in.new_page()
    _new_dataset(page, "keyboard")
    assert violations(page) == []
    _cell(page, 0, "card_arrival").focus()
    page.keyboard.press("Enter")
    field = page.get_by_role("textbox", name="target.intent, row 1")
    field.fill("thrown away")
    page.keyboard.press("Escape")
    _cell(page, 0, "card_arrival").wait_for()
    page.keyboard.press("Enter")
    field.fill("card_delivery")
    page.keyboard.press("ControlOrMeta+Enter")
    page.get_by_text("1 edited").wait_for()
    assert page.locator("tbody tr").first.get_by_text("edited").is_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="target.intent, row 2").fill("terminate")
    page.keyboard.press("Tab")
    page.get_by_role("combobox", name="split, row 2").select_option("train")
    page.keyboard.press("Escape")
    page.get_by_text("2 edited").wait_for()
    page.reload()
    assert page.get_by_text("Draft v2").first.is_visible(), "it was kept"
    assert violations(page) == []
    page.keyboard.press("ControlOrMeta+s")
    page.get_by_role("textbox", name="Reason").fill("Renamed intents")
    page.get_by_role("button", name="Commit v2").press("Enter")
    page.wait_for_url(re.compile("/datasets/ds_[^/]+$"))
    page.get_by_text("v2 · 3 rows").wait_for()
    _cell(page, 0, "card_delivery").wait_for()
    page.get_by_role("link", name="Versions").click()
    page.get_by_text("Renamed intents").wait_for()


def test_cells_of_a_spreadsheet_are_pasted_and_rows_are_removed_in_bulk(signed_in: "BrowserContext") -> None:
    page = signed_in.new_page()
    _new_dataset(page, "pasted")
    _cell(page, 2, "A fee?").focus()
    _paste(page, 'What is the fee?\tcard_fee\ttrain\n"Two\nlines"\tnew_one\tvalidation\n')
    page.get_by_text("1 added").wait_for()
    rows = page.locator("tbody tr")
    assert rows.count() == 4
    assert "Two lines" in rows.nth(3).inner_text()
    _cell(page, 0, "card_arrival").focus()
    _paste(page, "a\tb\tc")
    page.get_by_text("You pasted 3 columns, and only 2 columns stand").wait_for()
    rows.nth(0).get_by_role("checkbox").click()
    rows.nth(2).get_by_role("checkbox").click(modifiers=["Shift"])
    page.get_by_text("3 selected").wait_for()
    page.get_by_role("button", name="Remove", exact=True).click()
    page.get_by_text("3 removed").wait_for()
    page.get_by_role("button", name="Restore of row 2").click()
    page.get_by_text("2 removed").wait_for()
    page.keyboard.press("a")
    page.get_by_role("textbox", name="inputs.question, added row").last.fill("A new one")
    page.keyboard.press("ControlOrMeta+Enter")
    page.get_by_text("2 added").wait_for()
    page.get_by_role("button", name="Discard draft").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Discard draft").click()
    page.get_by_text("You discarded a draft of these rows").wait_for()
    page.get_by_role("button", name="Bring it back").click()
    page.get_by_text("2 added").wait_for()


def test_what_two_tabs_type_into_one_cell_is_shown_to_the_later_one(signed_in: "BrowserContext") -> None:
    first = signed_in.new_page()
    address = _new_dataset(first, "tabs")
    second = signed_in.new_page()
    second.goto(address)
    for page in (first, second):
        _cell(page, 1, "close").click()
        page.get_by_role("textbox", name="target.intent, row 2").wait_for()
    for page, typed in ((first, "from the first"), (second, "from the second")):
        page.get_by_role("textbox", name="target.intent, row 2").fill(typed)
        page.keyboard.press("ControlOrMeta+Enter")
        (page.get_by_text("1 edited") if page is first else page.get_by_text("Another tab wrote")).wait_for()
    assert second.get_by_role("textbox", name="target.intent, row 2").input_value() == "from the second"
    assert "from the first" in second.get_by_role("alert").inner_text()
    second.get_by_role("button", name="Keep mine").click()
    second.get_by_text("1 edited").wait_for()
    _cell(second, 1, "close from the second").wait_for()


def test_nothing_is_typed_into_a_cell_while_it_is_saved(signed_in: "BrowserContext") -> None:
    page = signed_in.new_page()
    _new_dataset(page, "slow")
    held: list[Route] = []
    page.route("**/draft/cell", lambda route: held.append(route) if _is_save(route) else route.continue_())
    _cell(page, 0, "card_arrival").click()
    field = page.get_by_role("textbox", name="target.intent, row 1")
    field.fill("first words")
    field.press("ControlOrMeta+Enter")
    page.wait_for_selector(".cell-form textarea[readonly]")
    field.press_sequentially(" and more")
    assert field.input_value() == "first words"
    held[0].continue_()
    _cell(page, 0, "card_arrival first words").wait_for()


def _is_save(route: "Route") -> bool:
    return route.request.method == "PATCH"


def test_words_that_could_not_be_saved_are_not_dropped(signed_in: "BrowserContext") -> None:
    page = signed_in.new_page()
    address = _new_dataset(page, "unreachable")
    page.route("**/draft/cell", lambda route: route.abort() if _is_save(route) else route.continue_())
    _cell(page, 0, "card_arrival").click()
    failed = page.get_by_role("textbox", name="target.intent, row 1")
    failed.fill("words")
    failed.press("ControlOrMeta+Enter")
    page.get_by_text("The server cannot be reached").first.wait_for()
    page.unroute("**/draft/cell")
    _cell(page, 1, "close").click()
    saved = page.get_by_role("textbox", name="target.intent, row 2")
    saved.fill("terminate")
    saved.press("ControlOrMeta+Enter")
    _cell(page, 1, "close terminate").wait_for()
    page.route("**/draft/cell", lambda route: route.abort() if _is_save(route) else route.continue_())
    page.get_by_role("button", name="Add row").first.click()
    page.get_by_text("A cell holds words that are not saved").wait_for()
    assert failed.input_value() == "words"
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.goto(address)
    assert asked == ["beforeunload"]


def test_rows_are_edited_and_committed_without_a_script(
    browser: "Browser", running_app: Application, workspace: None
) -> None:
    with browser.new_context(base_url=running_app.url) as scripted:
        _sign_in(scripted, running_app)
        address = _new_dataset(scripted.new_page(), "plain")
        state = scripted.storage_state()
    with browser.new_context(
        base_url=running_app.url, java_script_enabled=False, storage_state=state
    ) as context:
        page = context.new_page()
        page.goto(address)
        page.locator("tbody tr").nth(0).get_by_role("link").click()
        page.get_by_role("link", name="Edit").click()
        page.get_by_label("target.intent").fill("other")
        page.get_by_label("Name").fill("source")
        page.get_by_label("Of").select_option("metadata")
        page.get_by_label("Value").fill("by hand")
        page.get_by_role("button", name="Save to the draft").click()
        page.get_by_text("1 edited").wait_for()
        page.locator("tbody tr").nth(1).get_by_role("checkbox").check()
        page.get_by_role("button", name="Remove", exact=True).click()
        page.get_by_text("1 removed").wait_for()
        page.get_by_role("button", name="Add row").click()
        page.get_by_label("inputs.question").fill("Added by hand")
        page.get_by_role("button", name="Save to the draft").click()
        page.get_by_text("1 added").wait_for()
        page.get_by_role("link", name="Commit v2").click()
        page.get_by_label("Reason").fill("by hand")
        page.get_by_role("button", name="Commit v2").click()
        page.get_by_text("v2 · 3 rows").wait_for()
        assert "Added by hand" in page.locator("tbody").inner_text()
