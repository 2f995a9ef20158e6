"""What a gate decides, over the real door; its numbers against statsmodels."""

from math import sqrt
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from fastapi.testclient import TestClient
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from app.core.access import Role
from app.core.database import unit_of_work
from app.evaluations import run_service
from app.evaluations import service as evaluations
from app.statistics.paired import worst_case_bounds
from tests import factories
from tests.evaluations.gated import RIGHT, ROWS, Gate, lacking, wrong
from tests.web import with_key


@pytest.fixture
def gate(client: TestClient, committed_team: factories.Team) -> Gate:
    return Gate.make(client, committed_team)


@pytest.mark.parametrize(
    ("rules", "outcome", "at"),
    [
        ({}, "failed", "lower"),
        ({"limits_on": "estimate"}, "passed", "estimate"),
        ({"confidence": 0.6}, "passed", "lower"),
    ],
)
def test_a_floor_is_held_against_the_lower_end_of_the_interval(
    gate: Gate, rules: dict[str, Any], outcome: str, at: str
) -> None:
    gate.run(wrong(*range(9)))  # 51 of 60: 85%
    check = gate.check(min={"gate/exact": 0.8}, **rules)

    lo, hi = proportion_confint(51, ROWS, 1 - rules.get("confidence", 0.95), method="wilson")
    assert check["outcome"] == outcome
    assert check["value"] == pytest.approx({"lower": lo, "estimate": 0.85}[at])
    assert (check["score"]["lo"], check["score"]["hi"]) == pytest.approx((lo, hi))
    assert (check["n"], check["score"]["method"], check["missing"]) == (ROWS, "Wilson", 0)
    assert ("more rows" in check["reason"]) == (outcome == "failed")


def test_a_gate_of_safety_takes_the_exact_interval(gate: Gate) -> None:
    gate.run(wrong(0))
    check = gate.check(min={"exact": 0.9}, exact=True)
    lo, hi = proportion_confint(ROWS - 1, ROWS, method="beta")
    assert (check["score"]["lo"], check["score"]["hi"]) == pytest.approx((lo, hi))
    assert check["score"]["method"] == "Clopper-Pearson"


def test_a_ceiling_is_held_against_the_upper_end(gate: Gate) -> None:
    gate.run(RIGHT)
    assert gate.check(max={"gate/speed": 0.2})["outcome"] == "passed"
    failed = gate.check(max={"gate/speed": 0.1})
    assert (failed["outcome"], failed["value"]) == ("failed", pytest.approx(0.12))


def test_a_loss_fails_by_the_paired_test_and_holm_counts_all_tests_of_the_gate(gate: Gate) -> None:
    gate.run(RIGHT)
    gate.run(wrong(*range(6)), gate.newer())
    p = mcnemar([[ROWS - 6, 6], [0, 0]], exact=True).pvalue  # 0.031

    alone = gate.check(no_regression=["gate/exact"])
    assert (alone["outcome"], alone["test"]["name"]) == ("failed", "exact McNemar")
    assert (alone["test"]["p"], alone["test"]["p_adjusted"]) == pytest.approx((p, p))

    exact, speed = gate.decide(no_regression=True)["checks"]
    adjusted = multipletests([p, speed["test"]["p"]], method="holm")[1]
    assert exact["test"]["p"] == pytest.approx(p)
    assert [each["test"]["p_adjusted"] for each in (exact, speed)] == pytest.approx(list(adjusted))
    assert adjusted[0] > 0.05
    assert (exact["outcome"], speed["outcome"]) == ("passed", "passed")
    assert "The interval reaches −" in exact["reason"], "how large a loss may hide"
    assert "after Holm over 2 tests p = 0.06" in exact["result"]


def test_a_gain_is_no_regression_however_small_its_p(gate: Gate) -> None:
    gate.run(wrong(*range(20)))
    gate.run(RIGHT, gate.newer())
    check = gate.check(no_regression=["gate/exact"])
    assert check["test"]["p"] < 0.001
    assert (check["outcome"], check["reason"]) == ("passed", "No loss.")


