"""The score of a prompt's logs from day to day in a real browser: a fall, on a desk and on a phone; axe finds nothing."""

import os
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from tests import factories
from tests.accessibility import sound
from tests.application import Application
from tests.browser import sign_in
from tests.monitoring.watched_days import judged_day, watch

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
POLITE = {7: (118, 130), 6: (122, 131), 5: (40, 44), 4: (35, 38), 3: (126, 139), 2: (119, 128), 1: (130, 142)}
"""Good ones, of how many, by days ago."""


@pytest.fixture(scope="module")
def watched(running_app: Application) -> tuple[str, str, str]:
    """Who looks, their workspace's address, and the page's."""
    engine = create_engine(running_app.database_url)
    with Session(engine, expire_on_commit=False) as session:
        team = factories.team(session, "Night shift")
        prompt = factories.prompt(session, team.admin, "support/Reply drafter")
        polite = factories.evaluator(
            session, team.admin, "regex", "judges/Polite to the very end", pattern="please"
        )
        easy = factories.evaluator(session, team.admin, "tokens", "judges/Length in tokens")
        for judge in (polite, easy):
            watch(session, prompt, judge)
        for ago, (good, n) in (POLITE | {0: (90, 133)}).items():
            judged_day(session, prompt, polite, ago, [place < good for place in range(n)])
        for ago in (3, 1, 0):
            judged_day(
                session, prompt, easy, ago, [60 + (place * 7) % 23 + ago for place in range(30 + 20 * ago)]
            )
        session.commit()
    engine.dispose()
    base = f"/w/{team.workspace.slug}"
    return str(team.admin.email), base, f"{base}/prompts/{prompt.file_id}/monitoring"


@pytest.mark.parametrize(
    ("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]
)
def test_a_fall_is_seen_at_a_glance(
    page: "Page", watched: tuple[str, str, str], width: int, scheme: str
) -> None:
    email, base, address = watched
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    sign_in(page, email, base)
    page.goto(address)
    chart = page.get_by_role("img", name="Polite to the very end by day")
    assert "last 24 h 67.7% of 133 logs" in (chart.get_attribute("aria-label") or "")
    assert chart.locator(".worse .pt").count() == 1, "the last 24 hours; the word stands above"
    assert chart.locator(".base .pt").count() == 7
    if shots := os.environ.get("SHOTS"):
        page.screenshot(path=f"{shots}/monitoring-{width}-{scheme}.png", full_page=True)
    sound(page, "days")
