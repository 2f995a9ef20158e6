"""Where neither a higher nor a lower number is better, pages say which one it is, and nothing else."""

import html
import re

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.evaluations import repository
from app.evaluations.models import Evaluation
from tests import factories
from tests.web import signed_in

LENGTH = "def length(log):\n    return len(log['output'])\n"


@pytest.fixture
def address(committed_team: factories.Team) -> str:
    """An evaluation of 40 rows whose outputs got longer, but for one, by an evaluator that counts characters."""
    with unit_of_work() as session:
        admin = committed_team.admin
        settings = {"code": LENGTH, "answers": "number", "wanted": "neither"}
        judge = factories.evaluator(session, admin, "code", "tests/Characters", **settings)
        old = factories.prompt(session, admin, "tests/asked")
        new = factories.prompt(session, admin, "tests/asked", temperature=0.5)
        rows = factories.dataset(session, admin, 40)
        found = factories.evaluation(session, admin, old, judge, name="How long?")
        first = factories.started_run(session, admin, found, old, rows)
        factories.finish_run(session, first, ["x" * (10 + n) for n in range(40)])
        second = factories.started_run(session, admin, found, new, rows)
        factories.finish_run(session, second, ["x" * (20 + n) for n in range(39)] + ["x"])
        return f"/w/{committed_team.workspace.slug}/evaluations/{found.id}"


def _words(page: str) -> str:
    main = page[page.index("<main") : page.index("</main>")]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def test_a_report_says_higher_and_lower(
    client: TestClient, committed_team: factories.Team, address: str
) -> None:
    signed_in(client, committed_team.admin)
    page = client.get(address).text
    words = _words(page)
    assert re.search(r"v2 scores higher than v1 by [\d.]+ on Characters", words), words
    assert "39 rows higher, 1 lower." in words
    assert "Neither is better by this evaluator." in words
    assert "Higher" in words
    assert not re.search(r"(?i)got worse|got better|is better than|\bbetter on\b", words), words
    assert 'class="delta better"' not in page.replace("delta  ", "delta ")


def test_the_comparison_marks_rows_as_higher_and_lower(
    client: TestClient, committed_team: factories.Team, address: str
) -> None:
    signed_in(client, committed_team.admin)
    page = client.get(f"{address}/rows").text
    assert page.count('title="Higher than v1"') == 39
    assert page.count('title="Lower than v1"') == 1
    assert "better than v1" not in page
    assert 'title="Lower than v1"' in client.get(f"{address}/rows/40").text


def test_the_prompts_page_colours_no_change(
    client: TestClient, committed_team: factories.Team, address: str
) -> None:
    signed_in(client, committed_team.admin)
    with unit_of_work() as session:
        file = factories.prompt(session, committed_team.admin, "tests/asked").file_id
    page = client.get(f"/w/{committed_team.workspace.slug}/prompts/{file}").text
    assert "better-ink" not in page
    assert "delta better" not in page


def test_what_missing_rows_could_make_of_it_is_on_no_side(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        settings = {
            "code": "def share(log):\n    return len(log['output']) / 100\n", "answers": "number",
            "lowest": 0, "highest": 1, "wanted": "neither",
        }  # fmt: skip
        judge = factories.evaluator(session, admin, "code", "tests/Share", **settings)
        old = factories.prompt(session, admin, "tests/asked")
        new = factories.prompt(session, admin, "tests/asked", temperature=0.5)
        rows = factories.dataset(session, admin, 40)
        found = factories.evaluation(session, admin, old, judge, name="What share?")
        for version, last in ((old, "x" * 49), (new, None)):
            run = factories.started_run(session, admin, found, version, rows)
            longer = 10 if version is new else 0
            factories.finish_run(session, run, [*("x" * (10 + longer + n) for n in range(39)), last])
    signed_in(client, committed_team.admin)
    words = _words(client.get(f"/w/{committed_team.workspace.slug}/evaluations/{found.id}").text)
    assert (
        "1 row has no score from one version or both. Were all of them to be lowest for v2, the change would be"
        in words
    )
    assert "; were they highest, +" in words
    assert "go against" not in words


def test_a_queue_of_rows_that_scored_lower_is_called_that(
    client: TestClient, committed_team: factories.Team, address: str
) -> None:
    signed_in(client, committed_team.admin)
    base, _, evaluation_id = address.rpartition("/")
    home = base.removesuffix("/evaluations")
    with unit_of_work() as session:
        evaluation = session.get(Evaluation, evaluation_id)
        assert evaluation
        asked = factories.evaluator(session, committed_team.admin, "human", "tests/People")
        runs = repository.list_runs(session, [evaluation_id])
        queue = factories.review(
            session, committed_team.admin, evaluation, asked, [committed_team.admin], runs=runs, rows="worse"
        ).id
    words = _words(client.get(f"{home}/review/new?evaluation={evaluation_id}&shown=better").text)
    assert "Rows that scored lower" in words
    assert "You were looking at rows that scored higher" in words
    assert not re.search(r"(?i)got worse|got better", words), words
    assert "of rows that scored lower in How long?" in _words(client.get(f"{home}/review/{queue}").text)
