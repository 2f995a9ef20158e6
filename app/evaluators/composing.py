"""Composite evaluators: from the names of their parts to the versions that they have now."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import DomainError, Invalid
from app.evaluators.kinds import stored_spec
from app.evaluators.kinds.composite import Composite
from app.files import repository as files_repository
from app.files import service as files
from app.files.models import FileKind, Version


def with_parts(
    session: Session, principal: Principal, kind: str, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings of an evaluator that is about to be saved; of a composite, with the specs of its parts.

    A part is named by `path`, `id` or `version_id`. One that brings its own `spec` keeps it: so what was read can be
    sent again and is the same version.

    Raises:
        Invalid: a part names nothing, or no evaluator of the workspace.
    """
    given = settings.get("parts")
    if kind != Composite.name or not isinstance(given, list):
        return dict(settings)
    parts = []
    for number, part in enumerate(given, start=1):
        if not isinstance(part, Mapping):
            raise _unfit(f"Part {number} is no object.")
        resolved = None
        if not part.get("spec") or part.get("version_id"):
            resolved = _resolved(session, principal, part, number)
        own = part.get("spec")
        if isinstance(own, Mapping):
            own = stored_spec(own)
        if resolved and own not in (None, resolved["spec"]):
            raise _unfit(
                f"Part {number}: its spec is not that of its version. Leave out `spec` or `version_id`."
            )
        parts.append(resolved or dict(part) | {"spec": own})
    return dict(settings) | {"parts": parts}


def _resolved(session: Session, principal: Principal, part: Mapping[str, Any], number: int) -> dict[str, Any]:
    try:
        version = _version(session, principal, part)
    except DomainError as error:
        raise _unfit(f"Part {number}: {error.message}") from None
    named = {key: value for key, value in part.items() if key not in ("id", "path", "version_id")}
    return named | {"path": version.file.path, "version_id": version.id, "spec": version.spec}


def _version(session: Session, principal: Principal, part: Mapping[str, Any]) -> Version:
    if wanted := part.get("version_id"):
        version = files_repository.find_version_anywhere(session, principal.workspace_id, str(wanted))
        if version is None or version.file.kind != FileKind.EVALUATOR:
            raise Invalid(f"There is no evaluator version {wanted}.")
        return version
    if part.get("id"):
        file = files.get_file(session, principal, str(part["id"]), FileKind.EVALUATOR)
    elif part.get("path"):
        file = files.get_file_by_path(session, principal, str(part["path"]), FileKind.EVALUATOR)
    else:
        raise Invalid("Name the evaluator by its path, id or version_id.")
    version = files.resolve_version(session, file)
    version.file = file
    return version


def _unfit(text: str) -> Invalid:
    return Invalid(text, fields={"parts": text})
