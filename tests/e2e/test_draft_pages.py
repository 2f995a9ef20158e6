"""Drafts in a real browser: kept while somebody types, back after a crash, and by keyboard."""

import json
import re
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.accessibility import violations
from tests.application import Application
from tests.browser import sign_in_by_link

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

WORKSPACE = "Draft pages"
SLUG = "draft-pages"
EMAIL = "drafter@example.com"


@pytest.fixture(scope="module")
def workspace(running_app: Application) -> None:
    """A workspace of this module alone."""
    made = running_app.run("init", "--workspace", WORKSPACE, "--email", EMAIL)
    assert made.returncode == 0, made.stderr


@pytest.fixture
def person(browser: "Browser", running_app: Application, workspace: None) -> Iterator["Page"]:
    """The page of somebody who is signed in."""
    with browser.new_context(base_url=running_app.url) as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        sign_in_by_link(page, running_app, EMAIL, f"/w/{SLUG}")
        yield page


def _new_prompt(page: "Page") -> str:
    """A prompt of one version, made by the page; the address of its editor."""
    page.goto(f"/w/{SLUG}/prompts/new?path=drafts/{uuid.uuid4()}")
    page.keyboard.press("ControlOrMeta+s")
    page.get_by_role("textbox", name="Reason").fill("first")
    page.get_by_role("button", name="Commit v1").last.press("Enter")
    page.wait_for_url(re.compile("/prompts/pr_"))
    return page.url.rstrip("/") + "/edit"


def _system(page: "Page") -> "Locator":
    page.locator("prompt-editor[data-ready]:visible").first.wait_for()
    return page.get_by_role("textbox", name="System message")


def _typed(page: "Page", text: str) -> None:
    with page.expect_response(lambda answer: answer.url.endswith("/draft")) as kept:
        _system(page).fill(text)
    assert kept.value.status == 200
    page.get_by_text("saved just now").wait_for()


def test_what_was_typed_is_back_on_another_machine_and_can_be_discarded_by_keyboard(
    person: "Page", browser: "Browser", running_app: Application
) -> None:
    editor = _new_prompt(person)
    person.goto(editor)
    _typed(person, "Answer in two words.")
    assert violations(person) == []
    with browser.new_context(base_url=running_app.url) as context:
        other = context.new_page()
        other.set_default_timeout(15_000)
        sign_in_by_link(other, running_app, EMAIL, f"/w/{SLUG}")
        other.goto(editor)
        assert _system(other).input_value() == "Answer in two words."
        back = other.locator("#draft-back")
        assert "Your draft of" in back.inner_text()
        assert "UTC" not in back.inner_text(), "in the reader's own zone"
        assert violations(other) == []
        back.get_by_role("link", name="See what differs").press("Enter")
        dialog = other.locator("dialog[open]")
        dialog.get_by_text("1 line changed").wait_for()
        assert violations(other) == []
        other.keyboard.press("Escape")
        back.get_by_role("button", name="Discard").press("Enter")
        other.get_by_text("Your draft is discarded").wait_for()
        assert _system(other).input_value() == "Answer in one sentence."
        other.get_by_role("button", name="Undo").press("Enter")
        other.get_by_text("Your draft is back").wait_for()
        assert _system(other).input_value() == "Answer in two words."


def test_a_page_lets_go_once_everything_is_kept_and_says_when_nothing_is(person: "Page") -> None:
    person.goto(_new_prompt(person))
    asked: list[str] = []
    person.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    _typed(person, "Kept.")
    person.wait_for_timeout(200)
    person.goto(f"/w/{SLUG}")
    assert asked == [], "nothing would be lost"
    person.go_back()
    assert _system(person).input_value() == "Kept."
    person.context.set_offline(True)
    _system(person).fill("Typed while the server was away.")
    person.get_by_text("Not saved: the server cannot be reached").first.wait_for()
    assert person.locator("#toasts .toast").count() == 0, "no message for each key"
    person.context.set_offline(False)
    person.get_by_text("saved just now").wait_for(timeout=20_000)
    person.reload()
    assert _system(person).input_value() == "Typed while the server was away."


def test_a_saving_that_arrives_after_a_later_one_is_put_aside(person: "Page") -> None:
    person.goto(_new_prompt(person))
    with person.expect_request(lambda request: request.url.endswith("/draft")) as sent:
        _typed(person, "One two.")
    _typed(person, "One two three.")
    again = """async ([url, body, type]) =>
        (await fetch(url, {method: "PATCH", body, headers: {"content-type": type, "hx-request": "true"}})).status"""
    first = sent.value
    assert person.evaluate(again, [first.url, first.post_data, first.headers["content-type"]]) == 409
    person.reload()
    assert _system(person).input_value() == "One two three."
    person.get_by_role("link", name="History").click()
    person.get_by_role("cell", name="typed in another tab").wait_for()


def test_without_a_script_a_draft_is_saved_by_a_button(
    person: "Page", browser: "Browser", running_app: Application
) -> None:
    editor = _new_prompt(person)
    with browser.new_context(
        base_url=running_app.url, java_script_enabled=False, storage_state=person.context.storage_state()
    ) as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.goto(editor)
        page.get_by_role("textbox", name="System message").fill("Typed without a script.")
        page.get_by_role("button", name="Save draft").click()
        assert page.get_by_role("textbox", name="System message").input_value() == "Typed without a script."
        assert "Your draft of" in page.locator("#draft-back").inner_text()
        page.get_by_role("link", name="History").click()
        page.get_by_text("your draft now").wait_for()
        assert page.get_by_role("link", name="Look").count() == 1


