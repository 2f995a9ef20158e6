"""Targets that several versions speak against with one answer: found when a run is scored, shown in the dataset."""

import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from app.core.database import get_engine, unit_of_work
from app.evaluations.models import SuspectTarget
from app.files.models import Version
from app.logs.models import Log
from tests import factories
from tests.statements import recorded
from tests.web import signed_in, with_key

SAID = [
    ("answer 0", "answer 0", "answer 0", "answer 0"),
    ("Lyon.", "lyon", " Lyon\n", "Paris"),
    ("Lyon", "Lyon", "Lyon", "answer 2"),  # one version gave the target
    ("a", "b", "c", "d"),
    ("a", "a", "b", "b"),
    (None, "Nice", "Nice", "Nice"),  # one gave no answer at all
]
"""By row: what four versions say."""


@pytest.fixture
def rows(committed_team: factories.Team) -> Version:
    team = committed_team
    with unit_of_work() as session:
        rows = factories.dataset(session, team.admin, len(SAID), "atlas/cities")
        judge = factories.evaluator(session, team.admin, "exact", "atlas/right")
        versions = [factories.prompt(session, team.admin, "atlas/where", seed=n) for n in range(4)]
        evaluation = factories.evaluation(session, team.admin, versions[0], judge)
        for version, outputs in zip(versions, zip(*SAID, strict=True), strict=True):
            run = factories.started_run(session, team.admin, evaluation, version, rows)
            factories.finish_run(session, run, outputs)
    return rows


def _health(client: TestClient, team: factories.Team, rows: Version) -> list[dict]:
    url = f"/v5/datasets/{rows.file_id}/health"
    return with_key(client, team.admin).get(url, params={"version_id": rows.id}).json()["suspect_targets"]


def test_a_target_that_three_versions_answer_otherwise_alike_is_suspect(
    client: TestClient, committed_team: factories.Team, rows: Version
) -> None:
    found = _health(client, committed_team, rows)
    assert [one["answer"].strip(" .\n").lower() for one in found] == ["lyon", "nice"]
    assert [one["versions"] for one in found] == [
        ["atlas/where v1", "atlas/where v2", "atlas/where v3"],
        ["atlas/where v2", "atlas/where v3", "atlas/where v4"],
    ]


def test_the_dataset_shows_them_in_the_row_and_alone(
    client: TestClient, committed_team: factories.Team, rows: Version
) -> None:
    signed_in(client, committed_team.admin)
    base = f"/w/{committed_team.admin.workspace_slug}/datasets/{rows.file_id}"
    page = client.get(base).text
    assert page.count(">target?</span>") == 2
    assert "2 rows: three versions or more agree on another answer" in page
    assert len(re.findall(r'<tr data-row="', client.get(f"{base}?only=suspect").text)) == 2
    row = _health(client, committed_team, rows)[0]["datapoint_id"]
    signed_in(client, committed_team.admin)
    detail = client.get(f"{base}/rows/{row}").text
    assert "3 versions agree on another answer" in detail
    assert "atlas/where v1, atlas/where v2, atlas/where v3. None gave the target." in detail
    with recorded(get_engine()) as statements:
        client.get(base)
    assert sum("suspect_target" in one for one in statements) <= 2


def test_a_target_that_was_changed_is_suspect_no_more(
    client: TestClient, committed_team: factories.Team, rows: Version
) -> None:
    changed = [
        {"inputs": {"question": f"question {n}"}, "target": {"answer": "Lyon" if n == 1 else f"answer {n}"}}
        for n in range(len(SAID))
    ]
    with unit_of_work() as session:
        newer = factories.dataset(session, committed_team.admin, changed, "atlas/cities")
    assert [one["answer"] for one in _health(client, committed_team, newer)] == ["Nice"]
    assert len(_health(client, committed_team, rows)) == 2


def test_an_answer_that_was_cleared_is_told_no_more(
    client: TestClient, committed_team: factories.Team, rows: Version
) -> None:
    with unit_of_work() as session:
        ids = list(session.scalars(select(SuspectTarget.log_id)))
        session.execute(update(Log).where(Log.id.in_(ids)).values(output=None))
    assert _health(client, committed_team, rows) == []


def test_a_version_that_gives_the_target_clears_it(
    client: TestClient, committed_team: factories.Team, rows: Version
) -> None:
    team = committed_team
    with unit_of_work() as session:
        judge = factories.evaluator(session, team.admin, "exact", "atlas/right")
        fifth = factories.prompt(session, team.admin, "atlas/where", seed=5)
        evaluation = factories.evaluation(session, team.admin, fifth, judge)
        run = factories.started_run(session, team.admin, evaluation, fifth, rows)
        factories.finish_run(session, run, ["x", "answer 1", "x", "x", "x", "x"])
    assert [one["answer"] for one in _health(client, committed_team, rows)] == ["Nice"]
