"""Files and directories at `/v5`, as a client of the API meets them."""

import pytest
from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from app.files import deployments, repository
from tests import factories
from tests.web import with_key

REQUIRED = {
    "path", "id", "name", "version_id", "type", "created_at", "updated_at", "last_used_at", "environments", "created_by",
    "directory_id", "version_name", "version_description", "description", "tags", "readme", "schema", "evaluators",
    "evaluator_aggregates",
}  # fmt: skip


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def prompt(api: TestClient, path: str, **more) -> dict:
    answer = api.post("/v5/prompts", json={"path": path, "model": "practice-1", **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def paths(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["path"] for each in answer.json()["records"]]


def test_a_file_has_every_member_that_clients_require(api: TestClient) -> None:
    made = prompt(api, "support/intent")
    assert made.keys() >= REQUIRED | {"version_logs_count", "total_logs_count", "inputs"}
    assert made["created_by"].keys() >= {"id", "email_address", "full_name"}
    dataset = api.post("/v5/datasets", json={"path": "support/rows"}).json()
    assert dataset.keys() >= REQUIRED | {"datapoints_count", "datapoints"}
    assert (dataset["datapoints_count"], dataset["datapoints"]) == (0, None)
    evaluator = api.post("/v5/evaluators", json={"path": "support/exact", "spec": {"kind": "exact"}}).json()
    assert evaluator.keys() >= REQUIRED | {"version_logs_count", "total_logs_count", "inputs", "spec"}


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ([{"role": "user", "content": "{{ question }} of {{user.name}}"}], ["question", "user.name"]),
        ("{{question}}{{question}}", ["question"]),
        (None, []),
    ],
)
def test_inputs_are_the_variables_of_the_template(api: TestClient, template, names) -> None:
    made = prompt(api, "support/intent", template=template)
    assert made["inputs"] == [{"name": name} for name in names]
    assert api.get(f"/v5/prompts/{made['id']}").json()["inputs"] == made["inputs"]


def test_inputs_of_a_template_in_jinja(api: TestClient) -> None:
    text = "{% for one in passages %}{{ one }}{% endfor %}{{ question }}"
    made = prompt(api, "support/intent", template=text, template_language="jinja")
    assert made["inputs"] == [{"name": "passages"}, {"name": "question"}]


def test_inputs_of_a_judge_are_what_its_rubric_names(api: TestClient) -> None:
    spec = {"kind": "llm_judge", "settings": {"model": "practice-1", "rubric": "Is {{log.output}} good?"}}
    made = api.post("/v5/evaluators", json={"path": "support/judge", "spec": spec}).json()
    assert made["inputs"] == [{"name": "log.output"}]


def test_the_list_of_files_by_directory_type_and_name(api: TestClient) -> None:
    for path in ("a/one", "a/b/two", "other/three"):
        prompt(api, path)
    api.post("/v5/datasets", json={"path": "a/rows"})
    by = {"sort_by": "name", "order": "asc"}
    assert paths(api.get("/v5/files", params={"path": "a", **by})) == ["a/one", "a/rows", "a/b/two"]
    assert paths(api.get("/v5/files", params={"path": "/a/", "type": "prompt", **by})) == ["a/one", "a/b/two"]
    both = {"type": ["prompt", "dataset"], **by}
    assert paths(api.get("/v5/files", params=both)) == ["a/one", "a/rows", "other/three", "a/b/two"]
    assert paths(api.get("/v5/files", params={"name": "TW"})) == ["a/b/two"]
    assert paths(api.get("/v5/files")) == ["a/rows", "other/three", "a/b/two", "a/one"], "newest first"
    assert paths(api.get("/v5/files", params={"template": "true"})) == []


def test_the_list_of_files_at_their_newest_versions(api: TestClient) -> None:
    first, second = prompt(api, "a", temperature=0.1), prompt(api, "a", temperature=0.2)

    def shown(**query: str) -> list[str]:
        answer = api.get("/v5/files", params=query)
        assert answer.status_code == 200, answer.text
        return [each["version_id"] for each in answer.json()["records"]]

    assert shown() == [first["version_id"]], "what runs in the default environment"
    assert shown(newest="true") == [second["version_id"]]
    both = api.get("/v5/files", params={"newest": "true", "environment": "production"})
    assert both.status_code == 422
    assert "not for both" in both.text


