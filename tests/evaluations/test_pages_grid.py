"""The comparison grid and the page of a row, over the real doors."""

import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.core.database import unit_of_work
from tests import factories
from tests.bench.stored import finished_evaluation, messages, prompt_versions
from tests.statements import recorded
from tests.web import signed_in

BEFORE = ["no"] * 20 + [f"answer {n}" for n in range(20, 60)]
AFTER = ["a completely different sentence"] * 3 + [f"answer {n}" for n in range(3, 57)] + ["no"] * 3


@pytest.fixture
def compared(committed_team: factories.Team) -> tuple[str, str, str]:
    """The address of a grid of 60 rows, and the two runs: 17 rows better, 3 worse."""
    with unit_of_work() as session:
        admin = committed_team.admin
        old = factories.prompt(session, admin, "tests/asked")
        new = factories.prompt(session, admin, "tests/asked", temperature=0.5)
        rows = factories.dataset(session, admin, 60)
        judges = [
            factories.evaluator(session, admin, kind, f"tests/{kind}") for kind in ("exact", "contains")
        ]
        found = factories.evaluation(session, admin, old, *judges)
        runs = []
        for version, outputs in ((old, BEFORE), (new, AFTER)):
            run = factories.started_run(session, admin, found, version, rows)
            factories.finish_run(session, run, outputs)
            runs.append(run.id)
    return f"/w/{committed_team.workspace.slug}/evaluations/{found.id}/rows", runs[0], runs[1]


def _rows(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'data-row="(\d+)"', page)]


def test_filters_stand_in_the_address_and_count_their_rows(
    client: TestClient, committed_team: factories.Team, compared: tuple[str, str, str]
) -> None:
    url, _, _ = compared
    client = signed_in(client, committed_team.admin)
    everything = client.get(url).text

    assert _rows(everything) == list(range(1, 51)), "50 rows a page"
    assert _rows(client.get(f"{url}?page=2").text) == list(range(51, 61))
    assert _rows(client.get(f"{url}?only=worse").text) == [58, 59, 60]
    assert _rows(client.get(f"{url}?only=better").text) == list(range(4, 21))
    assert _rows(client.get(f"{url}?only=failed").text) == [1, 2, 3]
    counts = dict(re.findall(r"</span>(Better|Worse) <b>(\d+)</b>", everything))
    assert counts == {"Better": "17", "Worse": "3"}


def test_search_looks_in_inputs_targets_and_outputs(
    client: TestClient, committed_team: factories.Team, compared: tuple[str, str, str]
) -> None:
    url, _, _ = compared
    client = signed_in(client, committed_team.admin)

    assert _rows(client.get(url, params={"q": "DIFFERENT sentence"}).text) == [1, 2, 3]
    assert _rows(client.get(url, params={"q": "question 41"}).text) == [42]
    nothing = client.get(url, params={"q": "100%"}).text
    assert "No row contains “100%”" in nothing
    assert "Clear" in nothing


def test_outputs_are_word_diffs_unless_they_were_rewritten(
    client: TestClient, committed_team: factories.Team, compared: tuple[str, str, str]
) -> None:
    url, _, _ = compared
    client = signed_in(client, committed_team.admin)
    page = client.get(url).text

    assert "rewritten" in page.split('id="row-2"')[0], "nothing of “no” survives"
    assert "<ins>" not in client.get(f"{url}?output=plain").text
    assert page.count('role="img" title="Better than v1"') == 17


def test_columns_are_chosen_and_one_alone_is_not_compared(
    client: TestClient, committed_team: factories.Team, compared: tuple[str, str, str]
) -> None:
    url, baseline, candidate = compared
    client = signed_in(client, committed_team.admin)

    assert client.get(f"{url}?cols={baseline}").text.count('class="colhead"') == 2
    turned = client.get(f"{url}?cols={candidate},{baseline}&only=worse").text
    assert len(_rows(turned)) == 17, "the first column is the baseline"
    assert client.get(f"{url}?cols=run_none").status_code == 404


def test_a_row_opens_as_a_drawer_and_as_a_page(
    client: TestClient, committed_team: factories.Team, compared: tuple[str, str, str]
) -> None:
    url, _, _ = compared
    client = signed_in(client, committed_team.admin)
    page = client.get(f"{url}/58")
    drawer = client.get(f"{url}/58", headers={"hx-request": "true", "hx-target": "drawer"})

    for answer in (page, drawer):
        assert "question 57" in answer.text
        assert "answer 57" in answer.text
        assert "120 ms" not in answer.text or "0.12 s" in answer.text
        assert "10 in, 5 out" in answer.text
    assert "<html" in page.text
    assert drawer.text.startswith("<header")
    assert client.get(f"{url}/61").status_code == 404
    logs = client.get(f"{url}/58/logs").json()
    assert [log["output"] for log in logs] == ["answer 57", "no"]
    assert [judged["judgment"] for judged in logs[0]["evaluator_logs"]] == [True, True]


def test_a_page_of_four_versions_and_five_evaluators_stays_small_where_every_cell_has_turned(
    client: TestClient, committed_team: factories.Team
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        versions = prompt_versions(session, committed_team)
        rows = messages(session, committed_team, 400)
        judges = [
            factories.evaluator(session, admin, kind, path=f"support/{kind}")
            for kind in ("class_match", "token_f1", "lexical_similarity", "rouge", "edit_distance")
        ]
    with unit_of_work() as session:
        found = finished_evaluation(session, committed_team, versions, rows, judges, 1)
    url = f"/w/{committed_team.workspace.slug}/evaluations/{found}/rows"
    client = signed_in(client, admin)

    for query in ("?only=better", "?sort=best"):
        page = client.get(url + query)
        assert len(_rows(page.text)) == 50
        assert len(page.content) < 145_000, "150,000 are allowed, and ten thousand rows have longer numbers"
        assert page.text.count("too different for a diff of words") == 1, (
            "what “rewritten” means is told once"
        )


def test_the_grid_takes_as_many_statements_for_fifty_rows_as_for_three(
    client: TestClient, committed_team: factories.Team, compared: tuple[str, str, str], engine: Engine
) -> None:
    url, _, _ = compared
    client = signed_in(client, committed_team.admin)
    client.get(url)
    with recorded(engine) as many:
        assert len(client.get(url).content) < 150_000
    with recorded(engine) as few:
        client.get(f"{url}?only=worse")

    assert len(many) == len(few)
    assert len(many) < 25