@pytest.fixture(scope="module")
def post(running_app: Application, workspace: None) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
    """A call that makes something in the workspace, as its admin."""
    made = running_app.run("key", "create", "--workspace", SLUG, "--name", "tests", "--role", "admin")

    def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"x-api-key": made.stdout.strip(), "content-type": "application/json"}
        request = urllib.request.Request(running_app.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    return post


def test_two_tabs_meet_and_one_is_chosen_by_keyboard(person: "Page") -> None:
    person.goto(_new_prompt(person))
    _typed(person, "From the first.")
    other = person.context.new_page()
    other.set_default_timeout(15_000)
    other.goto(person.url)
    _typed(other, "From the second.")
    with person.expect_response(lambda answer: answer.url.endswith("/draft")) as kept:
        _system(person).fill("From the first, and more.")
    assert kept.value.status == 409
    live = person.locator("#draft-live")
    live.get_by_text("You changed this draft elsewhere").wait_for()
    assert violations(person) == []
    assert _system(person).input_value() == "From the first, and more.", "nothing moves under the reader"
    live.get_by_role("link", name="See what differs").press("Enter")
    person.locator("dialog[open] del").first.wait_for()
    assert "second" in person.locator("dialog[open]").inner_text()
    person.keyboard.press("Escape")
    live.get_by_role("button", name="Keep this one").press("Enter")
    person.get_by_text("This is your draft now").wait_for()
    _typed(person, "From the first, and more, and on.")
    person.get_by_role("link", name="History").click()
    person.get_by_role("cell", name="typed in another tab").first.wait_for()
    assert violations(person) == []


def test_a_newer_version_is_told_of_while_typing_and_the_draft_goes_on_top(
    person: "Page", post: Callable[[str, dict[str, Any]], dict[str, Any]]
) -> None:
    template = [{"role": "system", "content": "One."}, {"role": "user", "content": "{{question}}"}]
    content = {"model": "practice-1", "provider": "practice", "template": template}
    made = post("/v5/prompts", content | {"path": f"drafts/{uuid.uuid4()}"})
    person.goto(f"/w/{SLUG}/prompts/{made['id']}/edit")
    _typed(person, "One, changed.")
    post("/v5/prompts", content | {"id": made["id"], "temperature": 0.5, "version_description": "warmer"})
    _typed(person, "One, changed again.")
    newer = person.locator("#draft-newer")
    newer.get_by_text("committed v2").wait_for()
    assert "“warmer”" in newer.inner_text()
    assert violations(person) == []
    newer.get_by_role("button", name="Put mine on top of v2").press("Enter")
    person.get_by_text("Your draft stands on v2 now").wait_for()
    assert _system(person).input_value() == "One, changed again."
    assert person.locator("[name=temperature]").input_value() == "0.5"
    assert "base=2" in person.url
    assert "from v2" in person.locator("#draft-saved").inner_text()
    person.keyboard.press("ControlOrMeta+s")
    dialog = person.locator("dialog[open]")
    dialog.get_by_text("1 line changed").wait_for()
    dialog.get_by_role("textbox", name="Reason").fill("both")
    person.keyboard.press("Enter")
    person.wait_for_url(re.compile("/prompts/pr_[^/]+$"))
    person.goto(f"/w/{SLUG}/prompts/{made['id']}/edit")
    _system(person)
    assert person.locator("#draft-back").count() == 0, "the commit ended it"


def test_examples_come_from_training_rows_and_tested_ones_are_told_of(
    person: "Page", post: Callable[[str, dict[str, Any]], dict[str, Any]]
) -> None:
    folder = f"drafts/{uuid.uuid4()}"
    template = [{"role": "system", "content": "Say it."}, {"role": "user", "content": "{{question}}"}]
    content = {"model": "practice-1", "provider": "practice", "template": template}
    made = post("/v5/prompts", content | {"path": f"{folder}/asked"})
    rows = [
        {
            "inputs": {"question": f"Question {n}"},
            "target": {"a": f"answer {n}"},
            "split": "train" if n else "test",
        }
        for n in range(3)
    ]
    post("/v5/datasets", {"path": f"{folder}/rows", "datapoints": rows})
    person.goto(f"/w/{SLUG}/prompts/{made['id']}/edit")
    person.get_by_role("link", name="Examples from rows").click()
    person.get_by_text("2 training rows").wait_for()
    assert violations(person) == []
    person.get_by_role("checkbox", name="Row 2").check()
    person.get_by_role("button", name="Add the chosen rows").click()
    example = person.get_by_role("group", name="Example 1")
    assert example.get_by_role("textbox").first.input_value() == "Question 2"
    assert "tested on" not in person.locator("#messages").inner_text()
    with person.expect_response(lambda answer: answer.url.endswith("/draft")):
        example.get_by_role("textbox").first.fill("question  0")
    person.reload()
    person.get_by_text("also row 1 (test)").wait_for()
    assert violations(person) == []