def test_an_unknown_directory_or_environment_is_named_in_the_error(api: TestClient) -> None:
    refused = api.get("/v5/files", params={"path": "not/there"})
    assert (refused.status_code, refused.json()) == (404, {"detail": "Directory `not/there` does not exist"})
    refused = api.get("/v5/files", params={"environment": "moon"})
    assert (refused.status_code, refused.json()) == (404, {"detail": "Environment moon does not exist"})


def test_pages_past_the_end_are_empty_and_pages_may_be_large(api: TestClient) -> None:
    prompt(api, "one")
    for url in ("/v5/files", "/v5/prompts", "/v5/datasets", "/v5/evaluators"):
        page = api.get(url, params={"page": 7, "size": 1000})
        assert (page.status_code, page.json()["records"]) == (200, [])
    assert api.get("/v5/files", params={"size": 1000}).json() == {
        **api.get("/v5/files").json(), "size": 1000,
    }  # fmt: skip


@pytest.mark.parametrize("query", [{"size": 0}, {"size": 1001}, {"page": "x"}, {"sort_by": "colour"}])
def test_a_wrong_query_is_said_in_the_shape_that_clients_read(api: TestClient, query) -> None:
    refused = api.get("/v5/files", params=query)
    assert refused.status_code == 422
    (said,) = refused.json()["detail"]
    assert said.keys() == {"loc", "msg", "type"}
    assert said["loc"] == ["query", *query]


def test_files_of_an_environment_come_at_the_version_that_runs_there(
    api: TestClient, committed_team: factories.Team
) -> None:
    first, other = prompt(api, "a/one", temperature=0.1), prompt(api, "a/two")
    second = prompt(api, "a/one", temperature=0.2)
    with unit_of_work() as session:
        staging = deployments.get_environment(session, committed_team.admin, "staging")
    url = f"/v5/prompts/{first['id']}/environments/{staging.id}"
    assert api.post(url, params={"version_id": second["version_id"]}).status_code == 200
    (shown,) = api.get("/v5/files", params={"environment": "staging"}).json()["records"]
    assert (shown["id"], shown["version_id"]) == (first["id"], second["version_id"])
    default = api.get("/v5/files", params={"environment": "production"}).json()
    assert default["total"] == 2
    assert {each["version_id"] for each in default["records"]} == {first["version_id"], other["version_id"]}
    got = api.post("/v5/files/retrieve-by-path", json={"path": "a/one"}, params={"environment": "staging"})
    assert got.json()["version_id"] == second["version_id"]
    assert api.post("/v5/files/retrieve-by-path", json={"path": "a/none"}).status_code == 404


def test_files_by_their_makers_name_or_address(api: TestClient, committed_team: factories.Team) -> None:
    prompt(api, "of/admin")
    with unit_of_work() as session:
        bob = factories.member(session, committed_team.workspace, Role.MEMBER, "Bob Builder")
        factories.prompt(session, bob, "of/bob")
    assert paths(api.get("/v5/prompts", params={"user_filter": "BOB"})) == ["of/bob"]
    assert paths(api.get("/v5/prompts", params={"user_filter": "admin-"})) == ["of/admin"]
    assert paths(api.get("/v5/prompts", params={"user_filter": "nobody"})) == []


def test_a_directory_shows_what_lies_in_it_and_above_it(api: TestClient) -> None:
    prompt(api, "a/b/one")
    prompt(api, "a/two")
    root = api.get("/v5/directories/root").json()
    assert [each["path"] for each in root["subdirectories"]] == ["a"]
    assert (root["path"], root["parent_id"], root["files"], root["parents"]) == ("", None, [], [])
    a = api.get(f"/v5/directories/{root['subdirectories'][0]['id']}").json()
    assert [each["path"] for each in a["files"]] == ["a/two"]
    b = api.get(f"/v5/directories/{a['subdirectories'][0]['id']}").json()
    assert [each["path"] for each in b["parents"]] == ["a", ""]
    assert b.keys() >= {"id", "parent_id", "name", "path", "tags", "created_at", "updated_at"}
    unknown = api.get("/v5/directories/dir_unknown")
    assert unknown.json() == {"detail": "Directory `dir_unknown` does not exist"}


