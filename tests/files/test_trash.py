"""What is deleted lies in the trash, and comes back as it was: by service and API, for whom, and with others at the same moment."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.access import Role
from app.core.database import get_engine, unit_of_work
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.files import deployments, directories, fetching, repository, service, trash, trash_repository
from app.files.models import Deletion
from app.monitoring.models import Monitor
from app.tools import variables
from app.tools.schemas import VariableGiven
from app.workspaces.models import AuditEntry
from tests import factories
from tests.statements import recorded
from tests.web import with_key


def _actions(session: Session, file_id: str) -> list[str]:
    query = select(AuditEntry.action).where(AuditEntry.subject_id == file_id).order_by(AuditEntry.id)
    return list(session.scalars(query))


def test_a_restored_file_is_as_it_was(session: Session) -> None:
    admin = factories.team(session).admin
    first = factories.prompt(session, admin, "support/answer")
    second = factories.prompt(session, admin, "support/answer", temperature=0.5)
    file = first.file
    staging = deployments.get_environment(session, admin, "staging")
    deployments.deploy(session, admin, file, second, staging)
    service.describe_file(file, description="Answers", tags=["live"], readme="Read me")
    service.describe_version(session, second, name="warm", note="why")
    log_id = factories.logged(session, admin, second, output="yes")
    judge = factories.evaluator(session, admin)
    session.add(Monitor(id="mon_x", workspace_id=admin.workspace_id, file_id=file.id, evaluator_version_id=judge.id))  # fmt: skip
    factories.draft(session, admin, second)
    deletion = service.delete_file(session, admin, file)
    with pytest.raises(NotFound):
        service.get_file(session, admin, file.id)
    assert deletion.by_id == admin.user_id

    restored = trash.restore(session, admin, trash.get_trashed(session, admin, file.id))

    assert not restored.beside
    assert service.get_file_by_path(session, admin, "support/answer").id == file.id
    assert [v.number for v in repository.list_versions(session, file.id)] == [2, 1]
    assert repository.find_version_by_name(session, file.id, "warm") == second
    assert (file.description, file.tags, file.readme) == ("Answers", ["live"], "Read me")
    assert deployments.deployed_version(session, file, "production") == first
    assert deployments.deployed_version(session, file, "staging") == second
    assert session.scalar(text("select file_id from log where id = :id"), {"id": log_id}) == file.id
    assert session.scalar(text("select count(*) from prompt_draft where file_id = :id"), {"id": file.id}) == 1
    assert session.get(Monitor, "mon_x") is not None
    assert session.get(Deletion, deletion.id) is None, "nothing of it is in the trash"
    assert _actions(session, file.id) == ["file.deleted", "file.restored"]


def test_a_path_that_was_taken_meanwhile_is_left_alone(session: Session) -> None:
    admin = factories.team(session).admin
    old = [factories.prompt(session, admin, "a/b").file]
    service.delete_file(session, admin, old[0])
    old.append(factories.prompt(session, admin, "a/b").file)
    service.delete_file(session, admin, old[1])
    taken = factories.dataset(session, admin, 1, "a/b").file
    found = [trash.restore(session, admin, file) for file in old]
    assert [each.file.path for each in found] == ["a/b (restored)", "a/b (restored 2)"]
    assert all(each.beside and each.before == "a/b" for each in found)
    assert taken.path == "a/b"


def test_a_folder_that_is_gone_is_made_again_and_one_that_became_a_file_is_not(session: Session) -> None:
    admin = factories.team(session).admin
    inner = factories.prompt(session, admin, "a/b/c").file
    other = factories.prompt(session, admin, "x/y/z").file
    for path in ("a", "x"):
        folder = directories.get_directory_by_path(session, admin, path)
        directories.delete_directory(session, admin, folder, with_files=True)
    factories.prompt(session, admin, "x/y")
    assert trash.restore(session, admin, inner).file.path == "a/b/c"
    assert inner.directory_id == directories.get_directory_by_path(session, admin, "a/b").id
    assert trash.restore(session, admin, other).file.path == "x/z", "nothing lies in a file"
    folder = factories.prompt(session, admin, "f").file
    service.delete_file(session, admin, folder)
    directories.create_directory(session, admin, "f")
    assert trash.restore(session, admin, folder).file.path == "f (restored)", "nor where a folder is"


def test_the_person_may_choose_the_path(session: Session) -> None:
    admin = factories.team(session).admin
    file = factories.prompt(session, admin, "a").file
    factories.prompt(session, admin, "taken")
    directories.create_directory(session, admin, "folder")
    service.delete_file(session, admin, file)
    for path, refusal in (
        ("taken", Conflict),
        ("taken/in", Conflict),
        ("folder", Conflict),
        ("a/..", Invalid),
    ):
        with pytest.raises(refusal):
            trash.restore(session, admin, file, path=path)
    assert trash.restore(session, admin, file, path="/new/place ").file.path == "new/place"
    with pytest.raises(NotFound):
        trash.restore(session, admin, file)


def test_the_longest_path_has_room_beside_it(session: Session) -> None:
    admin = factories.team(session).admin
    path = f"{'f' * 120}/{'g' * 120}/{'h' * 120}/{'i' * 120}/{'n' * 16}"
    file = factories.prompt(session, admin, path).file
    service.delete_file(session, admin, file)
    factories.prompt(session, admin, path)
    found = trash.restore(session, admin, file).file
    assert found.path.endswith("/nnnnn (restored)")
    assert len(found.path) == 500


def test_a_folder_goes_and_comes_back_with_all_that_lies_in_it(session: Session) -> None:
    admin = factories.team(session).admin
    inside = [factories.prompt(session, admin, f"a/{path}").file for path in ("one", "deep/two")]
    outside = factories.prompt(session, admin, "ab").file
    directories.create_directory(session, admin, "a/empty/er")
    folder = directories.get_directory_by_path(session, admin, "a")
    with pytest.raises(Conflict, match="is not empty"):
        directories.delete_directory(session, admin, folder)
    deletion = directories.delete_directory(session, admin, folder, with_files=True)
    assert [each.path for each in repository.list_directories(session, admin.workspace_id)] == [""]
    assert outside.deleted_at is None
    found, total = trash_repository.list_trashed(session, admin.workspace_id, limit=10)
    assert ({file.path for file in found}, total) == ({"a/one", "a/deep/two"}, 2)
    factories.dataset(session, admin, 1, "a/one")

    restored = trash.undo(session, admin, deletion)

    assert {each.file.path for each in restored} == {"a/one (restored)", "a/deep/two"}
    assert {file.id for file in inside} == {each.file.id for each in restored}
    assert directories.get_directory_by_path(session, admin, "a/empty/er")
    assert session.get(Deletion, deletion.id) is None
    with pytest.raises(NotFound):
        trash.undo(session, admin, deletion)


def test_a_large_folder_comes_back_in_few_statements(session: Session) -> None:
    admin = factories.team(session).admin
    for n in range(40):
        factories.prompt(session, admin, f"a/{n % 4}/{n}")
    folder = directories.get_directory_by_path(session, admin, "a")
    deletion = directories.delete_directory(session, admin, folder, with_files=True)
    with recorded(get_engine()) as seen:
        restored = trash.undo(session, admin, deletion)
    assert len(restored) == 40
    assert 0 < len(seen) < 60, "a folder takes some, a file none of its own"


def test_a_folder_without_files_comes_back_too(session: Session) -> None:
    admin = factories.team(session).admin
    made = directories.create_directory(session, admin, "a/b")
    deletion = directories.delete_directory(session, admin, made)
    assert trash.undo(session, admin, deletion) == []
    assert directories.get_directory_by_path(session, admin, "a/b")


def test_what_is_restored_one_by_one_leaves_nothing_of_its_deletion(session: Session) -> None:
    admin = factories.team(session).admin
    inside = [factories.prompt(session, admin, f"a/{n}").file for n in range(2)]
    folder = directories.get_directory_by_path(session, admin, "a")
    deletion = directories.delete_directory(session, admin, folder, with_files=True)
    trash.restore(session, admin, inside[0])
    assert [file.path for file in trash_repository.files_of(session, deletion.id)] == ["a/1"]
    trash.restore(session, admin, inside[1])
    assert trash_repository.find_deletion(session, admin.workspace_id, deletion.id) is None


def test_members_bring_back_what_they_made_and_nobody_what_they_may_not_deploy(session: Session) -> None:
    team = factories.team(session)
    member = factories.member(session, team.workspace, Role.MEMBER)
    developer = factories.member(session, team.workspace, Role.DEVELOPER)
    own = factories.prompt(session, member, "own").file
    theirs = factories.prompt(session, team.admin, "theirs").file
    for file in (own, theirs):
        service.delete_file(session, team.admin, file)
    with pytest.raises(Forbidden, match="Members bring back only what they made"):
        trash.restore(session, member, theirs)
    trash.restore(session, member, own)
    production = deployments.get_environment(session, team.admin, "production")
    deployments.change_environment(session, team.admin, production, protected=True)
    with pytest.raises(Forbidden, match="production is protected"):
        trash.restore(session, developer, theirs)
    assert theirs.deleted_at is not None
    trash.restore(session, team.admin, theirs)


def test_a_member_does_not_bring_back_what_somebody_else_deployed(session: Session) -> None:
    team = factories.team(session)
    member = factories.member(session, team.workspace, Role.MEMBER)
    version = factories.prompt(session, member, "own")
    staging = deployments.get_environment(session, team.admin, "staging")
    deployments.deploy(session, team.admin, version.file, version, staging)
    service.delete_file(session, team.admin, version.file)
    with pytest.raises(Forbidden, match="It would run in staging again, where Ada Admin deployed it"):
        trash.restore(session, member, version.file)


def test_secrets_are_gone_for_good(session: Session) -> None:
    admin = factories.team(session).admin
    tool = factories.tool(session, admin)
    given = VariableGiven.model_validate({"name": "TOKEN", "value": "canary"})
    variables.set_variables(session, admin, tool.file, [given])
    service.delete_file(session, admin, tool.file)
    trash.restore(session, admin, tool.file)
    assert variables.list_origins(session, tool.file) == {}


def test_an_environment_that_was_deleted_meanwhile_has_nothing_running(session: Session) -> None:
    admin = factories.team(session).admin
    version = factories.prompt(session, admin, "a")
    spare = deployments.create_environment(session, admin, name="spare")
    deployments.deploy(session, admin, version.file, version, spare)
    service.delete_file(session, admin, version.file)
    deployments.delete_environment(session, admin, spare)
    session.flush()
    trash.restore(session, admin, version.file)
    running = repository.deployed_environments(session, [version.file_id])
    assert [environment.name for environment, _ in running] == ["production"]


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def _made(api: TestClient, path: str) -> dict[str, Any]:
    answer = api.post("/v5/prompts", json={"path": path, "model": "m", "template": "x"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_by_the_api(api: TestClient, committed_team: factories.Team) -> None:
    ids = [_made(api, f"t/{n}")["id"] for n in range(3)]
    for file_id in ids:
        assert api.delete(f"/v5/prompts/{file_id}").status_code == 204
    listed = api.get("/v5/trash?size=2").json()
    assert (listed["total"], len(listed["records"])) == (3, 2)
    first = listed["records"][0]
    assert (first["id"], first["path"], first["type"]) == (ids[2], "t/2", "prompt")
    assert first["deleted_by"]["full_name"] == "Ada Admin"
    assert (first["versions_count"], first["logs_count"]) == (1, 0)
    assert api.get("/v5/trash?size=2&page=9").json()["records"] == []
    assert [each["path"] for each in api.get("/v5/trash?name=T/1&type=prompt").json()["records"]] == ["t/1"]
    assert api.get("/v5/trash?type=tool").json()["total"] == 0
    assert api.get("/v5/files").json()["total"] == 0, "the list of files has none of them"
    assert api.post(f"/v5/files/{ids[0]}/restore").json()["path"] == "t/0"
    assert api.post(f"/v5/files/{ids[0]}/restore").status_code == 404
    elsewhere = api.post(f"/v5/files/{ids[1]}/restore", json={"path": "else/where"}).json()
    assert (elsewhere["path"], elsewhere["path_before"]) == ("else/where", "t/1")
    taken = api.post(f"/v5/files/{ids[2]}/restore", json={"path": "t/0"})
    assert taken.status_code == 409
    assert "`t/0` is taken. Choose another path." in taken.text


def test_a_folder_by_the_api(api: TestClient) -> None:
    for n in range(2):
        _made(api, f"folder/{n}")
    folder = next(each for each in api.get("/v5/directories").json() if each["path"] == "folder")
    assert api.delete(f"/v5/directories/{folder['id']}").status_code == 409
    assert api.delete(f"/v5/directories/{folder['id']}?with_files=true").status_code == 204
    first = api.get("/v5/trash").json()["records"][0]
    assert first["folder"] == "folder"
    back = api.post(f"/v5/deletions/{first['deletion_id']}/restore").json()
    assert back["folder"] == "folder"
    assert [each["path"] for each in back["files"]] == ["folder/0", "folder/1"]
    assert api.post(f"/v5/deletions/{first['deletion_id']}/restore").status_code == 404


def test_another_workspace_sees_and_restores_nothing(api: TestClient, committed_team: factories.Team) -> None:
    made = _made(api, "secret/plan")
    api.delete(f"/v5/prompts/{made['id']}")
    deletion = api.get("/v5/trash").json()["records"][0]["deletion_id"]
    with unit_of_work() as session:
        other = factories.team(session).admin
    with_key(api, other)
    assert api.get("/v5/trash").json()["total"] == 0
    assert api.get(f"/v5/trash?deletion_id={deletion}").json()["total"] == 0
    assert api.post(f"/v5/files/{made['id']}/restore").status_code == 404
    assert api.post(f"/v5/deletions/{deletion}/restore").status_code == 404
    assert api.post(f"/v5/files/{made['id']}/copy", json={"path": "mine"}).status_code == 404
    with_key(api, committed_team.admin)
    assert api.get("/v5/trash").json()["total"] == 1


def test_every_door_sees_a_restored_file_at_once(api: TestClient) -> None:
    made = _made(api, "hot/one")
    by_path = {"json": {"path": "hot/one"}}
    before = api.post("/v5/files/retrieve-by-path", **by_path).json()
    assert api.get(f"/v5/prompts/{made['id']}").json() == before, "kept in this process's memory now"
    api.delete(f"/v5/prompts/{made['id']}")
    assert api.post("/v5/files/retrieve-by-path", **by_path).status_code == 404
    assert api.get(f"/v5/prompts/{made['id']}").status_code == 404
    api.post(f"/v5/files/{made['id']}/restore")
    assert api.post("/v5/files/retrieve-by-path", **by_path).json() == before
    assert api.get(f"/v5/prompts/{made['id']}").json() == before
    api.delete(f"/v5/prompts/{made['id']}")
    api.post(f"/v5/files/{made['id']}/restore", json={"path": "cold/two"})
    assert api.get(f"/v5/prompts/{made['id']}").json()["path"] == "cold/two"
    assert fetching.FETCHES is not None
