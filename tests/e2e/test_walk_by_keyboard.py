"""From an empty workspace to a prompt in production, and back: by the keyboard alone."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.application import Application
from tests.walking import Keys, begun, station

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page


@pytest.fixture
def keys(browser: "Browser", running_app: Application, request: pytest.FixtureRequest) -> Iterator[Keys]:
    """Somebody on the home page of a workspace that has nothing yet. Wherever Tab led, the focus could be seen."""
    with begun(browser, running_app, "Keys", request.node.name) as page:
        keys = Keys(page)
        yield keys
        assert keys.unseen == [], "\n".join(dict.fromkeys(keys.unseen))


def _editor(page: "Page") -> None:
    page.locator("prompt-editor[data-ready]:visible").first.wait_for()


def _text(page: "Page", name: str) -> "Locator":
    return page.get_by_role("textbox", name=name)


def _dialog(page: "Page") -> "Locator":
    dialog = page.locator("dialog[open]")
    dialog.wait_for()
    return dialog


def _has_focus(target: "Locator") -> None:
    from playwright.sync_api import expect

    expect(target).to_be_focused()


def _palette(keys: Keys, text: str) -> None:
    keys.press("ControlOrMeta+k")
    keys.page.locator("#palette[open]").wait_for()
    keys.type(text)
    keys.press("Enter")


def test_a_prompt_of_the_library_is_run_judged_changed_and_deployed(keys: Keys) -> None:
    page = keys.page
    _palette(keys, "start from the library")
    page.wait_for_url("**/library")
    keys.skip()
    start = page.get_by_role("region", name="Classify a message")
    keys.on("Start from it", "button", exact=False, within=start)
    _editor(page)
    page.get_by_text("row 1 of 25").wait_for()
    keys.press("[")
    page.get_by_text("row 25 of 25").wait_for()
    keys.to(page.get_by_label("What runs"), "Shift+Tab")
    keys.press("ArrowDown")
    with page.expect_response(lambda answer: answer.url.endswith("/scores")):
        keys.press("ControlOrMeta+Enter")
    cards = page.locator("#outputs [data-finished=done]")
    cards.nth(1).wait_for()
    page.locator("#scores").get_by_role("rowheader", name="Right label").wait_for()
    keys.on("Save as target", "button", within=cards.last)
    page.get_by_text("It counts once you commit the draft").wait_for()
    _has_focus(cards.last.get_by_role("button", name="Save as target"))
    keys.on("Add to a dataset", within=cards.last)
    dialog = _dialog(page)
    keys.press("Escape")
    dialog.wait_for(state="detached")
    _has_focus(cards.last.get_by_role("link", name="Add to a dataset"))
    keys.press("Enter")
    keys.to(_text(page, "Or a new one, at"))
    keys.type("cases/hard")
    keys.to(page.get_by_role("checkbox", name="The output of this log is right"))
    keys.press("Space")
    keys.on("Add the row", "button")
    page.wait_for_url(re.compile("/datasets/ds_"))

    _palette(keys, "edit classify a message")
    _editor(page)
    keys.to(_text(page, "System message"))
    keys.press("ControlOrMeta+End")
    page.keyboard.type("\n- other: anything else")
    keys.on("Example", "button")
    _has_focus(_text(page, "Example 1, user"))
    page.keyboard.type("Message: Hello?")
    keys.to(_text(page, "Example 1, assistant"))
    page.keyboard.type("other")
    keys.press("ControlOrMeta+s")
    dialog = _dialog(page)
    _has_focus(_text(page, "Reason"))
    keys.press("Enter")
    dialog.get_by_text("Say in a line why").wait_for()
    _has_focus(_text(page, "Reason"))
    page.keyboard.type("Say what is none of these")
    keys.press("Enter")
    page.get_by_role("heading", name="v2 has not been evaluated").wait_for()

    keys.press("p")
    _dialog(page).get_by_text("1 line and 1 example changed").wait_for()
    keys.on("Deploy v2", "button", within=_dialog(page))
    page.get_by_role("heading", name="v2 answers in production").wait_for()
    keys.skip()
    keys.on("Roll back", exact=False)
    keys.on("Roll back to v1", "button", within=_dialog(page))
    page.get_by_role("heading", name="v1 answers in production").wait_for()
    keys.on("Versions", exact=False)
    page.get_by_role("heading", name="changed from v1 to v2").wait_for()
    keys.skip()
    keys.on("v2", within=page.get_by_role("main"))
    page.get_by_role("heading", name="Say what is none of these").wait_for()
    keys.press("g", "h")
    page.get_by_role("heading", name="Four steps to your first comparison").wait_for()
    keys.press("?")
    page.get_by_role("heading", name="Keyboard").wait_for()
    station(page, "shortcuts")
    keys.press("Escape")


def _commit(keys: Keys, reason: str) -> None:
    keys.press("ControlOrMeta+s")
    _has_focus(_text(keys.page, "Reason"))
    keys.page.keyboard.type(reason)
    keys.press("Enter")
    keys.page.wait_for_url(re.compile(r"/prompts/pr_\w+$"))


def _files(keys: Keys) -> None:
    keys.press("g", "f")
    keys.page.wait_for_url("**/files")


def _new(keys: Keys, what: str) -> None:
    _files(keys)
    keys.press("c")
    keys.on(what, within=_dialog(keys.page))


def test_a_prompt_is_written_from_nothing_and_its_file_goes_where_files_go(keys: Keys) -> None:
    page = keys.page
    keys.press("c")
    _editor(page)
    keys.to(_text(page, "Path"))
    keys.type("shared/tone")
    keys.to(_text(page, "System message"))
    keys.type("Answer in one polite sentence.")
    keys.on("Remove message 2", "button")
    _text(page, "User message").wait_for(state="detached")
    _has_focus(page.get_by_role("button", name="Message", exact=True))
    _commit(keys, "How we speak")

    _new(keys, "New prompt")
    _editor(page)
    keys.to(_text(page, "Path"))
    keys.type("support/answer")
    keys.to(_text(page, "System message"))
    keys.type('{{ include("shared/tone", "production") }}')
    keys.to(_text(page, "User message"))
    keys.press("ControlOrMeta+End")
    page.keyboard.type("\nPlease answer {{name}}.")
    keys.on("Message", "button")
    thanks = _text(page, "User message").nth(1)
    _has_focus(thanks)
    page.get_by_text("2 inputs").wait_for()
    page.keyboard.type("Thank you, {{")
    page.get_by_role("listbox", name="Inputs").wait_for()
    keys.press("ArrowDown", "ArrowUp", "ArrowDown", "Enter")
    assert thanks.input_value() == "Thank you, {{name}}"
    keys.press("Alt+ArrowUp")
    page.locator("#messages > section:nth-of-type(2) textarea", has_text="Thank you").wait_for()
    _has_focus(page.locator("#messages > section:nth-of-type(2) textarea"))
    keys.to(page.get_by_label("question", exact=True))
    keys.type("Where is my parcel?")
    keys.press("ControlOrMeta+Enter")
    page.locator("#outputs [data-finished=done]").wait_for()
    _commit(keys, "Answer politely")

    _files(keys)
    keys.skip()
    keys.on("Move, rename or copy answer")
    _has_focus(_text(page, "Path"))
    keys.type("support/reply")
    keys.press("Enter")
    page.get_by_role("navigation").get_by_role("link", name="reply").wait_for()
    _files(keys)
    keys.skip()
    keys.on("Move, rename or copy reply")
    keys.on("Copy instead", within=_dialog(page))
    page.get_by_role("heading", name="Copy reply").wait_for()
    keys.to(_text(page, "Path of the copy"))
    keys.type("support/copied")
    keys.press("Enter")
    page.get_by_role("navigation").get_by_role("link", name="copied").wait_for()
    _files(keys)
    keys.press("j", "j")
    keys.on("Delete copied")
    _has_focus(_dialog(page).get_by_role("button", name="Delete copied"))
    keys.press("Enter")
    page.get_by_text("is in the trash").wait_for()
    keys.skip()
    keys.on("Undo", "button")
    page.get_by_text("is back").wait_for()
    _palette(keys, "reply")
    page.get_by_role("heading", name="reply").wait_for()
    keys.skip()
    keys.to(page.get_by_role("link", name="Download v1 as .prompt"))
    with page.expect_download() as file:
        keys.press("Enter")
    assert 'include("shared/tone", "production")' in file.value.path().read_text()
    _new(keys, "Import")
    keys.to(page.locator("#import-files"))
    station(page, "import")
