"""What evaluators said, on the pages of logs: however much it is, a page reads what it shows, and tells the rest."""

import html
import re
import tracemalloc

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from tests import factories
from tests.web import signed_in


def _url(team: factories.Team, rest: str = "") -> str:
    return f"/w/{team.workspace.slug}/logs{rest}"


@pytest.fixture
def browser(client: TestClient, committed_team: factories.Team) -> TestClient:
    return signed_in(client, committed_team.admin)


def _judged(team: factories.Team, count: int, rationale: str = "''", errors: str = "null") -> str:
    """The id of a log with so many judgments, whose reasons are what the SQL says of each number `n`."""
    with unit_of_work() as session:
        version = factories.prompt(session, team.admin, "support/answer")
        log_id = factories.logged(session, team.admin, version, output="Because.")
        judge = factories.evaluator(session, team.admin, "exact", "support/right")
        insert = f"""
            insert into judgment (id, workspace_id, log_id, evaluator_version_id, author, vote, boolean_value, rationale,
                stdout, detail, error)
            select :log || '_' || lpad(n::text, 4, '0'), :workspace, :log, :judge, 'usr_' || n, 0, n > 10, {rationale},
                {rationale}, jsonb_build_object('why', {rationale}), {errors} from generate_series(1, :count) n"""
        session.execute(
            text(insert),
            {"log": log_id, "workspace": team.workspace.id, "judge": judge.id, "count": count},
        )
    return log_id


def test_long_reasons_are_read_as_far_as_they_are_shown(
    browser: TestClient, committed_team: factories.Team
) -> None:
    log_id = _judged(committed_team, 10, "repeat(md5(n::text), 150000)")
    browser.get(_url(committed_team, f"/{log_id}"))  # what a first page leaves behind is not counted
    tracemalloc.start()
    try:
        listed = browser.get(_url(committed_team))
        shown = browser.get(_url(committed_team, f"/{log_id}"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "0 of 10" in listed.text
    assert re.search(r"… and 4,[\d,]+ more characters, which the API has", shown.text)
    assert peak < 12 * 1024**2, "140 MB of reasons are not read"


def test_judgments_without_number_are_told_a_part_at_a_time(
    browser: TestClient, committed_team: factories.Team
) -> None:
    log_id = _judged(committed_team, 120, "'reason ' || lpad(n::text, 3, '0')")
    assert "40 of the first 50" in browser.get(_url(committed_team)).text
    address, seen = _url(committed_team, f"/{log_id}"), []
    while address:
        page = browser.get(address).text
        seen.append(re.findall(r"reason (\d+)", page))
        assert f"{len(seen[-1])} of 120 judgments." in page
        following = re.search(r'href="([^"]+)#said">The next', page)
        address = html.unescape(following.group(1)) if following else ""
    assert [len(part) for part in seen] == [50, 50, 20]
    assert [number for part in seen for number in part] == [f"{n:03}" for n in range(1, 121)]


def test_an_error_stands_where_the_reason_would(browser: TestClient, committed_team: factories.Team) -> None:
    log_id = _judged(committed_team, 1, errors="'the judge was away'")
    page = browser.get(_url(committed_team, f"/{log_id}")).text
    assert "the judge was away" in page
    assert page.count("not judged") == 2
