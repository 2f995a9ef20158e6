"""A lineage in numbers, by the API, on real answers: five systems one after another, and a 2×2."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from statsmodels.stats.multitest import multipletests

from app.core.database import unit_of_work
from app.evaluations import repository
from app.evaluations.lineage import runs as lineage_runs
from app.evaluations.models import Evaluation
from app.files.models import Version
from tests import factories
from tests.evaluators.data import rows_of
from tests.web import signed_in, with_key

SYSTEMS = ("logistic", "match_lstm", "slqa_ensemble", "rnet_ensemble", "bert_ensemble")


def _asked(client: TestClient, evaluation: Evaluation, **query: Any) -> dict[str, Any]:
    answer = client.get(f"/v5/evaluations/{evaluation.id}/lineage", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def _shares(client: TestClient, team: factories.Team, evaluation: Evaluation) -> list[str]:
    """The scores of the report's page, line by line."""
    page = signed_in(client, team.admin).get(f"/w/{team.workspace.slug}/evaluations/{evaluation.id}").text
    table = page.partition('aria-labelledby="s1"')[2].partition("</table>")[0]
    return re.findall(r'<td class="num[^"]*">(?:<strong>)?(\d+\.\d%)', table)


def _percent(interval: dict[str, Any]) -> tuple[float, float, float]:
    return tuple(round(100 * interval[name], 1) for name in ("estimate", "lo", "hi"))


def test_five_systems_are_four_steps_that_add_up(client: TestClient, committed_team: factories.Team) -> None:
    found = rows_of("squad11/systems.jsonl")
    rows = [
        {
            "inputs": {"question": row["question"]},
            "target": {"answer": row["answers"]},
            "cluster": row["passage"],
            "metadata": {"id": row["id"]},
        }
        for row in found
    ]
    with unit_of_work() as session:
        admin = committed_team.admin
        data = factories.dataset(session, admin, rows)
        versions = [factories.prompt(session, admin, "qa/read", seed=n) for n in range(len(SYSTEMS))]
        judges = [factories.evaluator(session, admin, kind) for kind in ("exact_match_squad", "token_f1")]
        evaluation = factories.evaluation(session, admin, versions[0], *judges)
        for version, system in zip(versions, SYSTEMS, strict=True):
            run = factories.started_run(session, admin, evaluation, version, data)
            factories.finish_run(session, run, [row[system] for row in found])
    client = with_key(client, admin)
    exact = _asked(client, evaluation)
    f1 = _asked(client, evaluation, evaluator=judges[1].id)

    assert [round(one["score"]["estimate"], 3) for one in exact["versions"]] == [
        0.361,
        0.629,
        0.728,
        0.736,
        0.763,
    ]
    assert [round(one["score"]["estimate"], 3) for one in f1["versions"]] == [
        0.479,
        0.745,
        0.841,
        0.848,
        0.877,
    ]
    assert [step["verdict"] for step in exact["steps"]] == [
        "better",
        "better",
        "no_clear_change",
        "no_clear_change",
    ]
    assert (
        exact["sum_of_steps"]
        == pytest.approx(exact["total"]["delta"]["estimate"])
        == pytest.approx(0.402, abs=5e-4)
    )
    assert {step["delta"]["clusters"] for step in exact["steps"]} == {160}
    assert (exact["rows"], exact["left_out"]) == (742, 0)
    adjusted = multipletests([step["test"]["p"] for step in exact["steps"]], method="holm")[1]
    assert [step["adjusted_p"] for step in exact["steps"]] == pytest.approx(list(adjusted))
    assert exact["steps"][0]["changed"] == [{"component": "parameters", "size": "seed 0 to 1"}]
    assert not any(step["bundled"] for step in exact["steps"])
    assert _shares(client, committed_team, evaluation) == [
        "36.1%", "62.9%", "72.8%", "73.6%", "76.3%",
        "47.9%", "74.5%", "84.1%", "84.8%", "87.7%",
    ]  # fmt: skip
    shorter = _asked(client, evaluation, to=3)
    assert [one["number"] for one in shorter["versions"]] == [1, 2, 3]
    assert client.get(f"/v5/evaluations/{evaluation.id}/lineage?to=9").status_code == 404
    assert client.get(f"/v5/evaluations/{evaluation.id}/lineage?evaluator=evv_none").status_code == 404


GRID = {
    ("6b", "finetuning"): "6b_finetuning",
    ("175b", "finetuning"): "175b_finetuning",
    ("6b", "verification"): "6b_verification",
    ("175b", "verification"): "175b_verification",
}


def _finish(session: Any, evaluation: Evaluation) -> None:
    """Settle every run that waits as the system answered that its version stands for."""
    rows = rows_of("gsm8k/systems.jsonl")
    for run in repository.list_runs(session, [evaluation.id]):
        if run.status in ("pending", "running"):
            system = GRID[run.version.spec["model"], run.version.spec["other"]["method"]]
            factories.finish_run(session, run, [row["final_answer"] if row[system] else "no" for row in rows])


