"""Files in the editor, in a real browser: images and documents that are chosen, pasted and dropped."""

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.accessibility import violations
from tests.application import Application
from tests.pictures import png

if TYPE_CHECKING:
    from playwright.sync_api import Page

EMAIL = "attacher@example.com"
WORKSPACE = "Attached files"
SLUG = "attached-files"
PICTURE = png((20, 130, 120), 320, 200)
DROP = """([place, name, type, bytes, kind]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
  const event = kind === "paste" ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true })
    : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.querySelector(place).dispatchEvent(event);
}"""


@pytest.fixture(scope="module")
def key(running_app: Application) -> str:
    made = running_app.run("init", "--workspace", WORKSPACE, "--email", EMAIL)
    assert made.returncode == 0, made.stderr
    return running_app.run(
        "key", "create", "--workspace", SLUG, "--name", "tests", "--role", "admin"
    ).stdout.strip()


@pytest.fixture
def editor(
    page: "Page", running_app: Application, key: str, request: pytest.FixtureRequest
) -> "Iterator[Page]":
    """The editor on a prompt of this test alone. The browser asks nobody but the application."""
    template = [
        {"role": "system", "content": "Answer."},
        {"role": "user", "content": "What is it? {{notes}}"},
    ]
    body = {
        "path": f"Seen/{request.node.name}",
        "model": "practice-1",
        "provider": "practice",
        "template": template,
    }
    asked = urllib.request.Request(
        f"{running_app.url}/v5/prompts",
        json.dumps(body).encode(),
        {"x-api-key": key, "content-type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        prompt: dict[str, Any] = json.load(answer)
    link = re.search(r"/signin/link/\S+", running_app.run("signin", EMAIL).stdout)
    assert link
    page.goto(link.group())
    page.get_by_role("main").get_by_role("button").first.click()
    page.wait_for_url(f"**/w/{SLUG}")
    elsewhere: list[str] = []
    page.on(
        "request",
        lambda sent: None if sent.url.startswith((running_app.url, "data:")) else elsewhere.append(sent.url),
    )
    page.goto(f"/w/{SLUG}/prompts/{prompt['id']}/edit")
    page.locator("prompt-editor[data-ready]:visible").first.wait_for()
    yield page
    assert elsewhere == []


def test_an_image_is_chosen_moved_run_and_committed(editor: "Page") -> None:
    editor.get_by_role("button", name="Image to the user message").click()
    address = editor.get_by_role("textbox", name="Image, part 2 of 2 of the user message")
    address.fill("https://pictures.example.com/cat.png")
    with editor.expect_file_chooser() as chooser:
        editor.get_by_role("button", name="Choose a file for image, part 2").click()
    chooser.value.set_files({"name": "notes.png", "mimeType": "image/png", "buffer": b"no image at all"})
    problem = editor.get_by_text("notes.png is no PNG, JPEG, GIF or WebP image")
    problem.wait_for()
    assert address.input_value() == "https://pictures.example.com/cat.png", "nothing is lost"
    with editor.expect_file_chooser() as chooser:
        editor.get_by_role("button", name="Choose a file for image, part 2").click()
    chooser.value.set_files({"name": "big.png", "mimeType": "image/png", "buffer": PICTURE + bytes(2 << 20)})
    editor.get_by_text("big.png has 2.0 MB, and an image may have 2 MB").wait_for()
    with editor.expect_file_chooser() as chooser:
        editor.get_by_role("button", name="Choose a file for image, part 2").click()
    chooser.value.set_files({"name": "seen.png", "mimeType": "text/plain", "buffer": PICTURE})
    drawn = editor.get_by_role("img", name="Image, part 2 of 2 of the user message: PNG, 320 × 200")
    drawn.wait_for()
    assert drawn.evaluate("image => image.naturalWidth") == 320
    editor.get_by_label("Detail of the image, part 2 of 2").select_option("low")
    assert violations(editor) == []

    text = editor.get_by_role("textbox", name="User message, text 1 of 2")
    assert text.input_value() == "What is it? {{notes}}"
    text.focus()
    editor.keyboard.press("Alt+Shift+ArrowDown")
    editor.get_by_role("group", name="Image, part 1 of 2").wait_for()
    editor.get_by_role("button", name="Run").click()
    editor.get_by_text("I was sent an image (PNG, 320 × 200").wait_for()
    editor.reload()
    editor.get_by_role("img", name="PNG, 320 × 200").wait_for()
    editor.keyboard.press("ControlOrMeta+s")
    dialog = editor.locator("dialog[open]")
    dialog.get_by_text("[image PNG, 320 × 200").wait_for()
    editor.keyboard.type("Look at it")
    editor.keyboard.press("Enter")
    editor.wait_for_url(re.compile(r"/prompts/[^/]+$"))
    editor.goto(f"{editor.url}/versions/2")
    editor.get_by_role("img", name="User, image 1: PNG, 320 × 200").wait_for()
    assert violations(editor) == []


def test_images_are_pasted_and_dropped(editor: "Page") -> None:
    for kind, name in (("paste", "one.png"), ("drop", "two.png")):
        editor.evaluate(DROP, ["[data-drop^='image:'] textarea", name, "image/png", list(PICTURE), kind])
        editor.locator(".message figure.thumb").nth(0 if kind == "paste" else 1).wait_for()
    assert editor.get_by_role("group", name="of the user message").count() == 3
    editor.evaluate(DROP, ["[data-drop^='image:'] textarea", "x.svg", "image/png", list(b"<svg/>"), "drop"])
    editor.get_by_role("alert").get_by_text("x.svg is no PNG").wait_for()
    for left in (1, 0):
        editor.get_by_role("button", name="Remove part 2").click()
        editor.locator(".message figure.thumb").nth(left).wait_for(state="detached")
    message = editor.get_by_role("textbox", name="User message")
    message.wait_for()
    assert message.input_value() == "What is it? {{notes}}"


def test_an_input_takes_an_image(editor: "Page") -> None:
    editor.get_by_role("button", name="Image to the user message").click()
    address = editor.get_by_role("textbox", name="Image, part 2 of 2 of the user message")
    address.fill("{{photo}}")
    with editor.expect_response(lambda answer: answer.url.endswith("/edit")):
        address.blur()
    field = editor.get_by_role("textbox", name="Image photo")
    field.wait_for()
    with editor.expect_file_chooser() as chooser:
        editor.get_by_role("button", name="Choose a file for image photo").click()
    chooser.value.set_files({"name": "seen.png", "mimeType": "image/png", "buffer": PICTURE})
    editor.get_by_role("img", name="Image photo: PNG, 320 × 200").wait_for()
    editor.get_by_role("button", name="Run").click()
    editor.get_by_text("I was sent an image (PNG, 320 × 200").wait_for()
    assert violations(editor) == []
    editor.get_by_role("button", name="Take it out").click()
    assert field.input_value() == ""
