"""The page that starts evaluations: what it proposes, what it says they can tell, what it starts."""

import html
import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Role
from app.core.database import unit_of_work
from app.files.models import Version
from tests import factories
from tests.web import csrf_of, signed_in


@pytest.fixture
def versions(committed_team: factories.Team) -> tuple[Version, Version, Version, Version]:
    """Two versions of a prompt, 400 rows, an evaluator."""
    with unit_of_work() as session:
        admin = committed_team.admin
        old = factories.prompt(session, admin, "tests/asked")
        new = factories.prompt(session, admin, "tests/asked", temperature=0.5)
        rows = factories.dataset(session, admin, 400, "tests/rows")
        return old, new, rows, factories.evaluator(session, admin, "exact", "tests/Right")


def _url(team: factories.Team) -> str:
    return f"/w/{team.workspace.slug}/evaluations"


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def _form(versions: tuple[Version, ...], token: str, /, **changes: object) -> dict[str, object]:
    old, _, rows, judge = versions
    return {
        "_csrf": token,
        "whole": "1",
        "prompt": old.file_id,
        "versions": ["1", "2"],
        "baseline": "1",
        "dataset": rows.file_id,
        "evaluators": [judge.id],
        "primary": judge.id,
        "smallest": "2",
        "name": "Did it help?",
    } | changes


def test_it_proposes_the_newest_version_against_the_one_it_was_made_from(
    client: TestClient, committed_team: factories.Team, versions: tuple[Version, ...]
) -> None:
    old, *_ = versions
    with unit_of_work() as session:
        factories.prompt(session, committed_team.admin, "tests/asked", temperature=0.7)
    client = signed_in(client, committed_team.admin)
    page = client.get(f"{_url(committed_team)}/new", params={"prompt": old.file_id}).text
    assert re.findall(r'name="versions"[^>]*value="(\d)" checked', page) == ["3", "2"], (
        "not v1, which is live"
    )
    assert re.findall(r'name="baseline"[^>]*value="(\d)" checked', page) == ["2"]

    page = client.get(f"{_url(committed_team)}/new", params={"prompt": old.file_id, "versions": "1,3"}).text
    assert re.findall(r'name="baseline"[^>]*value="(\d)" checked', page) == ["1"], "its parent is not chosen"


def test_without_a_parent_the_live_version_is_the_baseline(
    client: TestClient, committed_team: factories.Team, versions: tuple[Version, ...]
) -> None:
    with unit_of_work() as session:
        session.execute(text("update version set parent_id = null where id = :id"), {"id": versions[1].id})
    client = signed_in(client, committed_team.admin)
    judge = versions[3]
    page = client.get(f"{_url(committed_team)}/new", params={"evaluators": judge.id}).text

    assert re.findall(r'name="versions"[^>]*value="(\d)" checked', page) == ["2", "1"]
    assert re.findall(r'name="baseline"[^>]*value="(\d)" checked', page) == ["1"], "v1 is live"
    words = _words(page)
    assert "400 outputs of v1 practice-1 $0.00" in words
    assert "400 outputs of v2 practice-1 $0.00" in words
    assert "800 calls, $0.00" in words
    assert "A true difference of 6.2 points is found 4 times in 5." in words
    assert "Assumes that 20% of rows change" in words


def test_what_it_can_tell_rests_on_the_prompts_own_runs(
    client: TestClient, committed_team: factories.Team, versions: tuple[Version, ...]
) -> None:
    old, _, rows, judge = versions
    with unit_of_work() as session:
        admin = committed_team.admin
        others = [factories.prompt(session, admin, "tests/other", temperature=t) for t in (0.1, 0.2)]
        evaluation = factories.evaluation(session, admin, others[0], judge)
        for version, right in zip(others, (100, 150), strict=True):
            run = factories.started_run(session, admin, evaluation, version, rows)
            factories.finish_run(session, run, [f"answer {n}" if n < right else "no" for n in range(400)])
    client = signed_in(client, committed_team.admin)
    asked = {"prompt": old.file_id, "evaluators": judge.id, "dataset": rows.file_id}
    words = _words(client.get(f"{_url(committed_team)}/new", params=asked).text)
    assert "Assumes that 20% of rows change" in words, "the runs on these rows are another prompt's"
    own = asked | {"prompt": others[0].file_id}
    words = _words(client.get(f"{_url(committed_team)}/new", params=own).text)
    assert "12.5% of rows differed between" in words
    assert "the prompt's last two runs on these rows." in words
    assert "is assumed" not in words
    with unit_of_work() as session:
        third = factories.prompt(session, admin, "tests/other", temperature=0.3)
        run = factories.started_run(session, admin, evaluation, third, rows)
        factories.finish_run(session, run, [f"answer {n}" if n < 150 else "no" for n in range(400)])
    words = _words(client.get(f"{_url(committed_team)}/new", params=own).text)
    assert "0.0% of rows differed between v2 and v3" in words
    assert "5% is assumed: two versions that hardly differ say little of the next." in words


