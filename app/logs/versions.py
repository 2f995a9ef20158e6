"""Which version a log is of: one that is named, one with the content that is given, or what the file shows."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.core import ids
from app.core.access import Action, Principal, refusal
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.property_order import property_order
from app.files import repository
from app.files import service as files
from app.files.models import File, FileKind, Version
from app.files.paths import plain_path
from app.files.resolution_repository import Resolved, Wanted
from app.logs.recording import LoggedVersion
from app.logs.schemas import AgentLog, AnyLog, PromptLog, ToolLog
from app.prompts.agents import AgentSpec
from app.prompts.service import check_logged, read_agent, read_prompt
from app.prompts.spec import ModelSpec, PromptSpec

_WITH_MODELS: Mapping[str, type[ModelSpec]] = {FileKind.PROMPT: PromptSpec, FileKind.AGENT: AgentSpec}


def kind_of(said: AnyLog) -> FileKind:
    """The kind of file that a log is of."""
    if isinstance(said, PromptLog):
        return FileKind.PROMPT
    if isinstance(said, AgentLog):
        return FileKind.AGENT
    return FileKind.TOOL if isinstance(said, ToolLog) else FileKind.FLOW


def version_of(
    session: Session, principal: Principal, said: AnyLog, version_id: str | None, environment: str | None
) -> Version:
    """The version that was executed, with its file.

    Content that is not there yet becomes a version, and its file is made if it is missing; that content is there
    already is found without a lock. A flow that is not there is made even where nothing is said of it.

    Raises:
        Invalid: no file is named, the content is not that of the version that is named, or it could not be run.
        NotFound: no such file, version or environment, or nothing is deployed there.
        Forbidden: there is content, and the principal may not write versions.
        Conflict: the path holds another kind of file, or a folder.
    """
    content = content_of(said)
    if version_id or environment:
        return _named(session, principal, said, content, version_id, environment)
    kind = kind_of(said)
    if content is None:
        if kind is not FileKind.FLOW or said.id or not said.path or _is_there(session, principal, said.path):
            file = _file(session, principal, said)
            return _of(file, files.resolve_version(session, file))
        content = {}
    if not principal.may(Action.EDIT):
        raise Forbidden(refusal(Action.EDIT))
    change = files.Commit(kind, content, file_id=said.id, path=said.path)
    if found := files.find_committed(session, principal, change):
        return found
    if spec := _WITH_MODELS.get(kind):
        check_logged(session, principal.workspace_id, spec.model_validate(content))
    committed = files.commit(session, principal, change)
    return _of(committed.file, committed.version)


def content_of(said: AnyLog) -> dict[str, Any] | None:
    """The content that a log gives of what was executed, as a version of it is stored; None where it gives none."""
    if isinstance(said, PromptLog):
        prompt = read_prompt(said.prompt) if isinstance(said.prompt, str) else said.prompt
        return prompt.content() if prompt else None
    if isinstance(said, AgentLog):
        agent = read_agent(said.agent) if isinstance(said.agent, str) else said.agent
        return agent.content() if agent else None
    spec = said.tool if isinstance(said, ToolLog) else said.flow
    return spec.content() if spec else None


def wanted_by(
    principal: Principal, said: AnyLog, version_id: str | None, environment: str | None
) -> Wanted | None:
    """How a log names its version, where that is all there is to it: nothing to compare, nothing that it may not do.

    What is found so is what `version_of` finds.
    """
    content = content_of(said)
    named = bool(version_id or environment)
    if not (said.id or said.path) or (content is not None and (named or not principal.may(Action.EDIT))):
        return None
    return Wanted(
        principal.workspace_id,
        kind_of(said),
        said.id,
        plain_path(said.path or ""),
        version_id or None,
        environment or None,
        *_hashes(content),
    )


def _hashes(content: Mapping[str, Any] | None) -> tuple[str | None, str | None]:
    """Of content alone, and of content and the order of its properties, if it has any."""
    if content is None:
        return None, None
    said, order = ids.canonical_json(content), property_order(content)
    return ids.content_hash(said), ids.content_hash(said, order) if order else None


def model_of(version: Resolved) -> tuple[str | None, str | None]:
    """The model and provider that a version names: a prompt's or an agent's."""
    return (version.model, version.provider) if version.kind in _WITH_MODELS else (None, None)


def logged_version(version: Version) -> LoggedVersion:
    """What logs say of a version."""
    spec = version.spec if version.file.kind in _WITH_MODELS else {}
    return LoggedVersion(
        version.workspace_id, version.file_id, version.id, spec.get("model"), spec.get("provider")
    )


def _named(
    session: Session,
    principal: Principal,
    said: AnyLog,
    content: dict[str, Any] | None,
    version_id: str | None,
    environment: str | None,
) -> Version:
    if version_id and not said.id and not said.path:
        found = repository.find_version_anywhere(session, principal.workspace_id, version_id)
        if found is None or found.file.kind != kind_of(said):
            raise NotFound(f"There is no {kind_of(said)} version with the id {version_id}.")
        version = found
    else:
        file = _file(session, principal, said)
        version = _of(
            file, files.resolve_version(session, file, version_id=version_id, environment=environment)
        )
    if content is not None and content != version.spec:
        text = f"This is not the content of {version.id}. Leave it out, or leave out the version and environment."
        raise Invalid(text, fields={str(kind_of(said)): text})
    return version


def _file(session: Session, principal: Principal, said: AnyLog) -> File:
    if said.id:
        return files.get_file(session, principal, said.id, kind_of(said))
    if said.path:
        return files.get_file_by_path(session, principal, said.path, kind_of(said))
    text = f"Give the id or the path of the {kind_of(said)}."
    raise Invalid(text, fields={"path": text})


def _is_there(session: Session, principal: Principal, path: str) -> bool:
    return repository.find_file_by_path(session, principal.workspace_id, plain_path(path)) is not None


def _of(file: File, version: Version) -> Version:
    version.file = file
    return version
