"""From an empty workspace to a prompt in production, and back: by the mouse alone."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.application import Application
from tests.walking import Mouse, begun, station

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page


@pytest.fixture
def mouse(browser: "Browser", running_app: Application, request: pytest.FixtureRequest) -> Iterator[Mouse]:
    """Somebody on the home page of a workspace that has nothing yet."""
    with begun(browser, running_app, "Mouse", request.node.name) as page:
        yield Mouse(page)


def _editor(page: "Page") -> None:
    page.locator("prompt-editor[data-ready]:visible").first.wait_for()


def _text(page: "Page", name: str) -> "Locator":
    return page.get_by_role("textbox", name=name)


def _run(mouse: Mouse, answers: int) -> "Locator":
    mouse.click("Run", "button", exact=False)
    cards = mouse.page.locator("#outputs [data-finished=done]")
    cards.nth(answers - 1).wait_for()
    assert cards.count() == answers
    return cards


def _dialog(page: "Page") -> "Locator":
    dialog = page.locator("dialog[open]")
    dialog.wait_for()
    return dialog


def _tree(page: "Page") -> "Locator":
    return page.get_by_role("navigation")


def test_a_prompt_of_the_library_is_run_judged_changed_and_deployed(mouse: Mouse) -> None:
    page = mouse.page
    station(page, "home-empty")
    mouse.click("Files")
    page.get_by_role("heading", name="No file yet").wait_for()
    station(page, "files-empty")
    mouse.click("Home")
    mouse.click("Classify a message")
    page.wait_for_url("**/library#start-classify")
    station(page, "library")
    start = page.get_by_role("region", name="Classify a message")
    mouse.click("Start from it", "button", exact=False, within=start)
    _editor(page)
    page.get_by_text("row 1 of 25").wait_for()

    mouse.click("Previous row ([)", "button")
    page.get_by_text("row 25 of 25").wait_for()
    page.get_by_label("What runs").select_option("both")
    with page.expect_response(lambda answer: answer.url.endswith("/scores")):
        cards = _run(mouse, 2)
    scores = page.locator("#scores")
    scores.get_by_role("rowheader", name="Right label").wait_for()
    assert "beside this prompt" in scores.inner_text()
    station(page, "editor-scored")

    mouse.click("Save as target", "button", within=cards.last)
    page.get_by_text("It counts once you commit the draft").wait_for()
    assert cards.count() == 2, "the answers stay"
    station(page, "editor-target")
    mouse.click("Add to a dataset", within=cards.last)
    mouse.write(_text(page, "Or a new one, at"), "cases/hard")
    mouse.at(_dialog(page).get_by_text("The output of this log is right"))
    station(page, "add-to-dataset")
    mouse.click("Add the row", "button")
    page.wait_for_url(re.compile("/datasets/ds_"))
    page.get_by_role("heading", name="hard").wait_for()
    station(page, "dataset-new")

    mouse.at(_tree(page).locator("a[href*='/prompts/']"))
    mouse.click("Editor")
    _editor(page)
    mouse.append(_text(page, "System message"), "\n- other: anything else")
    mouse.click("Example", "button")
    example = page.get_by_role("group", name="Example 1")
    mouse.write(_text(page, "Example 1, user"), "Message: Hello?")
    mouse.write(example.get_by_role("textbox", name="Example 1, assistant"), "other")
    mouse.click("Commit v2", "button", exact=False)
    dialog = _dialog(page)
    mouse.click("Commit v2", "button", within=dialog)
    dialog.get_by_text("Say in a line why").wait_for()
    mouse.write(_text(page, "Reason"), "Say what is none of these")
    station(page, "commit")
    mouse.click("Commit v2", "button", within=dialog)
    page.get_by_role("heading", name="v2 has not been evaluated").wait_for()
    station(page, "dashboard")

    mouse.click("Deploy v2", exact=False)
    _dialog(page).get_by_text("1 line and 1 example changed").wait_for()
    station(page, "deploy")
    mouse.click("Deploy v2", "button")
    page.get_by_role("heading", name="v2 answers in production").wait_for()
    station(page, "deployments")
    mouse.click("Versions", exact=False)
    page.get_by_role("heading", name="changed from v1 to v2").wait_for()
    station(page, "diff")
    mouse.click("v2", within=page.get_by_role("main"))
    page.get_by_role("heading", name="Say what is none of these").wait_for()
    station(page, "version")
    mouse.click("Deployments")
    mouse.click("Roll back", exact=False)
    mouse.click("Roll back to v1", "button", within=_dialog(page))
    page.get_by_role("heading", name="v1 answers in production").wait_for()


def _new(mouse: Mouse, what: str) -> None:
    """Make something by the button above the tree of files."""
    mouse.click("New file")
    mouse.click(what, within=_dialog(mouse.page))


def _commit(mouse: Mouse, reason: str) -> None:
    mouse.click("Commit v", "button", exact=False)
    mouse.write(_text(mouse.page, "Reason"), reason)
    mouse.click("Commit v", "button", exact=False, within=_dialog(mouse.page))
    mouse.page.wait_for_url(re.compile(r"/prompts/pr_\w+$"))


def test_a_prompt_is_written_from_nothing_and_its_file_goes_where_files_go(mouse: Mouse) -> None:
    page = mouse.page
    mouse.click("Add a prompt", exact=False)
    _editor(page)
    station(page, "editor-new")
    mouse.write(_text(page, "Path"), "shared/tone")
    mouse.write(_text(page, "System message"), "Answer in one polite sentence.")
    mouse.click("Remove message 2", "button")
    _text(page, "User message").wait_for(state="detached")
    _commit(mouse, "How we speak")
    page.get_by_role("heading", name="v1 has not been evaluated").wait_for()
    _new(mouse, "New prompt")
    _editor(page)
    mouse.write(_text(page, "Path"), "support/answer")
    mouse.write(_text(page, "System message"), '{{ include("shared/tone", "production") }}')
    mouse.append(_text(page, "User message"), "\nPlease answer {{na")
    mouse.append(_text(page, "User message"), "me}}.")
    mouse.at(_text(page, "System message"))
    page.get_by_text("2 inputs").wait_for()
    mouse.at(page.locator("#included summary").first)
    page.get_by_text("Answer in one polite sentence.").wait_for()
    mouse.click("Message", "button")
    _text(page, "User message").nth(1).wait_for()
    mouse.append(_text(page, "User message").last, "Thank you, {{na")
    names = page.get_by_role("listbox", name="Inputs")
    mouse.at(names.get_by_role("option", name="name"))
    assert _text(page, "User message").last.input_value() == "Thank you, {{name}}"
    mouse.drag(
        page.locator("#messages > section:nth-of-type(3) > header .num"),
        page.locator("#messages > section:nth-of-type(2)"),
    )
    page.locator("#messages > section:nth-of-type(2) textarea", has_text="Thank you").wait_for()
    station(page, "editor-include")
    mouse.write(page.get_by_label("question", exact=True), "Where is my parcel?")
    mouse.write(page.get_by_label("name", exact=True), "Ada")
    _run(mouse, 1)
    _commit(mouse, "Answer politely")

    mouse.click("Files")
    mouse.click("Move, rename or copy answer")
    mouse.write(_text(page, "Path"), "support/reply")
    mouse.click("Move", "button", within=_dialog(page))
    _tree(page).get_by_role("link", name="reply").wait_for()
    mouse.click("Files")
    mouse.click("Move, rename or copy reply")
    mouse.click("Copy instead", within=_dialog(page))
    page.get_by_role("heading", name="Copy reply").wait_for()
    mouse.write(_text(page, "Path"), "shared/tone")
    mouse.click("Copy", "button", exact=False, within=_dialog(page))
    _dialog(page).get_by_role("alert").wait_for()
    mouse.write(_text(page, "Path"), "support/copied")
    station(page, "copy")
    mouse.click("Copy", "button", exact=False, within=_dialog(page))
    _tree(page).get_by_role("link", name="copied").wait_for()

    mouse.click("Files")
    mouse.click("Delete copied")
    mouse.click("Delete copied", "button", within=_dialog(page))
    page.get_by_text("is in the trash").wait_for()
    station(page, "deleted")
    mouse.click("Undo", "button")
    page.get_by_text("is back").wait_for()
    mouse.click("reply", within=_tree(page))
    with page.expect_download() as file:
        mouse.click("Download v1 as .prompt")
    _new(mouse, "Import")
    download = {"name": "again.prompt", "mimeType": "text/plain", "buffer": file.value.path().read_bytes()}
    page.locator("#import-files").set_input_files(download)  # type: ignore[arg-type]
    mouse.click("Import", "button", within=page.get_by_role("main"))
    _tree(page).get_by_role("link", name="again").wait_for()
    station(page, "imported")
    mouse.click("Search or jump to", exact=False)
    palette = page.get_by_role("dialog")
    mouse.write(palette.get_by_role("combobox"), "reply")
    palette.get_by_text("Actions on reply").wait_for()
    station(page, "palette")
    mouse.at(palette.get_by_role("option", name="reply").first)
    page.get_by_role("heading", name="reply").wait_for()
