"""Fixtures for tests in a real browser: the distribution's Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests import factories
from tests.application import Application

if TYPE_CHECKING:  # loading Playwright takes a second that most test runs need not spend
    from playwright.sync_api import Browser, ConsoleMessage, Page

_QUIET = [
    f"--{flag}"
    for flag in (
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
    )
]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """The browser's program; None where there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """A Chromium. Where none is installed the test is skipped, or fails if WHETSTONE_REQUIRE_BROWSER=1."""
    program = find_chromium()
    if program is None:
        reason = "no Chromium found: install the distribution's package `chromium`"
        if os.environ.get("WHETSTONE_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    # Chromium refuses its sandbox to root; and it must reach for nothing but the application.
    arguments = [*(["--no-sandbox"] if os.geteuid() == 0 else []), *_QUIET]
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=arguments)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: "Browser", running_app: Application) -> "Iterator[Page]":
    """A page of a fresh browser profile on the running application. Errors in its console fail the test."""
    complaints: list[str] = []

    def note(message: "ConsoleMessage") -> None:
        if message.type == "error":
            complaints.append(message.text)

    with browser.new_context(base_url=running_app.url, locale="en-GB", timezone_id="UTC") as context:
        opened = context.new_page()
        opened.on("console", note)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        yield opened
    assert not complaints, "\n".join(complaints)


def sign_in(page: "Page", email: str | None, base: str) -> None:
    """Sign in with the password that `tests.factories` gives everybody; `base` is the home that it leads to."""
    page.goto("/signin")
    page.fill("input[name=email]", str(email))
    page.fill("input[name=password]", factories.PASSWORD)
    page.click("form button")
    page.wait_for_url(f"**{base}")


def sign_in_by_link(page: "Page", application: Application, email: str, base: str) -> None:
    """Sign in by a link that the command line makes."""
    page.goto(urlsplit(application.run("signin", email).stdout.strip()).path)
    page.get_by_role("main").get_by_role("button").first.click()
    page.wait_for_url(f"**{base}")
