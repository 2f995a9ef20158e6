"""Which evaluators judge a file's logs: activating, deactivating and removing them."""

from sqlalchemy.orm import Session

from app.core import clock, ids
from app.core.access import Principal
from app.core.errors import DomainError, Invalid, NotFound
from app.evaluators.binding import bind
from app.files import deployments
from app.files import repository as files_repository
from app.files import service as files
from app.files.models import File, FileKind, Version
from app.monitoring import repository
from app.monitoring.models import Monitor
from app.monitoring.schemas import MonitorActivation, MonitoringChange, MonitorReference
from app.workspaces import audit

MONITORED = tuple(kind for kind in FileKind if kind is not FileKind.DATASET)
"""The kinds of files whose logs can be judged as they come."""


def change_monitoring(session: Session, principal: Principal, file: File, change: MonitoringChange) -> None:
    """Activate evaluators for the logs that come from now on, deactivate others, and remove others. Activating twice is as
    once; what a removed evaluator said of logs stays.

    Raises:
        NotFound: there is no such evaluator or environment, or none that could be deactivated or removed.
        Invalid: an evaluator needs a target, and logs have none.
    """
    files_repository.lock_file(session, file)  # two who activate the same evaluator do so one after the other
    for wanted in change.activate:
        _activate(session, principal, file, wanted)
    for unwanted in change.deactivate:
        _deactivate(session, principal, file, unwanted)
    for unwanted in change.remove:
        session.delete(_get(session, principal, file, unwanted))
    audit.record(
        session,
        principal,
        "monitoring.changed",
        file.kind,
        file.id,
        path=file.path,
        activated=[_named(one) for one in change.activate],
        deactivated=[_named(one) for one in change.deactivate],
        removed=[_named(one) for one in change.remove],
    )
    session.flush()


def _activate(session: Session, principal: Principal, file: File, wanted: MonitorActivation) -> None:
    environment_id = None
    if wanted.evaluator_version_id:
        version = files_repository.find_version_anywhere(
            session, principal.workspace_id, wanted.evaluator_version_id
        )
        if version is None or version.file.kind != FileKind.EVALUATOR:
            raise NotFound(f"There is no evaluator version with the id {wanted.evaluator_version_id}.")
        _refuse_needing_target(version)
    else:
        evaluator = files.get_file(session, principal, wanted.evaluator_id or "", FileKind.EVALUATOR)
        environment_id = deployments.get_environment(session, principal, wanted.environment_id or "").id
        running = files_repository.find_deployment(session, evaluator.id, environment_id)
        if running:
            running.version.file = evaluator
            _refuse_needing_target(running.version)
    found = repository.find_monitor(
        session, file.id, wanted.evaluator_version_id, wanted.evaluator_id, environment_id
    )
    if found is None:
        session.add(
            Monitor(
                id=ids.new_id("mon"),
                workspace_id=file.workspace_id,
                file_id=file.id,
                evaluator_version_id=wanted.evaluator_version_id,
                evaluator_id=wanted.evaluator_id,
                environment_id=environment_id,
                sampling=wanted.sampling,
            )
        )
    elif (found.active, found.sampling) != (True, wanted.sampling):
        found.active, found.sampling, found.updated_at = True, wanted.sampling, clock.now()
    session.flush()


def _deactivate(session: Session, principal: Principal, file: File, unwanted: MonitorReference) -> None:
    found = _get(session, principal, file, unwanted)
    if found.active:
        found.active, found.updated_at = False, clock.now()


def _get(session: Session, principal: Principal, file: File, reference: MonitorReference) -> Monitor:
    environment_id = None
    if reference.environment_id:
        environment_id = deployments.get_environment(session, principal, reference.environment_id).id
    found = repository.find_monitor(
        session, file.id, reference.evaluator_version_id, reference.evaluator_id, environment_id
    )
    if found is None:
        raise NotFound(f"{_named(reference)} does not judge the logs of {file.path}.")
    return found


def _refuse_needing_target(version: Version) -> None:
    if _needs_target(version):
        said = f"{version.file.path} compares with a target, and logs have none: only evaluators without one can monitor."
        raise Invalid(said, fields={"activate": said})


def _needs_target(version: Version) -> bool:
    """Whether an evaluator compares with a target, so that it says nothing of a log by itself."""
    try:
        return bind(version.spec).traits.needs_target
    except DomainError:  # it cannot judge at all, and its judgments say why
        return False


def _named(reference: MonitorReference) -> str:
    return reference.evaluator_version_id or f"{reference.evaluator_id} in {reference.environment_id}"
