"""The pages of a prompt with its scores: dashboard, versions, differences, deployments."""

import html
import re

from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.evaluations import repository
from app.files.models import Version
from tests import factories
from tests.statements import recorded
from tests.web import csrf_of, signed_in


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def _compared(team: factories.Team) -> tuple[Version, Version]:
    """Two versions, evaluated on the same 60 rows: 20 right, then 50; the first is live."""
    with unit_of_work() as session:
        old = factories.prompt(session, team.admin, "tests/asked")
        template = [
            {"role": "system", "content": "Answer very shortly."},
            {"role": "user", "content": "{{question}}"},
        ]
        new = factories.prompt(session, team.admin, "tests/asked", template=template, temperature=0.5)
        rows = factories.dataset(session, team.admin, 60)
        exact = factories.evaluator(session, team.admin, "exact", "tests/Right answer")
        latency = factories.evaluator(session, team.admin, "latency", "tests/Speed")
        evaluation = factories.evaluation(session, team.admin, old, exact, latency)
        for version, right in ((old, 20), (new, 50)):
            run = factories.started_run(session, team.admin, evaluation, version, rows)
            factories.finish_run(session, run, [f"answer {n}" if n < right else "no" for n in range(60)])
    return old, new


def _evaluator_of(session: Session, version: Version) -> Version:
    """The primary evaluator of a prompt's newest evaluation."""
    evaluation = repository.find_last_evaluation(session, version.file_id)
    assert evaluation is not None
    return repository.list_evaluators(session, evaluation.id)[0]


def _base(team: factories.Team, version: Version) -> str:
    return f"/w/{team.workspace.slug}/prompts/{version.file_id}"


def test_the_dashboard_says_what_the_newest_version_does_against_the_live_one(
    client: TestClient, committed_team: factories.Team
) -> None:
    _, new = _compared(committed_team)
    signed_in(client, committed_team.admin)
    page = client.get(_base(committed_team, new)).text
    words = _words(page)
    assert "v2 scores 50.0 points above v1, which is live" in words
    assert "on the same 60 rows" in words
    assert "83.3% 72.0–90.7" in words, "the last score with Wilson's interval"
    assert "Right answer by version" in words
    assert "$0.036" in words, "120 calls at $0.0003"
    assert page.count('class="delta better"') == 1
    assert "production v1" in words


