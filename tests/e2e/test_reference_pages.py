"""The API's documentation in a real browser: readable by everybody, searched as one types, and under the policy."""

from typing import TYPE_CHECKING

import pytest

from tests.accessibility import sound
from tests.application import Application
from tests.browser import sign_in_by_link

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
EMAIL = "reader@example.com"


@pytest.fixture(scope="module")
def reader(running_app: Application) -> Application:
    """The application with a workspace of this module."""
    running_app.run("init", "--workspace", "Reference", "--email", EMAIL).check_returncode()
    return running_app


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_pages_are_accessible_and_fit(page: "Page", reader: Application, scheme: "str", width: int) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    sign_in_by_link(page, reader, EMAIL, "/w/reference")
    for path in ("/docs", "/docs?q=nothing+has+this", "/docs/prompts", "/docs/audit-log"):
        page.goto(path)
        sound(page, path)


def test_from_the_keys_to_an_operation(page: "Page", reader: Application) -> None:
    sign_in_by_link(page, reader, EMAIL, "/w/reference")
    page.goto("/w/reference/settings/keys")
    page.get_by_role("link", name="All that a key can do").click()
    page.get_by_label("Find an operation").fill("log batch")
    page.get_by_role("link", name="Log batch").click()
    page.wait_for_url("**/docs/logs#log_batch")
    article = page.locator("article#log_batch")
    article.get_by_text("Up to 1,000", exact=False).or_(article.get_by_text("up to 1,000")).first.wait_for()
    article.get_by_text("errors").click()
    assert article.get_by_text("Too many requests").is_visible()
