"""The evaluators of a file's logs, as the API shows them in the answer of a file."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.files import repository as files
from app.files.models import Environment, Version
from app.files.presentation import present, present_environment
from app.monitoring import repository
from app.monitoring.models import Monitor

Json = dict[str, Any]


def monitors_of(session: Session, versions: Sequence[Version]) -> Mapping[str, Any]:
    """The monitors of the versions' files, in a fixed number of queries."""
    monitors = repository.list_monitors(session, {version.file_id for version in versions})
    if not monitors:
        return {}
    workspace_id = versions[0].workspace_id
    running = repository.deployed_of(session, monitors)
    judging = {one.id: one.evaluator_version_id or running.get(one.id) for one in monitors}
    found = files.find_versions(session, workspace_id, {one for one in judging.values() if one})
    # Where nothing runs in the environment, the evaluator is shown as it shows itself.
    usual = files.shown_versions(session, [one.evaluator_id for one in monitors if one.evaluator_id])
    file_ids = {one.file_id for one in (*found, *usual.values())}
    alive = {one.id: one for one in files.find_files(session, workspace_id, list(file_ids))}
    every = {one.id: one for one in (*found, *usual.values()) if one.file_id in alive}
    for evaluator in every.values():
        evaluator.file = alive[evaluator.file_id]
    shown = {
        file["version_id"]: file for file in present(session, list(every.values()), without={"evaluators"})
    }
    environments = {one.id: one for one in files.list_environments(session, workspace_id)}
    items: dict[str, list[Json]] = {}
    for one in monitors:
        version = shown.get(judging[one.id] or "")
        default = usual.get(one.evaluator_id or "")
        file = version or (shown.get(default.id) if default else None)
        if file:  # a deleted evaluator is left out
            items.setdefault(one.file_id, []).append(_item(one, file, version, environments))
    return {each.id: items.get(each.file_id, []) for each in versions}


def _item(
    monitor: Monitor, file: Json, version: Json | None, environments: Mapping[str, Environment]
) -> Json:
    if monitor.environment_id:
        place = present_environment(environments[monitor.environment_id])
        reference = {"type": "environment", "file": file, "environment": place}
    else:
        reference = {"type": "version", "version": file}
    return {
        "version_reference": reference,
        "version": version,
        "state": "active" if monitor.active else "inactive",
        "sampling": monitor.sampling,
        "created_at": monitor.created_at,
        "updated_at": monitor.updated_at,
    }
