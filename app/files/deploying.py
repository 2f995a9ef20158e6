"""Deploying a version where that closes no circle: files that include each other by environments cannot answer at all."""

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Conflict, Invalid
from app.files import deployments, environment_repository
from app.files.includes import Circle, Includes
from app.files.models import Deployment, Environment, File, FileKind, Version


def deploy(
    session: Session, principal: Principal, file: File, version: Version, environment: Environment
) -> Deployment:
    """As `deployments.deploy`, unless the version would include itself through what it includes. Prompts of a workspace are
    deployed one after the other: of two at once, neither would see what the other includes.

    Raises:
        Forbidden: the environment is protected, and the principal neither an admin nor named for it.
        Conflict: there would be such a circle. Nothing is deployed.
    """
    if file.kind == FileKind.PROMPT:
        environment_repository.take_turn(session, file.workspace_id)
    with session.begin_nested():
        made = deployments.deploy(session, principal, file, version, environment)
        session.flush()
        _refuse_circle(session, version, file, environment)
    return made


def _refuse_circle(session: Session, version: Version, file: File, environment: Environment) -> None:
    if file.kind != FileKind.PROMPT:
        return
    language = version.spec.get("template_language") or "default"
    looked = Includes(session, version.workspace_id)
    try:
        looked.expand(version.spec.get("template") or "", language, file.id)
    except Circle as circle:
        raise Conflict(
            f"With v{version.number} in {environment.name}, files would include each other, and none of them could be called. "
            f"{circle.message} Change one of them first, or what of it runs where it is included."
        ) from circle
    except Invalid:
        return  # what else it lacks is told where it is called, and stops no one from rolling back
