"""The list of evaluations and the report page, over the real doors."""

import html
import json
import re
import threading

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Role
from app.core.database import unit_of_work
from app.evaluations.models import Evaluation, Run
from tests import factories
from tests.web import csrf_of, signed_in, with_key

RIGHT = [f"answer {n}" for n in range(60)]


def _compared(team: factories.Team, *, smallest: float | None = None) -> tuple[Evaluation, Run, Run]:
    """Two finished runs of 60 rows: 30 right before, 53 after, two rows worse."""
    with unit_of_work() as session:
        admin = team.admin
        old = factories.prompt(session, admin, "tests/asked")
        new = factories.prompt(session, admin, "tests/asked", temperature=0.5)
        rows = factories.dataset(session, admin, 60)
        judges = [
            factories.evaluator(session, admin, "class_match", "tests/Right"),
            factories.evaluator(session, admin, "latency", "tests/Speed"),
        ]
        found = factories.evaluation(
            session, admin, old, *judges, name="Did it help?", smallest_difference=smallest
        )
        baseline = factories.started_run(session, admin, found, old, rows)
        factories.finish_run(session, baseline, ["no"] * 30 + RIGHT[30:])
        candidate = factories.started_run(session, admin, found, new, rows)
        factories.finish_run(session, candidate, ["no"] * 5 + RIGHT[5:58] + ["no"] * 2)
        return found, baseline, candidate


def _url(team: factories.Team, evaluation: Evaluation) -> str:
    return f"/w/{team.workspace.slug}/evaluations/{evaluation.id}"


def test_the_report_says_what_changed_with_interval_test_and_rows(
    client: TestClient, committed_team: factories.Team
) -> None:
    evaluation, _, _ = _compared(committed_team)
    page = signed_in(client, committed_team.admin).get(_url(committed_team, evaluation)).text

    words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())
    assert "v2 is better than v1 by 38.3 points on Right" in words
    assert "exact McNemar p < 0.001" in words
    assert "50.0% 37.7–62.3" in words, "Wilson's interval of 30 in 60"
    assert "Better" in words
    assert "Macro-F1 by Right" in words
    assert "2 rows; 25 got better" in words
    assert "/rows?cols=" in page
    assert "sse-connect" not in page, "nothing runs: nothing is followed"