def test_the_structure_is_the_whole_tree(api: TestClient) -> None:
    made = prompt(api, "a/b/one")
    api.post("/v5/directories", json={"path": "empty"})
    tree = api.get("/v5/directories/structure").json()
    a, empty = tree["subdirectories"]
    assert (a["name"], a["files"], empty["path"]) == ("a", [], "empty")
    (b,) = a["subdirectories"]
    assert b["files"] == [{"id": made["id"], "name": "one", "path": "a/b/one", "type": "prompt"}]


def test_every_directory_is_a_bare_list_and_a_directory_is_made_moved_and_deleted(api: TestClient) -> None:
    made = api.post("/v5/directories", json={"name": "x", "parent_id": None, "path": None, "unknown": 1})
    assert made.status_code == 201
    inner = api.post("/v5/directories", json={"name": "y", "parent_id": made.json()["id"]}).json()
    assert inner["path"] == "x/y"
    assert [each["path"] for each in api.get("/v5/directories").json()] == ["", "x", "x/y"]
    moved = api.patch(f"/v5/directories/{inner['id']}", json={"name": "z"})
    assert moved.json()["path"] == "x/z"
    assert api.delete(f"/v5/directories/{made.json()['id']}").status_code == 409
    gone = api.delete(f"/v5/directories/{inner['id']}")
    assert (gone.status_code, gone.content) == (204, b"")


def test_versions_come_with_their_last_scores_only_when_asked(
    api: TestClient, committed_team: factories.Team
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        version, rows = factories.prompt(session, admin), factories.dataset(session, admin, 2)
        exact = factories.evaluator(session, admin)
        evaluation = factories.evaluation(session, admin, version, exact)
        run = factories.started_run(session, admin, evaluation, version, rows)
        factories.finish_run(session, run, ["answer 0", "wrong"])
    url = f"/v5/prompts/{version.file_id}/versions"
    (bare,) = api.get(url).json()["records"]
    assert bare["evaluator_aggregates"] == []
    (shown,) = api.get(url, params={"evaluator_aggregates": "true"}).json()["records"]
    (score,) = shown["evaluator_aggregates"]
    assert score.keys() == {"value", "evaluator_id", "evaluator_version_id", "created_at", "updated_at"}
    assert (score["value"], score["evaluator_id"]) == (0.5, exact.file_id)


def test_a_version_says_what_was_last_said_of_it(api: TestClient, committed_team: factories.Team) -> None:
    def write(**more: str) -> dict:
        answer = api.post("/v5/flows", json={"path": "said/again", "attributes": {"a": 1}, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    first = write()
    assert first["version_description"] is None
    said = write(version_name="one", version_description="First.")
    again = write(version_name="two", version_description="Second.")
    assert said["version_id"] == again["version_id"] == first["version_id"]
    assert (said["version_name"], said["version_description"]) == ("one", "First.")
    for shown in (again, write(), api.get(f"/v5/flows/{first['id']}").json()):
        assert (shown["version_name"], shown["version_description"]) == ("two", "Second.")
    with unit_of_work() as session:
        notes = [each.note for each in repository.list_version_events(session, first["version_id"])]
    assert sorted(notes) == ["First.", "Second."], "each reason is kept"


def test_what_is_said_of_a_file_or_version_is_an_update_of_the_file(api: TestClient) -> None:
    made = api.post("/v5/flows", json={"path": "said/when", "attributes": {}}).json()
    url = f"/v5/flows/{made['id']}"
    moments = [made["updated_at"]]
    for address, said in (
        (url, {"description": "What it does."}),
        (url, {"tags": ["a"]}),
        (f"{url}/versions/{made['version_id']}", {"description": "Why."}),
    ):
        moments.append(api.patch(address, json=said).json()["updated_at"])
        assert api.get(url).json()["updated_at"] == moments[-1]
        assert api.patch(address, json=said).json()["updated_at"] == moments[-1], "nothing has changed"
    assert moments == sorted(set(moments))
