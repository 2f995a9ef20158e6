"""Several who delete and restore at the same moment: each has a place or a clear refusal, and nothing is lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.database import unit_of_work
from app.core.errors import Conflict, DomainError, NotFound
from app.files import directories, repository, service, trash
from app.files.models import Deletion, File
from tests import factories


def _at_once(count: int, work: Callable[[Session, int], Any]) -> list[Any]:
    """What came of each: an answer, or the error. All of them begin at the same moment, each in its own transaction."""
    start = Barrier(count)

    def one(number: int) -> Any:
        start.wait()
        try:
            with unit_of_work() as session:
                return work(session, number)
        except DomainError as error:
            return error

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


def _deleted(admin: Principal, path: str) -> str:
    with unit_of_work() as session:
        file = factories.prompt(session, admin, path).file
        service.delete_file(session, admin, file)
        return file.id


def test_several_who_restore_to_one_path_all_find_a_place(committed_team: factories.Team) -> None:
    admin = committed_team.admin
    gone = [_deleted(admin, "same") for _ in range(4)]

    def bring_back(session: Session, number: int) -> str:
        return trash.restore(session, admin, trash.get_trashed(session, admin, gone[number])).file.path

    found = _at_once(4, bring_back)
    assert sorted(found) == ["same", "same (restored 2)", "same (restored 3)", "same (restored)"]


def test_several_who_choose_one_path_are_told_that_it_is_taken(committed_team: factories.Team) -> None:
    admin = committed_team.admin
    gone = [_deleted(admin, f"same {n}") for n in range(4)]

    def bring_back(session: Session, number: int) -> str:
        file = trash.get_trashed(session, admin, gone[number])
        return trash.restore(session, admin, file, path="chosen").file.path

    found = _at_once(4, bring_back)
    assert sum(each == "chosen" for each in found) == 1
    refused = [each for each in found if each != "chosen"]
    assert all(isinstance(each, Conflict) and "is taken" in each.message for each in refused), refused


def test_one_of_several_who_restore_or_delete_the_same_file_does_it(committed_team: factories.Team) -> None:
    admin = committed_team.admin
    gone = _deleted(admin, "once")

    def bring_back(session: Session, _: int) -> str:
        return trash.restore(session, admin, trash.get_trashed(session, admin, gone)).file.path

    found = _at_once(4, bring_back)
    assert sum(each == "once" for each in found) == 1
    assert all(isinstance(each, NotFound) for each in found if each != "once"), found

    def throw_away(session: Session, _: int) -> str:
        return service.delete_file(session, admin, service.get_file(session, admin, gone)).id

    found = _at_once(4, throw_away)
    assert sum(isinstance(each, str) for each in found) == 1
    with unit_of_work() as session:
        assert session.scalars(select(Deletion.id)).all() == [each for each in found if isinstance(each, str)]
        assert session.get_one(File, gone).deleted_at is not None


def test_whoever_takes_a_path_while_a_folder_comes_back_has_it_and_nothing_is_lost(
    committed_team: factories.Team,
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        for n in range(4):
            factories.prompt(session, admin, f"folder/{n}")
        folder = directories.get_directory_by_path(session, admin, "folder")
        deletion_id = directories.delete_directory(session, admin, folder, with_files=True).id

    def work(session: Session, number: int) -> Any:
        if number == 0:
            return len(trash.undo(session, admin, trash.get_deletion(session, admin, deletion_id)))
        return factories.dataset(session, admin, 1, f"folder/{number}").file.path

    found = _at_once(4, work)
    assert found[0] == 4, found
    with unit_of_work() as session:
        paths = [entry.path for entry in repository.list_entries(session, admin.workspace_id)]
    assert len(paths) == 4 + sum(isinstance(each, str) for each in found[1:])
    refused = [each for each in found[1:] if not isinstance(each, str)]
    assert all(isinstance(each, Conflict) for each in refused), refused
