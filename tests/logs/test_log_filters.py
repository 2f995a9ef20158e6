"""The filters of the list of logs: what they leave out, how far they look, and what is wrong with them."""

import html
import re
import time
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core import clock
from app.core.database import unit_of_work
from app.logs.listing import Filters
from app.logs.listing_repository import MOST_LOOKED_AT, MOST_READ
from tests import factories
from tests.logs.pages_of_logs import beside, outputs, sent_log, url
from tests.web import signed_in


@pytest.fixture
def browser(client: TestClient, committed_team: factories.Team) -> TestClient:
    return signed_in(client, committed_team.admin)


def test_every_filter_leaves_out_what_is_not_meant(
    browser: TestClient, committed_team: factories.Team
) -> None:
    moment = clock.now()
    plain = {"inputs": {"question": "Where is my card?"}}
    sent_log(committed_team, "first", **plain, created_at=moment - timedelta(days=3))
    sent_log(
        committed_team, "second", **plain, environment="production", source="support-bot", user="customer-17",
        session_id="s-1", metadata={"tier": "gold"}, provider_latency=2.5, prompt_cost=0.25, output_cost=0.25,
    )  # fmt: skip
    sent_log(committed_team, "100% sure", error="boom", inputs={"question": "a_b"})
    with unit_of_work() as session:
        other = factories.tool(session, committed_team.admin, "support/look up")
        factories.logged(session, committed_team.admin, other, output="found")
        number = factories.prompt(session, committed_team.admin, "support/answer").number

    def shown(query: str) -> list[str]:
        answer = browser.get(url(committed_team, f"?{query}"))
        assert answer.status_code == 200, answer.text
        return outputs(answer.text)

    file_id = re.search(r'<option value="(\w+)">support/answer', browser.get(url(committed_team)).text)
    assert file_id
    of_file = f"file={file_id.group(1)}"
    assert shown("") == ["found", "boom", "second", "first"]
    assert shown(of_file) == ["boom", "second", "first"]
    assert shown(f"{of_file}&version={number}") == ["boom", "second", "first"]
    assert shown(f"{of_file}&version=99") == ["boom", "second", "first"], "said, and left aside"
    assert shown("environment=production") == ["second"]
    assert shown("source=support-bot") == ["second"]
    assert shown("user=customer-17") == ["second"]
    assert shown("session=s-1") == ["second"]
    assert shown("metadata=gold") == ["second"]
    assert shown("slower=2") == ["second"]
    assert shown("slower=3") == []
    assert shown("dearer=0.4") == ["second"]
    assert shown("state=error") == ["boom"]
    assert shown("q=where+is+MY") == ["second", "first"]
    assert shown("q=100%25+s") == ["boom"], "in the output, which the row does not show"
    assert shown("q=a_b") == ["boom"], "no wildcard"
    assert shown("q=aXb") == []
    assert shown(f"until={(moment - timedelta(days=2)).date()}") == ["first"]
    assert shown(f"since={(moment - timedelta(days=2)).date()}") == ["found", "boom", "second"]
    assert shown("q=where&user=customer-17") == ["second"]
    assert "“yesterday” is no date" in browser.get(url(committed_team, "?since=yesterday")).text
    assert "is no amount" in browser.get(url(committed_team, "?slower=NaN")).text
    assert "There is no version 99." in browser.get(url(committed_team, f"?{of_file}&version=99")).text
    cleaned = browser.get(url(committed_team, "?q=&user=customer-17&since="))
    assert (cleaned.status_code, cleaned.headers["location"]) == (
        303,
        url(committed_team, "?user=customer-17"),
    )


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("since=yesterday", "since"), ("until=9999999", "until"), ("slower=NaN", "slower"), ("dearer=x", "dearer"),
        ("file=fl_nowhere", "file"), ("version=1", "version"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_filter_stands_beside_its_field(
    browser: TestClient, committed_team: factories.Team, query: str, name: str
) -> None:
    page = browser.get(url(committed_team, f"?{query}")).text
    dialog = page.partition('<dialog class="dialog" id="filters"')[2].partition("</dialog>")[0]
    [described] = re.findall(rf'id="f-{name}"[^>]* aria-invalid="true" aria-describedby="([^"]+)"', dialog)
    [said] = re.findall(rf'id="{described}">([^<]+)<', dialog)
    assert f'role="alert" style="padding: var(--s2) var(--s5)">{said} <button' in page
    assert dialog.count("aria-invalid") == 1
    assert 'popovertarget="filters" popovertargetaction="hide">Close' in dialog
    assert "aria-invalid" not in browser.get(url(committed_team)).text


@pytest.mark.parametrize(
    ("filters", "most"), [(Filters(source="rare"), MOST_LOOKED_AT), (Filters(q="rare"), MOST_READ)]
)
def test_a_page_looks_at_so_many_logs_and_says_where_it_goes_on(
    browser: TestClient, committed_team: factories.Team, filters: Filters, most: int
) -> None:
    sent_log(committed_team, "rare", source="rare")
    with unit_of_work() as session:
        session.execute(
            text("""
            insert into log (id, workspace_id, file_id, version_id, created_at)
            select 'log_many' || n, workspace_id, file_id, version_id, created_at + n * interval '1 ms'
            from log, generate_series(1, :most) n
            """),
            {"most": most},
        )
    query = "&".join(f"{name}={value}" for name, value in filters.given().items())
    page = browser.get(url(committed_team, f"?{query}")).text
    assert f"None of the {most:,} newest logs that were looked at matches." in page
    [further] = re.findall(r'before=([^"]+)">Look further back', page)
    assert outputs(browser.get(url(committed_team, f"?{query}&before={further}")).text) == ["rare"]


def test_long_texts_are_searched_as_far_as_time_allows(
    browser: TestClient, committed_team: factories.Team
) -> None:
    """A megabyte each, packed as tightly as Postgres can: to read all of them at once takes longer than a request may."""
    sent_log(committed_team, "short", inputs={"question": "rare"})
    with unit_of_work() as session:
        session.execute(
            text("""
            insert into log (id, workspace_id, file_id, version_id, created_at, inputs)
            select 'log_long' || n, workspace_id, file_id, version_id, created_at + n * interval '1 ms',
                   jsonb_build_object('question', repeat(md5(n::text), 32000))
            from log, generate_series(1, 400) n
            """)
        )
    address, pages, found = url(committed_team, "?q=rare"), 0, []
    while address:
        began = time.monotonic()
        answer = browser.get(address)
        assert answer.status_code == 200
        assert time.monotonic() - began < 4
        found, pages = found + outputs(answer.text), pages + 1
        further = re.search(r'href="([^"]+)">Look further back', answer.text)
        address = html.unescape(further.group(1)) if further else ""
    assert found == ["short"]
    assert 2 <= pages < 100
    newer = browser.get(beside(committed_team, "/newer-logs?q=rare&after=2020-01-01T00:00:00Z~x"))
    assert newer.status_code in (200, 204)
