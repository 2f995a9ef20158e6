"""Judges of which it is known how good they are: what the page of a judge and the API say of them."""

import csv
import html
import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core import ids
from app.core.access import Role
from app.core.database import unit_of_work
from app.files.models import Version
from app.logs.models import Judgment
from tests import factories
from tests.web import signed_in, with_key

DATA = Path(__file__).parents[1] / "data"
KNOWN = {  # the picks that people make, in one order, and the same pick in both: Zeng et al. 2023
    "GPT-4/Vanilla_NoRules": ("79.0%", "90.4%"),
    "PaLM2/Vanilla_NoRules": ("68.0%", "73.8%"),
    "ChatGPT/Vanilla_NoRules": ("50.5%", "59.2%"),
    "LLaMA2/Vanilla_NoRules": ("50.1%", "75.4%"),
    "Falcon/Vanilla": ("57.4%", "40.8%"),
}


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open() as lines:
        return list(csv.DictReader(lines))


def _judged(
    team: factories.Team, judge: tuple[str, dict[str, Any]], said: Sequence[dict[str, Any]]
) -> Version:
    """A judge that has said so of outputs, one after another; with what a person said, where there is `human`."""
    kind, settings = judge
    with unit_of_work() as session:
        made = factories.evaluator(
            session, team.admin, kind, "tests/Known", model="m", provider="practice", **settings
        )
        people = factories.evaluator(session, team.admin, "human", "tests/People", answers="number")
        person = str(factories.member(session, team.workspace, Role.REVIEWER).user_id)
        prompt, rows = (
            factories.prompt(session, team.admin),
            factories.dataset(session, team.admin, len(said)),
        )
        evaluation = factories.evaluation(
            session, team.admin, prompt, factories.evaluator(session, team.admin)
        )
        run = factories.started_run(session, team.admin, evaluation, prompt, rows)
        factories.finish_run(session, run, ["out"] * len(said))
        query = text("select log_id from run_item where run_id = :run order by position")
        for log_id, each in zip(session.scalars(query, {"run": run.id}).all(), said, strict=True):
            human = each.pop("human", None)
            words = [(made, "", each)]
            words += [(people, person, {"number_value": human})] if human is not None else []
            session.add_all(
                Judgment(
                    id=ids.new_id("jdg"), workspace_id=team.workspace.id, log_id=log_id,
                    evaluator_version_id=by.id, author=author, **columns,
                )
                for by, author, columns in words
            )  # fmt: skip
    return made


def _shown(client: TestClient, team: factories.Team, judge: Version) -> tuple[str, dict[str, Any]]:
    page = signed_in(client, team.admin).get(f"/w/{team.workspace.slug}/evaluators/{judge.file_id}/agreement")
    assert page.status_code == 200
    told = with_key(client, team.admin).get(f"/v5/evaluators/{judge.file_id}/agreement").json()
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split()), told


def _picked(row: dict[str, str]) -> dict[str, Any]:
    """Of a pair, the first answer is the output, and the second the other one."""
    names = {"1": "output", "2": "other"}
    orders = [
        {"shown_first": first, "better": names[row[column]], "rationale": ""}
        for first, column in (("output", "output_1_first"), ("other", "output_2_first"))
    ]
    same = orders[0]["better"] == orders[1]["better"]
    value = {"output": 1.0, "other": 0.0}[orders[0]["better"]] if same else 0.5
    human = 1.0 if row["human"] == "1" else 0.0
    return {"number_value": value, "detail": {"orders": orders, "consistent": same}, "human": human}


@pytest.mark.parametrize("judge", KNOWN)
def test_judges_of_pairs_are_as_right_and_as_steady_as_is_known(
    client: TestClient, committed_team: factories.Team, judge: str
) -> None:
    rows = [row for row in _rows("judge_llmbar/verdicts.csv") if row["judge"] == judge]
    made = _judged(committed_team, ("pairwise_judge", {}), [_picked(row) for row in rows])
    words, told = _shown(client, committed_team, made)
    right, same = KNOWN[judge]
    n = len(rows)
    assert f"The same in both orders {n} pairs shown both ways {same}" in words, words
    assert (
        f"People's answer, in one order of {n} that people have judged, both orders on average {right}"
        in words
    )
    first = sum(row[order] == row["human"] for row in rows for order in ("output_1_first", "output_2_first"))
    assert told["order_bias"]["right_in_one_order"]["estimate"] == pytest.approx(first / (2 * n))


def test_a_judge_that_scores_three_times_agrees_with_itself_as_its_variances_say(
    client: TestClient, committed_team: factories.Team
) -> None:
    scores = [[float(row[f"score_{n}"]) for n in (1, 2, 3)] for row in _rows("judge_repeats/gpt4_scores.csv")]
    judge = ("llm_judge", {"rubric": "How good? {{log.output}}", "verdict": "number", "votes": 3})
    said = [
        {
            "number_value": sum(votes) / 3,
            "detail": {"votes": [{"model": "m", "verdict": vote, "rationale": None} for vote in votes]},
        }
        for votes in scores
    ]
    words, told = _shown(client, committed_team, _judged(committed_team, judge, said))
    # Of squared differences, with as many votes on each: what is between two votes on an output, of what is between any two.
    oracle = 1 - np.var(scores, axis=1, ddof=1).mean() / np.var(scores, ddof=1)
    assert told["repeats"]["alpha"]["estimate"] == pytest.approx(oracle)
    alike = [_alike(votes) for votes in scores]
    assert told["repeats"]["same"] == pytest.approx(sum(alike) / len(alike))
    assert told["repeats"]["outputs"] == len(scores)
    assert f"Krippendorff's alpha 1: never another verdict; 0: chance alone {oracle:.2f}" in words
    assert "several votes are steadier" in words


def _alike(votes: Sequence[float]) -> float:
    """The share of the three pairs of votes that are equal."""
    sizes = [len(list(group)) for _, group in groupby(sorted(votes))]
    return sum(size * (size - 1) for size in sizes) / 6


def test_votes_of_several_models_are_no_repeats(client: TestClient, committed_team: factories.Team) -> None:
    votes = [{"model": model, "verdict": True, "rationale": None} for model in ("a", "b")]
    judge = ("llm_judge", {"rubric": "Right? {{log.output}}"})
    made = _judged(committed_team, judge, [{"boolean_value": True, "detail": {"votes": votes}}] * 3)
    words, told = _shown(client, committed_team, made)
    assert told["repeats"] is None
    assert "when asked again" not in words
