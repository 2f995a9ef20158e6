"""Files as the v5 API shows them: the file, the version asked for, and what the kind adds."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.accounts.models import User
from app.files import repository, tool_shape
from app.files.models import Environment, File, FileKind, Version

Slot = Callable[[Session, Sequence[Version]], Mapping[str, Any]]
"""What a package above says of versions, by version id; those that it has nothing to say of are left out."""
SLOTS: dict[str, tuple[Slot, ...]] = {}
"""The members of an answer that packages above fill, by name; `main` puts them here."""
WHEN_ASKED = frozenset({"evaluator_aggregates", "raw_file_content"})
"""Those of them that an answer has only where they were asked for."""


def present(
    session: Session,
    versions: Sequence[Version],
    *,
    also: Collection[str] = (),
    without: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Each version with its file, in the order given; a fixed number of queries however many. `version.file` is
    loaded. `also` names what is given only when asked for (`WHEN_ASKED`), `without` what is left empty."""
    file_ids = list({version.file_id for version in versions})
    live: dict[str, list[Environment]] = {}
    for environment, deployment in repository.deployed_environments(session, file_ids) if file_ids else []:
        live.setdefault(deployment.version_id, []).append(environment)
    people = repository.find_people(
        session, {version.file.created_by for version in versions if version.file.created_by}
    )
    shown = [_present(version, live.get(version.id, []), people) for version in versions]
    for member, slots in SLOTS.items():
        if member in also or member not in {*WHEN_ASKED, *without}:
            for slot in slots:
                said = slot(session, versions) if versions else {}
                for file in shown:
                    if file["version_id"] in said:
                        file[member] = said[file["version_id"]]
    return shown


def present_one(session: Session, version: Version, *, also: Collection[str] = ()) -> dict[str, Any]:
    """One version with its file."""
    return present(session, [version], also=also)[0]


def _present(
    version: Version, environments: Sequence[Environment], people: Mapping[str, User]
) -> dict[str, Any]:
    file = version.file
    maker = people.get(file.created_by or "")
    shown: dict[str, Any] = {
        "id": file.id,
        "path": file.path,
        "name": file.name,
        "type": file.kind,
        "directory_id": file.directory_id,
        "description": file.description,
        "tags": file.tags,
        "readme": file.readme,
        "schema": None,
        "version_id": version.id,
        "version_number": version.number,
        "version_name": version.name,
        "version_description": version.note,
        "commit_message": version.note,
        "status": "committed",
        "created_at": file.created_at,
        "updated_at": file.updated_at,
        "version_created_at": version.created_at,
        "version_created_by": {"id": version.author_id, "full_name": version.author_name, "email_address": ""}
        if version.author_id
        else None,
        "last_used_at": file.last_used_at,
        "created_by": present_person(maker) if maker else None,
        "environments": [present_environment(environment) for environment in environments],
        "evaluators": [],
        "evaluator_aggregates": [],
    }
    return shown | _of_kind(file, version)


def _of_kind(file: File, version: Version) -> dict[str, Any]:
    if file.kind == FileKind.DATASET:
        return {
            "datapoints_count": version.rows_count or 0,
            "datapoints": None,
            "attributes": version.spec.get("attributes"),
        }
    if file.kind == FileKind.FLOW:
        return {"attributes": version.spec.get("attributes") or {}, "version_logs_count": version.logs_count}
    counts = {"version_logs_count": version.logs_count, "total_logs_count": file.logs_count, "inputs": []}
    if file.kind == FileKind.EVALUATOR:
        return counts | {"spec": version.spec, "attributes": version.spec.get("attributes")}
    if file.kind == FileKind.TOOL:
        return counts | _of_tool(version.spec)
    return counts | _ABSENT.get(file.kind, {}) | version.spec


_USUAL = {"endpoint": "chat", "template_language": "default"}
"""What content leaves out, and callers said. Not `max_tokens` -1: clients hand that on to providers, who refuse it."""
_ABSENT: dict[str, dict[str, Any]] = {
    FileKind.PROMPT: {"template": None, "tools": [], "linked_tools": []} | _USUAL,
    FileKind.AGENT: {"template": None, "tools": []} | _USUAL,
}
"""What an answer has where the content has not."""


def _of_tool(spec: Mapping[str, Any]) -> dict[str, Any]:
    function = spec.get("function")
    absent = dict.fromkeys(("function", "source_code", "setup_values", "attributes"))
    return absent | {
        "tool_type": tool_shape.usual_type(spec),
        "signature": tool_shape.signature(function),
        "inputs": [{"name": name} for name in tool_shape.input_names(function)],
        **spec,
    }


def present_person(user: User) -> dict[str, Any]:
    """A person as the API shows them."""
    return {"id": user.id, "email_address": user.email, "full_name": user.full_name}


def present_environment(environment: Environment) -> dict[str, Any]:
    """An environment as the API shows it."""
    return {
        "id": environment.id,
        "name": environment.name,
        "tag": environment.tag,
        "protected": environment.protected,
        "created_at": environment.created_at,
    }
