"""Commenting in a real browser: with and without scripts, on a desk and on a phone, in a drawer, and by whom it reaches."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from app.comments.models import Subject
from app.core.access import Principal
from tests import factories
from tests.accessibility import violations
from tests.application import Application
from tests.browser import sign_in
from tests.comments.staged import Staged, stage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture
def staged(running_app: Application) -> Iterator[Staged]:
    engine = create_engine(running_app.database_url)
    with Session(engine, expire_on_commit=False) as session:
        made = stage(session)
        factories.comment(
            session, made.rita, Subject.LOG, made.things[Subject.LOG],
            "@Grace Hopper, it says “Because.” and nothing more.\nSee https://example.com/guide?x=1.",
        )  # fmt: skip
        session.commit()
    yield made
    engine.dispose()


def _sign_in(page: "Page", staged: Staged, who: Principal) -> str:
    home = f"/w/{staged.team.workspace.slug}"
    sign_in(page, who.email, home)
    return home


def test_a_mention_leads_to_the_comment_and_an_answer_names_its_author(page: "Page", staged: Staged) -> None:
    home = _sign_in(page, staged, staged.grace)
    assert violations(page) == []
    page.get_by_role("link", name="Rita Levi mentioned you on a log of answer").click()
    page.wait_for_url("**/logs/*?tab=comments#comment-*")
    assert violations(page) == []
    assert page.get_by_role("link", name="https://example.com/guide?x=1", exact=True).is_visible()
    field = page.get_by_label("Say something about this log")
    field.focus()
    page.keyboard.type("Right, @ri")
    page.get_by_role("option", name="Rita Levi").wait_for()
    assert violations(page) == []
    page.keyboard.press("Enter")
    assert field.input_value() == "Right, @Rita Levi "
    page.keyboard.type("and @g")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Escape")
    assert page.get_by_role("listbox").count() == 0
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("Right, @ri")
    page.get_by_role("option", name="Rita Levi").click()
    page.get_by_role("button", name="Comment", exact=True).click()
    page.locator(".comments li .mention", has_text="@Rita Levi").wait_for()
    assert "tab=comments" in page.url, "the page stays"
    assert field.input_value() == ""
    page.goto(home)
    assert page.get_by_text("mentioned you").count() == 0


def test_a_row_is_commented_on_in_its_drawer(page: "Page", staged: Staged) -> None:
    home = _sign_in(page, staged, staged.grace)
    page.goto(f"{home}/datasets/{staged.rows.file_id}?version=1")
    page.locator("table.dataset tbody th a").first.click()
    drawer = page.locator("#drawer")
    drawer.get_by_label("Say something about this row").fill("Is this target right?")
    drawer.get_by_role("button", name="Comment", exact=True).click()
    drawer.locator(".comments li", has_text="Is this target right?").wait_for()
    assert violations(page) == []
    drawer.get_by_role("button", name="Delete the comment").first.click()
    drawer.get_by_role("button", name="Cancel").click()
    page.goto(f"{home}/datasets/{staged.rows.file_id}?version=1")
    assert page.get_by_role("link", name="1 comment on row 1").is_visible()


def test_what_was_not_sent_is_there_again(page: "Page", staged: Staged) -> None:
    home = _sign_in(page, staged, staged.grace)
    rows = f"{home}/datasets/{staged.rows.file_id}?version=1"
    page.goto(rows)
    first, second = (page.locator("table.dataset tbody th a").nth(n) for n in (0, 1))
    field = page.locator("#drawer").get_by_label("Say something about this row")
    first.click()
    field.fill("Half a thou")
    page.keyboard.press("Escape")
    page.locator("#drawer").wait_for(state="hidden")
    second.click()
    page.locator("#drawer").get_by_role("heading", name="Row 2").wait_for()
    assert field.input_value() == "", "it is of another row"
    page.goto(rows)
    first.click()
    page.locator("#drawer").get_by_role("heading", name="Row 1").wait_for()
    assert field.input_value() == "Half a thou"
    field.press("End")
    page.keyboard.type("ght")
    page.keyboard.press("Control+Enter")
    page.locator("#drawer .comments li", has_text="Half a thought").wait_for()
    assert field.input_value() == ""


@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "dark"), (390, "light"), (1280, "dark"), (1280, "light")]
)
def test_every_page_fits_and_can_be_read(
    browser: "Browser", running_app: Application, staged: Staged, width: int, scheme: str
) -> None:
    size = {"width": width, "height": 800}
    with browser.new_context(base_url=running_app.url, viewport=size, color_scheme=scheme) as context:
        page = context.new_page()
        home = _sign_in(page, staged, staged.grace)
        log = staged.things[Subject.LOG]
        for url in (home, f"{home}/mentions", f"{home}/logs", f"{home}/logs/{log}?tab=comments",
                    f"{home}/comments?on=log&id={log}", f"{home}/comments?on=version&id={staged.rows.id}",
                    f"{home}/datasets/{staged.rows.file_id}/versions"):  # fmt: skip
            page.goto(url)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, url
            assert violations(page) == [], url


def test_without_scripts(browser: "Browser", running_app: Application, staged: Staged) -> None:
    with browser.new_context(base_url=running_app.url, java_script_enabled=False) as context:
        page = context.new_page()
        home = _sign_in(page, staged, staged.grace)
        page.goto(f"{home}/prompts/{staged.prompt.file_id}/versions/1")
        page.get_by_label("Say something about this version").fill("@rita levi, @Nobody: why?")
        page.get_by_role("button", name="Comment", exact=True).click()
        page.wait_for_url("**/versions/1#comment-*")
        assert page.locator(".comments .mention").inner_text() == "@Rita Levi"
        page.get_by_role("link", name="Edit your comment").click()
        page.get_by_label("Your comment").fill("@rita levi, how?")
        page.get_by_role("button", name="Save").click()
        page.wait_for_url("**/versions/1#comment-*")
        assert page.get_by_text("edited", exact=True).is_visible()
        page.get_by_role("button", name="Delete the comment").first.click()
        page.locator("dialog:popover-open").get_by_role("button", name="Delete the comment").click()
        assert page.locator(".comments li").count() == 0
        page.goto(f"{home}/mentions")
        page.get_by_role("button", name="Mark as read").first.click()
        assert page.get_by_text("new", exact=True).count() == 0
