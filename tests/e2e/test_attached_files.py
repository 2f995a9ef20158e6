"""Files in the editor, in a real browser: images and documents that are chosen, pasted and dropped."""

import json
import re
import urllib.request
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.accessibility import violations
from tests.application import Application
from tests.pictures import png

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

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
def editor(page: "Page", running_app: Application, key: str) -> "Iterator[Page]":
    """The editor on a prompt of this test alone. The browser asks nobody but the application."""
    template = [
        {"role": "system", "content": "Answer."},
        {"role": "user", "content": "What is it? {{notes}}"},
    ]
    body = {
        "path": f"Seen/{uuid.uuid4()}",
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


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("report.pdf", b"%PDF-1.7\n\xe2\xe3", "report.pdf is a PDF, which is not read here"),
        ("report.docx", b"PK\x03\x04\x14\0", "report.docx is an office document"),
        ("seen.txt", PICTURE, "seen.txt is an image. Add an image to a message instead"),
        ("old.txt", "Grüße".encode("latin-1"), "old.txt is not written in UTF-8"),
        ("program", b"\x7fELF\0\0\xff\xfe", "program is no text"),
        ("long.txt", b"word" * (1 << 18) + b"s", "long.txt has 1.0 MB, and a document in an input may have 1 MB"),
    ],
    ids=["pdf", "docx", "image", "encoding", "program", "size"],
)  # fmt: skip
def test_what_cannot_be_read_says_why_and_takes_nothing_away(
    editor: "Page", name: str, content: bytes, said: str
) -> None:
    notes = editor.get_by_label("notes", exact=True)
    notes.fill("Typed before")
    with editor.expect_file_chooser() as chooser:
        editor.get_by_role("button", name="Attach a file to notes").press("Enter")
    chooser.value.set_files({"name": name, "mimeType": "text/plain", "buffer": content})
    editor.get_by_role("alert").get_by_text(said).wait_for()
    assert notes.input_value() == "Typed before"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.md", "# Ünïcode\r\n\r\nSecond line 🎈".encode()),
        ("notes.csv", "\ufeff# Ünïcode\n\nSecond line 🎈".encode()),
        ("notes.txt", "# Ünïcode\r\rSecond line 🎈".encode("utf-16")),
    ],
    ids=["utf-8", "with a mark", "utf-16"],
)
def test_a_document_goes_into_an_input_and_what_stood_there_can_be_put_back(
    editor: "Page", name: str, content: bytes
) -> None:
    notes = editor.get_by_label("notes", exact=True)
    notes.fill("Typed before")
    with editor.expect_file_chooser() as chooser:
        editor.get_by_role("button", name="Attach a file to notes").click()
    chooser.value.set_files({"name": name, "mimeType": "", "buffer": content})
    said = editor.locator("[data-said]")
    said.get_by_text(f"{name} is in the input, in the place of what stood there").wait_for()
    assert notes.input_value() == "# Ünïcode\n\nSecond line 🎈"
    editor.get_by_role("button", name="Put it back").press("Enter")
    assert notes.input_value() == "Typed before"
    assert notes.evaluate("field => document.activeElement === field")


def test_a_long_document_is_dropped_and_its_tokens_are_counted(editor: "Page") -> None:
    book = ("A line of a long book.\n" * 4_000).encode()
    editor.evaluate(DROP, ["[data-drop^='input-'] textarea", "book.txt", "text/plain", list(book), "drop"])
    editor.get_by_text("about 23,000 tokens, 71.9% of what practice-1 takes").wait_for()
    editor.get_by_text(re.compile(r"With these inputs about 23,0\d\d tokens are sent")).wait_for()
    assert len(editor.get_by_label("notes", exact=True).input_value()) == len(book)
    assert violations(editor) == []
    editor.locator("#draft-saved").get_by_text("saved").wait_for()
    editor.reload()
    editor.get_by_text("about 23,000 tokens, 71.9%").wait_for()


def test_without_the_script_there_is_no_button_that_does_nothing(
    editor: "Page", browser: "Browser", running_app: Application
) -> None:
    cookies = editor.context.cookies()
    with browser.new_context(base_url=running_app.url, java_script_enabled=False) as context:
        context.add_cookies(cookies)  # type: ignore[arg-type]
        plain = context.new_page()
        plain.goto(editor.url)
        assert plain.locator("attach-file").count() == 1
        assert plain.get_by_role("button", name="Attach a file").count() == 0
        plain.get_by_role("button", name="Image to the user message").click()
        plain.get_by_role("textbox", name="Image, part 2 of 2").fill("{{photo}}")
        plain.get_by_role("button", name="Move part 2 of 2 of the user message up").click()
        assert plain.get_by_role("textbox", name="Image, part 1 of 2").input_value() == "{{photo}}"
