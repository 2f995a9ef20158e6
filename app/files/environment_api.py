"""The v5 routes of environments."""

from typing import Annotated

from fastapi import APIRouter, Body, Response
from sqlalchemy.orm import Session

from app.core.database import SessionDep
from app.core.permissions import Manager, Reader
from app.files import approvers, deployments, repository
from app.files.models import Environment
from app.files.presentation import present_environment
from app.files.schemas import EnvironmentCreate, EnvironmentUpdate, Json

router = APIRouter(prefix="/v5/environments", tags=["Environments"])


@router.get("")
def list_environments(session: SessionDep, principal: Reader) -> list[Json]:
    """The environments of the workspace, the default first; `approvers` deploy there beside the admins."""
    found = repository.list_environments(session, principal.workspace_id)
    named = approvers.approvers_of(session, found)
    return [present_environment(each) | {"approvers": [user.id for user in named[each.id]]} for each in found]


@router.post("", status_code=201)
def create_environment(body: EnvironmentCreate, session: SessionDep, principal: Manager) -> Json:
    """Make an environment."""
    made = deployments.create_environment(session, principal, name=body.name, protected=body.protected)
    deployments.change_environment(session, principal, made, tag=body.tag)
    approvers.name_approvers(session, principal, made, body.approvers)
    return _present(session, made)


@router.patch("/{environment_id}")
def update_environment(
    environment_id: str,
    body: Annotated[EnvironmentUpdate, Body(default_factory=EnvironmentUpdate)],
    session: SessionDep,
    principal: Manager,
) -> Json:
    """Rename or protect an environment, name who deploys there, or make it the default."""
    environment = deployments.get_environment(session, principal, environment_id)
    deployments.change_environment(
        session, principal, environment, name=body.name, protected=body.protected, tag=body.tag
    )
    if body.approvers is not None:
        approvers.name_approvers(session, principal, environment, body.approvers)
    return _present(session, environment)


@router.delete("/{environment_id}", status_code=204)
def delete_environment(environment_id: str, session: SessionDep, principal: Manager) -> Response:
    """Delete an environment that is not the default and in which nothing runs."""
    environment = deployments.get_environment(session, principal, environment_id)
    deployments.delete_environment(session, principal, environment)
    return Response(status_code=204)


def _present(session: Session, environment: Environment) -> Json:
    named = approvers.approvers_of(session, [environment])[environment.id]
    return present_environment(environment) | {"approvers": [user.id for user in named]}