def test_a_prompt_without_an_evaluation_says_so(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        version = factories.prompt(session, committed_team.admin)
    signed_in(client, committed_team.admin)
    words = _words(client.get(_base(committed_team, version)).text)
    assert "v1 has not been evaluated" in words
    assert "Evaluate v1" in words
    assert "No version has a score yet" in words
    assert "No call yet" in words


def test_scored_versions_keep_their_score_whatever_is_evaluated_next(
    client: TestClient, committed_team: factories.Team
) -> None:
    admin = committed_team.admin
    _, new = _compared(committed_team)
    signed_in(client, admin)
    with unit_of_work() as session:
        exact = _evaluator_of(session, new)
        factories.evaluation(session, admin, new, exact, name="Nothing ran yet")
    words = _words(client.get(_base(committed_team, new)).text)
    assert "v2 scores 50.0 points above v1, which is live" in words
    assert "not run" not in words

    with unit_of_work() as session:
        third = factories.prompt(session, admin, "tests/asked", temperature=0.9)
        fourth = factories.prompt(session, admin, "tests/asked", temperature=0.8)
        rows = factories.dataset(session, admin, 60)
        evaluation = factories.evaluation(session, admin, third, exact, name="Only the last two")
        for version, right in ((third, 50), (fourth, 51)):
            run = factories.started_run(session, admin, evaluation, version, rows)
            factories.finish_run(session, run, [f"answer {n}" if n < right else "no" for n in range(60)])
    assert "No clear change from v3 to v4" in _words(client.get(_base(committed_team, new)).text)
    with unit_of_work() as session:
        factories.prompt(session, admin, "tests/asked", temperature=0.1)
    page = client.get(_base(committed_team, new)).text
    table = page[page.index('id="versions"') : page.index("Latest logs")]
    lines = dict(re.findall(r'<a class="ver"[^>]*>(v\d)</a>(.*?)</tr>', table, re.DOTALL))
    said = {name: _words(line) for name, line in lines.items()}
    assert "not run" in said["v5"]
    assert "from v3" in said["v4"], "both ran in the newest evaluation"
    assert "in Evaluation" in said["v2"], "its score, and the evaluation that it comes from"
    assert "83.3% 72.0–90.7" in said["v2"]
    assert "from v" not in said["v3"], "v2 did not run beside it"
    assert "from v" not in said["v2"], "the change of another evaluation is not told here"
    assert "v5 has not been evaluated" in _words(page)


def test_the_newest_version_is_one_click_from_its_evaluation_against_its_parent(
    client: TestClient, committed_team: factories.Team
) -> None:
    _, new = _compared(committed_team)
    signed_in(client, committed_team.admin)
    wanted = r'<a class="btn (\w*)" href="[^"]*/evaluations/new\?prompt=pr_\w+&amp;versions=(\d,\d)&amp;baseline=(\d)"'
    page = client.get(_base(committed_team, new)).text
    assert re.findall(wanted, page) == [("", "1,2", "1")], "scored: deploying is the next step"
    with unit_of_work() as session:
        factories.prompt(session, committed_team.admin, "tests/asked", temperature=0.9)
    page = client.get(_base(committed_team, new)).text
    assert re.findall(wanted, page) == [("primary", "2,3", "2")]
    assert page.count('class="btn primary"') == 1
    assert "versions=2,3&amp;baseline=2" in client.get(f"{_base(committed_team, new)}/edit").text


def test_the_number_of_statements_does_not_grow_with_versions_and_logs(
    client: TestClient, committed_team: factories.Team, engine: Engine
) -> None:
    _, new = _compared(committed_team)
    signed_in(client, committed_team.admin)
    slug = committed_team.workspace.slug
    urls = [_base(committed_team, new), f"/w/{slug}", f"/w/{slug}/files"]
    before = [_statements(client, engine, url) for url in urls]
    with unit_of_work() as session:
        for n in range(12):
            factories.prompt(session, committed_team.admin, "tests/asked", temperature=n / 10 + 0.6)
            factories.prompt(session, committed_team.admin, f"tests/deep/{n}/prompt")
    assert [_statements(client, engine, url) for url in urls] == before
    assert max(before) < 35


def _statements(client: TestClient, engine: Engine, url: str) -> int:
    client.get(url)  # what is kept between requests is kept from here on
    with recorded(engine) as seen:
        assert client.get(url).status_code == 200
    # The home page has a savepoint around each of its panels.
    return len([each for each in seen if "SAVEPOINT" not in str(each)])


def test_the_difference_says_what_changed_and_what_it_did(
    client: TestClient, committed_team: factories.Team
) -> None:
    _, new = _compared(committed_team)
    signed_in(client, committed_team.admin)
    page = client.get(f"{_base(committed_team, new)}/diff?from=1&to=2").text
    words = _words(page)
    assert "v2 scores 50.0 points more than v1" in words
    assert "1 line and 1 setting changed" in words
    assert "Answer <ins>very </ins>shortly." in page
    assert re.search(r"<code>temperature</code>.*?not there.*?<ins>0.5</ins>", page, re.DOTALL)
    assert "Better 30" in words
    assert "Worse 0" in words
    assert "Unchanged 30" in words
    assert "Several things changed at once" in words
    assert "Speed" in words
    assert client.get(f"{_base(committed_team, new)}/diff").text.count("v1 to v2") >= 1
    assert client.get(f"{_base(committed_team, new)}/diff?from=1&to=9").status_code == 404


def test_a_difference_that_nobody_evaluated_claims_nothing(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        factories.prompt(session, committed_team.admin, "tests/asked")
        new = factories.prompt(session, committed_team.admin, "tests/asked", temperature=1)
    signed_in(client, committed_team.admin)
    words = _words(client.get(f"{_base(committed_team, new)}/diff").text)
    assert "1 setting changed from v1 to v2" in words
    assert "whether it helped is not known" in words


def test_a_version_shows_its_content_and_where_it_runs(
    client: TestClient, committed_team: factories.Team
) -> None:
    old, _ = _compared(committed_team)
    signed_in(client, committed_team.admin)
    page = client.get(f"{_base(committed_team, old)}/versions/1").text
    assert '<span class="var">{{question}}</span>' in page
    assert "the first version" in page
    assert "production" in page
    assert f"{_base(committed_team, old)}/edit?base=1" in page
    assert client.get(f"{_base(committed_team, old)}/versions/7").status_code == 404


def test_deploying_names_what_changes_and_rolling_back_is_the_same(
    client: TestClient, committed_team: factories.Team
) -> None:
    _, new = _compared(committed_team)
    base = _base(committed_team, new)
    signed_in(client, committed_team.admin)
    words = _words(client.get(f"{base}/deploy").text)
    assert "Deploy asked v2" in words
    assert "1 line and 1 setting changed, from v1" in words
    assert "Better on Right answer" in words
    dialog = client.get(f"{base}/deploy", headers={"hx-request": "true", "hx-target": "dialog"}).text
    assert "<html" not in dialog
    environment = re.search(r'name="environment" value="(env_\w+)" checked', dialog)[1]
    form = {"_csrf": csrf_of(client), "version": 2, "environment": environment}
    assert client.post(f"{base}/deploy", data=form).status_code == 303
    back = _words(client.get(f"{base}/deploy?environment={environment}").text)
    assert "Roll back asked to v1" in back
    assert "30 rows got worse" in back
    history = _words(client.get(f"{base}/deployments").text)
    assert "v2 answers in production" in history
    assert history.count("Ada Admin") >= 3


def test_scores_of_the_practice_model_are_called_what_they_are_wherever_they_stand(
    client: TestClient, committed_team: factories.Team
) -> None:
    _, new = _compared(committed_team)
    with unit_of_work() as session:
        evaluation = repository.find_last_evaluation(session, new.file_id)
    signed_in(client, committed_team.admin)
    home, prompt = f"/w/{committed_team.workspace.slug}", _base(committed_team, new)
    report = f"{home}/evaluations/{evaluation.id}"
    urls = [home, f"{home}/files", f"{home}/evaluations", report, f"{report}/rows", f"{report}/rows/1"]
    for url in [*urls, prompt, f"{prompt}/diff?from=1&to=2", f"{prompt}/deploy?version=2"]:
        page = client.get(url).text
        main = page[page.index('<main id="main"') :]
        assert "practice model, not an llm" in main.lower(), url
    assert "Answered by practice-1 from practice" in _words(client.get(report).text)

    with unit_of_work() as session:
        other = factories.prompt(session, committed_team.admin, "tests/asked", provider="mine", model="big-2")
        evaluation = repository.find_last_evaluation(session, new.file_id)
        rows = repository.list_runs(session, [evaluation.id])[0].dataset_version
        run = factories.started_run(session, committed_team.admin, evaluation, other, rows)
        factories.finish_run(session, run, ["no"] * 60)
    words = _words(client.get(report).text)
    assert "v1 v2 practice-1 from practice practice model, not an LLM v3 big-2 from mine" in words


def test_the_versions_tab_leads_to_the_only_version_there_is(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        first = factories.prompt(session, committed_team.admin, "tests/asked")
        only = factories.prompt(session, committed_team.admin, "tests/asked", temperature=0.5)
        session.execute(text("delete from deployment where file_id = :id"), {"id": only.file_id})
        session.execute(text("delete from version where id = :id"), {"id": first.id})
    signed_in(client, committed_team.admin)
    base = _base(committed_team, only)
    for page in ("", "/edit"):
        tab = re.search(r'href="([^"]*)"\s*>Versions', client.get(base + page).text)[1]
        assert client.get(tab).headers["location"] == f"{base}/versions/2"
    assert client.get(f"{base}/versions/2").status_code == 200
    assert client.get(f"{base}/diff?from=1&to=2").status_code == 404
