"""A deployment that would make prompts include each other is refused, whichever of them it is of."""

import threading
import time

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.core.errors import Conflict
from app.files import deployments, repository
from app.files.deploying import deploy
from app.files.models import Version
from tests import factories


def _runs(session: Session, version: Version) -> int:
    environment = next(
        one for one in repository.list_environments(session, version.workspace_id) if one.tag == "default"
    )
    found = repository.find_deployment(session, version.file_id, environment.id)
    assert found
    return found.version.number


def test_a_deployment_that_closes_a_circle_is_refused_and_changes_nothing(session: Session) -> None:
    team = factories.team(session)
    for path in "abc":
        factories.prompt(session, team.admin, path, template=path.upper())
    to_b = factories.prompt(session, team.admin, "a", template='{{ include("b", "production") }}')
    to_c = factories.prompt(session, team.admin, "b", template='{{ include("c", "production") }}')
    to_a = factories.prompt(session, team.admin, "c", template='{{ include("a", "production") }}')
    production = deployments.get_environment(session, team.admin, "production")
    for version in (to_b, to_c):
        deploy(session, team.admin, version.file, version, production)
    with pytest.raises(Conflict, match="c → a → b → c"):
        deploy(session, team.admin, to_a.file, to_a, production)
    assert (_runs(session, to_b), _runs(session, to_c), _runs(session, to_a)) == (2, 2, 1)


def test_what_a_version_lacks_stops_nobody_from_rolling_back(session: Session) -> None:
    team = factories.team(session)
    gone = factories.prompt(session, team.admin, "a", template='{{ include("gone", "production") }}')
    plain = factories.prompt(session, team.admin, "a", template="A")
    production = deployments.get_environment(session, team.admin, "production")
    for version in (plain, gone):
        deploy(session, team.admin, version.file, version, production)
    assert _runs(session, gone) == 1


def test_two_deployments_at_once_close_no_circle(committed_team: factories.Team) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        for path in "ab":
            factories.prompt(session, admin, path, template=path.upper())
        halves = [
            factories.prompt(session, admin, path, template=f'{{{{ include("{other}", "production") }}}}')
            for path, other in ("ab", "ba")
        ]
        production = deployments.get_environment(session, admin, "production")
        places = [(half.file_id, half.id) for half in halves]

    def deploy_half(session: Session, place: tuple[str, str]) -> None:
        [version] = repository.find_versions(session, admin.workspace_id, [place[1]])
        environment = deployments.get_environment(session, admin, production.id)
        deploy(session, admin, version.file, version, environment)

    refused: list[str] = []

    def the_other() -> None:
        try:
            with unit_of_work() as session:
                deploy_half(session, places[1])
        except Conflict as conflict:
            refused.append(conflict.message)

    second = threading.Thread(target=the_other)
    with unit_of_work() as session:
        deploy_half(session, places[0])  # and is not committed yet
        second.start()
        with unit_of_work() as watching:
            waiting = text("select count(*) from pg_locks where locktype = 'advisory' and not granted")
            deadline = time.monotonic() + 20
            while not watching.scalar(waiting):
                assert second.is_alive(), "it did not wait"
                assert time.monotonic() < deadline, "it waits for something else"
                time.sleep(0.02)
    second.join(20)
    assert refused, "the second one sees what the first one did"
    assert "b → a → b" in refused[0]
    with unit_of_work() as session:
        numbers = [
            _runs(session, version)
            for version in repository.find_versions(session, admin.workspace_id, [one for _, one in places])
        ]
    assert sorted(numbers) == [1, 2]
