"""Logs over time: every log once, in its part, by the filters of the list; and where counting ends, it is said."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core import clock
from app.core.database import unit_of_work
from app.evaluations.verdicts.judging import set_verdict
from app.evaluators.binding import Verdict
from app.files import deployments
from app.logs.histogram import MOST_COUNTED, MOST_PARTS, span_of, written
from app.logs.records import JudgmentRecord
from app.logs.repository import insert_judgments
from tests import factories
from tests.logs.pages_of_logs import beside, outputs, sent_log, url
from tests.statements import recorded
from tests.web import signed_in, with_key


@pytest.fixture
def browser(client: TestClient, committed_team: factories.Team) -> TestClient:
    return signed_in(with_key(client, committed_team.admin), committed_team.admin)


def counted(browser: TestClient, **filters: str) -> dict:
    answer = browser.get("/v5/log-histogram", params=filters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def of(found: dict) -> dict[str, int]:
    return {part["since"]: part["logs"] for part in found["records"] if part["logs"]}


NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DAY = {"since": "2026-11-20", "until": "2026-11-20"}


@pytest.fixture
def noon(committed_team: factories.Team) -> None:
    """Three logs at noon of a day, one of them of production, and one in the evening, which ended with an error."""
    for minute, said in ((0, {}), (7, {"environment": "production"}), (14, {"inputs": {"q": "rare words"}})):
        sent_log(committed_team, f"noon {minute}", created_at=NOON + timedelta(minutes=minute), **said)
    sent_log(committed_team, "evening", error="boom", created_at=NOON + timedelta(hours=8))


@pytest.mark.parametrize(
    ("filters", "logs"),
    [
        ({}, [3, 1]), ({"environment": "production"}, [1]), ({"q": "rare"}, [1]), ({"state": "error"}, [1]),
        ({"source": "nowhere"}, []), ({"user": "nobody"}, []), ({"since": "2026-11-20T12:07"}, [2, 1]),
        ({"until": "2026-11-20T12:07"}, [1]),
    ],
)  # fmt: skip
def test_each_log_is_in_its_quarter_of_an_hour(
    browser: TestClient, noon: None, filters: dict[str, str], logs: list[int]
) -> None:
    found = counted(browser, **DAY | filters)
    assert list(of(found).values()) == logs
    assert found["logs"] == sum(logs)
    assert found["counted_since"] is None
    if not filters:
        assert found["seconds"] == 900
        assert len(found["records"]) == 96
        assert list(of(found)) == ["2026-11-20T12:00:00Z", "2026-11-20T20:00:00Z"]


def test_a_bars_link_finds_what_the_bar_counts(
    browser: TestClient, committed_team: factories.Team, noon: None
) -> None:
    page = browser.get(beside(committed_team, "/log-histogram"), params=DAY | {"environment": "production"})
    assert "<html" in page.text, "a page of its own where there is no script"
    found = re.search(r'<a href="([^"]+)" tabindex="-1"[^>]*><title>20 Nov 2026, 12:00: 1 log<', page.text)
    assert found
    there = html.unescape(found.group(1))
    assert "environment=production" in there
    assert outputs(browser.get(there).text) == ["noon 7"]
    listed = browser.get(url(committed_team), params=DAY).text
    [asks] = re.findall(r'hx-get="([^"]+/log-histogram[^"]*)" hx-trigger="load"', listed)
    part = browser.get(html.unescape(asks), headers={"hx-request": "true"}).text
    assert "<html" not in part
    assert "4 logs, from 20 Nov 2026, 00:00 to 21 Nov 2026, 00:00 UTC, by quarter of an hour." in part
    assert ">20 Nov 2026, 20:00: 1 log</a></li>" in part


def test_the_time_of_the_list_takes_moments(
    browser: TestClient, committed_team: factories.Team, noon: None
) -> None:
    shown = browser.get(url(committed_team, "?since=2026-11-20T12:07&until=2026-11-20T12:14")).text
    assert outputs(shown) == ["noon 7"]
    assert 'type="datetime-local" value="2026-11-20T12:07"' in shown
    assert "Since 2026-11-20 12:07" in shown


def test_failed_checks_are_counted_beside_all(
    browser: TestClient, committed_team: factories.Team, noon: None
) -> None:
    with unit_of_work() as session:
        judge = factories.evaluator(session, committed_team.admin, "contains", text="x")
        ids = session.scalars(text("select id from log where output like 'noon%' order by id")).all()
        said = []
        for place, log_id in enumerate(ids):
            record = JudgmentRecord(f"jdg_{place}", committed_team.workspace.id, log_id, judge.id)
            set_verdict(record, Verdict(place == 0))
            said.append(record)
        insert_judgments(session, said)
    for filters, failed in (({}, 2), ({"environment": "production"}, None), ({"state": "failed"}, 2)):
        found = counted(browser, **DAY | filters)
        if failed is not None:
            assert found["failed"] == failed
            assert [part["failed"] for part in found["records"] if part["failed"]] == [2]
    page = browser.get(beside(committed_team, "/log-histogram"), params=DAY).text
    assert "3 logs, 2 failed a check" in page
    assert '<g class="worse">' in page


def test_deployments_are_marks(browser: TestClient, committed_team: factories.Team) -> None:
    sent_log(committed_team, "now")
    with unit_of_work() as session:
        version = factories.prompt(session, committed_team.admin, "support/answer")
        staging = deployments.get_environment(session, committed_team.admin, "staging")
        deployments.deploy(session, committed_team.admin, version.file, version, staging)
        other = factories.prompt(session, committed_team.admin, "other/prompt")
        deployments.deploy(session, committed_team.admin, other.file, other, staging)
    assert {one["path"] for one in counted(browser)["deployments"]} == {"support/answer", "other/prompt"}
    one, *first = counted(browser, file=version.file_id)["deployments"]
    assert {each["path"] for each in first} == {"support/answer"}, (
        "a first version goes into the default environment"
    )
    assert (one["path"], one["version"], one["environment"]) == ("support/answer", version.number, "staging")
    assert (
        f"v{version.number} of support/answer to staging"
        in browser.get(beside(committed_team, "/log-histogram")).text
    )
    assert counted(browser, since="2020-01-01", until="2020-01-02")["deployments"] == []


def test_without_a_time_it_goes_as_far_back_as_there_is_a_log(
    browser: TestClient, committed_team: factories.Team
) -> None:
    assert counted(browser)["logs"] == 0
    now = clock.now()
    for days, seconds in ((200, 900), (50, 86_400), (10, 4 * 3_600), (3, 3_600), (0, 900)):
        sent_log(committed_team, f"{days} days", created_at=now - timedelta(days=days))
        found = counted(browser)
        assert found["seconds"] == seconds, days
        assert found["logs"] >= 1


def test_where_counting_ends_it_is_said(browser: TestClient, committed_team: factories.Team) -> None:
    sent_log(committed_team, "first", source="rare", created_at=NOON)
    with unit_of_work() as session:
        session.execute(
            text("""
            insert into log (id, workspace_id, file_id, version_id, created_at)
            select 'log_many' || n, workspace_id, file_id, version_id, created_at + n * interval '1 second'
            from log, generate_series(1, :most) n
            """),
            {"most": MOST_COUNTED},
        )
    all_of_them = counted(browser, **DAY)
    assert (all_of_them["logs"], all_of_them["counted_since"]) == (MOST_COUNTED + 1, None)
    assert all_of_them["failed_counted_since"] == "2026-11-20T12:00:01Z"
    some = counted(browser, **DAY, source="rare")
    assert (some["logs"], some["counted_since"]) == (0, "2026-11-20T12:00:01Z")
    said = f"Of the newest {MOST_COUNTED:,} logs: what came before 20 Nov, 12:00 is not counted."
    assert said in browser.get(beside(committed_team, "/log-histogram"), params=DAY | {"source": "rare"}).text


def test_a_filter_that_cannot_be_read_is_refused_by_the_api_and_told_on_the_page(
    browser: TestClient, committed_team: factories.Team
) -> None:
    refused = browser.get("/v5/log-histogram?since=yesterday")
    assert refused.status_code == 422
    assert "is no date" in refused.text
    assert "is no date" in browser.get(beside(committed_team, "/log-histogram?since=yesterday")).text


@pytest.mark.parametrize(
    "query",
    [
        "since=0001-01-01",
        "until=8999-12-31",
        "until=0001-01-01",
        "since=1970-01-01&until=8999-12-31",
        "since=2030-01-01&until=2020-01-01",
        "since=8999-12-31T23:59",
    ],
)
def test_no_time_is_too_long_or_too_far(
    browser: TestClient, committed_team: factories.Team, query: str
) -> None:
    sent_log(committed_team, "one")
    assert browser.get(beside(committed_team, f"/log-histogram?{query}")).status_code == 200
    assert (
        len(counted(browser, **dict(one.split("=") for one in query.split("&")))["records"]) <= MOST_PARTS + 2
    )


@pytest.mark.parametrize(
    ("seconds", "width"),
    [
        (60, 60),
        (6_000, 60),
        (6_001, 300),
        (86_400, 900),
        (4 * 86_400, 3_600),
        (16 * 86_400, 4 * 3_600),
        (90 * 86_400, 86_400),
    ],
)
def test_parts_grow_with_the_time(seconds: int, width: int) -> None:
    span = span_of(NOON, NOON + timedelta(seconds=seconds))
    assert span.width_s == width
    assert span.since <= NOON
    assert span.until >= NOON + timedelta(seconds=seconds)
    assert span.parts <= MOST_PARTS + 1


def test_weeks_begin_on_mondays_and_days_are_written_as_days() -> None:
    span = span_of(NOON - timedelta(days=300), NOON)
    assert (span.width_s, span.since.weekday()) == (7 * 86_400, 0)
    assert (written(span.at(0), is_end=False), written(span.at(1), is_end=True)) == (
        f"{span.since:%Y-%m-%d}", f"{span.since + timedelta(days=6):%Y-%m-%d}",
    )  # fmt: skip
    assert written(NOON) == "2026-11-20T12:00"


def test_it_takes_as_many_statements_whatever_there_is(
    browser: TestClient, committed_team: factories.Team, noon: None
) -> None:
    from app.core.database import get_engine

    with recorded(get_engine()) as few:
        browser.get(beside(committed_team, "/log-histogram"), params=DAY)
    for minute in range(30):
        sent_log(committed_team, "more", created_at=NOON + timedelta(minutes=minute))
    with recorded(get_engine()) as many:
        browser.get(beside(committed_team, "/log-histogram"), params=DAY)
    assert len(few) == len(many)