def test_a_margin_passes_only_where_the_interval_rules_the_loss_out(gate: Gate) -> None:
    gate.run(wrong(0, 1))
    gate.run(wrong(2, 3), gate.newer())
    wide, narrow = (gate.check(margin={"gate/exact": margin}) for margin in (0.2, 0.02))

    assert (wide["outcome"], narrow["outcome"]) == ("passed", "failed")
    assert wide["value"] == wide["change"]["lo"] == pytest.approx(-1.959964 * sqrt(2 * 3) / 62)
    assert wide["change"]["method"] == "Bonett-Price"
    assert "cannot be ruled out" in narrow["reason"]


def test_where_less_is_better_a_margin_looks_at_the_upper_end(gate: Gate) -> None:
    gate.run(RIGHT)
    gate.run(RIGHT, gate.newer())
    assert gate.check(margin={"gate/speed": 0.01})["outcome"] == "passed"
    assert gate.check(no_regression=["gate/speed"])["outcome"] == "passed"


def test_rows_that_failed_count_at_the_worst_unless_they_are_left_out(gate: Gate) -> None:
    gate.run(lacking(1, 2))
    gate.run(lacking(*range(5)), gate.newer())

    worst = gate.check(min={"gate/exact": 0.5})
    assert (worst["n"], worst["missing"], worst["score"]["estimate"]) == (ROWS, 5, pytest.approx(55 / ROWS))
    assert "5 without a score counted at the worst" in worst["result"]
    left_out = gate.check(min={"gate/exact": 0.5}, missing="left_out")
    assert (left_out["n"], left_out["missing"], left_out["score"]["estimate"]) == (55, 5, 1.0)

    change = gate.check(margin={"gate/exact": 0.9})
    before: list[float | None] = [None if n in (1, 2) else 1.0 for n in range(ROWS)]
    after: list[float | None] = [None if n < 5 else 1.0 for n in range(ROWS)]
    bounds = worst_case_bounds(before, after)
    assert bounds is not None
    assert (change["change"]["lo"], change["change"]["hi"]) == pytest.approx(
        (bounds.worst.lo, bounds.worst.hi)
    )
    assert (change["missing"], change["missing_baseline"]) == (5, 2)


def test_a_repeat_that_failed_is_its_part_of_the_row(gate: Gate) -> None:
    outputs: list[str | None] = [answer for answer in RIGHT for _ in range(2)]
    outputs[0] = None
    gate.run(outputs, repeats=2)
    check = gate.check(min={"gate/exact": 0.9})
    assert (check["n"], check["missing"]) == (ROWS, 1)
    assert check["score"]["estimate"] == pytest.approx((ROWS - 0.5) / ROWS)


def test_a_scale_without_ends_has_no_worst(gate: Gate) -> None:
    with unit_of_work() as session:
        length = factories.evaluator(session, gate.team.admin, "length", "gate/length")
        evaluations.add_evaluators(session, session.merge(gate.evaluation), [length])
    gate.run(lacking(0))
    rules = {"max": {"gate/length": 100}}
    check = gate.check(**rules)
    assert check["outcome"] == "undecided"
    assert check["reason"].startswith("1 row of v1 should have a score and has none")
    assert gate.check(**rules, missing="left_out")["outcome"] == "passed"


def test_rows_without_a_verdict_count_nowhere(gate: Gate) -> None:
    with unit_of_work() as session:
        rows: list[dict[str, Any]] = [
            {"inputs": {"question": f"q {n}"}, "target": {"answer": f"answer {n}"} if n < 40 else None}
            for n in range(ROWS)
        ]
        gate.rows = factories.dataset(session, gate.team.admin, rows)
    gate.run(RIGHT)
    check = gate.check(min={"gate/exact": 0.8})
    assert (check["n"], check["missing"], check["without_score"], check["outcome"]) == (40, 0, 20, "passed")


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"min": {"gate/exact": 0.5}, "min_rows": 61}, "60 rows, and a decision takes 61"),
        (
            {"min": {"gate/other": 0.5}},
            "The evaluation has no evaluator gate/other. It has gate/exact, gate/speed.",
        ),
        ({"no_regression": ["gate/exact"]}, "There is no baseline to compare with"),
        ({"margin": {"gate/exact": 0.1}}, "There is no baseline to compare with"),
    ],
)
def test_what_cannot_be_decided_says_why(gate: Gate, rules: dict[str, Any], reason: str) -> None:
    gate.run(RIGHT)
    decision = gate.decide(**rules)
    assert (decision["decision"], decision["exit_code"]) == ("undecided", 2)
    assert decision["checks"][0]["reason"].startswith(reason)


