"""Which evaluators a gate asks, and which rows count by those that people judge by."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from tests import factories
from tests.evaluations.gated import RIGHT, Gate


@pytest.fixture
def gate(client: TestClient, committed_team: factories.Team) -> Gate:
    return Gate.make(client, committed_team)


def test_what_people_were_not_asked_is_not_missing(gate: Gate) -> None:
    runs = [gate.run(RIGHT), gate.run(RIGHT, gate.newer())]
    with unit_of_work() as session:
        admin = gate.team.admin
        human = factories.evaluator(session, admin, "human", "gate/would you send it")
        evaluation = session.merge(gate.evaluation)
        made = factories.review(session, admin, evaluation, human, [admin], runs=runs, most_rows=40)
    sent = gate.decide(no_regression=True)
    assert (sent["decision"], [check["evaluator"]["path"] for check in sent["checks"]]) == (
        "passed",
        ["gate/exact", "gate/speed"],
    ), "sending outputs to review changes nothing"
    assert "No regression is not asked by gate/would you send it" in sent["markdown"]

    with unit_of_work() as session:
        for place in range(1, 71):
            factories.reviewed(session, admin, session.merge(made), place, True)
    assert gate.decide(no_regression=True)["decision"] == "passed"
    named: dict[str, Any] = {"min_rows": 1, "confidence": 0.6}
    floor, loss, margin = gate.decide(
        min={"gate/would you send it": 0.9},
        no_regression=["gate/would you send it"],
        margin={"gate/would you send it": 0.2},
        **named,
    )["checks"]
    for check in (floor, loss, margin):
        assert (check["outcome"], check["missing"], check["missing_baseline"]) == ("passed", 0, 0)
        assert f"{check['n']} rows of 60, those that were judged" in check["result"]
    assert 30 <= loss["n"] <= floor["n"] <= 40


def test_an_evaluation_that_only_people_judge_says_to_name_one(gate: Gate) -> None:
    with unit_of_work() as session:
        human = factories.evaluator(session, gate.team.admin, "human", "gate/would you send it")
        gate.evaluation = factories.evaluation(session, gate.team.admin, gate.prompt, human, name="By people")
    gate.run(RIGHT)
    check = gate.check(no_regression=True)
    assert (check["outcome"], check["reason"]) == (
        "undecided",
        "People or programs elsewhere judge by every evaluator that gives a score: name those that count.",
    )
