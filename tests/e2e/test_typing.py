"""Typing in the prompt editor while the server is slow: no letter is lost, and the cursor stays."""

import re
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.application import Application
from tests.browser import sign_in_by_link

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

SLUG = "typing"
EMAIL = "typist@example.com"
TEXT = "Every letter that is typed while the page is drawn anew must be there afterwards."
LATE = """
const send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function (...body) { setTimeout(() => send.apply(this, body), 300); };
"""
"""The fields are read when a request is made, and its answer comes 300 ms later than it would."""


@pytest.fixture(scope="module")
def workspace(running_app: Application) -> None:
    """A workspace of this module alone."""
    made = running_app.run("init", "--workspace", "Typing", "--email", EMAIL)
    assert made.returncode == 0, made.stderr


@pytest.fixture
def person(browser: "Browser", running_app: Application, workspace: None) -> Iterator["Page"]:
    """The page of somebody who is signed in, on the editor of a prompt of one version, where answers come late."""
    with browser.new_context(base_url=running_app.url) as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        sign_in_by_link(page, running_app, EMAIL, f"/w/{SLUG}")
        page.goto(f"/w/{SLUG}/prompts/new?path=typing/{uuid.uuid4()}")
        page.keyboard.press("ControlOrMeta+s")
        page.get_by_role("textbox", name="Reason").fill("first")
        page.get_by_role("button", name="Commit v1").last.press("Enter")
        page.wait_for_url(re.compile("/prompts/pr_"))
        page.add_init_script(LATE)
        page.goto(page.url.rstrip("/") + "/edit")
        page.locator("prompt-editor[data-ready]:visible").first.wait_for()
        yield page


def _message(page: "Page", role: str) -> "Locator":
    return page.get_by_role("textbox", name=f"{role} message")


def _kept(page: "Page") -> None:
    page.wait_for_timeout(1200)
    page.get_by_text("saved just now").wait_for()
    page.reload()
    page.locator("prompt-editor[data-ready]:visible").first.wait_for()


def test_typing_goes_on_while_the_draft_is_kept_and_a_message_is_moved(person: "Page") -> None:
    field = _message(person, "User")
    field.fill("")
    for number, word in enumerate(TEXT.split(" ")):
        person.keyboard.type(f"{word} ", delay=25)
        if number in (3, 8):
            person.keyboard.press("Alt+ArrowUp" if number == 3 else "Alt+ArrowDown")
    assert _message(person, "User").input_value() == f"{TEXT} "
    _kept(person)
    assert _message(person, "User").input_value() == f"{TEXT} "


def test_what_is_typed_into_the_inputs_and_a_message_while_they_are_drawn_anew_stays(person: "Page") -> None:
    field = _message(person, "User")
    field.fill("{{question}} and {{place}}")
    field.blur()
    place = person.get_by_label("place", exact=True)
    place.wait_for()
    field.focus()
    person.keyboard.press("ControlOrMeta+End")
    person.keyboard.type("?")
    place.focus()  # the change of the message asks for the inputs again
    person.keyboard.type(TEXT, delay=25)
    assert place.input_value() == TEXT

    person.get_by_role("button", name="Message", exact=True).click()
    field.focus()
    person.keyboard.press("ControlOrMeta+Home")
    person.keyboard.type("Look: ", delay=40)
    person.locator("[data-block]").nth(2).wait_for()
    person.wait_for_timeout(400)
    assert field.first.input_value() == "Look: {{question}} and {{place}}?"
    person.keyboard.type("here, ")
    assert field.first.input_value() == "Look: here, {{question}} and {{place}}?", (
        "the cursor is where it was"
    )
    _kept(person)
    assert field.first.input_value() == "Look: here, {{question}} and {{place}}?"


def test_what_is_typed_while_a_run_is_refused_stays(person: "Page") -> None:
    person.add_init_script(
        "const get = fetch; fetch = async (...all) => (await new Promise((d) => setTimeout(d, 300)), get(...all));"
    )
    person.reload()
    person.locator("prompt-editor[data-ready]:visible").first.wait_for()
    person.get_by_text("More settings").click()
    person.get_by_label("Seed").fill("no number")
    field = _message(person, "System")
    field.focus()
    person.keyboard.press("ControlOrMeta+End")
    person.keyboard.press("ControlOrMeta+Enter")
    person.keyboard.type(" More.", delay=25)
    person.get_by_text("Enter a whole number").first.wait_for()
    assert field.input_value() == "Answer in one sentence. More."
