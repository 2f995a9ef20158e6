"""Files fetched by the API, many at once: each answer is its own, the newest, and the same as when it is asked for alone."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.core.access import Role
from app.core.database import unit_of_work
from app.files import deployments
from tests import factories
from tests.statements import recorded
from tests.web import with_key
from tests.web_process import running_web

BY_PATH = "/v5/files/retrieve-by-path"


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def _got(api: TestClient, url: str, **query: str) -> Any:
    answer = api.get(url, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def test_what_is_fetched_is_what_lists_tell(api: TestClient, committed_team: factories.Team) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        factories.prompt(session, admin, "a/prompt", tools=[{"name": "x"}], seed=2**62, temperature=1)
        factories.evaluator(session, admin, "contains", "a/evaluator", text="ß 文")
        factories.flow(session, admin)
        factories.dataset(session, admin, 3, "a/dataset")
    api.post("/v5/tools", json={"path": "a/tool", "function": {"name": "look"}, "setup_values": {"n": 1.5}})
    api.patch(
        f"/v5/prompts/{api.post(BY_PATH, json={'path': 'a/prompt'}).json()['id']}",
        json={"description": "d", "tags": ["t"], "readme": "r"},
    )
    listed = _got(api, "/v5/files", size="50")["records"]
    assert {each["type"] for each in listed} == {"prompt", "evaluator", "flow", "dataset", "tool"}
    for each in listed:
        assert api.post(BY_PATH, json={"path": f"/{each['path']}/"}).json() == each
        if each["type"] != "dataset":
            assert _got(api, f"/v5/{each['type']}s/{each['id']}") == each
            named = _got(api, f"/v5/{each['type']}s/{each['id']}", version_id=each["version_id"])
            assert named == each


def test_which_version_answers(api: TestClient, committed_team: factories.Team) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        first = factories.prompt(session, admin, "p", temperature=0.1)
        second = factories.prompt(session, admin, "p", temperature=0.2)
        third = factories.prompt(session, admin, "p", temperature=0.3)
        staging = deployments.get_environment(session, admin, "staging")
        deployments.deploy(session, admin, second.file, second, staging)
    url = f"/v5/prompts/{first.file_id}"

    def version(**query: str) -> str:
        answers = {_got(api, url, **query)["version_id"]}
        if "version_id" not in query:
            by_path = api.post(BY_PATH, json={"path": "p"}, params=query)
            answers.add(by_path.json()["version_id"])
        assert len(answers) == 1
        return answers.pop()

    assert version() == first.id, "what is deployed to the default environment"
    assert version(environment="") == first.id
    assert version(environment="staging") == version(environment=staging.id) == second.id
    assert version(version_id=third.id) == version(version_id=third.id, environment="staging") == third.id
    production = next(e for e in _got(api, f"{url}/environments") if e["tag"] == "default")
    assert api.delete(f"{url}/environments/{production['id']}").status_code == 204
    assert version() == third.id, "the newest, where nothing is deployed"
    raw = api.post(BY_PATH, json={"path": "p"}, params={"include_raw_file_content": "true"}).json()
    assert raw["raw_file_content"].startswith("---")
    assert "raw_file_content" not in api.post(BY_PATH, json={"path": "p"}).json()


def test_a_path_is_found_however_it_was_written(api: TestClient) -> None:
    written = " support / Cafe\u0301 /answer/ "
    made = api.post("/v5/prompts", json={"path": written, "model": "m"}).json()
    assert made["path"] == "support/Caf\u00e9/answer"
    for asked in (written, made["path"], f"/{made['path']}", "support/Cafe\u0301/answer"):
        found = api.post(BY_PATH, json={"path": asked})
        assert (found.status_code, found.json().get("id")) == (200, made["id"]), asked
        logged = api.post("/v5/prompts/log", json={"path": asked, "output": "x"})
        assert (logged.status_code, logged.json().get("prompt_id")) == (200, made["id"]), logged.text
        called = api.post("/v5/prompts", json={"path": asked, "model": "m"})
        assert called.json()["version_id"] == made["version_id"]
    listed = api.get("/v5/files", params={"path": " /support/Cafe\u0301/"}).json()["records"]
    assert [one["id"] for one in listed] == [made["id"]]


def test_who_gets_nothing_is_told_why(api: TestClient, committed_team: factories.Team) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        prompt = factories.prompt(session, admin, "mine")
        other = factories.team(session).admin
        theirs = factories.prompt(session, other, "theirs")
        guest = factories.member(session, committed_team.workspace, Role.GUEST)
        guests_key = factories.key(session, guest)

    def said(status: int, url: str, key: str | None = None, **query: str) -> str:
        headers = {} if key is None else {"x-api-key": key}
        answer = api.get(url, params=query, headers=headers)
        assert answer.status_code == status, answer.text
        return str(answer.json()["detail"])

    url = f"/v5/prompts/{prompt.file_id}"
    assert "pr_none" in said(404, "/v5/prompts/pr_none")
    assert "no tool" in said(404, f"/v5/tools/{prompt.file_id}")
    assert "Environment nowhere does not exist" in said(404, url, environment="nowhere")
    assert "is deployed to staging" in said(404, url, environment="staging")
    assert "prv_none" in said(404, url, version_id="prv_none")
    assert theirs.id in said(404, url, version_id=theirs.id)
    assert theirs.file_id in said(404, f"/v5/prompts/{theirs.file_id}")
    assert "not valid" in said(401, url, key="whet_wrong")
    assert "X-API-KEY" in said(401, url, key="")
    assert "role" in said(403, url, key=guests_key)
    assert api.post(BY_PATH, json={"path": "theirs"}).status_code == 404
    assert api.post(BY_PATH, json={"path": "nul\x00"}).status_code == 422
    assert api.get(f"{url}%00").status_code in (404, 422)
    assert api.delete(url).status_code == 204
    assert prompt.file_id in said(404, url)


def test_keys_are_found_out_about_each_time(api: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        prompt = factories.prompt(session, committed_team.admin)
    url = f"/v5/prompts/{prompt.file_id}"
    _got(api, url)
    with unit_of_work() as session:
        assert session.execute(text("select last_used_at is not null from api_key")).scalar()
        session.execute(text("update api_key set revoked_at = now()"))
    assert api.get(url).status_code == 401


def test_at_the_same_moment_everybody_gets_their_own(database: Engine, redis_url: str) -> None:
    """Two workspaces with the same paths, versions and environments, wrong keys and missing files in between."""
    wanted: list[tuple[str, str, int, str]] = []
    with unit_of_work() as session:
        for _ in range(2):
            admin = factories.team(session).admin
            key = factories.key(session, admin)
            for path in ("same/one", "same/two"):
                first = factories.prompt(session, admin, path, temperature=0.1)
                second = factories.prompt(session, admin, path, temperature=0.2)
                url = f"/v5/prompts/{first.file_id}"
                wanted += [(key, url, 200, first.id), (key, f"{url}?version_id={second.id}", 200, second.id)]
                wanted += [(key, f"{url}?environment=production", 200, first.id), (key, f"{url}x", 404, "")]
    wanted.append(("whet_wrong", url, 401, ""))  # asked with less often than guesses are let through
    with running_web() as web, httpx2.Client(base_url=web.url, timeout=30) as client:
        together = threading.Barrier(len(wanted))

        def ask(each: tuple[str, str, int, str]) -> None:
            key, url, status, version_id = each
            together.wait(30)
            for _ in range(5):
                answer = client.get(url, headers={"x-api-key": key})
                assert answer.status_code == status, answer.text
                assert answer.json().get("version_id", "") == version_id

        with ThreadPoolExecutor(len(wanted)) as threads:
            list(threads.map(ask, wanted))


def test_whatever_is_changed_shows_at_once(api: TestClient, committed_team: factories.Team) -> None:
    """An answer that is kept is given for as long as nothing that it was made of has changed."""
    admin = committed_team.admin
    with unit_of_work() as session:
        tool = factories.tool(session, admin, "t", function={"name": "look"})
        other_tool = factories.tool(session, admin, "t", function={"name": "see"})
        first = factories.prompt(session, admin, "p", temperature=0.1)
        second = factories.prompt(session, admin, "p", linked_tools=[tool.file_id])
        evaluator = factories.evaluator(session, admin, "contains", text="x")
        staging = deployments.get_environment(session, admin, "staging")
        production = deployments.get_environment(session, admin, "production")
    url = f"/v5/prompts/{first.file_id}"

    def write(statement: str) -> None:
        with unit_of_work() as session:
            assert session.execute(text(statement)).rowcount  # type: ignore[attr-defined]

    def post(where: str, json: Any = None, **query: str) -> None:
        answer = api.post(where, json=json, params=query)
        assert answer.status_code in (200, 201), answer.text

    monitor = {"activate": [{"evaluator_version_id": evaluator.id}]}
    in_staging, in_production = (f"{url}/environments/{each.id}" for each in (staging, production))
    changes: dict[str, Callable[[], object]] = {
        "described": lambda: api.patch(url, json={"description": "d"}),
        "moved": lambda: api.patch(url, json={"path": "q"}),
        "version named": lambda: api.patch(f"{url}/versions/{first.id}", json={"name": "n"}),
        "deployed": lambda: post(in_staging, version_id=first.id),
        "environment renamed": lambda: write("update environment set name = 'live' where name = 'staging'"),
        "undeployed": lambda: api.delete(in_staging),
        "maker renamed": lambda: write("update user_account set full_name = 'Another'"),
        "logged": lambda: post("/v5/prompts/log", {"id": first.file_id}),
        "monitored": lambda: post(f"{url}/evaluators", monitor),
        "monitor renamed": lambda: write(f"update file set path = 'e' where id = '{evaluator.file_id}'"),
        "no longer monitored": lambda: write("delete from monitor"),
        "another deployed": lambda: post(in_production, version_id=second.id),
        "linked tool deployed": lambda: post(
            f"/v5/tools/{tool.file_id}/environments/{production.id}", version_id=other_tool.id
        ),
    }
    for what, change in changes.items():
        before = _got(api, url)
        assert _got(api, url) == before, what
        change()
        after = _got(api, url)
        assert after != before, what
        assert after in _got(api, "/v5/files", size="50")["records"], what


def test_what_has_not_changed_is_not_put_together_again(
    api: TestClient, committed_team: factories.Team, database: Engine
) -> None:
    with unit_of_work() as session:
        prompt = factories.prompt(session, committed_team.admin)
    url = f"/v5/prompts/{prompt.file_id}"
    answer = _got(api, url)
    with recorded(database) as asked:
        assert _got(api, url) == answer
    assert len(asked) <= 3


def test_what_was_only_logged_since_is_not_put_together_again(
    api: TestClient, committed_team: factories.Team, database: Engine
) -> None:
    """Production fetches a prompt and logs what came of it, again and again."""
    with unit_of_work() as session:
        prompt = factories.prompt(session, committed_team.admin)
    url = f"/v5/prompts/{prompt.file_id}"
    for count in range(3):
        answer = _got(api, url)
        assert (answer["version_logs_count"], answer["total_logs_count"]) == (count, count)
        assert answer in _got(api, "/v5/files")["records"]
        assert api.post("/v5/prompts/log", json={"id": prompt.file_id}).status_code == 200
        with recorded(database) as asked:
            _got(api, url)
        assert len(asked) <= 4, asked
    assert api.patch(url, json={"description": "other"}).status_code == 200
    assert _got(api, url)["description"] == "other"
    assert _got(api, url)["total_logs_count"] == 3
