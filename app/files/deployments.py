"""Environments, and which version runs in which of them."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.core import ids
from app.core.access import Action, Principal
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.files import approvers, environment_repository, repository
from app.files.models import Deployment, Environment, File, Version
from app.workspaces import audit

_DEFAULTS = (("production", "default"), ("staging", "other"))
_LONGEST_NAME = 60


def create_default_environments(session: Session, workspace_id: str) -> None:
    """Give a new workspace the environments that everybody starts with: production, the default, and staging."""
    for name, tag in _DEFAULTS:
        session.add(Environment(id=ids.new_id("env"), workspace_id=workspace_id, name=name, tag=tag))
        session.flush()


def create_environment(
    session: Session, principal: Principal, *, name: str, protected: bool = False
) -> Environment:
    """A new environment.

    Raises:
        Invalid: the name cannot be used.
        Conflict: the name is taken.
    """
    name = _usable_name(session, principal, name)
    environment = Environment(
        id=ids.new_id("env"), workspace_id=principal.workspace_id, name=name, tag="other", protected=protected
    )
    session.add(environment)
    session.flush()
    audit.record(
        session,
        principal,
        "environment.created",
        "environment",
        environment.id,
        name=name,
        protected=protected,
    )
    return environment


def change_environment(
    session: Session,
    principal: Principal,
    environment: Environment,
    *,
    name: str | None = None,
    protected: bool | None = None,
    tag: str | None = None,
) -> None:
    """Rename, protect or make the default; None leaves a property as it is.

    Raises:
        Invalid: the default environment would lose its tag without another one getting it.
        Conflict: the name is taken.
    """
    before = (environment.name, environment.protected, environment.tag)
    if name is not None and name.strip() != environment.name:
        environment.name = _usable_name(session, principal, name)
    if protected is not None:
        environment.protected = protected
    if tag is not None and tag != environment.tag:
        if tag != "default":
            raise Invalid(
                "Make another environment the default instead.",
                fields={"tag": "There is always one default."},
            )
        for other in repository.list_environments(session, principal.workspace_id):
            other.tag = "other"
        session.flush()  # the old default goes first: a unique index allows one at a time
        environment.tag = "default"
    session.flush()
    if before == (environment.name, environment.protected, environment.tag):
        return
    audit.record(
        session,
        principal,
        "environment.changed",
        "environment",
        environment.id,
        name=environment.name,
        protected=environment.protected,
        tag=environment.tag,
    )


def delete_environment(session: Session, principal: Principal, environment: Environment) -> None:
    """Delete an environment in which nothing runs, and the record of what ran there.

    Raises:
        Conflict: it is the default one, or something runs there.
    """
    if environment.tag == "default":
        raise Conflict(f"{environment.name} is the default environment. Make another one the default first.")
    if running := environment_repository.count_running(session, environment.id):
        noun = "1 file runs" if running == 1 else f"{running} files run"
        raise Conflict(f"{noun} in {environment.name}. Take what runs there out first.")
    audit.record(
        session, principal, "environment.deleted", "environment", environment.id, name=environment.name
    )
    session.delete(environment)


def _usable_name(session: Session, principal: Principal, name: str) -> str:
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        text = f"Give it a name of up to {_LONGEST_NAME} characters."
        raise Invalid(text, fields={"name": text})
    if repository.find_environment(session, principal.workspace_id, name):
        raise Conflict(f"There is an environment `{name}` already.")
    return name


def get_environment(session: Session, principal: Principal, key: str) -> Environment:
    """An environment by id or name.

    Raises:
        NotFound: the workspace has no such environment.
    """
    environment = repository.find_environment(session, principal.workspace_id, key)
    if environment is None:
        raise NotFound(f"Environment {key} does not exist")
    return environment


def deploy_first(session: Session, principal: Principal, version: Version) -> None:
    """Deploy the first version of a file to the default environment. Needs no permission of its own: nothing
    ran there before, and a file that answers nobody helps nobody. Where the default is protected, and the principal
    may not deploy there, the version waits."""
    default = next(
        (e for e in repository.list_environments(session, version.workspace_id) if e.tag == "default"), None
    )
    if default and not approvers.why_not(session, principal, default):
        _put(session, principal, version, default, replaced=None, automatic=True)


def deploy(
    session: Session, principal: Principal, file: File, version: Version, environment: Environment
) -> Deployment:
    """Make `version` the one that runs in `environment`. Deploying what runs there already changes nothing.

    Raises:
        Forbidden: the environment is protected, and the principal neither an admin nor named for it.
    """
    _refuse_protected(session, principal, environment)
    repository.lock_file(session, file)
    current = repository.find_deployment(session, file.id, environment.id)
    if current and current.version_id == version.id:
        return current
    replaced = repository.end_deployment(session, file.id, environment.id)
    version.file = file
    return _put(session, principal, version, environment, replaced)


def undeploy(session: Session, principal: Principal, file: File, environment: Environment) -> None:
    """End what runs in `environment`.

    Raises:
        Forbidden: the environment is protected, and the principal neither an admin nor named for it.
        NotFound: nothing of the file runs there.
    """
    _refuse_protected(session, principal, environment)
    ended = repository.end_deployment(session, file.id, environment.id)
    if ended is None:
        raise NotFound(f"No version of {file.path} is deployed to {environment.name}.")
    audit.record(
        session,
        principal,
        "deployment.ended",
        "file",
        file.id,
        path=file.path,
        environment=environment.name,
        version_id=ended,
    )


def refuse_to_take_away(session: Session, principal: Principal, file_ids: Sequence[str]) -> None:
    """Let only those move or delete files who could as well deploy in their place: callers name a file by its path.

    What somebody deployed themselves, outside protected environments, they may take away themselves.

    Raises:
        Forbidden: one of the files runs where the principal may not deploy.
    """
    _refuse_running(session, principal, file_ids, "It runs in {}, where {} deployed it.")


def refuse_to_bring_back(session: Session, principal: Principal, file_ids: Sequence[str]) -> None:
    """Let only those take files out of the trash who could as well deploy what ran there when they were deleted: it runs again.

    Raises:
        Forbidden: one of the files ran where the principal may not deploy.
    """
    _refuse_running(session, principal, file_ids, "It would run in {} again, where {} deployed it.")


def _refuse_running(session: Session, principal: Principal, file_ids: Sequence[str], why: str) -> None:
    for environment, deployment in repository.deployed_environments(session, file_ids):
        _refuse_protected(session, principal, environment)
        if deployment.by_id != principal.user_id and not principal.may(Action.DEPLOY):
            said = why.format(environment.name, deployment.by_name)
            raise Forbidden(f"{said} Ask a developer or an admin.")


def _refuse_protected(session: Session, principal: Principal, environment: Environment) -> None:
    if reason := approvers.why_not(session, principal, environment):
        raise Forbidden(reason)


def _put(
    session: Session,
    principal: Principal,
    version: Version,
    environment: Environment,
    replaced: str | None,
    *,
    automatic: bool = False,
) -> Deployment:
    deployment = Deployment(
        id=ids.new_id("dep"),
        workspace_id=version.workspace_id,
        file_id=version.file_id,
        environment_id=environment.id,
        version_id=version.id,
        by_id=principal.user_id,
        by_name=principal.name,
        environment=environment,
        version=version,
    )
    session.add(deployment)
    session.flush()
    audit.record(
        session,
        principal,
        "deployment.created",
        "deployment",
        deployment.id,
        path=version.file.path,
        environment=environment.name,
        version=version.number,
        version_id=version.id,
        replaced=replaced,
        automatic=automatic,
    )
    return deployment


def deployed_version(session: Session, file: File, environment_key: str) -> Version:
    """The version of `file` that runs in an environment, given by id or name.

    Raises:
        NotFound: no such environment, or nothing of the file runs there.
    """
    environment = repository.find_environment(session, file.workspace_id, environment_key)
    if environment is None:
        raise NotFound(f"Environment {environment_key} does not exist")
    deployment = repository.find_deployment(session, file.id, environment.id)
    if deployment is None:
        raise NotFound(f"No version of {file.path} is deployed to {environment.name}.")
    return deployment.version
