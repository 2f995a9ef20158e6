"""A deployment that would make prompts include each other is refused, whichever of them it is of."""

import pytest
from sqlalchemy.orm import Session

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
