"""Deleting with undo, the trash and copies in a real browser: with scripts and without, wide and narrow."""

from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.accessibility import sound
from tests.application import Application
from tests.browser import sign_in_by_link

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EMAIL = "tidy@example.com"
BASE = "/w/trash-pages"
LONG = "the answer that explains at length, with every source it has, why the card was not accepted abroad"


@pytest.fixture(scope="module")
def headers(running_app: Application) -> dict[str, str]:
    """What calls the API of a workspace of this module."""
    running_app.run("init", "--workspace", "Trash pages", "--email", EMAIL).check_returncode()
    made = running_app.run("key", "create", "--workspace", "trash-pages", "--name", "k", "--role", "admin")
    return {"x-api-key": made.stdout.strip()}


def _prompt(app: Application, headers: dict[str, str], path: str) -> str:
    body = {"path": path, "model": "practice-1", "template": [{"role": "user", "content": "{{q}}"}]}
    answer = httpx2.post(f"{app.url}/v5/prompts", json=body, headers=headers)
    answer.raise_for_status()
    return str(answer.json()["id"])


def _delete(app: Application, headers: dict[str, str], file_id: str) -> None:
    httpx2.delete(f"{app.url}/v5/prompts/{file_id}", headers=headers).raise_for_status()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_pages_are_accessible_and_fit(
    page: "Page", running_app: Application, headers: dict[str, str], scheme: str, width: int
) -> None:
    file_id = _prompt(running_app, headers, f"{scheme} {width}/{LONG}")
    gone = _prompt(running_app, headers, f"{scheme} {width}/gone/{LONG}")
    _delete(running_app, headers, gone)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    sign_in_by_link(page, running_app, EMAIL, BASE)
    folders = httpx2.get(f"{running_app.url}/v5/directories", headers=headers).json()
    folder = next(each["id"] for each in folders if each["path"] == f"{scheme} {width}")
    for path in (
        "/trash", "/trash?q=nothing+here", f"/trash/{gone}/restore", f"/files-at/{file_id}/copy",
        f"/files-at/{file_id}/delete", f"/folders/{folder}/delete", f"/folders/{folder}/move", "/files",
    ):  # fmt: skip
        page.goto(BASE + path)
        sound(page, path)
    page.goto(f"{BASE}/folders/{folder}/delete")
    page.locator("main").get_by_role("button", name=f"Delete {scheme} {width}").click()
    page.locator("#just-deleted").wait_for()
    sound(page, "what was just deleted")
    page.get_by_role("button", name="Undo").click()
    page.locator("#just-restored").wait_for()
    sound(page, "what was just restored")


def test_a_file_is_deleted_undone_deleted_again_and_restored_from_the_trash(
    page: "Page", running_app: Application, headers: dict[str, str]
) -> None:
    _prompt(running_app, headers, "flow/answer")
    sign_in_by_link(page, running_app, EMAIL, BASE)
    for _ in range(2):
        page.goto(f"{BASE}/files/flow")
        page.get_by_role("link", name="Delete answer").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete answer").click()
        page.get_by_text("flow/answer is in the trash").wait_for()
        assert page.get_by_role("link", name="Delete answer").count() == 0
        page.get_by_role("button", name="Undo").click()
        page.get_by_text("flow/answer is back").wait_for()
        page.get_by_role("link", name="Delete answer").wait_for()
    page.get_by_role("link", name="Delete answer").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete answer").click()
    page.get_by_text("flow/answer is in the trash").wait_for()
    page.get_by_role("complementary", name="Workspace").get_by_role("link", name="Trash", exact=True).click()
    page.wait_for_url(f"**{BASE}/trash")
    page.get_by_role("link", name="Restore to… another path than flow/answer").click()
    page.get_by_role("dialog").get_by_label("Path").fill("flow/again")
    page.get_by_role("dialog").get_by_role("button", name="Restore", exact=True).click()
    page.get_by_text("flow/again is back").wait_for()


