"""The export by page, and the routes that Humanloop's export tool reads."""

import io
import json
import zipfile
from pathlib import Path

from app.core.access import Role
from app.core.database import unit_of_work
from tests import factories
from tests.factories import Team
from tests.transfer import vendor
from tests.transfer.exports import imported, rows, whole_export
from tests.web import csrf_of, signed_in, with_key


def test_an_admin_downloads_the_workspace(client, committed_team: Team, tmp_path: Path):
    imported(committed_team, whole_export(tmp_path / "export"))
    signed_in(client, committed_team.admin)
    page = f"/w/{committed_team.workspace.slug}/settings/export"
    assert "5 files, 5 logs and 1 evaluation are yours to take along" in client.get(page).text
    answer = client.post(page, data={"_csrf": csrf_of(client)})
    assert answer.headers["content-type"] == "application/zip"
    assert f'filename="{committed_team.workspace.slug}-' in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "zip")
    (root,) = (tmp_path / "zip").iterdir()
    assert root.name.startswith(committed_team.workspace.slug)
    names = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert {
        "export.log", "files/pr_1/.done", "files/pr_1/file.json", "files/pr_1/versions/prv_2", "files/pr_1/logs/1.jsonl",
        "files/ds_1/datapoints/dsv_2/1.jsonl", "files/pr_1/evaluations/evr_1/runs/run_1", "files/ev_1/logs/1.jsonl",
        "files/pr_1/evaluations/evr_1/stats.json", "files/pr_1/evaluations/evr_1/logs/1.jsonl", "files/pr_1/deployments.json",
    } <= names  # fmt: skip
    shown = json.loads((root / "files/pr_1/file.json").read_text())
    with_key(client, committed_team.admin)
    assert shown == client.get("/v5/prompts/pr_1").json()
    lines = (root / "files/pr_1/logs/1.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == client.get("/v5/logs?file_id=pr_1&size=100").json()[
        "records"
    ]
    assert rows("select actor_name from audit_entry where action = 'workspace.exported'") == [("Ada Admin",)]
    assert imported(committed_team, root).is_whole


def test_others_are_told_who_may(client, committed_team: Team):
    with unit_of_work() as session:
        developer = factories.member(session, committed_team.workspace, Role.DEVELOPER)
    signed_in(client, developer)
    page = f"/w/{committed_team.workspace.slug}/settings/export"
    assert "This needs the role admin" in client.get(page).text
    assert client.post(page, data={"_csrf": csrf_of(client)}).status_code == 403


def test_an_empty_workspace_is_an_empty_export(client, committed_team: Team):
    signed_in(client, committed_team.admin)
    answer = client.post(
        f"/w/{committed_team.workspace.slug}/settings/export", data={"_csrf": csrf_of(client)}
    )
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert [name.partition("/")[2] for name in archive.namelist()] == ["export.log"]


def test_the_export_tool_finds_every_route_that_it_reads(client, committed_team: Team, tmp_path: Path):
    """Its requests, with their parameters: a directory, its files, and of each file what is there."""
    imported(committed_team, whole_export(tmp_path / "export"))
    with_key(client, committed_team.admin)

    def get(route: str, **parameters):
        answer = client.get(f"/v5{route}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    root = get("/directories/root")
    found = get("/files", page=1, size=100, path=root["path"])
    assert len(found["records"]) == found["total"] == 5
    assert get("/files", page=2, size=100, path=root["path"])["records"] == []
    assert len(get("/files", page=1, size=100, path=get("/directories/dir_support")["path"])["records"]) == 5
    logs, evaluations, points = {}, [], {}
    for file in found["records"]:
        versions = get(f"/{file['type']}s/{file['id']}/versions")["records"]
        assert all(
            {"id", "name", "tag"} <= each.keys() for version in versions for each in version["environments"]
        )
        if file["type"] == "dataset":
            for version in versions:
                page = get(
                    f"/datasets/{file['id']}/datapoints", page=1, size=1000, version_id=version["version_id"]
                )
                points[version["version_id"]] = len(page["records"])
            continue
        evaluations += get("/evaluations", page=1, size=100, file_id=file["id"])["records"]
        page = get("/logs", page=1, size=100, file_id=file["id"], include_trace_children=True)
        logs[file["id"]] = [each["id"] for each in page["records"]]
        assert (
            get("/logs", page=11, size=100, file_id=file["id"], include_trace_children=True)["records"] == []
        )
    assert points == {"dsv_1": 2, "dsv_2": 3}
    assert sorted(map(len, logs.values())) == [1, 1, 3, 4]
    assert [each["id"] for each in evaluations] == ["evr_1"]
    assert len(get("/evaluations/evr_1/runs")["runs"]) == 1
    assert get("/evaluations/evr_1/stats")["status"] == "completed"
    assert len(get("/evaluations/evr_1/logs", page=1, size=100)["records"]) == 2
    assert get("/evaluations/evr_1/logs", page=2, size=100)["records"] == []
    assert vendor.PROMPT in logs
