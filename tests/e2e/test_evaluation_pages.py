"""The pages of evaluations in a real browser: report, grid by keyboard, drawer, starting a run; axe finds nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from tests import factories
from tests.accessibility import violations
from tests.application import Application
from tests.browser import sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

RIGHT = [f"answer {n}" for n in range(60)]


@dataclass(frozen=True)
class Seen:
    """An evaluation to look at, and who looks."""

    base: str
    evaluation: str
    evaluator: str
    email: str
    prompt: str
    rows: str


@pytest.fixture(scope="module")
def seen(running_app: Application) -> Iterator[Seen]:
    """Two finished runs of 60 rows with three rows worse, in the running application's own database."""
    engine = create_engine(running_app.database_url)
    with Session(engine, expire_on_commit=False) as session:
        team = factories.team(session)
        admin = team.admin
        old = factories.prompt(session, admin, "tests/asked")
        new = factories.prompt(session, admin, "tests/asked", temperature=0.5)
        rows = factories.dataset(session, admin, 60, "tests/rows")
        judge = factories.evaluator(session, admin, "class_match", "tests/Right")
        found = factories.evaluation(session, admin, old, judge, name="Did it help?")
        for version, outputs in ((old, ["no"] * 20 + RIGHT[20:]), (new, RIGHT[:57] + ["no"] * 3)):
            run = factories.started_run(session, admin, found, version, rows)
            factories.finish_run(session, run, outputs)
        session.commit()
        slug = team.workspace.slug
    yield Seen(f"/w/{slug}", found.id, judge.file_id, admin.email, old.file_id, rows.file_id)
    engine.dispose()


@pytest.fixture
def inside(page: "Page", seen: Seen) -> "Page":
    """A page that has signed in."""
    sign_in(page, seen.email, seen.base)
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    ["/evaluations", "/evaluations/{e}", "/evaluations/{e}/rows", "/evaluations/{e}/rows/58", "/evaluations/{e}/lineage", "/evaluations/new",
     "/evaluators/new", "/evaluators/new?kind=llm_judge", "/evaluators/{v}"],
)  # fmt: skip
def test_axe_finds_nothing(inside: "Page", seen: Seen, path: str, scheme: str) -> None:
    inside.emulate_media(color_scheme=scheme)
    inside.goto(seen.base + path.format(e=seen.evaluation, v=seen.evaluator))

    assert violations(inside) == []
    assert inside.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_is_shared_in_a_dialog_and_read_without_an_account(
    inside: "Page", seen: Seen, browser: "Browser", scheme: str
) -> None:
    inside.emulate_media(color_scheme=scheme)
    inside.goto(f"{seen.base}/evaluations/{seen.evaluation}")
    inside.click("header a:has-text('Share')")
    inside.click("#dialog >> text=Make link")
    link = inside.input_value("#dialog input.mono")
    assert violations(inside) == []

    stranger = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    stranger.goto(link)
    assert "v2 is better than v1" in stranger.inner_text("h2")
    assert violations(stranger) == []
    assert stranger.evaluate("document.documentElement.scrollWidth <= innerWidth")

    inside.click("#dialog >> text=End")
    inside.wait_for_selector("#dialog ul", state="detached")
    assert stranger.reload().status == 404
    assert violations(stranger) == []
    stranger.close()


def test_the_report_fits_a_phone(inside: "Page", seen: Seen) -> None:
    inside.set_viewport_size({"width": 390, "height": 844})
    for path in ("", "/rows", "/rows/58"):
        inside.goto(f"{seen.base}/evaluations/{seen.evaluation}{path}")
        assert inside.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_the_report_is_printed_light_and_whole_and_without_what_is_only_for_the_screen(
    inside: "Page", seen: Seen
) -> None:
    inside.emulate_media(media="print", color_scheme="dark")
    inside.goto(f"{seen.base}/evaluations/{seen.evaluation}")

    assert inside.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    for selector in ("nav.sidebar, .sidebar", ".tabs", "button", ".btn", "form", ".no-print", ".skip-link"):
        shown = inside.locator(selector).filter(visible=True)
        assert shown.count() == 0, selector
    assert inside.locator("h2.verdict-title").is_visible()
    wraps = inside.evaluate(
        "[...document.querySelectorAll('.table-wrap')].map(e => getComputedStyle(e).overflowX)"
    )
    assert set(wraps) == {"visible"}, "nothing is cut off"
    assert inside.pdf().startswith(b"%PDF")