def test_a_running_evaluation_is_too_early_to_say_and_is_followed(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        version = factories.prompt(session, admin)
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
        factories.started_run(session, admin, evaluation, version, factories.dataset(session, admin, 3))
    page = signed_in(client, admin).get(_url(committed_team, evaluation)).text

    assert "Too early to say" in page
    assert "Waiting for a worker" in page
    assert f'sse-connect="{_url(committed_team, evaluation)}/events"' in page
    assert ">Stop<" in page.replace("</svg>Stop</button>", ">Stop<")


def test_a_run_without_progress_is_shown_as_stuck_with_what_to_do(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        version = factories.prompt(session, admin)
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
        factories.started_run(session, admin, evaluation, version, factories.dataset(session, admin, 3))
        session.execute(text("update run set progressed_at = now() - interval '2 minutes'"))
    page = signed_in(client, admin).get(_url(committed_team, evaluation)).text

    assert "Stuck: no result for 2 min" in page
    assert "/health/ready" in page


def test_failures_are_grouped_by_reason_and_only_they_are_tried_again(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        version = factories.prompt(session, admin)
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
        run = factories.started_run(session, admin, evaluation, version, factories.dataset(session, admin, 4))
        factories.finish_run(session, run, ["answer 0", None, None, "answer 3"])
    client = signed_in(client, admin)
    url = _url(committed_team, evaluation)
    page = client.get(url).text

    assert "out of order" in page
    assert "Retry 2 rows of v1" in page
    answer = client.post(f"{url}/runs/{run.id}/retry", data={"_csrf": csrf_of(client)})
    assert (answer.status_code, answer.headers["location"]) == (303, url)
    with unit_of_work() as session:
        pending = session.scalar(text("select count(*) from run_item where state = 'pending'"))
    assert pending == 2


def test_runs_are_stopped_resumed_and_made_the_baseline(
    client: TestClient, committed_team: factories.Team
) -> None:
    evaluation, _, candidate = _compared(committed_team)
    client = signed_in(client, committed_team.admin)
    url, token = _url(committed_team, evaluation), {"_csrf": csrf_of(client)}
    with unit_of_work() as session:
        version = factories.prompt(session, committed_team.admin, "tests/asked", temperature=0.9)
        rows = factories.dataset(session, committed_team.admin, 5)
        third = factories.started_run(session, committed_team.admin, evaluation, version, rows)

    assert client.post(f"{url}/stop", data=token).status_code == 303
    assert "Stopped" in client.get(url).text
    assert client.post(f"{url}/runs/{third.id}/resume", data=token).status_code == 303
    assert client.post(f"{url}/runs/{third.id}/cancel", data=token).status_code == 303
    assert client.post(f"{url}/runs/{candidate.id}/baseline", data=token).status_code == 303
    assert '<span class="ver">v2</span> baseline' in client.get(url).text
    assert client.post(f"{url}/runs/{third.id}/cancel").status_code == 403, "without the page's token"


def test_the_candidate_is_chosen_in_the_address(client: TestClient, committed_team: factories.Team) -> None:
    evaluation, _, candidate = _compared(committed_team)
    with unit_of_work() as session:
        version = factories.prompt(session, committed_team.admin, "tests/asked", temperature=0.9)
        rows = factories.dataset(session, committed_team.admin, 60)
        third = factories.started_run(session, committed_team.admin, evaluation, version, rows)
        factories.finish_run(session, third, RIGHT)
    client = signed_in(client, committed_team.admin)
    url = _url(committed_team, evaluation)

    assert "v3 " in client.get(url).text.split("verdict-title")[1][:40]
    assert "v2 is better" in client.get(f"{url}?candidate={candidate.id}").text


def test_a_viewer_sees_the_report_and_which_role_the_actions_need(
    client: TestClient, committed_team: factories.Team
) -> None:
    evaluation, _, candidate = _compared(committed_team)
    with unit_of_work() as session:
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
    client = signed_in(client, viewer)
    url = _url(committed_team, evaluation)
    page = client.get(url).text

    assert "v2 is better" in page
    assert 'aria-disabled="true"' in page
    assert "This needs the role admin or developer or member" in page
    refused = client.post(f"{url}/runs/{candidate.id}/baseline", data={"_csrf": csrf_of(client)})
    assert refused.status_code == 403


def test_other_workspaces_do_not_see_it(client: TestClient, committed_team: factories.Team) -> None:
    evaluation, _, _ = _compared(committed_team)
    with unit_of_work() as session:
        other = factories.team(session)
    client = signed_in(client, other.admin)

    assert client.get(_url(committed_team, evaluation)).status_code == 404
    assert client.get(f"/w/{other.workspace.slug}/evaluations/{evaluation.id}").status_code == 404
    assert client.get(f"/w/{other.workspace.slug}/evaluations/{evaluation.id}/events").status_code == 404


def test_the_list_says_what_each_evaluation_found_and_can_be_searched(
    client: TestClient, committed_team: factories.Team
) -> None:
    client = signed_in(client, committed_team.admin)
    url = f"/w/{committed_team.workspace.slug}/evaluations"
    assert "No evaluation yet" in client.get(url).text
    _compared(committed_team)

    assert "v2 is better than v1 by" in client.get(url).text
    assert "Did it help?" in client.get(f"{url}?q=ASKED").text
    assert "Nothing matches “100%”" in client.get(url, params={"q": "100%"}).text


@pytest.mark.parametrize("path", ["/w/{slug}/evaluations/{id}/events", "/v5/evaluations/{id}/events"])
def test_following_a_finished_evaluation_ends_after_one_snapshot(
    client: TestClient, committed_team: factories.Team, path: str
) -> None:
    evaluation, _, candidate = _compared(committed_team)
    client = signed_in(with_key(client, committed_team.admin), committed_team.admin)
    answer = client.get(path.format(slug=committed_team.workspace.slug, id=evaluation.id))

    assert answer.headers["content-type"].startswith("text/event-stream")
    events = re.findall(r"^event: (\w+)", answer.text, re.MULTILINE)
    assert events[-1] == "done"
    if path.startswith("/v5"):
        assert events == ["progress", "progress", "done"]
        assert candidate.id in answer.text
    else:
        assert events == ["report", "done"]
        assert "v2 is better" in answer.text
        assert 'id="run-state" hx-swap-oob="true"' in answer.text


def test_followers_hear_of_changes(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        version = factories.prompt(session, admin)
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
        run = factories.started_run(session, admin, evaluation, version, factories.dataset(session, admin, 2))
    client = with_key(client, admin)

    def finish() -> None:
        with unit_of_work() as session:
            mine = session.get_one(Run, run.id)
            factories.finish_run(session, mine, ["answer 0", "answer 1"])

    later = threading.Timer(1.2, finish)
    later.start()
    answer = client.get(f"/v5/evaluations/{evaluation.id}/events")
    later.join()

    counts = re.findall(r'"done_count":(\d+)', answer.text)
    assert counts == ["0", "2"]
    items = re.findall(r"^event: item\ndata: (.*)$", answer.text, re.MULTILINE)
    told = [json.loads(item) for item in items]
    assert {one["run_id"] for one in told} == {run.id}
    assert len({one["datapoint_id"] for one in told}) == 2, "each row once, as it ended"
    assert all(one["log_id"] for one in told)
    assert answer.text.rstrip().endswith("}")


def test_the_api_says_of_a_comparison_what_the_page_says(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        old = factories.prompt(session, admin, "tests/asked")
        new = factories.prompt(session, admin, "tests/asked", temperature=0.5)
        rows = factories.dataset(session, admin, 100)
        exact = factories.evaluator(session, admin, "exact", "tests/Right answer")
        evaluation = factories.evaluation(session, admin, old, exact, smallest_difference=0.5)
        runs = []
        for version, right in ((old, range(50)), (new, range(2, 52))):
            run = factories.started_run(session, admin, evaluation, version, rows)
            factories.finish_run(session, run, [f"answer {n}" if n in right else "no" for n in range(100)])
            runs.append(run)
    client = signed_in(with_key(client, admin), admin)
    assert "No relevant difference between v1 and v2" in client.get(_url(committed_team, evaluation)).text
    url = f"/v5/evaluations/{evaluation.id}/comparison"
    assert client.get(url).json()["summary"]["verdict"] == "no_relevant_difference"
    same = client.get(url, params={"baseline": runs[0].id, "candidate": runs[0].id})
    assert same.status_code == 422
    assert "cannot be compared with itself" in same.text


def test_a_run_that_ended_at_its_cap_says_so_and_how_to_run_the_rest(
    client: TestClient, committed_team: factories.Team
) -> None:
    evaluation, _, candidate = _compared(committed_team)
    with unit_of_work() as session:
        session.execute(
            text("update run set max_calls = 60, calls_count = 60, failed_count = 41 where id = :run"),
            {"run": candidate.id},
        )
        session.execute(
            text(
                "update run_item set error = 'not run: cap of 60 calls reached', log_id = null "
                "where run_id = :run and position < 40"
            ),
            {"run": candidate.id},
        )
        session.execute(
            text(
                "update run_item set error = 'no answer', log_id = null where run_id = :run and position = 40"
            ),
            {"run": candidate.id},
        )
        rows = session.get_one(Run, candidate.id).items_count
    client = signed_in(client, committed_team.admin)
    page = client.get(_url(committed_team, evaluation)).text
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "Ended at a limit of spending" in words
    assert f"v2 ran {rows - 40} of {rows} rows" in words
    assert "40 not run. 1 failed." in words
    assert "At its limit 60 of 60 calls" in words
    assert "Not run: cap of 60 calls reached v2, no output 40" in words
    assert f"/evaluations/new?evaluation={evaluation.id}&amp;versions=2" in page
    with unit_of_work() as session:
        session.execute(text("update run set failed_count = 40 where id = :run"), {"run": candidate.id})
        session.execute(text("update run_item set error = null where error = 'no answer'"))
    assert "Retry" not in client.get(_url(committed_team, evaluation)).text, "it would end at the cap again"
