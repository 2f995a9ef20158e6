"""What is said of an evaluation that stopped as soon as it was clear: on its pages, in exports, and by the gate."""

import csv
import io

from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from app.evaluations.figures.numbers import compare
from app.evaluations.models import Evaluation
from app.evaluations.reports import view as report_view
from app.statistics.paired import bonett_price
from app.statistics.samples import Sample
from tests import factories
from tests.evaluations.clear import ROWS, World, ended, right, wrong_in_the_second_half
from tests.web import signed_in, with_key

DONE = 95


def _page(client: TestClient, team: factories.Team, world: World, path: str = "") -> str:
    answer = signed_in(client, team.admin).get(
        f"/w/{team.workspace.slug}/evaluations/{world.evaluation.id}{path}"
    )
    assert answer.status_code == 200, answer.text
    return " ".join(answer.text.split())


def test_the_report_says_when_it_was_clear_and_what_that_saved(
    client: TestClient, committed_team: factories.Team
) -> None:
    world = ended(committed_team, wrong_in_the_second_half, right)
    report = world.report()
    (change,) = report.primary.changes.values()
    before = report.table.column(world.baseline.id, report.primary.version.id).by_row()
    fixed = bonett_price(Sample.of([1 - score for score in before.values()]), 0.95)
    page = _page(client, committed_team, world)

    assert change.looked_at
    assert change.delta.method == "asymptotic confidence sequence"
    assert change.test.name.startswith("e-value")
    assert change.verdict.name == "better"
    assert not change.verdict.borderline
    assert (change.n, change.delta.n) == (DONE, DONE)
    assert 1.2 < change.delta.width / fixed.width < 2.2, "the price of looking at every row"
    assert (
        f"Stopped after {DONE} of {ROWS} rows, because it was clear. With what was in flight, v1 had run {DONE} and v2 {DONE} by then."
        in page
    )
    assert f"Saved: {2 * (ROWS - DONE):,} answers, about {2 * (ROWS - DONE):,} calls, $0.30" in page
    assert "95% confidence sequence +" in page
    assert "of the primary one a confidence sequence; all others were looked at once" in page
    assert "of other scores, of groups of rows and of each version alone, is for one look" in page
    assert "on a number of rows that depended on the primary score" in page
    assert "read groups as hints, and run the rest before you rely on one" in page
    assert "Run the rest" in page
    assert f"{ROWS - DONE} not run." in page
    assert "more like these are needed" not in page
    assert "rows that are missing" not in page


def test_rows_that_were_left_say_why_and_keep_the_numbers_of_the_dataset(
    client: TestClient, committed_team: factories.Team
) -> None:
    world = ended(committed_team, wrong_in_the_second_half, right)
    with unit_of_work() as session:
        numbers = dict(
            session.execute(
                text("""
                select i.state, min((d.inputs->>'n')::int) from run_item i join datapoint d on d.id = i.datapoint_id
                where i.run_id = :run group by 1
                """),
                {"run": world.baseline.id},
            ).all()
        )
    with_key(client, committed_team.admin)
    at = f"/v5/evaluations/{world.evaluation.id}"
    first = client.get(f"{at}/comparison?size=50").json()
    shown = {int(row["datapoint"]["inputs"]["n"]): row for row in first["records"]}
    left = shown[numbers["pending"]]

    assert list(shown) == list(range(50)), "the dataset's order, not that in which they ran"
    assert left["datapoint"]["number"] == numbers["pending"] + 1
    assert left["baseline"]["error"] == f"not run: it was clear after {DONE} of {ROWS} rows"
    assert shown[numbers["done"]]["baseline"]["error"] is None
    assert first["summary"]["delta"]["method"] == "asymptotic confidence sequence"
    assert f"not run: it was clear after {DONE} of {ROWS} rows" in _page(
        client, committed_team, world, f"/rows/{numbers['pending'] + 1}"
    )


