"""What the home page says of production and of what needs a person: from real logs, judgments, runs and reviews."""

import html
import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core import clock, ids
from app.core.access import Role
from app.core.database import get_engine, unit_of_work
from app.files import deployments
from app.files.counting_repository import count_logs
from app.files.models import Version
from app.home.health import build_health
from app.logs.models import QuarantinedSpan
from app.logs.records import JudgmentRecord, LogRecord
from app.logs.repository import insert_judgments, insert_logs
from app.monitoring.models import Monitor
from tests import factories
from tests.statements import recorded
from tests.web import signed_in, with_key


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def _home(client: TestClient, team: factories.Team) -> str:
    answer = client.get(f"/w/{team.workspace.slug}")
    assert answer.status_code == 200, answer.text
    return _words(answer.text)


def _calls(
    version: Version,
    n: int,
    failed: int,
    hours: tuple[float, float],
    judge: Version | None = None,
    good: int = 0,
    **said,
) -> None:
    """`n` calls between so many hours ago, the first `failed` of every hundred with an error."""
    since, until = hours
    step = (since - until) / n
    made = []
    for at in range(n):
        moment = (clock.now() - timedelta(hours=since - (at + 0.5) * step)).isoformat()
        made.append(
            LogRecord(
                ids.new_id("log"), version.workspace_id, version.file_id, version.id, said.get("source"),
                moment, moment, run_id=said.get("run_id"), error="out of order" if at % 100 < failed else None,
                latency_ms=100.0 + at % 100, prompt_cost="0.001", output_cost="0.001", created_at=moment,
            )
        )  # fmt: skip
    with unit_of_work() as session:
        insert_logs(session, made)
        count_logs(session, {(version.file_id, version.id): n})
        if judge:
            said_of = [
                JudgmentRecord(
                    ids.new_id("jdg"), version.workspace_id, one.id, judge.id, boolean_value=at % 100 < good
                )
                for at, one in enumerate(made)
            ]
            insert_judgments(session, said_of)


@pytest.fixture
def prompt(committed_team: factories.Team) -> Version:
    with unit_of_work() as session:
        return factories.prompt(session, committed_team.admin, "support/answer")


def _watched(team: factories.Team, version: Version) -> Version:
    with unit_of_work() as session:
        judge = factories.evaluator(session, team.admin, "regex", "support/polite", pattern="please")
        session.add(
            Monitor(
                id=ids.new_id("mon"), workspace_id=team.workspace.id, file_id=version.file_id, evaluator_version_id=judge.id
            )
        )  # fmt: skip
    return judge


