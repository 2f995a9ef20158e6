"""Copies of files of every kind: one version or all, what comes along, and what stays behind."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.access import Role
from app.core.database import get_engine, unit_of_work
from app.core.errors import Conflict, DomainError, Invalid
from app.datasets import repository as datasets_repository
from app.datasets import service as datasets
from app.datasets.schemas import DatapointContent
from app.files import copying, deployments, directories, repository, service
from app.files.models import FileKind, Version
from app.tools import variables
from app.tools.schemas import VariableGiven
from app.workspaces.models import AuditEntry
from tests import factories
from tests.statements import recorded
from tests.web import with_key

MAKERS = {
    "prompt": factories.prompt,
    "tool": factories.tool,
    "dataset": factories.dataset,
    "evaluator": factories.evaluator,
    "flow": factories.flow,
    "agent": factories.agent,
}


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_a_copy_says_what_the_version_says(session: Session, kind: str) -> None:
    admin = factories.team(session).admin
    source = MAKERS[kind](session, admin)
    service.describe_file(source.file, description="What", tags=["a", "b"], readme="Why")
    copy = copying.copy_file(session, admin, source, "copies/one")
    assert (copy.number, copy.spec, copy.content_hash) == (1, source.spec, source.content_hash)
    assert copy.note == f"Copied from {source.file.path} v1"
    assert (copy.file.path, copy.file.kind) == ("copies/one", kind)
    assert (copy.file.description, copy.file.tags, copy.file.readme) == ("What", ["a", "b"], "Why")
    assert copy.id != source.id
    assert copy.file_id != source.file_id
    assert service.resolve_version(session, copy.file) == copy
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "file.copied")).one()
    assert entry.detail["source"] == source.file.path


def test_the_same_content_is_the_copied_version(session: Session) -> None:
    admin = factories.team(session).admin
    source = factories.prompt(session, admin, "a", temperature=0.5)
    copy = copying.copy_file(session, admin, source, "b")
    assert factories.prompt(session, admin, "b", temperature=0.5) == copy
    assert factories.prompt(session, admin, "b", temperature=0.6).number == 2


def test_a_copy_of_one_order_answers_for_every_order(session: Session) -> None:
    """Of the copied file it is the only version: who does not say that order counts means it."""
    admin = factories.team(session).admin

    def committed(path: str, names: str, *, order_counts: bool = False) -> Version:
        shape = {"json_schema": {"schema": {"type": "object", "properties": {name: {} for name in names}}}}
        spec = {"model": "m", "template": "t", "response_format": {"type": "json_schema"} | shape}
        change = service.Commit(FileKind.PROMPT, spec, path=path, order_counts=order_counts)
        return service.commit(session, admin, change).version

    committed("a", "xyz")
    second = committed("a", "zyx", order_counts=True)
    copy = copying.copy_file(session, admin, second, "b")
    assert copy.spec == second.spec
    assert committed("b", "xyz") == committed("b", "zyx") == committed("b", "zyx", order_counts=True) == copy
    assert committed("b", "xyz", order_counts=True) != copy


def test_all_versions_keep_their_numbers_names_notes_authors_and_parents(session: Session) -> None:
    team = factories.team(session)
    other = factories.member(session, team.workspace, Role.MEMBER, "Mia")
    one = factories.prompt(session, team.admin, "a")
    two = factories.prompt(session, other, "a", temperature=0.1)
    service.describe_version(session, two, name="warm", note="warmer")
    three = factories.prompt(session, team.admin, "a", temperature=0.2)
    four = factories.prompt(session, team.admin, "a", temperature=0.3)
    service.delete_version(session, team.admin, three)
    session.flush()
    copy = copying.copy_file(session, team.admin, two, "b", all_versions=True)
    found = repository.list_versions(session, copy.file_id)
    assert [v.number for v in found] == [4, 2, 1]
    assert copy == found[1]
    assert (copy.name, copy.note, copy.author_name) == ("warm", "warmer", "Mia")
    assert copy.parent_id == found[2].id
    assert found[0].note == "Copied with all versions from a v4"
    assert [v.spec for v in found] == [v.spec for v in (four, two, one)]
    assert factories.prompt(session, team.admin, "b").id == found[2].id, (
        "content that it has is no new version"
    )
    assert factories.prompt(session, team.admin, "b", temperature=0.9).number == 5


def test_logs_deployments_secrets_and_drafts_stay_behind(session: Session) -> None:
    admin = factories.team(session).admin
    tool = factories.tool(session, admin)
    given = VariableGiven.model_validate({"name": "TOKEN", "value": "canary"})
    variables.set_variables(session, admin, tool.file, [given])
    factories.logged(session, admin, tool, output="sunny")
    staging = deployments.get_environment(session, admin, "staging")
    deployments.deploy(session, admin, tool.file, tool, staging)
    copy = copying.copy_file(session, admin, tool, "b", all_versions=True)
    assert variables.list_origins(session, copy.file) == {}
    assert (copy.logs_count, copy.file.logs_count) == (0, 0)
    running = repository.deployed_environments(session, [copy.file_id])
    assert [(environment.name, each.version_id) for environment, each in running] == [("production", copy.id)]


def test_nothing_is_deployed_where_the_person_may_not(session: Session) -> None:
    team = factories.team(session)
    member = factories.member(session, team.workspace, Role.MEMBER)
    source = factories.prompt(session, team.admin, "a")
    production = deployments.get_environment(session, team.admin, "production")
    deployments.change_environment(session, team.admin, production, protected=True)
    copy = copying.copy_file(session, member, source, "b")
    assert repository.deployed_environments(session, [copy.file_id]) == []
    assert copy.file.created_by == member.user_id


def test_a_bad_path_is_refused_with_the_reason(session: Session) -> None:
    admin = factories.team(session).admin
    source = factories.prompt(session, admin, "a")
    directories.create_directory(session, admin, "folder")
    for path, refusal in (
        ("a", Conflict),
        ("a/in", Conflict),
        ("folder", Conflict),
        ("", Invalid),
        ("x//y", Invalid),
    ):
        with pytest.raises(refusal):
            copying.copy_file(session, admin, source, path)


def _change(session: Session, admin: Any, path: str, action: Any, *numbers: int) -> Version:
    rows = [
        DatapointContent.model_validate({"inputs": {"q": f"q{n}"}, "target": {"a": n}, "split": "train" if n % 2 else "test"})
        for n in numbers
    ]  # fmt: skip
    return datasets.write(session, admin, datasets.DatasetChange(rows, action, path=path)).version


def _rows(session: Session, version: Version) -> list[tuple[str, str | None, int]]:
    rows = datasets_repository.list_rows(session, version, limit=None)
    return [(row.datapoint_id, row.split, row.position) for row, _ in rows]


def test_rows_are_copied_with_splits_and_order_for_one_version_or_all(session: Session) -> None:
    admin = factories.team(session).admin
    versions = [
        _change(session, admin, "rows", "set", 1, 2, 3),
        _change(session, admin, "rows", "add", 4, 5),
        _change(session, admin, "rows", "remove", 2, 4),
    ]
    said = [_rows(session, version) for version in versions]
    for version in versions:
        version.file = service.get_file(session, admin, version.file_id)
    single = copying.copy_file(session, admin, versions[1], "single")
    assert _rows(session, single) == said[1]
    assert (single.rows_count, single.summary) == (5, versions[1].summary)
    assert _change(session, admin, "single", "set", 1, 2, 3, 4, 5) == single, (
        "the same rows are the same version"
    )
    every = copying.copy_file(session, admin, versions[0], "every", all_versions=True)
    copied = repository.list_versions(session, every.file_id)[::-1]
    assert [_rows(session, version) for version in copied] == said
    assert _change(session, admin, "every", "add", 6).number == 4
    assert _rows(session, copied[2]) == said[2], "another version takes nothing from it"
    assert [_rows(session, version) for version in versions] == said


def test_rows_that_were_put_back_are_still_told_by_their_content(session: Session) -> None:
    admin = factories.team(session).admin
    first = _change(session, admin, "rows", "set", 1)
    _change(session, admin, "rows", "set", 2)
    datasets_repository.stage(session, admin.workspace_id, ())
    wanted = datasets_repository.want(session, admin.workspace_id, first.file_id, 1, "remove")
    change = datasets.DatasetChange([], file_id=first.file_id)
    again = datasets.commit_wanted(session, admin, change, first, wanted, may_return=True).version
    assert again.number == 3
    assert again.content_hash != first.content_hash
    again.file = service.get_file(session, admin, first.file_id)
    single = copying.copy_file(session, admin, again, "single")
    assert single.content_hash == first.content_hash
    every = copying.copy_file(session, admin, again, "every", all_versions=True)
    assert every.number == 3
    assert _change(session, admin, "every", "set", 1) == every, "the newest has these rows already"


def test_ten_thousand_rows_take_as_many_statements_as_ten(session: Session) -> None:
    admin = factories.team(session).admin
    asked = []
    for rows in (10, 10_000):
        source = factories.dataset(session, admin, rows, f"rows {rows}")
        with recorded(get_engine()) as each:
            copy = copying.copy_file(session, admin, source, f"copy of {rows}")
        asked.append(len(each))
        count = session.scalar(
            text("select count(*) from dataset_row where file_id = :f"), {"f": copy.file_id}
        )
        assert count == rows
        assert copy.content_hash == source.content_hash
    assert asked[0] == asked[1]


def test_by_the_api(client: TestClient, committed_team: factories.Team) -> None:
    api = with_key(client, committed_team.admin)
    made = api.post("/v5/prompts", json={"path": "a", "model": "m", "template": "x"}).json()
    newer = api.post("/v5/prompts", json={"path": "a", "model": "m", "template": "y"}).json()
    at = f"/v5/files/{made['id']}/copy"
    shown = api.post(at, json={"path": "b"})
    assert shown.status_code == 201
    assert shown.json()["template"] == "x", "what the file shows: v1 runs in production"
    assert shown.json()["version_description"] == "Copied from a v1"
    assert api.get(f"/v5/prompts/{shown.json()['id']}").json()["path"] == "b"
    assert api.post(at, json={"path": "c", "version_id": newer["version_id"]}).json()["template"] == "y"
    every = api.post(at, json={"path": "d", "all_versions": True}).json()
    assert len(api.get(f"/v5/prompts/{every['id']}/versions").json()["records"]) == 2
    taken = api.post(at, json={"path": "b"})
    assert taken.status_code == 409
    assert "`b` is taken" in taken.text
    assert api.post(at, json={}).status_code == 422
    assert api.post(at, json={"path": "e", "version_id": "prv_nothing"}).status_code == 404
    assert api.post(at, json={"path": "e", "environment": "staging"}).status_code == 404


def test_one_of_several_who_copy_to_one_path_does_it(committed_team: factories.Team) -> None:
    admin, start = committed_team.admin, Barrier(4)
    with unit_of_work() as session:
        version_id = factories.prompt(session, admin, "a").id

    def copy(_: int) -> Any:
        start.wait()
        try:
            with unit_of_work() as session:
                version = repository.find_version_anywhere(session, admin.workspace_id, version_id)
                assert version is not None
                return copying.copy_file(session, admin, version, "b").file_id
        except DomainError as error:
            return error

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(copy, range(4)))
    assert sum(isinstance(each, str) for each in found) == 1
    assert all(isinstance(each, Conflict) and "is taken" in each.message for each in found if not isinstance(each, str)), found  # fmt: skip
