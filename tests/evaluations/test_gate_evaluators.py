"""Which evaluators a gate asks, and which rows count by those that people judge by."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.evaluations import service as evaluations
from tests import factories
from tests.evaluations.gated import RIGHT, Gate, wrong


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


def test_two_versions_of_an_evaluator_are_two_checks(gate: Gate) -> None:
    with unit_of_work() as session:
        newer = factories.evaluator(session, gate.team.admin, "contains", "gate/exact")
        evaluations.add_evaluators(session, session.merge(gate.evaluation), [newer])
    gate.run(RIGHT)
    gate.run(wrong(*range(30)), gate.newer())

    every = gate.decide(no_regression=True)["checks"]
    assert [check["title"] for check in every] == [
        "gate/exact v1: no regression",
        "gate/speed: no regression",
        "gate/exact v2: no regression",
    ]
    assert [check["evaluator"]["version_id"] for check in every[::2]] == [gate.exact.id, newer.id]
    for name in ("gate/exact v2", "exact v2", newer.id):
        assert gate.check(min={name: 0.1})["evaluator"]["version_id"] == newer.id
    assert [check["title"] for check in gate.decide(min={gate.exact.id: 0.1, newer.id: 0.1})["checks"]] == [
        "gate/exact v1: at least 10.0%",
        "gate/exact v2: at least 10.0%",
    ]
    twice = gate.check(min={"gate/exact": 0.1})["reason"]
    assert twice.startswith(
        f"gate/exact may be several evaluators: name one of gate/exact v1 ({gate.exact.id})"
    )
    assert gate.check(min={"gate/speed": 0.1, "speed": 0.1})["title"] == "gate/speed: at least 0.10 s"


def test_of_what_neither_more_nor_less_is_better_no_change_is_a_loss(gate: Gate) -> None:
    """It is no part of the family that Holm adjusts for, and limits hold it all the same."""
    path = "gate/warmth"
    code = "def f(log):\n    return 1.0 if log['output'] == 'no' else 7.0\n"
    with unit_of_work() as session:
        admin = gate.team.admin
        warmth = factories.evaluator(
            session, admin, "code", path, code=code, answers="number", wanted="neither", lowest=0, highest=10
        )
        gate.evaluation = factories.evaluation(session, admin, gate.prompt, gate.exact, warmth, name="Both")
        alone = factories.evaluation(session, admin, gate.prompt, warmth, name="Alone")
    gate.run(RIGHT)
    gate.run(wrong(*range(60)), gate.newer())

    sent = gate.decide(no_regression=True)
    (loss,) = sent["checks"]
    assert (loss["evaluator"]["path"], loss["outcome"]) == ("gate/exact", "failed")
    assert "Holm" not in loss["result"]
    assert "No regression is not asked by gate/warmth: neither more nor less is better" in sent["markdown"]
    for check in gate.decide(no_regression=[path], margin={path: 1})["checks"]:
        assert check["outcome"] == "undecided"
        assert check["reason"].startswith("By gate/warmth neither a higher nor a lower score is better")
    floor, ceiling = gate.decide(min={path: 6}, max={path: 6})["checks"]
    assert (floor["outcome"], ceiling["outcome"]) == ("failed", "passed")

    gate.evaluation = alone
    gate.run(RIGHT)
    gate.run(wrong(*range(60)), gate.newer())
    check = gate.check(no_regression=True)
    assert (check["outcome"], check["reason"]) == (
        "undecided",
        "By no evaluator that it has is a higher or a lower score better: hold scores by `min` and `max`.",
    )
