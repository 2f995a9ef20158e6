"""What was found stays: a version that something names is not deleted, and no number is given twice."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.core.errors import Conflict
from app.files import deployments, service
from app.files.models import Version
from app.workspaces.models import Workspace
from tests import factories
from tests.web import with_key


def _refused(session: Session, team: factories.Team, version: Version, reason: str) -> None:
    with pytest.raises(Conflict, match=reason):
        service.delete_version(session, team.admin, version)


def test_what_a_run_an_evaluation_or_a_deployment_names_stays(session: Session) -> None:
    team = factories.team(session)
    first = factories.prompt(session, team.admin, "a/prompt")
    second = factories.prompt(session, team.admin, "a/prompt", temperature=0.5)
    third = factories.prompt(session, team.admin, "a/prompt", temperature=0.75)
    factories.dataset(session, team.admin, 2, "a/rows")
    rows = factories.dataset(session, team.admin, 3, "a/rows")
    factories.evaluator(session, team.admin, "exact", "a/judge")
    judge = factories.evaluator(session, team.admin, "exact", "a/judge", ignore_case=True)
    evaluation = factories.evaluation(session, team.admin, first, judge, name="Which is better?")
    factories.started_run(session, team.admin, evaluation, second, rows)
    production = deployments.get_environment(session, team.admin, "production")
    deployments.deploy(session, team.admin, third.file, third, production)

    _refused(session, team, third, "it runs in production")
    for version in (second, rows, judge):
        _refused(session, team, version, "Which is better")


def test_a_version_that_ran_goes_once_it_runs_nowhere(
    client: TestClient, committed_team: factories.Team
) -> None:
    with_key(client, committed_team.admin)
    made = client.post("/v5/prompts", json={"path": "X", "model": "m"}).json()
    address = f"/v5/prompts/{made['id']}"
    version = f"{address}/versions/{made['version_id']}"
    production = next(e for e in client.get(f"{address}/environments").json() if e["file"])
    refused = client.delete(version)
    assert (refused.status_code, "it runs in production" in refused.text) == (409, True), refused.text
    assert client.delete(f"{address}/environments/{production['id']}").status_code == 204
    assert client.delete(version).status_code == 204
    assert client.get(address, params={"version_id": made["version_id"]}).status_code == 404
    assert client.post("/v5/prompts", json={"path": "X", "model": "m"}).json()["version_number"] == 2


def test_a_number_is_not_given_again(session: Session) -> None:
    team = factories.team(session)
    factories.prompt(session, team.admin, "a/prompt")
    gone = factories.prompt(session, team.admin, "a/prompt", temperature=0.5)
    service.delete_version(session, team.admin, gone)
    session.flush()
    assert factories.prompt(session, team.admin, "a/prompt", temperature=0.75).number == 3
    assert factories.prompt(session, team.admin, "a/prompt", temperature=0.5).number == 4


def test_rows_can_be_written_after_dataset_versions_were_deleted(
    client: TestClient, committed_team: factories.Team
) -> None:
    with_key(client, committed_team.admin)

    def write(*names: str) -> dict:
        answer = client.post(
            "/v5/datasets", json={"path": "X", "datapoints": [{"inputs": {"q": name}} for name in names]}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    write("A")
    for names in (("A", "B"), ("A", "C"), ("B",), ("A", "B")):
        made = write(*names)
        address = f"/v5/datasets/{made['id']}"
        page = client.get(f"{address}/datapoints", params={"version_id": made["version_id"]}).json()
        assert [row["inputs"]["q"] for row in page["records"]] == list(names)
        assert client.delete(f"{address}/versions/{made['version_id']}").status_code == 204
    assert write("B", "C")["version_id"]


def test_the_database_keeps_it_too_and_a_workspace_goes_whole(database: Engine) -> None:
    with unit_of_work() as session:
        team = factories.team(session)
        prompt, rows = factories.prompt(session, team.admin), factories.dataset(session, team.admin)
        evaluation = factories.evaluation(
            session, team.admin, prompt, factories.evaluator(session, team.admin)
        )
        factories.started_run(session, team.admin, evaluation, prompt, rows)
    for version in (prompt, rows):
        with pytest.raises(IntegrityError), unit_of_work() as session:
            session.execute(delete(Version).where(Version.id == version.id))
    with database.begin() as connection:
        connection.exec_driver_sql("set local session_replication_role = replica")
        connection.exec_driver_sql("delete from audit_entry")  # only ever added to: nothing else may
        connection.exec_driver_sql("delete from directory")
    with unit_of_work() as session:
        session.execute(delete(Workspace).where(Workspace.id == team.workspace.id))
    with unit_of_work() as session:
        assert session.scalars(select(Version)).all() == []
