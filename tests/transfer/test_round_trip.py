"""What is exported and imported elsewhere is exported there as the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.core.access import Role
from app.core.database import unit_of_work
from app.evaluations.engine import recovery
from app.files import repository as files
from tests import factories
from tests.asynchronous import run as run_coroutine
from tests.evaluations.clear import ended, right
from tests.evaluations.test_arrivals import worked
from tests.factories import Team
from tests.stack import Stack
from tests.transfer.commands import open_workspace, query, run
from tests.transfer.exports import whole_export
from tests.transfer.vendor_tool import VendorTool
from tests.web import with_key

OF_THE_PLACE = frozenset({"directory_id", "url", "received_at"})
"""Members that say where something lies and when it came there, not what it is."""


def tree(folder: Path) -> dict[str, Any]:
    """The files of an export, read, without what an import documents to be other."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "export.log":
            text = path.read_text()
            is_list = path.suffix == ".jsonl"
            read = [json.loads(line) for line in text.splitlines()] if is_list else json.loads(text or "null")
            found[str(path.relative_to(folder))] = _of_everywhere(read)
    return found


def _of_everywhere(value: Any) -> Any:
    if isinstance(value, list):
        return [_of_everywhere(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _of_everywhere(each) for name, each in value.items() if name not in OF_THE_PLACE}
    if "environments" in kept:
        kept["environments"] = sorted(each["name"] for each in kept["environments"])
    if isinstance(kept.get("environment"), dict):
        kept["environment"] = kept["environment"]["name"]
    kept.pop("environment_id", None)
    if "path" in kept and "type" in kept:
        kept["created_by"] = None  # people are not exported
    return kept


def _filled(client, team: Team) -> None:
    """A workspace with one of everything."""
    with unit_of_work() as session:
        admin = team.admin
        member = factories.member(session, team.workspace, Role.MEMBER, "Mia Member")
        first = factories.prompt(session, admin, "support/answer")
        second = factories.prompt(session, member, "support/answer", temperature=0.5)
        factories.prompt(
            session, admin, "support/answer", template_language="jinja", template="{{ question }}"
        )
        factories.agent(session, admin, "support/agent")
        tool = factories.tool(session, admin, "tools/weather")
        factories.prompt(session, admin, "support/with a tool", linked_tools=[tool.file_id])
        flow = factories.flow(session, admin, "support/flow", commit="4f2a1c")
        rows = [
            {
                "inputs": {"question": f"question {n}"}, "target": {"answer": f"answer {n}"}, "split": "test",
                "context": ["passage"], "cluster": f"c{n % 2}", "metadata": {"n": n}, "messages": [{"role": "user", "content": "hi"}],
            }
            for n in range(7)
        ]  # fmt: skip
        factories.dataset(session, admin, rows[:5], "support/questions")
        data = factories.dataset(session, admin, rows[1:], "support/questions")
        exact = factories.evaluator(session, admin, "exact", "support/exact")
        people = factories.evaluator(
            session,
            admin,
            "human",
            "support/rating",
            answers="select",
            choices=["good", "bad"],
            good=["good"],
        )
        evaluation = factories.evaluation(session, admin, first, exact, people, smallest_difference=0.1)
        outputs = ["answer 1", None, "answer 3", "no", "", "answer 6"]
        for version in (first, second):
            made = factories.started_run(session, admin, evaluation, version, data, repeats=2)
            factories.finish_run(session, made, outputs * 2)
        waiting = factories.started_run(session, admin, evaluation, first, data, fresh=True)
        root = factories.logged(session, admin, flow, inputs={"x": 1})
        below = factories.logged(
            session, admin, first, trace_parent_id=root, output="Noon", user="u1", metadata={"a": [1]}, provider_latency=0.1234567,
            prompt_cost=0.00012, messages=[{"role": "user", "content": "When?"}], environment="production",
        )  # fmt: skip
        factories.logged(session, admin, tool, trace_parent_id=below, output="sunny", save=False)
        waiting_id, evaluation_id, log_id, data_id = waiting.id, evaluation.id, below, data.id
    ended(team, lambda number: "right" if number % 2 else "wrong", right, rows=50, of=80)  # 30 rows are left
    with_key(client, team.admin)
    client.patch(f"/v5/evaluations/{evaluation_id}/runs/{waiting_id}", json={"status": "cancelled"})
    _runs_of_logs(client, team, evaluation_id, first.id, data_id)
    said = {
        "parent_id": log_id,
        "path": "support/rating",
        "judgment": "good",
        "user": "end-user",
        "marked_completed": True,
    }
    assert client.post("/v5/evaluators/log", json=said).status_code == 200
    client.patch(
        f"/v5/prompts/{first.file_id}/versions/{first.id}", json={"name": "first", "description": "The first"}
    )
    _watched(client, first.file_id, people.id)
    assert (
        client.post(f"/v5/prompts/{first.file_id}/environments/staging?version_id={second.id}").status_code
        == 200
    )


def _watched(client, prompt_id: str, people_version_id: str) -> None:
    """Evaluators of a prompt's logs: a version, what runs in an environment, and one that judges no more."""
    spec = {
        "evaluator_type": "python",
        "arguments_type": "target_free",
        "return_type": "boolean",
        "code": "def f(log):\n    return True\n",
    }
    code = client.post("/v5/evaluators", json={"path": "support/code", "spec": spec}).json()
    environment = client.get(f"/v5/prompts/{prompt_id}/environments").json()[0]["id"]
    versions = [{"evaluator_version_id": one} for one in (people_version_id, code["version_id"])]
    running = {"evaluator_id": code["id"], "environment_id": environment, "sampling": 0.25}
    for change in ({"activate": [*versions, running]}, {"deactivate": versions[:1]}):
        answer = client.post(f"/v5/prompts/{prompt_id}/evaluators", json=change)
        assert answer.status_code == 200, answer.text


def _runs_of_logs(client, team: Team, evaluation_id: str, version_id: str, data_id: str) -> None:
    """Runs without a dataset, a version and both, the last of them the baseline of another evaluation, too."""
    address = f"/v5/evaluations/{evaluation_id}"
    version, data = {"version": {"version_id": version_id}}, {"dataset": {"version_id": data_id}}
    runs = [client.post(f"{address}/runs", json=body).json()["id"] for body in (version, data, {})]
    row = client.get(f"{address}/logs?size=1").json()["records"][0]["datapoint"]["id"]
    for run_id in runs:
        with unit_of_work() as session:
            found = files.find_versions(session, team.workspace.id, [version_id])[0]
            named = [{"source_datapoint_id": row}, {}, {"source_datapoint_id": row}]
            logs = [
                factories.logged(
                    session, team.admin, found, output=f"answer {n}", inputs={"question": f"q{n}"}, **each
                )
                for n, each in enumerate(named)
            ]
        assert client.post(f"{address}/runs/{run_id}/logs", json={"log_ids": logs}).status_code == 200
    body = {"file": {"id": client.get(address).json()["file_id"]}, "evaluators": [{"path": "support/exact"}]}
    other = client.post("/v5/evaluations", json=body | {"name": "Beside"}).json()["id"]
    for method, path, change in (
        ("POST", f"{other}/runs/{runs[2]}", None),
        ("PATCH", f"{other}/runs/{runs[2]}", {"control": True}),
        ("PATCH", f"{evaluation_id}/runs/{runs[1]}", {"status": "completed"}),
    ):
        answer = client.request(method, f"/v5/evaluations/{path}", json=change)
        assert answer.status_code == 200, answer.text
    run_coroutine(worked())
    recovery.recover()
    ended = client.get(f"{address}/runs").json()["runs"]
    assert [one["status"] for one in ended if one["id"] in runs] == ["completed"] * 3


def _there_and_back(source_url: str, stack: Stack, tmp_path: Path, slug: str) -> str:
    """Export, import into a database of its own, export there, and compare."""
    out = run(source_url, "export", str(tmp_path / "first"), "--workspace", slug)
    assert f"the workspace {slug} in " in out
    url = stack.create_database()
    open_workspace(url)
    told = run(url, "import", "humanloop", str(tmp_path / "first"))
    run(url, "export", str(tmp_path / "second"))
    first, second = tree(tmp_path / "first"), tree(tmp_path / "second")
    assert first.keys() == second.keys()
    for name, content in first.items():
        assert second[name] == content, name
    assert "The export lacks" not in told
    again = run(url, "export", str(tmp_path / "second"), code=1)
    assert "is there already, and not empty" in again
    return url


def test_a_workspace_of_ours_is_the_same_elsewhere(
    client, committed_team: Team, database_url: str, redis_url: str, stack: Stack, tmp_path: Path
):
    _filled(client, committed_team)
    url = _there_and_back(database_url, stack, tmp_path, committed_team.workspace.slug)
    assert query(url, "select count(*) from run_item where state = 'pending'") == [(6 + 2 * 30,)], (
        "of the run that was stopped, and of the two that were clear"
    )
    assert query(url, "select action from audit_entry where action like 'workspace.%' order by at") == [
        ("workspace.imported",), ("workspace.exported",), ("workspace.exported",),
    ]  # fmt: skip


def test_what_the_vendors_tool_reads_of_us_is_the_same_elsewhere(
    client, committed_team: Team, database_url: str, stack: Stack, tmp_path: Path
):
    """By the answers of the API alone: nobody needs our command to take everything along."""
    _filled(client, committed_team)
    VendorTool(client, tmp_path / "by tool").export()
    url = stack.create_database()
    open_workspace(url)
    told = run(url, "import", "humanloop", str(tmp_path / "by tool"))
    assert "The export lacks" not in told, told
    run(database_url, "export", str(tmp_path / "here"), "--workspace", committed_team.workspace.slug)
    run(url, "export", str(tmp_path / "there"))

    here, there = tree(tmp_path / "here"), tree(tmp_path / "there")
    assert here.keys() == there.keys()
    for name, content in here.items():
        assert there[name] == content, name


def test_an_export_of_the_vendors_is_the_same_through_two_of_ours(stack: Stack, tmp_path: Path):
    source = stack.create_database()
    open_workspace(source, "Source")
    run(source, "import", "humanloop", str(whole_export(tmp_path / "vendor").path))
    _there_and_back(source, stack, tmp_path, "source")


@pytest.mark.parametrize("workspaces", [0, 2])
def test_the_workspace_must_be_named_where_it_is_not_the_only_one(
    stack: Stack, tmp_path: Path, workspaces: int
):
    url = stack.create_database()
    for number in range(workspaces):
        open_workspace(url, f"Team{number}")
    said = run(url, "export", str(tmp_path / "out"), code=1)
    assert said.strip() == (
        "Say which workspace: --workspace with one of team0, team1."
        if workspaces
        else "There is no workspace. Make one: ./whetstone init --workspace NAME --email ADDRESS"
    )