def test_the_grid_is_read_by_keyboard(inside: "Page", seen: Seen) -> None:
    inside.goto(f"{seen.base}/evaluations/{seen.evaluation}/rows?only=changed")
    current = inside.locator("[data-grid] tr[aria-current]")

    inside.keyboard.press("j")
    assert current.get_attribute("data-row") == "1"
    inside.keyboard.press("j")
    inside.keyboard.press("k")
    assert current.get_attribute("data-row") == "1"
    inside.keyboard.press("n")
    assert current.get_attribute("data-row") == "58", "the next row that got worse"

    inside.keyboard.press("Enter")
    drawer = inside.locator("#drawer[open]")
    drawer.wait_for()
    assert "Row 58" in drawer.inner_text()
    assert "row=58" in inside.url
    assert violations(inside) == []
    inside.keyboard.press("j")
    inside.locator("#drawer h2", has_text="Row 59").wait_for()
    assert "row=59" in inside.url
    inside.keyboard.press("Escape")
    drawer.wait_for(state="detached")
    assert "row=" not in inside.url


def test_an_address_with_a_row_opens_its_drawer(inside: "Page", seen: Seen) -> None:
    inside.goto(f"{seen.base}/evaluations/{seen.evaluation}/rows?only=worse&row=60")
    inside.locator("#drawer[open]").wait_for()

    assert "question 59" in inside.locator("#drawer").inner_text()
    assert inside.locator("tr[aria-current]").get_attribute("data-row") == "60"


def test_searching_keeps_the_field_and_changes_rows_and_counts(inside: "Page", seen: Seen) -> None:
    inside.goto(f"{seen.base}/evaluations/{seen.evaluation}/rows")
    inside.locator("#q").press_sequentially("question 57")
    inside.locator("[data-row]").nth(1).wait_for(state="detached")

    assert inside.locator("[data-row]").count() == 1
    assert inside.locator("#q").input_value() == "question 57"
    assert inside.locator("#chips").inner_text().split()[:2] == ["All", "1"]
    assert "q=question" in inside.url


def test_a_run_is_started_and_followed_to_its_end(inside: "Page", seen: Seen) -> None:
    inside.goto(f"{seen.base}/evaluations/new?prompt={seen.prompt}&dataset={seen.rows}")
    inside.locator("#v2").uncheck()
    inside.locator("dd.total", has_text="60 calls").wait_for()
    inside.locator("#v2").check()
    inside.locator("dd.total", has_text="120 calls").wait_for()
    inside.locator("#name").fill("In the browser")
    inside.locator("#start").click()

    inside.wait_for_url(re.compile(r"/evaluations/evr_"))
    inside.locator("#run-state", has_text="Done").wait_for(timeout=60_000)
    assert "v2" in inside.locator(".verdict-title").inner_text()
    assert inside.locator("#run-state", has_text="Stop").count() == 0


def test_the_report_is_read_without_scripts(browser, running_app: Application, seen: Seen) -> None:
    with browser.new_context(base_url=running_app.url, java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, seen.email, seen.base)
        page.goto(f"{seen.base}/evaluations/{seen.evaluation}/rows?only=worse")
        page.click(".rowlink >> nth=0")
        assert page.locator("h1").inner_text() == "Row 58"
        page.goto(f"{seen.base}/evaluators/{seen.evaluator}")
        page.fill("#target", "yes")
        page.fill("#output", "yes")
        page.click("#run-test")
        assert "Pass" in page.locator("#result").inner_text()


def test_lists_and_their_drawer_are_read_by_keyboard(inside: "Page", seen: Seen) -> None:
    inside.goto(f"{seen.base}/datasets/{seen.rows}")
    focused = inside.locator("tr[aria-current] a:focus")
    inside.keyboard.press("j")
    inside.keyboard.press("j")
    inside.keyboard.press("j")
    inside.keyboard.press("k")
    assert focused.inner_text() == "2"

    inside.keyboard.press("Enter")
    inside.locator("#drawer h2", has_text="Row 2").wait_for()
    assert violations(inside) == []
    inside.keyboard.press("j")
    inside.locator("#drawer h2", has_text="Row 3").wait_for()
    inside.keyboard.press("Escape")
    assert focused.inner_text() == "3"

    inside.keyboard.press("/")
    inside.keyboard.type("j")
    assert inside.locator("input[type=search]").input_value() == "j"


def test_single_letters_can_be_switched_off(inside: "Page", seen: Seen) -> None:
    inside.keyboard.press("g")
    inside.keyboard.press("e")
    inside.wait_for_url("**/evaluations")
    inside.keyboard.press("?")
    shown = inside.locator("#shortcuts:popover-open")
    shown.wait_for()
    inside.locator("#single-keys").uncheck()
    inside.keyboard.press("Escape")
    shown.wait_for(state="detached")

    inside.goto(f"{seen.base}/files")
    inside.keyboard.press("j")
    inside.keyboard.press("g")
    inside.keyboard.press("h")
    assert inside.url.endswith("/files")
    assert inside.locator("tr[aria-current]").count() == 0
