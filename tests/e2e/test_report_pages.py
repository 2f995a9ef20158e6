"""The report of each verdict in a real browser: what stands on the first screen, on a desk and on a phone; axe finds nothing."""

import os
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from tests import factories
from tests.accessibility import violations
from tests.application import Application
from tests.browser import sign_in
from tests.evaluations import five_reports

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


_OUT_OF_SIGHT = """() => [...document.querySelectorAll(".chart-wrap .pt, .chart-wrap text")].filter(mark => {
    const [own, place] = [mark, mark.closest(".chart-wrap")].map(each => each.getBoundingClientRect());
    return own.width && (own.left < place.left || own.right > place.right);
}).map(mark => mark.outerHTML)"""
"""What of the charts lies beyond the edge of its place before anybody scrolls."""
_CUT = """() => [...document.querySelectorAll(".scoreboard .badge, .scoreboard .sub")].filter(mark => {
    const [own, place] = [mark, mark.closest(".card")].map(each => each.getBoundingClientRect());
    return own.width && own.right > place.right + 1;
}).map(mark => mark.outerHTML)"""
"""Which verdicts, and numbers of rows, cannot be read before anybody scrolls."""


@pytest.fixture(scope="module")
def reports(running_app: Application) -> tuple[str, str, dict[str, str]]:
    """Who looks, their workspace's address, and each report's address by its verdict."""
    engine = create_engine(running_app.database_url)
    with Session(engine, expire_on_commit=False) as session:
        team = factories.team(session, "Reading room")
        written = {verdict: found.id for verdict, found in five_reports.write(session, team)}
        session.commit()
    engine.dispose()
    base = f"/w/{team.workspace.slug}"
    return str(team.admin.email), base, {v: f"{base}/evaluations/{found}" for v, found in written.items()}


@pytest.mark.parametrize(
    ("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]
)
def test_what_to_do_stands_on_the_first_screen(
    page: "Page", reports: tuple[str, str, dict[str, str]], width: int, scheme: str
) -> None:
    email, base, addresses = reports
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    sign_in(page, email, base)

    for verdict, address in addresses.items():
        page.goto(address)
        step = page.locator(".next-step").bounding_box()
        assert step
        assert step["y"] + step["height"] < 900, verdict
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), verdict
        assert page.evaluate(_OUT_OF_SIGHT) == [], f"{verdict}: the points of a chart are not in sight"
        assert page.locator(".scoreboard").first.locator(".badge:visible").count() == 2, verdict
        if verdict in ("better", "too_few"):
            assert violations(page) == [], verdict
        if shots := os.environ.get("SHOTS"):
            page.screenshot(path=f"{shots}/{verdict}-{width}-{scheme}.png", full_page=True)
        assert page.evaluate(_CUT) == [], f"{verdict}: cut at the edge of its table"
