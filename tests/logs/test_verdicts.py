"""What evaluators said, on the pages of logs: however much it is, a page reads what it shows, and tells the rest."""

import html
import re
import tracemalloc

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import get_engine, unit_of_work
from app.logs.polarity import Kept, polarity_of
from tests import factories
from tests.statements import recorded
from tests.web import signed_in, with_key


def _url(team: factories.Team, rest: str = "") -> str:
    return f"/w/{team.workspace.slug}/logs{rest}"


def _beside(team: factories.Team, rest: str) -> str:
    return f"/w/{team.workspace.slug}{rest}"


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


CHOICE = {
    "evaluator_type": "external", "return_type": "select", "arguments_type": "target_free",
    "options": [{"name": "rude", "valence": "negative"}, {"name": "kind", "valence": "positive"}],
}  # fmt: skip


def _with_choices(browser: TestClient, team: factories.Team) -> None:
    """A rude log and a kind one, judged by choices, and another that 2,050 newer evaluators call good."""
    with unit_of_work() as session:
        version = factories.prompt(session, team.admin, "support/answer")
        ids = {
            said: factories.logged(session, team.admin, version, output=said)
            for said in ("rude", "kind", "liked")
        }
    client = with_key(browser, team.admin)
    for choice in ("rude", "kind"):
        body = {"parent_id": ids[choice], "path": "judges/manners", "spec": CHOICE, "judgment": choice}
        assert client.post("/v5/evaluators/log", json=body).status_code == 200
    del client.headers["x-api-key"]
    with unit_of_work() as session:
        plain = factories.evaluator(session, team.admin, "exact", "judges/right")
        session.flush()
        session.execute(
            text("""
            with made as (
                insert into version (id, workspace_id, file_id, number, content_hash, spec, created_at)
                select 'evv_many' || n, workspace_id, file_id, 1 + n, 'many' || n, spec, now() + n * interval '1 ms'
                from version, generate_series(1, 2050) n where id = :version returning id, workspace_id)
            insert into judgment (id, workspace_id, log_id, evaluator_version_id, boolean_value)
            select 'ev_' || id, workspace_id, :log, id, true from made
            """),
            {"version": plain.id, "log": ids["liked"]},
        )


def test_what_is_bad_is_known_of_every_evaluator_and_read_once(
    browser: TestClient, committed_team: factories.Team
) -> None:
    _with_choices(browser, committed_team)
    failed, poll = _url(committed_team, "?state=failed"), _beside(committed_team, "/newer-logs?state=failed")
    assert re.findall(r'<td class="clip muted">([^<]*)</td>', browser.get(failed).text) == ["rude"]
    with recorded(get_engine()) as statements:
        again = browser.get(failed).text
        assert browser.get(f"{poll}&after=2020-01-01T00:00:00Z~x").text.count("1 newer log") == 1
    assert re.findall(r'<td class="clip muted">([^<]*)</td>', again) == ["rude"]
    assert not [each for each in statements if re.search(r"\bspec\b", each)], "versions never change"


def test_there_is_room_for_so_many_choices() -> None:
    spec = CHOICE | {"options": [{"name": "x" * 200, "valence": "negative"}]}
    assert polarity_of(spec).bad == ("x" * 200,)
    kept = Kept(most=1_000)
    kept.keep({str(n): polarity_of(spec) for n in range(9)})
    assert list(kept.known(map(str, range(9)))) == ["6", "7", "8"]
