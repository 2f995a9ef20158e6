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
from app.logs import health_repository
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
    assert "0.19 s 200 logs was 0.19 s" in row
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


def _line(team: factories.Team):
    with unit_of_work() as session:
        (line,) = build_health(session, team.admin).lines
    return line


@pytest.mark.parametrize("n", [19, 20, 21, 3_000])
def test_a_burst_is_counted_and_not_estimated(
    committed_team: factories.Team, prompt: Version, n: int
) -> None:
    _calls(prompt, n, 10, (0.02, 0.01))
    line = _line(committed_team)
    assert (line.calls, line.sampled) == (f"{n:,}", False)
    assert line.errors
    assert line.errors.n == n


def test_evaluations_crowd_no_call_out(committed_team: factories.Team, prompt: Version) -> None:
    _calls(prompt, 30, 100, (0.9, 0.5))
    _calls(prompt, 900, 0, (0.4, 0.1), run_id="run_x", source="evaluation")
    line = _line(committed_team)
    assert (line.calls, line.sampled) == ("30", False)
    assert line.errors
    assert (line.errors.now, line.errors.n) == ("100%", 30)


def _fill(version: Version, n: int, every_s: float, failing: str) -> None:
    """`n` logs, one each so many seconds up to now."""
    with unit_of_work() as session:
        session.execute(
            text(f"""insert into log (id, workspace_id, file_id, version_id, created_at, error, latency_ms, prompt_cost, output_cost)
            select :id || n, :w, :f, :v, now() - n * make_interval(secs => :s), case when {failing} then 'no' end, n % 100,
                0.001, 0 from generate_series(1, :n) n"""),
            {
                "id": ids.new_id("log"), "w": version.workspace_id, "f": version.file_id, "v": version.id, "n": n,
                "s": every_s,
            },
        )  # fmt: skip
        count_logs(session, {(version.file_id, version.id): n})


def test_of_many_calls_one_of_each_few_is_read(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    """So many files are read whole that the last one is not: as many as there are, and each third call fails."""
    with unit_of_work() as session:
        others = [factories.prompt(session, committed_team.admin, f"support/{n}") for n in range(4)]
    for other in others:
        _fill(other, 4_000, 0.1, "false")
    _fill(prompt, 5_000, 17, "n % 3 = 0")
    with unit_of_work() as session:
        lines = build_health(session, committed_team.admin).lines
    assert [(line.calls, line.sampled) for line in lines[1:]] == [("4,000", False)] * 4
    line = lines[0]
    assert (line.calls, line.sampled, line.cost) == ("about 5,000", True, "about $5.00")
    assert line.errors
    assert line.read == line.errors.n
    assert 300 < line.read <= 400
    assert 26 < float(line.errors.now.rstrip("%")) < 41, "what keeps time is not taken for all"
    signed_in(client, committed_team.admin)
    words = _home(client, committed_team)
    assert f"about 5,000 sampled, {line.read} read" in words
    assert f"about $5.00 {line.read} read" in words


def test_one_hour_of_failures_among_quiet_ones_is_told_as_what_it_is(
    committed_team: factories.Team, prompt: Version
) -> None:
    _calls(prompt, 23 * 5, 0, (23.9, 1))
    _calls(prompt, 12_000, 100, (0.95, 0.05))
    line = _line(committed_team)
    assert line.errors
    assert line.sampled
    assert float(line.errors.now.rstrip("%")) > 95
    assert 8_000 < float(line.calls.removeprefix("about ").replace(",", "")) < 17_000


def test_logs_of_unequal_weight_count_for_fewer(committed_team: factories.Team, prompt: Version) -> None:
    """A steady stream with an hour that is thirty times as busy: of that one more is read than its length is due."""
    _calls(prompt, 6_000, 0, (23.9, 0.1))
    _calls(prompt, 8_000, 100, (12, 11))
    with unit_of_work() as session:
        probes = health_repository.list_probes(session, [prompt.file_id])
        (fared,) = health_repository.list_fared(session, probes)
    assert fared.n < fared.read <= 720
    assert 9_000 < fared.calls < 20_000
    assert 0.4 < fared.failed / fared.n < 0.75


def test_a_hundred_thousand_calls_are_told_from_two_thousand(
    committed_team: factories.Team, prompt: Version
) -> None:
    _fill(prompt, 102_000, 5.9, "n % 20 = 0")
    with unit_of_work() as session:
        probes = health_repository.list_probes(session, [prompt.file_id])
        before, now = sorted(health_repository.list_fared(session, probes), key=lambda one: one.part)
    assert (now.part, before.part) == ("now", "before")
    for fared, calls in ((now, 24 * 3_600 / 5.9), (before, 102_000 - 24 * 3_600 / 5.9)):
        assert 200 < fared.n <= fared.read <= 720
        assert fared.calls == pytest.approx(calls, rel=0.1)
        assert fared.failed / fared.n == pytest.approx(0.05, abs=0.03)
        assert fared.p95_ms == pytest.approx(94, abs=5)


def test_of_few_calls_no_p95_is_told(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    _calls(prompt, 19, 0, (23.9, 0.1))
    signed_in(client, committed_team.admin)
    words = _home(client, committed_team)
    assert re.search(r"19 logs nothing before too few \$0\.0", words), words
    _calls(prompt, 1, 0, (23.9, 0.1))
    assert "s 20 logs" in _home(client, committed_team)


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
    assert "Unknown is how production fares: there may be more that waits." in words
    assert "Nothing waits" not in words
    whole = _home(client, committed_team)
    assert "Nothing waits: no mention, no review, and in the newest evaluations no failed row" in whole
    assert "Unknown is" not in whole
    assert "could not be loaded" not in whole


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
