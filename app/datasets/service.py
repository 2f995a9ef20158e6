"""Datasets: writing rows as a new version, and reading them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy.orm import Session

from app.core import ids, waiting
from app.core.access import Principal
from app.datasets import repository
from app.datasets.schemas import DatapointContent
from app.datasets.summary import summarise
from app.files import repository as files_repository
from app.files import service as files
from app.files.models import File, FileKind, Version
from app.files.paths import clean_path

Action = Literal["set", "add", "remove"]


@dataclass(frozen=True, slots=True)
class DatasetChange:
    """What to write into a dataset, and on top of which version."""

    rows: Iterable[DatapointContent]
    action: Action = "set"
    file_id: str | None = None
    path: str | None = None
    base_version_id: str | None = None
    """The version that `add` and `remove` start from; the newest one when not given."""
    environment: str | None = None
    """Take the base from what is deployed there instead."""
    attributes: dict[str, Any] | None = None
    """None keeps those of the base where rows are added or removed."""
    name: str | None = None
    note: str | None = None
    newest_id: str | None = None
    """The newest version as the caller has seen it: after another one, nothing is written."""


@dataclass(frozen=True, slots=True)
class DatasetWritten:
    """What came of it: `added` counts rows that the base did not have, `duplicates` those given twice."""

    file: File
    version: Version
    created: bool
    rows: int
    added: int
    duplicates: int
    warnings: Sequence[str] = ()
    """Of an import: what was left out or guessed."""


def write(session: Session, principal: Principal, change: DatasetChange) -> DatasetWritten:
    """Write rows to a dataset: a new version, or the one that has these rows already. Memory stays flat.

    Raises:
        NotFound: no such dataset, version or environment.
        Conflict: the path holds something else, or the version name is taken.
    """
    base = _base(session, principal, change)
    given = repository.stage(session, principal.workspace_id, change.rows)
    if change.action != "remove":
        repository.store_staged(session, principal.workspace_id)
    wanted = repository.want(
        session,
        principal.workspace_id,
        base.file_id if base else "",
        base.number if base else 0,
        change.action,
    )
    if base and change.attributes is None and change.action != "set":
        change = replace(change, attributes=base.spec.get("attributes"))
    committed = commit_wanted(session, principal, change, base, wanted)
    _, count, added = wanted
    fresh = added if change.action != "remove" else 0
    return DatasetWritten(
        committed.file,
        committed.version,
        committed.created,
        count,
        fresh,
        given - fresh if change.action != "remove" else 0,
    )


def commit_wanted(
    session: Session,
    principal: Principal,
    change: DatasetChange,
    base: Version | None,
    wanted: tuple[str, int, int],
    *,
    may_return: bool = False,
) -> files.Committed:
    """Make a version of the rows that were worked out last (`repository.want`), or find the one that has them; only the newest,
    where the dataset `may_return` to older rows.

    Raises:
        NotFound, Conflict: as `write` does.
    """
    digest, count, _ = wanted
    spec = {"attributes": change.attributes} if change.attributes else {}

    def fill(version: Version) -> None:
        repository.store_wanted(session, version.file_id, version.number)
        version.rows_count = count
        session.flush()
        summarise(session, version)

    return files.commit(
        session,
        principal,
        files.Commit(
            kind=FileKind.DATASET,
            spec=spec,
            file_id=change.file_id,
            path=change.path,
            name=change.name,
            note=change.note,
            parent_id=base.id if base else None,
            content=content_of(digest, spec),
            may_return=may_return,
            newest_id=change.newest_id,
        ),
        fill=fill,
    )


def content_of(digest: str, spec: dict[str, Any]) -> bytes:
    """What the hash of a version is taken over: the digest of its rows (`repository.want`), and its attributes."""
    return ids.canonical_json({"rows": digest, **spec})


def _base(session: Session, principal: Principal, change: DatasetChange) -> Version | None:
    if change.file_id:
        file = files.get_file(session, principal, change.file_id, FileKind.DATASET)
    else:
        path = clean_path(change.path or "")
        found = files_repository.find_file_by_path(session, principal.workspace_id, path)
        if found is None:
            return None
        file = found
    with waiting.patient_with_locks(session):  # behind an import of a hundred thousand rows, too
        files_repository.lock_file(session, file)
    if change.base_version_id or change.environment:
        return files.resolve_version(
            session, file, version_id=change.base_version_id, environment=change.environment
        )
    return files_repository.newest_version(session, file.id)
