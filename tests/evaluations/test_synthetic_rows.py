"""A report and a gate say how many of the rows a model wrote."""

from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from tests import factories
from tests.web import signed_in, with_key


def test_report_gate_and_numbers_count_them(client: TestClient, committed_team: factories.Team) -> None:
    admin = committed_team.admin
    rows = [
        {
            "inputs": {"question": f"{n}"},
            "target": {"answer": "a"},
            **({"metadata": {"synthetic": True}} if n < 3 else {}),
        }
        for n in range(5)
    ]
    with unit_of_work() as session:
        prompt, judge = factories.prompt(session, admin), factories.evaluator(session, admin)
        evaluation = factories.evaluation(session, admin, prompt, judge)
        mixed = factories.dataset(session, admin, rows)
        run = factories.started_run(session, admin, evaluation, prompt, mixed, repeats=2)
        factories.finish_run(session, run, ["a"] * 10)
        plain = factories.evaluation(session, admin, prompt, judge)
        other = factories.started_run(session, admin, plain, prompt, factories.dataset(session, admin, 3))
        factories.finish_run(session, other, ["a"] * 3)
        ids = (evaluation.id, plain.id, run.id)
    signed_in(with_key(client, admin), admin)
    said = "3 of 5 rows are synthetic: a model wrote them."
    assert said in client.get(f"/w/{admin.workspace_slug}/evaluations/{ids[0]}").text
    assert "synthetic" not in client.get(f"/w/{admin.workspace_slug}/evaluations/{ids[1]}").text
    gate = {"min": {judge.file.path: 0.1}, "min_rows": 2}
    decided = client.post(f"/v5/evaluations/{ids[0]}/gate", json=gate).json()
    assert decided["synthetic_rows"] == 3
    assert said in decided["markdown"]
    clean = client.post(f"/v5/evaluations/{ids[1]}/gate", json=gate).json()
    assert clean["synthetic_rows"] == 0
    assert "synthetic" not in clean["markdown"]
    assert client.get(f"/v5/evaluations/{ids[0]}/report").json()["synthetic_rows"] == {ids[2]: 3}
