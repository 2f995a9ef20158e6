"""The trash: what is deleted stays there with all that belongs to it, until somebody brings it back."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import clock, ids
from app.core.access import Principal
from app.core.errors import Conflict, NotFound
from app.files import deployments, directory_repository, repository, trash_repository
from app.files.models import Deletion, File, FileKind
from app.files.paths import clean_path, parent_of
from app.files.places import free_path, refuse_folder
from app.workspaces import audit

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Restored:
    """A file that was brought back."""

    file: File
    before: str
    """The path that it had when it was deleted."""

    @property
    def beside(self) -> bool:
        """Whether it lies elsewhere now."""
        return self.file.path != self.before


def throw_away(
    session: Session, principal: Principal, files: Sequence[File], *, folders: Sequence[str] = ()
) -> Deletion:
    """Put files into the trash, together, and out of `folders`, the first of which is what was deleted: their paths are
    free again, and everything that used them keeps its history. The secrets of tools are gone for good.

    Raises:
        Forbidden: a member deletes what somebody else made, or one of them runs where the principal may not deploy.
        NotFound: somebody was faster.
    """
    held = trash_repository.lock_files(session, [file.id for file in files], deleted=False)
    if files and not held and not folders:
        raise NotFound("It is in the trash already: somebody deleted it at the same moment.")
    for file in held:
        principal.refuse_others_work(file.created_by)
    deployments.refuse_to_take_away(session, principal, [file.id for file in held])
    deletion = Deletion(
        id=ids.new_id("del"),
        workspace_id=principal.workspace_id,
        by_id=principal.user_id,
        folder=folders[0] if folders else None,
        folders=list(folders),
        at=clock.now(),
    )
    session.add(deletion)
    session.flush()
    for file in held:
        if file.kind == FileKind.TOOL:
            repository.delete_secrets(session, file.id)
        file.deleted_at, file.deletion_id = deletion.at, deletion.id
        audit.record(session, principal, "file.deleted", file.kind, file.id, path=file.path)
    session.flush()
    return deletion


def get_trashed(session: Session, principal: Principal, file_id: str) -> File:
    """The file with this id that is in the trash.

    Raises:
        NotFound: there is none in the workspace.
    """
    file = trash_repository.find_trashed(session, principal.workspace_id, file_id)
    if file is None:
        raise NotFound(f"There is no file with the id {file_id} in the trash.")
    return file


def get_deletion(session: Session, principal: Principal, deletion_id: str) -> Deletion:
    """What was deleted at once, by its id.

    Raises:
        NotFound: there is nothing of it in the trash of the workspace.
    """
    deletion = trash_repository.find_deletion(session, principal.workspace_id, deletion_id)
    if deletion is None:
        raise NotFound("What was deleted then is not in the trash any more: somebody brought it back.")
    return deletion


def restore(session: Session, principal: Principal, file: File, *, path: str | None = None) -> Restored:
    """Bring a file back as it was: its id, versions, logs, drafts, what judges its logs, and what ran where. It lies where it
    lay, or else beside that under a free name; or at `path`. Folders are made on the way.

    Raises:
        Forbidden: a member brings back what somebody else made, or it would run where the principal may not deploy.
        NotFound: somebody was faster.
        Conflict: something lies at `path`.
        Invalid: no file can lie at `path`.
    """
    trash_repository.lock_deletion(session, file.deletion_id)
    held = trash_repository.lock_files(session, [file.id], deleted=True)
    if not held:
        raise NotFound(f"{file.path} is not in the trash any more: somebody brought it back.")
    deletion_id = held[0].deletion_id
    _refuse_to_bring_back(session, principal, held)
    restored = _put_back(session, principal, held[0], clean_path(path) if path else None)
    _forget_if_empty(session, deletion_id)
    return restored


def undo(session: Session, principal: Principal, deletion: Deletion) -> list[Restored]:
    """Bring back all that was deleted at once, with its folders, as `restore` does; all of it, or nothing.

    Raises:
        Forbidden: some of it may not be brought back by the principal.
        NotFound: somebody was faster.
    """
    if trash_repository.lock_deletion(session, deletion.id) is None:
        raise NotFound("What was deleted then is not in the trash any more: somebody brought it back.")
    gone = [file.id for file in trash_repository.files_of(session, deletion.id)]
    held = trash_repository.lock_files(session, gone, deleted=True)
    _refuse_to_bring_back(session, principal, held)
    for path in deletion.folders:
        if _is_free(session, principal, path):
            repository.ensure_directory(session, principal.workspace_id, path)
    restored = _put_back_together(session, principal, held)
    back = {each.file.id for each in restored}
    restored += [_put_back(session, principal, file, None) for file in held if file.id not in back]
    restored.sort(key=lambda each: each.before)
    if deletion.folder:
        audit.record(session, principal, "directory.restored", "directory", deletion.id, path=deletion.folder)
    session.delete(deletion)
    session.flush()
    return restored


def _is_free(session: Session, principal: Principal, folder: str) -> bool:
    """Whether a folder can be here: nothing lies in a file."""
    try:
        refuse_folder(session, principal.workspace_id, f"{folder}/-")
    except Conflict:
        return False
    return True


def _refuse_to_bring_back(session: Session, principal: Principal, files: Sequence[File]) -> None:
    for file in files:
        principal.refuse_others_work(file.created_by, "bring back")
    deployments.refuse_to_bring_back(session, principal, [file.id for file in files])


def _put_back(session: Session, principal: Principal, file: File, path: str | None) -> Restored:
    before, workspace_id = file.path, file.workspace_id
    for _ in range(_TRIES):
        if path:
            refuse_folder(session, workspace_id, path)
        at = path or free_path(session, workspace_id, before, "restored")
        directory = repository.ensure_directory(session, workspace_id, parent_of(at))
        try:
            with session.begin_nested():
                trash_repository.put_back(session, file.id, path=at, directory_id=directory.id)
        except IntegrityError as error:
            if path and repository.find_file_by_path(session, workspace_id, path):
                raise Conflict(f"`{path}` is taken. Choose another path.") from error
            continue  # somebody has just taken it, or deleted its folder: look again
        session.refresh(file)
        moved = {"from_path" if path else "before": before} if at != before else {}
        audit.record(session, principal, "file.restored", file.kind, file.id, path=at, **moved)
        return Restored(file, before)
    raise Conflict(f"Others are changing what lies at `{path or before}`. Nothing was changed: try again.")


def _put_back_together(session: Session, principal: Principal, files: Sequence[File]) -> list[Restored]:
    """Bring back those whose folders are there and whose paths are free, in a few statements however many they are; none of
    them where somebody takes one of the paths at the same moment."""
    workspace_id, paths = principal.workspace_id, [file.path for file in files]
    there = directory_repository.find_directories(session, workspace_id, {parent_of(path) for path in paths})
    taken = {file.path for file in repository.find_files_by_path(session, workspace_id, paths)}
    taken |= directory_repository.find_directories(session, workspace_id, paths).keys()
    free = [file for file in files if file.path not in taken and parent_of(file.path) in there]
    try:
        with session.begin_nested():
            for file in free:
                file.directory_id = there[parent_of(file.path)]
                file.deleted_at, file.deletion_id = None, None
    except IntegrityError:
        return []
    for file in free:
        audit.record(session, principal, "file.restored", file.kind, file.id, path=file.path)
    return [Restored(file, file.path) for file in free]


def _forget_if_empty(session: Session, deletion_id: str | None) -> None:
    if deletion_id and not trash_repository.count_files(session, [deletion_id]):
        trash_repository.forget_deletion(session, deletion_id)