def test_more_errors_are_told_with_their_interval_and_a_word(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    _calls(prompt, 200, 30, (23.9, 0.1))
    _calls(prompt, 400, 2, (24 * 7.9, 24.5))
    signed_in(client, committed_team.admin)
    words = _home(client, committed_team)
    assert "More calls fail on answer" in words
    assert "30.0% of the last 24 hours, 2.0% in the 7 days before; 95% CI 24.1–36.7, 200 logs" in words
    row = words[words.index("In production") :]
    assert "answer support production v1 200 30.0% 24.1–36.7, 200 logs Worse +28.0 points, was 2.0%" in row
    assert "0.19 s was 0.19 s" in row
    assert "$0.40" in row
    with_key(client, committed_team.admin)
    said = client.get("/v5/overview").json()
    assert said["needs"][0]["kind"] == "errors_rose"
    (one,) = said["production"]
    assert one["file"]["path"] == "support/answer"
    assert one["errors"] == {
        "now": "30.0%", "interval": "24.1–36.7", "n": 200, "before": "2.0%", "change": "+28.0 points", "verdict": "worse"
    }  # fmt: skip


def test_a_few_calls_say_that_they_are_few(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    _calls(prompt, 10, 100, (20, 1))
    _calls(prompt, 200, 0, (24 * 7, 25))
    signed_in(client, committed_team.admin)
    words = _home(client, committed_team)
    assert "100% 72.2–100.0, 10 logs Too few yet" in words
    assert "More calls fail" not in words


def test_what_runs_editors_and_judges_asked_is_not_production(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    for source in ("evaluation", "editor", "judge"):
        _calls(prompt, 30, 100, (20, 1), source=source)
    _calls(prompt, 30, 100, (20, 1), run_id="run_x")
    signed_in(client, committed_team.admin)
    assert "In production" not in _home(client, committed_team)


def test_the_first_calls_have_nothing_to_be_compared_with(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    _calls(prompt, 60, 0, (20, 1))
    signed_in(client, committed_team.admin)
    assert "0% 0.0–6.0, 60 logs nothing before" in _home(client, committed_team)


def test_of_a_busy_hour_a_sample_is_read_and_called_one(
    committed_team: factories.Team, prompt: Version
) -> None:
    _calls(prompt, 3_000, 10, (1.99, 0.01))
    with unit_of_work() as session:
        (line,) = build_health(session, committed_team.admin).lines
    assert line.sampled
    assert line.errors
    assert line.errors.n == 40, "20 of each hour"
    about = float(line.calls.removeprefix("about ").replace(",", ""))
    assert 2_000 < about < 4_500


def test_a_judge_that_says_no_more_often_is_told(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    judge = _watched(committed_team, prompt)
    _calls(prompt, 200, 0, (23.9, 0.1), judge, good=60)
    _calls(prompt, 400, 0, (24 * 7.9, 24.5), judge, good=90)
    signed_in(client, committed_team.admin)
    words = _home(client, committed_team)
    assert "polite v1 fell on answer" in words
    assert "polite v1 60.0% 53.1–66.5, 200 logs Worse −30.0 points, was 90.0%" in words


def test_one_panel_fails_alone(client: TestClient, committed_team: factories.Team, prompt: Version) -> None:
    _calls(prompt, 60, 0, (20, 1))
    with unit_of_work() as session:
        exact = factories.evaluator(session, committed_team.admin, "exact", "tests/Right")
        factories.evaluation(session, committed_team.admin, prompt, exact, name="Did it help?")
    signed_in(client, committed_team.admin)
    with unit_of_work() as session:
        session.execute(text("alter table monitor rename to monitor_away"))
    try:
        words = _home(client, committed_team)
    finally:
        with unit_of_work() as session:
            session.execute(text("alter table monitor_away rename to monitor"))
    assert "How production fares could not be loaded" in words
    assert "Did it help?" in words
    assert "Recent files" in words
    assert "Nothing waits" in words
    assert "could not be loaded" not in _home(client, committed_team)


def test_what_waits_for_a_person_is_listed_until_it_is_done(
    client: TestClient, committed_team: factories.Team
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        old = factories.prompt(session, admin, "tests/asked")
        new = factories.prompt(session, admin, "tests/asked", temperature=0.5)
        rows = factories.dataset(session, admin, 60)
        exact = factories.evaluator(session, admin, "exact", "tests/Right answer")
        human = factories.evaluator(session, admin, "human", "tests/Would you send it")
        evaluation = factories.evaluation(session, admin, old, exact, name="Did it help?")
        for version, right in ((old, 20), (new, 50)):
            run = factories.started_run(session, admin, evaluation, version, rows)
            outputs = [f"answer {n}" if n < right else ("no" if n % 3 else None) for n in range(60)]
            factories.finish_run(session, run, outputs)
        factories.review(session, admin, evaluation, human, [admin], runs=[run])
        session.add(
            QuarantinedSpan(id=ids.new_id("qsp"), workspace_id=admin.workspace_id, problem="no", body=b"x")
        )
        session.execute(
            text("update provider set test_error = 'The key was refused.' where workspace_id = :w"),
            {"w": admin.workspace_id},
        )
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
    signed_in(client, admin)
    words = _home(client, committed_team)
    needs = words[words.index("Needs a person") : words.index("What ran")]
    assert re.search(r"\b5\d outputs wait for your review", needs)
    assert "16 of 120 rows failed in Did it help?" in needs
    assert "1 span could not be read as logs" in needs
    assert "practice did not answer its test The key was refused." in needs
    assert "v2 is better than v1" in needs
    assert "Not deployed yet." in needs
    with unit_of_work() as session:
        staging = deployments.get_environment(session, admin, "staging")
        deployments.deploy(session, admin, new.file, new, staging)
    needs = _home(client, committed_team).partition("What ran")[0]
    assert "Not deployed yet." not in needs
    client.cookies.clear()
    signed_in(client, viewer)
    seen = _home(client, committed_team)
    assert "wait for your review" not in seen, "they are not asked"
    assert "16 of 120 rows failed" in seen


def test_where_one_was_is_said(client: TestClient, committed_team: factories.Team, prompt: Version) -> None:
    with unit_of_work() as session:
        colleague = factories.member(session, committed_team.workspace, Role.MEMBER, "Colleague")
        factories.tool(session, colleague, "tests/of somebody else")
        exact = factories.evaluator(session, committed_team.admin, "exact", "tests/Right")
        rows = factories.dataset(session, committed_team.admin, 3, "tests/rows of mine")
        going = factories.evaluation(session, committed_team.admin, prompt, exact, name="Going on")
        factories.started_run(session, committed_team.admin, going, prompt, rows)
    signed_in(client, committed_team.admin)
    words = _home(client, committed_team)
    mine = words[words.index("You last changed") : words.index("Name Latest")]
    assert "rows of mine v1" in mine
    assert "answer v1" in mine
    assert "of somebody else" not in mine
    assert "Running now Going on" in mine


def test_nothing_of_another_workspace_is_told(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    _calls(prompt, 60, 50, (20, 1))
    with unit_of_work() as session:
        other = factories.team(session, "Elsewhere")
    with_key(client, other.admin)
    assert client.get("/v5/overview").json() == {"needs": [], "production": []}


def test_more_files_take_no_more_statements(committed_team: factories.Team) -> None:
    def statements() -> int:
        with unit_of_work() as session, recorded(get_engine()) as sent:
            build_health(session, committed_team.admin)
        return len(sent)

    with unit_of_work() as session:
        every = [factories.prompt(session, committed_team.admin, f"support/{n}") for n in range(12)]
    for version in every[:2]:
        _calls(version, 3, 0, (20, 1))
        _watched(committed_team, version)
    two = statements()
    for version in every[2:]:
        _calls(version, 3, 0, (20, 1))
        _watched(committed_team, version)
    assert statements() <= two