def test_a_folder_is_renamed_by_mouse_and_back_by_keyboard(
    browser: "Browser", running_app: Application, headers: dict[str, str]
) -> None:
    _prompt(running_app, headers, "Helpdesk/Deep/Tone")
    _prompt(running_app, headers, "Taken/Tone")
    with browser.new_context(
        base_url=running_app.url
    ) as context:  # whose console may tell of what was refused
        page = context.new_page()
        sign_in_by_link(page, running_app, EMAIL, BASE)
        page.goto(f"{BASE}/files")
        page.get_by_role("link", name="Move or rename the folder Helpdesk").click()
        dialog = page.locator("dialog[open]")
        path = dialog.get_by_label("Path")
        path.fill("Taken")
        dialog.get_by_role("button", name="Move").click()
        dialog.get_by_text("There is a folder `Taken` already").wait_for()
        sound(page, "a collision")
        assert path.input_value() == "Taken"
        path.fill("Service/Desk")
        dialog.get_by_role("button", name="Move").click()
        page.locator("#just-moved").get_by_text("Helpdesk is Service/Desk now").wait_for()
        sound(page, "a folder was moved")
        assert page.get_by_role("link", name="Tone", exact=True).last.is_visible()

        page.goto(f"{BASE}/files/Service")
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.textContent.trim()") == "Desk"
        page.keyboard.press("m")
        dialog.get_by_text("Move or rename the folder Desk").wait_for()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type("Helpdesk")
        page.keyboard.press("Enter")
        page.locator("#just-moved").get_by_text("Service/Desk is Helpdesk now").wait_for()
        page.keyboard.press("m")  # of the folder that is shown: no row has the focus
        dialog.get_by_text("Move or rename the folder Helpdesk").wait_for()
        page.keyboard.press("Escape")
        page.locator("#just-moved").get_by_role("button", name="Undo").click()
        page.locator("#just-moved").get_by_text("Helpdesk is Service/Desk now").wait_for()


def test_undo_restore_and_copy_work_without_scripts(
    browser: "Browser", page: "Page", running_app: Application, headers: dict[str, str]
) -> None:
    _prompt(running_app, headers, "plain/answer")
    sign_in_by_link(page, running_app, EMAIL, BASE)
    state = page.context.storage_state()
    with browser.new_context(
        base_url=running_app.url, java_script_enabled=False, storage_state=state
    ) as context:
        plain = context.new_page()
        plain.goto(f"{BASE}/files/plain")
        plain.get_by_role("link", name="Delete answer").click()
        plain.get_by_role("button", name="Delete answer").click()
        plain.get_by_role("button", name="Undo").click()
        plain.get_by_role("link", name="Move, rename or copy answer").click()
        plain.get_by_role("link", name="Copy instead").click()
        plain.get_by_label("Path of the copy").fill("plain/copied")
        plain.get_by_role("button", name="Copy", exact=True).click()
        plain.wait_for_url("**/prompts/pr_*")
        assert plain.get_by_role("heading", level=1).inner_text() == "copied"
        plain.goto(f"{BASE}/files/plain")
        plain.get_by_role("link", name="Delete copied").click()
        plain.get_by_role("button", name="Delete copied").click()
        plain.goto(f"{BASE}/trash?q=plain")
        plain.get_by_role("button", name="Restore copied").click()
        assert "plain/copied is back" in plain.locator("#just-restored").inner_text()


def test_the_palette_leads_to_the_trash_and_copies(
    page: "Page", running_app: Application, headers: dict[str, str]
) -> None:
    _prompt(running_app, headers, "palette/writer")
    sign_in_by_link(page, running_app, EMAIL, BASE)
    page.keyboard.press("Control+k")
    page.locator("#palette-text").fill("copy writer")
    page.get_by_role("option", name="Copy writer palette").click()
    page.wait_for_url("**/copy")
    page.locator("main").get_by_role("button", name="Copy", exact=True).click()
    page.wait_for_url("**/prompts/pr_*")
    assert page.get_by_role("heading", level=1).inner_text() == "writer (copy)"
    page.keyboard.press("Control+k")
    page.locator("#palette-text").fill("trash")
    page.locator("#palette").get_by_role("option", name="Trash", exact=True).click()
    page.wait_for_url(f"**{BASE}/trash")
