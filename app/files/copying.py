"""Copies of files: what a version says, or all of them, at another path. Logs, secrets and what runs where stay behind."""

from typing import Protocol

from sqlalchemy.orm import Session

from app.core import ids
from app.core.access import Principal
from app.core.errors import Conflict, NotFound
from app.core.property_order import property_order
from app.files import copying_repository, deployments, repository
from app.files.models import VERSION_PREFIX, File, FileKind, Version
from app.files.paths import clean_path, parent_of
from app.files.places import free_path, refuse_folder
from app.workspaces import audit


class CopyRows(Protocol):
    """Copies what a kind keeps beside its versions."""

    def __call__(self, session: Session, source: Version, copy: Version, *, earlier: bool) -> bytes:
        """Give `copy`, the newest version of a new file, what `source` has; with `earlier`, that of the versions before, too,
        whose numbers are the same in both. Returns what the hash of `copy` is taken over."""
        ...


COPY_ROWS: dict[FileKind, CopyRows] = {}
"""For kinds whose versions are more than their content; `main` fills it, for they stand above."""
_HAVE_ROWS = frozenset({FileKind.DATASET})


def copy_file(
    session: Session, principal: Principal, version: Version, path: str, *, all_versions: bool = False
) -> Version:
    """Make a file at `path` whose first version says what `version` says, or that has all versions of its file, under their
    numbers, with their notes. Properties of the file come along; logs, deployments, secrets, drafts, comments and what
    judges its logs do not. As with every new file, what it shows first is deployed to the default environment.

    `version` has its file; the answer is its copy, with the copy of the file.

    Raises:
        Invalid: no file can lie at `path`.
        Conflict: something lies there already.
        NotFound: the version was deleted at the same moment.
    """
    source, path = version.file, clean_path(path)
    if repository.find_file_by_path(session, source.workspace_id, path):
        raise Conflict(f"`{path}` is taken. Choose another path.")
    refuse_folder(session, source.workspace_id, path)
    directory = repository.ensure_directory(session, source.workspace_id, parent_of(path))
    file = copying_repository.insert_copy(
        session, source, path=path, directory_id=directory.id, created_by=principal.user_id
    )
    if file is None:
        raise Conflict(f"`{path}` is taken: somebody was faster. Choose another path.")
    copy = (
        _with_all_versions(session, version, file)
        if all_versions
        else _with_one(session, principal, version, file)
    )
    copy.file = file
    deployments.deploy_first(session, principal, copy)
    audit.record(
        session, principal, "file.copied", file.kind, file.id,
        path=path, source=source.path, version=version.number, all_versions=all_versions,
    )  # fmt: skip
    return copy


def path_for_copy(session: Session, file: File) -> str:
    """A free path beside a file, to begin with."""
    return free_path(session, file.workspace_id, file.path, "copy", as_it_is=False)


def _with_one(session: Session, principal: Principal, version: Version, file: File) -> Version:
    content_hash = _hash_alone(version)
    copy = Version(
        id=_copied_id(file, content_hash, 1),
        workspace_id=version.workspace_id,
        file_id=file.id,
        number=1,
        content_hash=content_hash,
        spec=version.spec,
        name=version.name,
        note=f"Copied from {version.file.path} v{version.number}",
        author_id=principal.user_id,
        author_name=principal.name,
        rows_count=version.rows_count,
        summary=version.summary,
        file=file,
    )
    session.add(copy)
    file.last_number = 1
    session.flush()
    _copy_rows(session, version, copy, earlier=False)
    return copy


def _hash_alone(version: Version) -> str:
    """The hash of a version that is the only one of its file: none is told from another by the order of its properties."""
    content, order = ids.canonical_json(version.spec), property_order(version.spec)
    plain = ids.content_hash(content)
    return (
        plain if order and version.content_hash == ids.content_hash(content, order) else version.content_hash
    )


def _with_all_versions(session: Session, version: Version, file: File) -> Version:
    source = version.file
    originals = copying_repository.list_originals(session, source.id)
    copies = {each.id: _copied_id(file, each.content_hash, each.number) for each in originals}
    if version.id not in copies:
        raise NotFound(
            f"v{version.number} of {source.path} was deleted at the same moment. Nothing was copied."
        )
    copying_repository.insert_versions(session, file.id, copies)
    file.last_number = originals[-1].number
    newest = session.get_one(Version, copies[originals[-1].id])
    said = f"Copied with all versions from {source.path} v{newest.number}"
    newest.file = file
    newest.note = f"{newest.note}\n\n{said}" if newest.note else said
    _copy_rows(session, session.get_one(Version, originals[-1].id), newest, earlier=True)
    session.flush()
    return session.get_one(Version, copies[version.id])


def _copied_id(file: File, content_hash: str, number: int) -> str:
    return ids.content_id(VERSION_PREFIX[FileKind(file.kind)], file.id, content_hash, str(number))


def _copy_rows(session: Session, source: Version, copy: Version, *, earlier: bool) -> None:
    kind = FileKind(copy.file.kind)
    if kind not in _HAVE_ROWS:
        return
    content = COPY_ROWS[kind](session, source, copy, earlier=earlier)
    # The newest version is told by its rows alone, or, where an older one has them, by its id as well (`service.commit`).
    plain = ids.content_hash(content)
    other = repository.find_version_by_content(session, copy.file_id, [plain])
    copy.content_hash = plain if other in (None, copy) else ids.content_hash(content, copy.id)
    session.flush()
