"""Finding the files and versions that a request names by id, path or environment."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Invalid, NotFound
from app.evaluations.schemas import FileReference, VersionReference
from app.files import repository
from app.files import service as files
from app.files.models import File, FileKind, Version


def find_file(session: Session, principal: Principal, reference: FileReference | None) -> File:
    """The file that a request names.

    Raises:
        Invalid: it names none.
        NotFound: there is none.
    """
    if reference and reference.id:
        return files.get_file(session, principal, reference.id)
    if reference and reference.path:
        return files.get_file_by_path(session, principal, reference.path)
    raise Invalid("Name the file by its id or path.", fields={"file": "Give its id or path."})


def find_named_version(session: Session, principal: Principal, name: str, kind: FileKind) -> Version:
    """The version that one text names: by its own id, or the file's id or path for what is deployed of it.

    Raises:
        NotFound: there is none.
        Invalid: it is of another kind.
    """
    if repository.find_version_anywhere(session, principal.workspace_id, name):
        return find_version(session, principal, VersionReference(version_id=name), kind)
    by_path = "/" in name or repository.find_file(session, principal.workspace_id, name) is None
    reference = VersionReference(path=name) if by_path else VersionReference(id=name)
    return find_version(session, principal, reference, kind)


def find_evaluators(
    session: Session, principal: Principal, references: Sequence[VersionReference]
) -> tuple[list[Version], list[Version]]:
    """The evaluator versions that a request names, and those of them by which the caller judges itself.

    Raises:
        Invalid: one names none, or something else.
        NotFound: there is no such version.
    """
    found = [(one, find_version(session, principal, one, FileKind.EVALUATOR)) for one in references]
    return [version for _, version in found], [version for one, version in found if one.orchestrated is False]


def find_subject(session: Session, principal: Principal, reference: FileReference | None) -> File | None:
    """The file that a new evaluation is to be about; None where none is named, for clients may leave that to the first run.

    Raises:
        NotFound: there is none.
    """
    named = reference and (reference.id or reference.path)
    return find_file(session, principal, reference) if named else None


def find_version(
    session: Session, principal: Principal, reference: VersionReference | None, kind: FileKind | None = None
) -> Version:
    """The version that a request names, with its file: by its own id, or what its file shows.

    Raises:
        Invalid: it names none, or one of another kind.
        NotFound: there is none.
    """
    what = kind or "version"
    if reference is None:
        raise Invalid(
            f"Name the {what}.", fields={str(what): "Give its version_id, or its file's id or path."}
        )
    if reference.version_id:
        version = repository.find_version_anywhere(session, principal.workspace_id, reference.version_id)
        if version is None:
            raise NotFound(f"There is no version with the id {reference.version_id}.")
    else:
        file = find_file(
            session, principal, FileReference(id=reference.id or reference.file_id, path=reference.path)
        )
        version = files.resolve_version(session, file, environment=reference.environment)
        version.file = file
    if kind and version.file.kind != kind:
        raise Invalid(f"{version.file.path} is a {version.file.kind}, not a {kind}.")
    return version