def test_nothing_is_decided_before_a_run_has_ended(gate: Gate) -> None:
    assert gate.check(max_failed=0)["reason"] == "The evaluation has no run yet: start one."
    with unit_of_work() as session:
        run = factories.started_run(session, gate.team.admin, gate.evaluation, gate.prompt, gate.rows)
    rules: dict[str, Any] = {"min": {"gate/exact": 0.5}, "max_failed": 1}
    decision = gate.decide(**rules)
    assert (decision["decision"], decision["unfinished"], decision["items_count"]) == (
        "undecided",
        [run.id],
        ROWS,
    )
    assert decision["checks"][0]["reason"].startswith("0 of 60 rows of v1 are done: ask again")

    with unit_of_work() as session:
        run_service.cancel_run(session, session.merge(run))
    decision = gate.decide(**rules)
    assert decision["unfinished"] == []
    assert {check["reason"] for check in decision["checks"]} == {
        "v1 was stopped: 0 of 60 rows of v1 are done. Resume it."
    }


def test_clusters_too_few_for_an_interval_decide_nothing(gate: Gate) -> None:
    with unit_of_work() as session:
        rows = [
            {"inputs": {"question": str(n)}, "target": {"answer": f"answer {n}"}, "cluster": f"c{n % 3}"}
            for n in range(ROWS)
        ]
        gate.rows = factories.dataset(session, gate.team.admin, rows)
    gate.run(RIGHT)
    gate.run(wrong(*range(30)), gate.newer())
    floor, change = gate.decide(min={"gate/exact": 0.1}, no_regression=["gate/exact"])["checks"]
    for check in (floor, change):
        assert check["outcome"] == "undecided"
        assert "3 clusters: an interval needs at least 5" in check["reason"]


def test_figures_of_the_answers_are_held_against_their_limits(gate: Gate) -> None:
    gate.run(lacking(0, 1, 2))
    rules = {"max_failed": 0.05, "max_cost_per_1000_usd": 0.1, "max_p95_latency_s": 1}
    failed, cost, latency = gate.decide(**rules)["checks"]
    assert (failed["outcome"], failed["value"]) == ("passed", pytest.approx(0.05))
    assert (cost["outcome"], cost["value"]) == ("failed", pytest.approx(0.3))
    assert (latency["outcome"], latency["value"]) == ("passed", pytest.approx(0.12))


def test_failed_goes_before_undecided(gate: Gate) -> None:
    gate.run(wrong(*range(50)))
    decision = gate.decide(min={"gate/exact": 0.8, "gate/nobody": 0.1})
    assert (decision["decision"], decision["exit_code"]) == ("failed", 1)
    assert decision["summary"] == "Gate failed: 1 failed, 1 undecided"


def test_runs_are_named_by_their_ids_or_their_versions(gate: Gate) -> None:
    first = gate.run(RIGHT)
    second_version, third_version = gate.newer(1), gate.newer(2)
    second = gate.run(wrong(0), second_version)
    third = gate.run(wrong(0, 1), third_version)
    rules = {"no_regression": ["gate/exact"]}

    usual = gate.decide(**rules)
    assert (usual["baseline"]["run_id"], usual["candidate"]["run_id"]) == (first.id, third.id)
    named = gate.decide(candidate=second_version.id, baseline=third.id, **rules)
    assert (named["baseline"]["run_id"], named["candidate"]["run_id"]) == (third.id, second.id)
    answer = gate.client.post(
        f"/v5/evaluations/{gate.evaluation.id}/gate", json={"candidate": "run_nowhere", **rules}
    )
    assert answer.status_code == 404