@pytest.fixture
def bundled(committed_team: factories.Team) -> tuple[Evaluation, Version, Version]:
    """Two versions that differ in model and method, each run on the 400 rows."""
    with unit_of_work() as session:
        admin = committed_team.admin
        rows = [
            {"inputs": {"question": row["id"]}, "target": {"answer": row["final_answer"]}}
            for row in rows_of("gsm8k/systems.jsonl")
        ]
        data = factories.dataset(session, admin, rows)
        old = factories.prompt(session, admin, "maths", model="6b", other={"method": "finetuning"})
        new = factories.prompt(session, admin, "maths", model="175b", other={"method": "verification"})
        evaluation = factories.evaluation(session, admin, old, factories.evaluator(session, admin, "exact"))
        for version in (old, new):
            factories.started_run(session, admin, evaluation, version, data, max_calls=500)
        _finish(session, evaluation)
    return evaluation, old, new


def test_a_bundle_is_split_and_a_two_by_two_has_its_gold_numbers(
    client: TestClient, committed_team: factories.Team, bundled: tuple[Evaluation, Version, Version]
) -> None:
    evaluation, old, _ = bundled
    admin, client = committed_team.admin, with_key(client, committed_team.admin)
    before = _asked(client, evaluation)
    [step] = before["steps"]
    assert (step["bundled"], [one["component"] for one in step["changed"]]) == (True, ["model", "parameters"])
    assert [one["version_id"] for one in step["single_changes"]] == [None, None]
    assert (before["factorial"]["missing"], before["factorial"]["calls"]) == (2, 800)
    assert before["factorial"]["effects"] is None

    for _ in range(2):  # the second time everything is there
        with unit_of_work() as session:
            lineage_runs.run_single_changes(session, admin, session.merge(evaluation), 1, 2)
    with unit_of_work() as session:
        runs = repository.list_runs(session, [evaluation.id])
        made = sorted((run.version for run in runs if run.version.number > 2), key=lambda v: v.number)
        assert [(v.number, v.name, v.parent_id) for v in made] == [
            (3, "v1 with model of v2", old.id),
            (4, "v1 with parameters of v2", old.id),
        ]
        assert {run.max_calls for run in runs} == {500}, "on the terms of the runs that were there"
        assert len(runs) == 4
    assert [one["status"] for one in _asked(client, evaluation)["steps"][0]["single_changes"]] == [
        "pending"
    ] * 2

    with unit_of_work() as session:
        _finish(session, evaluation)
    after = _asked(client, evaluation)
    assert [one["number"] for one in after["versions"]] == [1, 2], "mixes are no steps of the line"
    [step] = after["steps"]
    assert [one["effect"]["delta"]["estimate"] for one in step["single_changes"]] == pytest.approx(
        [0.1375, 0.1725]
    )
    effects = after["factorial"]["effects"]
    assert [_percent(one["effect"]) for one in effects["main"]] == [(16.1, 12.4, 19.9), (19.6, 15.9, 23.3)]
    assert [_percent(one["effect"]) for one in effects["interactions"]] == [(4.8, -1.9, 11.4)]
    assert effects["interactions"][0]["adjusted_p"] > 0.05
    shares = sum(one["effect"]["estimate"] for one in effects["shapley"])
    assert shares == pytest.approx(effects["total"]["estimate"]) == pytest.approx(step["delta"]["estimate"])
    assert after["factorial"]["missing"] == 0
    shown = _shares(client, committed_team, evaluation)
    # 77 of 400 are 19.25%
    assert [shown[0], *sorted(shown[1:])] == ["19.3%", "33.0%", "36.5%", "55.0%"]


def test_rows_that_one_version_failed_on_are_left_out_and_counted(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        versions = [factories.prompt(session, admin, "tests/asked", seed=n) for n in range(4)]
        data = factories.dataset(session, admin, 40)
        evaluation = factories.evaluation(session, admin, versions[0], factories.evaluator(session, admin))
        right = [f"answer {n}" for n in range(40)]
        outputs = [["no"] * 20 + right[20:], [None] * 4 + right[4:], right]
        for version, said in zip((versions[0], versions[1], versions[3]), outputs, strict=True):
            factories.finish_run(
                session, factories.started_run(session, admin, evaluation, version, data), said
            )
    found = _asked(with_key(client, admin), evaluation)

    assert (found["rows"], found["left_out"]) == (36, 4)
    assert found["sum_of_steps"] == pytest.approx(found["total"]["delta"]["estimate"])
    assert [version["number"] for version in found["not_run"]] == [3]
    assert [[v["number"] for v in step["skipped"]] for step in found["steps"]] == [[], [3]]