def test_exports_and_the_api_say_the_same(client: TestClient, committed_team: factories.Team) -> None:
    world = ended(committed_team, wrong_in_the_second_half, right)
    with_key(client, committed_team.admin)
    at = f"/v5/evaluations/{world.evaluation.id}"
    told = client.get(f"{at}/report").json()
    lines = list(csv.DictReader(io.StringIO(client.get(f"{at}/report?format=csv").text)))
    runs = client.get(f"{at}/runs").json()["runs"]

    assert {key: told["early_end"][key] for key in ("clear_after", "rows", "rows_saved", "calls_saved")} == {
        "clear_after": DONE, "rows": ROWS, "rows_saved": 2 * (ROWS - DONE), "calls_saved": 2 * (ROWS - DONE),
    }  # fmt: skip
    assert abs(told["early_end"]["cost_saved_usd"] - 2 * (ROWS - DONE) * 0.0003) < 1e-9
    assert "Stopped after" in told["early_end"]["said"]
    for line in (*told["records"], *lines):
        assert (str(line["clear_after"]), str(line["rows_not_run"])) == (str(DONE), str(ROWS - DONE))
    assert told["records"][1]["change_method"] == "asymptotic confidence sequence"
    assert [run["not_run"] for run in runs] == [f"not run: it was clear after {DONE} of {ROWS} rows"] * 2


def test_what_never_was_clear_has_the_confidence_sequence_too(
    client: TestClient, committed_team: factories.Team
) -> None:
    world = ended(committed_team, right, right, rows=60, of=60)
    report = world.report()
    (change,) = report.primary.changes.values()
    page = _page(client, committed_team, world)
    assert change.delta.method == "asymptotic confidence sequence"
    assert change.verdict.name in ("too_few", "no_clear_change")
    assert "It never became clear, so every row was run." in page
    assert "Saved:" not in page
    assert "read groups as hints" not in page, "every row was run, as planned"


def test_other_scores_keep_the_interval_of_one_look(committed_team: factories.Team) -> None:
    world = ended(committed_team, wrong_in_the_second_half, right)
    report = world.report()
    with unit_of_work() as session:
        speed = factories.evaluator(session, committed_team.admin, "latency", "clear/speed")
    assert not compare(report.table, *report.runs, speed, None).looked_at


def test_without_asking_for_it_nothing_is_said(committed_team: factories.Team) -> None:
    world = ended(committed_team, wrong_in_the_second_half, right)
    with unit_of_work() as session:
        other = factories.evaluation(session, committed_team.admin, world.baseline.version)
        assert report_view.build_view(session, other, None).early is None
        mine = session.get(Evaluation, world.evaluation.id)
        assert report_view.build_view(session, mine, None).early is not None


class TestGate:
    """Rows that chance has left out are not missing, and no interval is narrower for having looked often."""

    def _decide(self, client: TestClient, team: factories.Team, world: World, **rules: object) -> dict:
        answer = with_key(client, team.admin).post(f"/v5/evaluations/{world.evaluation.id}/gate", json=rules)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def test_rows_left_out_are_not_counted_at_the_worst(
        self, client: TestClient, committed_team: factories.Team
    ) -> None:
        world = ended(committed_team, wrong_in_the_second_half, right)
        decision = self._decide(
            client, committed_team, world, no_regression=True, min={"clear/exact": 0.8}, max_failed=0.0
        )
        found = {check["kind"]: check for check in decision["checks"]}

        assert decision["decision"] == "passed", decision
        assert (found["min"]["missing"], found["no_regression"]["missing"]) == (0, 0)
        assert found["min"]["n"] == DONE
        assert found["min"]["score"]["method"] == "asymptotic confidence sequence"
        assert found["no_regression"]["change"]["method"] == "asymptotic confidence sequence"
        assert found["no_regression"]["test"]["name"].startswith("e-value")
        assert found["max_failed"]["value"] == 0

    def test_where_only_the_baseline_was_looked_at_it_is_no_interval_of_one_look(
        self, client: TestClient, committed_team: factories.Team
    ) -> None:
        world = ended(committed_team, wrong_in_the_second_half, right)
        with unit_of_work() as session:
            session.execute(
                text("update run set stops_by = null where id = :run"), {"run": world.candidate.id}
            )
        (check,) = self._decide(client, committed_team, world, no_regression=True)["checks"]
        assert "95% confidence sequence" in check["result"]
        assert " CI" not in check["result"]

    def test_a_loss_fails_and_rows_that_failed_are_still_counted(
        self, client: TestClient, committed_team: factories.Team
    ) -> None:
        world = ended(committed_team, right, wrong_in_the_second_half)
        lost = self._decide(client, committed_team, world, no_regression=True)
        with unit_of_work() as session:
            session.execute(
                text("""
                update run_item set error = 'out of order', log_id = null where run_id = :run and position < 3
                """),
                {"run": world.candidate.id},
            )
        counted = self._decide(client, committed_team, world, no_regression=True)
        assert lost["decision"] == "failed"
        assert counted["checks"][0]["missing"] == 3