def test_the_baselines_version_run_again_is_compared_with_the_baseline(gate: Gate) -> None:
    first = gate.run(RIGHT)
    again = gate.run(wrong(*range(10)))
    decision = gate.decide(candidate=again.id, no_regression=["gate/exact"])
    assert (decision["baseline"]["run_id"], decision["decision"]) == (first.id, "failed")


def test_without_gaps_the_numbers_are_those_of_the_report(gate: Gate) -> None:
    gate.run(wrong(*range(4)))
    gate.run(wrong(*range(3, 12)), gate.newer())
    line = next(
        line
        for line in gate.client.get(f"/v5/evaluations/{gate.evaluation.id}/report").json()["records"]
        if line["evaluator"] == "gate/exact" and not line["baseline"]
    )
    floor, change = gate.decide(min={"gate/exact": 0.1}, no_regression=["gate/exact"])["checks"]
    assert [floor["score"][name] for name in ("estimate", "lo", "hi", "n", "method")] == [
        line[name] for name in ("estimate", "lo", "hi", "n", "method")
    ]
    assert [change["change"][name] for name in ("estimate", "lo", "hi", "n", "method")] == [
        line[name] for name in ("change", "change_lo", "change_hi", "change_n", "change_method")
    ]
    assert (change["test"]["name"], change["test"]["p"]) == (line["test"], line["p"])


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"min": {}},
        {"no_regresion": True},
        {"min": {"gate/exact": "high"}},
        {"margin": {"gate/exact": 0}},
        {"max_failed": 2},
        {"max_failed": 0, "confidence": 1},
        {"max_failed": 0, "missing": "ignored"},
    ],
)
def test_rules_that_ask_nothing_or_are_misspelt_are_refused(gate: Gate, rules: dict[str, Any]) -> None:
    assert gate.client.post(f"/v5/evaluations/{gate.evaluation.id}/gate", json=rules).status_code == 422


def test_a_viewer_may_ask_and_another_workspace_may_not(gate: Gate) -> None:
    gate.run(RIGHT)
    with unit_of_work() as session:
        viewer = factories.member(session, gate.team.workspace, Role.VIEWER)
        stranger = factories.team(session).admin
    with_key(gate.client, viewer)
    assert gate.decide(max_failed=0)["decision"] == "passed"
    answer = with_key(gate.client, stranger).post(
        f"/v5/evaluations/{gate.evaluation.id}/gate", json={"max_failed": 0}
    )
    assert answer.status_code == 404


def test_names_are_text_in_the_documents_of_a_decision(gate: Gate) -> None:
    hostile = "<b>x</b> | ![p](http://elsewhere.example/p) ]]> & \x1b[31m"
    with unit_of_work() as session:
        session.merge(gate.evaluation).name = hostile
    gate.run(wrong(*range(50)))
    decision = gate.decide(min={"gate/exact": 0.8, "a|b <i>": 0.1}, max_failed=0)

    suite = ET.fromstring(decision["junit"])
    (found,) = suite
    assert (found.attrib["tests"], found.attrib["failures"], found.attrib["errors"]) == ("3", "1", "1")
    assert found.attrib["name"].startswith(
        "<b>x</b> | ![p](http://elsewhere.example/p) ]]> & �[31m: v1 of gate/prompt"
    )
    assert [[part.tag for part in case] for case in found] == [["failure"], ["error"], ["system-out"]]
    assert found[0][0].attrib["message"].startswith("The lower end of the interval")

    text = decision["markdown"]
    assert "\\<b\\>x\\</b\\> \\| \\!\\[p\\]\\(http://elsewhere.example/p\\)" in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert [line.replace("\\|", "").count("|") for line in table] == [5] * 5
    assert "❌ failed" in table[2]