def test_the_choice_in_the_address_is_taken_and_calls_follow_it(
    client: TestClient, committed_team: factories.Team, versions: tuple[Version, ...]
) -> None:
    old, _, _, judge = versions
    with unit_of_work() as session:
        model_judge = factories.evaluator(session, committed_team.admin, "llm_judge", model="practice-1")
    client = signed_in(client, committed_team.admin)
    chosen = {
        "prompt": old.file_id,
        "versions": "2",
        "repeats": "3",
        "evaluators": f"{judge.id},{model_judge.id}",
    }
    words = _words(client.get(f"{_url(committed_team)}/new", params=chosen).text)

    assert "1,200 outputs of v2 practice-1" in words
    assert "1,200 judgements by" in words
    assert "2,400 calls" in words
    assert "One version gives a score" in words


def test_it_starts_an_evaluation_with_everything_that_was_chosen(
    client: TestClient, committed_team: factories.Team, versions: tuple[Version, ...]
) -> None:
    client = signed_in(client, committed_team.admin)
    form = _form(versions, csrf_of(client), repeats="2", concurrency="7", fresh="1")
    answer = client.post(_url(committed_team), data=form)

    assert answer.status_code == 303, answer.text
    assert client.get(answer.headers["location"]).status_code == 200
    with unit_of_work() as session:
        evaluation = session.execute(
            text("select name, primary_evaluator_id, smallest_difference from evaluation")
        ).one()
        runs = session.execute(
            text(
                "select v.number, control, repeats, concurrency, fresh, items_count from run r join version v on v.id = r.version_id order by 1"
            )
        ).all()
    assert tuple(evaluation) == ("Did it help?", versions[3].id, pytest.approx(0.02))
    assert [tuple(run) for run in runs] == [(1, True, 2, 7, True, 800), (2, False, 2, 7, True, 800)]


def test_a_limit_is_shared_among_the_runs_and_nonsense_is_refused(
    client: TestClient, committed_team: factories.Team, versions: tuple[Version, ...]
) -> None:
    client = signed_in(client, committed_team.admin)
    form = _form(versions, csrf_of(client), max_cost="$3", max_calls="1,000")
    assert client.post(_url(committed_team), data=form).status_code == 303
    with unit_of_work() as session:
        caps = session.execute(text("select max_cost_usd, max_calls from run")).all()
    assert [tuple(map(float, cap)) for cap in caps] == [(1.5, 500), (1.5, 500)]

    refused = client.post(
        _url(committed_team), data=form | {"max_cost": "much", "max_calls": "-3", "name": "x"}
    )
    assert refused.status_code == 422
    assert "Dollars above 0" in refused.text
    assert "A whole number of calls" in refused.text


def test_what_is_wrong_is_said_beside_the_field_and_nothing_starts(
    client: TestClient, committed_team: factories.Team, versions: tuple[Version, ...]
) -> None:
    client = signed_in(client, committed_team.admin)
    form = _form(versions, csrf_of(client), versions=[], evaluators=[], repeats="none", smallest="-1")
    answer = client.post(_url(committed_team), data=form)

    assert answer.status_code == 422
    for said in (
        "Choose at least one version.",
        "Choose at least one evaluator.",
        "A whole number from 1 to 50.",
    ):
        assert said in answer.text
    assert 'value="none"' in answer.text, "what was typed stays"
    with unit_of_work() as session:
        assert session.scalar(text("select count(*) from evaluation")) == 0


def test_a_changed_prompt_is_added_to_the_evaluation_and_compared(
    client: TestClient, committed_team: factories.Team, versions: tuple[Version, ...]
) -> None:
    old, _, rows, judge = versions
    with unit_of_work() as session:
        evaluation = factories.evaluation(session, committed_team.admin, old, judge)
        first = factories.started_run(session, committed_team.admin, evaluation, old, rows)
        factories.finish_run(session, first, ["no"] * 400)
    client = signed_in(client, committed_team.admin)
    page = client.get(f"{_url(committed_team)}/new?evaluation={evaluation.id}").text
    assert re.findall(r'name="versions"[^>]*value="(\d)" checked', page) == ["2"], "what was not run yet"
    assert "judges this evaluation already" in page

    form = {
        "_csrf": csrf_of(client),
        "whole": "1",
        "evaluation": evaluation.id,
        "versions": "2",
        "baseline": "1",
    }
    answer = client.post(_url(committed_team), data=form | {"dataset": rows.file_id})

    assert answer.headers["location"].endswith(evaluation.id)
    with unit_of_work() as session:
        numbers = session.execute(
            text("select v.number, control from run r join version v on v.id = r.version_id order by 1")
        ).all()
    assert [tuple(run) for run in numbers] == [(1, True), (2, False)]


