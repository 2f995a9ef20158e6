"""A guest reviewer in a real browser: by a link, by keyboard, on a desk and on a phone; pairs, and passages that are selected."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from app.logs.passages import passages_of
from app.review import guests
from app.review.guests import Asked
from app.review.models import ReviewQueue
from tests import factories
from tests.accessibility import violations
from tests.application import Application
from tests.review.staged import Staged, stage

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@dataclass
class Seen:
    """A queue of single outputs and one of pairs, and the path of a guest's link to each."""

    staged: Staged
    single: ReviewQueue
    pairs: ReviewQueue
    to_single: str
    to_pairs: str


@pytest.fixture
def seen(running_app: Application) -> Iterator[Seen]:
    engine = create_engine(running_app.database_url)
    with Session(engine, expire_on_commit=False) as session:
        staged = stage(session, rows=12)
        admin = staged.team.admin
        single = factories.review(
            session, admin, staged.evaluation, staged.asked, staged.people, runs=[staged.new]
        )
        pairs = factories.review(
            session, admin, staged.evaluation, (), [admin], runs=[staged.old, staged.new], is_pair=True
        )
        links = []
        for queue in (single, pairs):
            ((_, url),) = guests.ask_guests(session, admin, queue, Asked())
            links.append("/guest/" + url.rpartition("/")[2])
        session.commit()
    yield Seen(staged, single, pairs, *links)
    engine.dispose()


def _come_in(page: "Page", link: str) -> None:
    page.goto(link)
    page.get_by_label("Your name").fill("Gil Okafor")
    page.keyboard.press("Enter")
    page.wait_for_url("**/guest-reviews/gst_*")
    page.get_by_role("link", name="Begin").click()
    page.wait_for_url("**/items/1")


def test_a_guest_says_which_is_better_by_keyboard(page: "Page", seen: Seen, running_app: Application) -> None:
    _come_in(page, seen.to_pairs)
    for number, key in enumerate(("1", "2", "0"), 1):
        page.keyboard.press(key)
        page.keyboard.press("ControlOrMeta+Enter")
        page.wait_for_url(f"**/items/{number + 1}?last={number}")
    assert page.get_by_text("Item 3 is kept.").is_visible()
    assert page.locator(".ver").count() == 0
    page.keyboard.press("z")
    page.wait_for_url("**/items/3")
    assert page.get_by_role("radio", name="A tie").is_checked()
    page.keyboard.press("ControlOrMeta+k")
    page.keyboard.press("g")
    page.keyboard.press("h")
    assert page.url.endswith("/items/3"), "no key leads anywhere else"
    page.get_by_role("button", name="Sign out").click()
    assert page.get_by_text("You are signed out").is_visible()


def test_what_is_selected_in_the_output_is_marked(page: "Page", seen: Seen, running_app: Application) -> None:
    _come_in(page, seen.to_single)
    shown = page.locator("#reply").inner_text()
    box = page.locator("#reply").bounding_box()
    assert box
    page.locator("#reply").dblclick(position={"x": 20, "y": box["height"] / 2})
    word = shown.split()[0]
    assert page.locator("[name=quote]").input_value().strip() == word
    page.keyboard.type("Not that word")  # the field of the note has the focus
    page.get_by_role("button", name="Mark it").click()
    assert page.locator("#reply mark").inner_text().strip() == word
    page.keyboard.press("y")
    page.keyboard.press("ControlOrMeta+Enter")
    page.wait_for_url("**/items/2?last=1")
    engine = create_engine(running_app.database_url)
    with engine.connect() as connection:
        detail = connection.scalar(
            text("select detail from judgment where author like 'gst_%' and detail ? 'spans'")
        )
    engine.dispose()
    (marked,) = passages_of(detail)
    assert marked.start == 0
    assert marked.quote.strip() == word
    assert marked.note == "Not that word"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_every_page_of_a_guest_fits_and_is_accessible(
    page: "Page", seen: Seen, width: int, scheme: str
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})

    def look(name: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert violations(page) == [], name
        if shots := os.environ.get("SHOTS"):
            page.screenshot(path=f"{shots}/{name}-{width}-{scheme}.png", full_page=True)

    page.goto(seen.to_pairs)
    look("link")
    _come_in(page, seen.to_pairs)
    look("pair")
    page.goto(page.url.rpartition("/items")[0])
    look("queue")
    _come_in(page, seen.to_single)
    page.locator("summary", has_text="Mark a passage").click()
    page.get_by_label("Passage").fill(page.locator("#reply").inner_text()[:4])
    page.get_by_label("What of it").fill("A note of this")
    page.get_by_label("Label").fill("tone")
    page.get_by_role("button", name="Mark it").click()
    page.locator("#reply mark").wait_for()
    look("marked")
    page.goto("/signin")
    page.fill("input[name=email]", seen.staged.team.admin.email)
    page.fill("input[name=password]", factories.PASSWORD)
    page.click("form button")
    page.wait_for_url(f"**/w/{seen.staged.team.workspace.slug}")
    page.goto(f"{seen.staged.base}/{seen.pairs.id}")
    look("members-queue")
    page.get_by_role("button", name="Make links").click()
    page.get_by_text("will not be shown again").wait_for()
    look("links")
    page.goto(f"{seen.staged.base}/new?evaluation={seen.staged.evaluation.id}&pair=1")
    look("new")
