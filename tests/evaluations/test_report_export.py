"""The numbers of a report as files: the page's own, readable by spreadsheets, and no formula among them."""

import csv
import io
import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.core.spreadsheet import safe_cell
from app.evaluations.models import Evaluation
from app.evaluations.reports.export import COLUMNS
from tests import factories
from tests.web import signed_in, with_key

DOCUMENT = Path(__file__).parents[2] / "docs" / "gate.md"
FORMULA = "=HYPERLINK(0)"
RIGHT = [f"answer {n}" for n in range(60)]


@pytest.fixture
def compared(committed_team: factories.Team) -> Evaluation:
    """60 rows: 53 right before, 30 after; by an evaluator of classes and by latency."""
    with unit_of_work() as session:
        admin = committed_team.admin
        old = factories.prompt(session, admin, "tests/asked")
        new = factories.prompt(session, admin, "tests/asked", temperature=0.5)
        rows = factories.dataset(session, admin, 60)
        judges = [
            factories.evaluator(session, admin, "class_match", f"{FORMULA}/Right"),
            factories.evaluator(session, admin, "latency", "tests/Speed"),
        ]
        found = factories.evaluation(session, admin, old, *judges, name=FORMULA)
        for version, outputs in (
            (old, [None, *RIGHT[1:54], *["no"] * 6]),
            (new, [*RIGHT[:30], *["no"] * 30]),
        ):
            run = factories.started_run(session, admin, found, version, rows)
            factories.finish_run(session, run, outputs)
        return found


def test_a_file_has_a_line_for_each_version_and_evaluator(
    client: TestClient, committed_team: factories.Team, compared: Evaluation
) -> None:
    client = signed_in(with_key(client, committed_team.admin), committed_team.admin)
    url = f"/w/{committed_team.workspace.slug}/evaluations/{compared.id}/export"
    answer = client.get(f"{url}?format=csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="report-{compared.id}.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    lines = [json.loads(line) for line in client.get(f"{url}?format=jsonl").text.splitlines()]
    records = client.get(f"/v5/evaluations/{compared.id}/report").json()["records"]

    assert lines == records
    assert tuple(rows[0]) == COLUMNS
    means = [line for line in lines if line["metric"] == "mean"]
    assert [(line["version"], line["evaluator"].rpartition("/")[2]) for line in means] == [
        ("v1", "Right"), ("v1", "Speed"), ("v2", "Right"), ("v2", "Speed"),
    ]  # fmt: skip
    over_all = next(line for line in lines if line["metric"] == "macro_f1")
    assert (over_all["unit"], over_all["n"], over_all["change"]) == ("share", 59, None)
    assert over_all["lo"] < over_all["estimate"] < over_all["hi"]
    assert "bootstrap" in over_all["method"].lower()
    for row, line in zip(rows, lines, strict=True):
        for name in COLUMNS:
            if isinstance(line[name], float):
                assert float(row[name]) == line[name]

    before, _, after, speed = means
    assert (before["estimate"], before["n"], before["errors"], before["rows_failed"]) == (
        pytest.approx(53 / 59), 59, 1, 1,
    )  # fmt: skip
    assert (before["baseline"], before["change"], after["baseline"]) == (True, None, False)
    assert after["change"] == pytest.approx((29 - 53) / 59)
    assert float(rows[lines.index(after)]["change"]) < 0, "a negative number is a number"
    assert (after["improved"], after["worsened"], after["unpaired"], after["change_n"]) == (0, 24, 1, 59)
    assert (after["test"], after["verdict"], after["method"]) == ("exact McNemar", "worse", "Wilson")
    assert (speed["wanted"], speed["unit"], after["unit"]) == ("lower", "s", "share")


def test_no_cell_is_a_formula(
    client: TestClient, committed_team: factories.Team, compared: Evaluation
) -> None:
    answer = with_key(client, committed_team.admin).get(f"/v5/evaluations/{compared.id}/report?format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert rows[0]["evaluation"] == f"'{FORMULA}"
    assert rows[0]["evaluator"] == f"'{FORMULA}/Right"
    for row in rows:
        for cell in row.values():
            assert not cell.startswith(("=", "+", "@", "-")) or float(cell) < 0


@pytest.mark.parametrize(("value", "cell"), [(-0.5, "-0.5"), (-3, "-3"), ("-3", "'-3"), (None, "")])
def test_numbers_are_no_formulas(value: object, cell: str) -> None:
    assert safe_cell(value) == cell


def test_every_column_is_documented() -> None:
    table = DOCUMENT.read_text().partition("## The numbers of a report")[2]
    assert [name for name in COLUMNS if f"`{name}`" not in table] == []


def test_a_report_without_runs_has_a_head_only(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        empty = factories.evaluation(session, admin, factories.prompt(session, admin))
    client = with_key(client, admin)
    assert client.get(f"/v5/evaluations/{empty.id}/report?format=csv").text == ",".join(COLUMNS) + "\r\n"
    assert client.get(f"/v5/evaluations/{empty.id}/report?format=jsonl").text == ""
    assert client.get(f"/v5/evaluations/{empty.id}/report?format=xlsx").status_code == 422


def test_the_report_links_to_its_files_and_strangers_get_none(
    client: TestClient, committed_team: factories.Team, compared: Evaluation
) -> None:
    url = f"/w/{committed_team.workspace.slug}/evaluations/{compared.id}"
    page = signed_in(client, committed_team.admin).get(url).text
    assert f'href="{url}/export?format=csv"' in page
    assert f'href="{url}/export?format=jsonl"' in page
    with unit_of_work() as session:
        stranger = factories.team(session)
    with_key(signed_in(client, stranger.admin), stranger.admin)
    assert client.get(f"/w/{stranger.workspace.slug}/evaluations/{compared.id}/export").status_code == 404
    assert client.get(f"/v5/evaluations/{compared.id}/report").status_code == 404
