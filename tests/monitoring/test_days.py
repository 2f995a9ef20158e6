"""The score of a file's logs from day to day, as the page of its monitoring draws it."""

import html
import re

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.files.models import Version
from app.logs import health_repository
from app.statistics.intervals import mean_interval, wilson
from tests import factories
from tests.monitoring.watched_days import judged_day, watch
from tests.web import signed_in


@pytest.fixture
def prompt(committed_team: factories.Team) -> Version:
    with unit_of_work() as session:
        return factories.prompt(session, committed_team.admin, "support/answer")


def _page(client: TestClient, team: factories.Team, version: Version) -> str:
    return (
        signed_in(client, team.admin)
        .get(f"/w/{team.workspace.slug}/prompts/{version.file_id}/monitoring")
        .text
    )


def _told(page: str, name: str) -> list[str]:
    """What the drawing says to who cannot see it, day by day."""
    (found,) = re.findall(rf'role="img" aria-label="{name} by day: ([^"]+)"', page)
    return [re.sub(r"^\d+ [A-Z][a-z]{2}", "day", one) for one in html.unescape(found).split("; ")]


def test_each_day_has_its_score_interval_and_number_of_logs(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    with unit_of_work() as session:
        judge = factories.evaluator(session, committed_team.admin, "regex", "judges/polite", pattern="please")
        watch(session, prompt, judge)
        for ago, good in ((7, 30), (3, 20), (0, 10)):
            judged_day(session, prompt, judge, ago, [n < good for n in range(40)])
        judged_day(session, prompt, judge, 9, [False] * 50)  # before the days that are shown
    page = _page(client, committed_team, prompt)

    assert _told(page, "polite") == [
        "day 75.0% of 40 logs",
        "day 50.0% of 40 logs",
        "last 24 h 25.0% of 40 logs",
    ]
    # Both scores and their intervals stand on one scale: Wilson's.
    low, high = (wilson(10, 40).lo, wilson(30, 40).hi)
    ticks = [float(one) for one in re.findall(r">\s*(\d+(?:\.\d)?)%\s*</text>", page)]
    assert min(ticks) / 100 <= (low or 0) < (high or 1) <= max(ticks) / 100
    assert len(re.findall(r'<path class="err"', page)) == 3
    assert "was 62.5%" in page, "30 and 20 of the 80 before"


def test_days_of_numbers_are_means(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    values: list[bool | float] = [20.0, 40.0, 90.0, 50.0]
    with unit_of_work() as session:
        judge = factories.evaluator(session, committed_team.admin, "tokens", "judges/easy")
        watch(session, prompt, judge)
        judged_day(session, prompt, judge, 0, values)
    page = _page(client, committed_team, prompt)
    assert _told(page, "easy") == ["last 24 h 50.00 of 4 logs"]
    expected = mean_interval(values, share=False)
    assert expected is not None
    assert f"{expected.lo:.2f}–" in page, "the interval stands beside the score"


def test_without_a_judged_log_the_page_says_what_will_stand_there(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    with unit_of_work() as session:
        judge = factories.evaluator(session, committed_team.admin, "regex", "judges/polite", pattern="please")
        watch(session, prompt, judge)
    page = _page(client, committed_team, prompt)
    assert "No log of the last 8 days has a score" in page
    assert "by day" not in page.replace("Day by day", "")


def test_of_many_logs_a_day_a_sample_is_read(
    client: TestClient, committed_team: factories.Team, prompt: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_repository, "_COUNTED_A_DAY", 200)
    with unit_of_work() as session:
        judge = factories.evaluator(session, committed_team.admin, "regex", "judges/polite", pattern="please")
        watch(session, prompt, judge)
        judged_day(session, prompt, judge, 2, [True] * 1000)
        judged_day(session, prompt, judge, 1, [True] * 40)
    page = _page(client, committed_team, prompt)
    many, few = _told(page, "polite")
    (about,) = re.findall(r"100% of ([\d,]+) logs", many)
    assert 800 < int(about.replace(",", "")) < 1200
    assert few == "day 100% of 40 logs"
    assert "Of many logs a sample is read" in page