def test_a_taken_name_is_a_conflict(
    client: TestClient, committed_team: factories.Team, versions: tuple[Version, ...]
) -> None:
    client = signed_in(client, committed_team.admin)
    form = _form(versions, csrf_of(client))
    assert client.post(_url(committed_team), data=form).status_code == 303
    again = client.post(_url(committed_team), data=form)

    assert again.status_code == 409
    assert "has an evaluation called" in again.text


def test_an_empty_workspace_says_what_is_missing(client: TestClient, committed_team: factories.Team) -> None:
    client = signed_in(client, committed_team.admin)
    assert "Nothing to evaluate yet" in client.get(f"{_url(committed_team)}/new").text


def test_a_viewer_sees_it_and_may_not_start(
    client: TestClient, committed_team: factories.Team, versions: tuple[Version, ...]
) -> None:
    with unit_of_work() as session:
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
    client = signed_in(client, viewer)
    page = client.get(f"{_url(committed_team)}/new").text

    assert 'aria-disabled="true"' in page
    assert client.post(_url(committed_team), data=_form(versions, csrf_of(client))).status_code == 403


def test_nonsense_in_the_address_or_the_form_breaks_nothing(
    client: TestClient, committed_team: factories.Team, versions: tuple[Version, ...]
) -> None:
    signed_in(client, committed_team.admin)
    long = "9" * 5000
    names = ("versions", "baseline", "dataset_version", "repeats", "concurrency")
    for query in [f"{name}={long}" for name in names] + ["smallest=101"]:
        page = client.get(f"{_url(committed_team)}/new?prompt={versions[0].file_id}&{query}")
        assert page.status_code == 200, query
    refused = client.post(
        _url(committed_team), data=_form(versions, csrf_of(client), smallest="101"), follow_redirects=False
    )
    assert refused.status_code == 422
    assert "at most 100 points" in _words(refused.text)


def test_stopping_as_soon_as_it_is_clear_is_asked_for_and_says_its_price(
    client: TestClient, committed_team: factories.Team, versions: tuple[Version, ...]
) -> None:
    client = signed_in(client, committed_team.admin)
    page = client.get(f"{_url(committed_team)}/new").text
    (switch,) = re.findall(r'<input[^>]*name="stops_when_clear"[^>]*>', page)
    assert "checked" not in switch, "off unless asked for"
    assert (
        "On, rows come in random order, and the primary score’s interval is 1.4 to 2 times as wide as after a full run"
        in _words(page)
    )
    token = csrf_of(client)
    plain = client.post(
        _url(committed_team), data=_form(versions, token, name="whole"), follow_redirects=False
    )
    asked = client.post(
        _url(committed_team), data=_form(versions, token, stops_when_clear="1"), follow_redirects=False
    )
    with unit_of_work() as session:
        stops = {
            row[0]: (row[1], row[2])
            for row in session.execute(
                text("""
                select e.id, e.stops_when_clear, array_agg(distinct r.stops_by) from evaluation e
                join run r on r.evaluation_id = e.id group by 1
                """)
            )
        }
    whole, sequential = (answer.headers["location"].rpartition("/")[2] for answer in (plain, asked))
    assert stops[whole] == (False, [None])
    assert stops[sequential] == (True, [versions[3].id])
    adding = client.get(f"{_url(committed_team)}/new", params={"evaluation": sequential}).text
    assert "This evaluation stops as soon as it is clear" in adding
    assert 'name="stops_when_clear"' not in adding
    assert "It stops as soon as it is clear." in _words(client.get(asked.headers["location"]).text)


def test_stopping_as_soon_as_it_is_clear_takes_two_versions_and_an_evaluator_that_runs_here(
    client: TestClient, committed_team: factories.Team, versions: tuple[Version, ...]
) -> None:
    client = signed_in(client, committed_team.admin)
    with unit_of_work() as session:
        people = factories.evaluator(session, committed_team.admin, "human", "tests/People")
    token = csrf_of(client)
    for changes, said in (
        ({"versions": ["1"]}, "that takes two versions, one of them the baseline"),
        (
            {"evaluators": [people.id], "primary": people.id, "smallest": ""},
            "their verdicts come when they come",
        ),
    ):
        answer = client.post(
            _url(committed_team), data=_form(versions, token, stops_when_clear="1", **changes)
        )
        assert answer.status_code == 422
        assert said in _words(answer.text)
        assert re.search(r'name="stops_when_clear"[^>]* checked', answer.text), "what was chosen stays"
