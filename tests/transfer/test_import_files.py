"""Importing files, versions, rows and deployments."""

from pathlib import Path

import pytest

from app.core.database import unit_of_work
from app.core.errors import Conflict
from app.files import service as files
from app.files.models import FileKind
from tests import factories
from tests.factories import Team
from tests.transfer import vendor
from tests.transfer.exports import everything, imported, rows, whole_export
from tests.transfer.vendor import Export
from tests.web import with_key


def test_everything_keeps_its_id_its_times_and_its_maker(client, committed_team: Team, tmp_path: Path):
    report = imported(committed_team, whole_export(tmp_path / "export"))
    assert report.is_whole, report.lines()
    assert not report.gaps.first
    with_key(client, committed_team.admin)
    shown = client.get(f"/v5/prompts/{vendor.PROMPT}").json()
    assert (shown["path"], shown["version_id"], shown["version_name"]) == ("support/answer", "prv_1", "first")
    assert shown["created_at"] == "2024-05-01T10:00:00.123456Z"
    assert shown["last_used_at"] == "2024-07-01T10:00:00Z"
    assert (shown["template"], shown["temperature"]) == (
        [{"role": "user", "content": "Answer {{question}}"}],
        0.7,
    )
    assert {each["name"] for each in shown["environments"]} == {"production", "eu west"}
    versions = client.get(f"/v5/prompts/{vendor.PROMPT}/versions").json()["records"]
    assert [(each["version_id"], each["version_number"]) for each in versions] == [("prv_2", 2), ("prv_1", 1)]
    assert versions[0]["version_description"] == "Shorter"
    assert versions[0]["version_created_by"]["full_name"] == "Nia Novak"
    assert client.get(f"/v5/prompts/{vendor.PROMPT}?environment=eu%20west").json()["version_id"] == "prv_1"
    directory = client.get(f"/v5/directories/{shown['directory_id']}").json()
    assert (directory["id"], directory["path"]) == ("dir_support", "support")


def test_the_rows_of_each_version_are_those_of_the_export(client, committed_team: Team, tmp_path: Path):
    imported(committed_team, whole_export(tmp_path / "export"))
    with_key(client, committed_team.admin)
    for version, ids in (("dsv_1", ["dp_2", "dp_1"]), ("dsv_2", ["dp_2", "dp_1", "dp_3"])):
        page = client.get(f"/v5/datasets/{vendor.DATASET}/datapoints?version_id={version}").json()
        assert [each["id"] for each in page["records"]] == ids
        assert page["total"] == len(ids)
    assert page["records"][1]["target"] == {"output": "answer 1"}


def test_the_same_content_is_the_same_version_afterwards(client, committed_team: Team, tmp_path: Path):
    imported(committed_team, whole_export(tmp_path / "export"))
    with_key(client, committed_team.admin)
    again = vendor.prompt()
    body = {
        name: again[name] for name in ("path", "model", "provider", "temperature", "max_tokens", "template")
    }
    assert client.post("/v5/prompts", json=body).json()["version_id"] == "prv_1"
    points = [{"inputs": each["inputs"], "target": each["target"]} for each in map(vendor.datapoint, (1, 2))]
    written = client.post("/v5/datasets", json={"path": "support/questions", "datapoints": points}).json()
    assert written["version_id"] == "dsv_1"


def test_importing_twice_changes_nothing(committed_team: Team, tmp_path: Path):
    export = whole_export(tmp_path / "export")
    imported(committed_team, export)
    before = everything()
    report = imported(committed_team, export)
    assert everything() == before
    assert not +report.written
    assert report.is_whole
    assert (report.there["files"], report.there["versions"], report.there["evaluations"]) == (5, 7, 1)
    assert len(rows("select 1 from audit_entry where action = 'workspace.imported'")) == 1


def test_what_judged_the_logs_of_a_file_goes_on(client, committed_team: Team, tmp_path: Path):
    export = Export(tmp_path / "export")
    times = {"created_at": "2024-05-01T10:00:00", "updated_at": "2024-05-02T10:00:00"}
    gone = vendor.evaluator() | {"version_id": "evv_gone"}
    watching = [
        {"version_reference": {"type": "version", "version": vendor.people()}, "state": "inactive", **times},
        {"version_reference": {"type": "version", "version": gone}, "state": "active", **times},
        {
            "version_reference": {"type": "environment", "file": vendor.people(), "environment": vendor.PRODUCTION},
            "state": "active", "version": None, **times,
        },
        {"version_reference": None, "state": 5},
    ]  # fmt: skip
    export.add(vendor.prompt(evaluators=watching))
    export.add(vendor.people())
    report = imported(committed_team, export)
    assert (report.written["monitors"], report.is_whole, report.notes.count) == (2, True, 2)
    assert "is not here" in report.notes.first[0]
    with_key(client, committed_team.admin)

    def shown() -> list[tuple]:
        listed = client.get(f"/v5/prompts/{vendor.PROMPT}").json()["evaluators"]
        return [(each["version_reference"]["type"], each["state"], each["created_at"]) for each in listed]

    moment = "2024-05-01T10:00:00Z"
    assert shown() == [("version", "inactive", moment), ("environment", "active", moment)]
    body = {"activate": [{"evaluator_version_id": "evv_2"}]}
    assert client.post(f"/v5/prompts/{vendor.PROMPT}/evaluators", json=body).status_code == 200
    again = imported(committed_team, export)
    assert (again.written["monitors"], again.there["monitors"]) == (0, 2)
    assert [state for _, state, _ in shown()] == ["active", "active"], "as somebody chose here"


def test_a_newer_export_adds_what_is_new(client, committed_team: Team, tmp_path: Path):
    imported(committed_team, whole_export(tmp_path / "export"))
    newer = whole_export(tmp_path / "newer")
    third = vendor.prompt("prv_3", "Really, {{question}}", created_at="2024-08-01T00:00:00")
    vendor.write(newer.folder(vendor.PROMPT) / "versions" / "prv_3", third)
    newer.rows("dsv_2", [vendor.datapoint(1)])  # rows of a version that is there are not read again
    report = imported(committed_team, newer)
    assert dict(+report.written) == {"versions": 1}
    assert rows("select number, rows_count from version where id in ('prv_3', 'dsv_2') order by id") == [
        (2, 3), (3, None),
    ]  # fmt: skip


def test_an_id_of_another_workspace_stops_everything(committed_team: Team, tmp_path: Path):
    export = whole_export(tmp_path / "export")
    imported(committed_team, export)
    with unit_of_work() as session:
        other = factories.team(session)
    before = everything()
    with pytest.raises(
        Conflict, match=r"Another workspace has 14 of these ids already \(.*Nothing was imported"
    ):
        imported(other, export)
    assert everything() == before


def test_a_path_that_is_taken_is_not_taken_away(client, committed_team: Team, tmp_path: Path):
    with unit_of_work() as session:
        mine = factories.prompt(session, committed_team.admin, "support/answer")
        factories.prompt(session, committed_team.admin, "support/questions/inside")
        factories.prompt(session, committed_team.admin, "support/agentic (imported)")
        factories.prompt(session, committed_team.admin, "support/agentic")
    report = imported(committed_team, whole_export(tmp_path / "export"))
    with_key(client, committed_team.admin)
    paths = {each["id"]: each["path"] for each in client.get("/v5/files?size=100").json()["records"]}
    assert paths[mine.file_id] == "support/answer"
    assert paths[vendor.PROMPT] == "support/answer (imported)"
    assert paths[vendor.DATASET] == "support/questions (imported)"
    assert paths[vendor.FLOW] == "support/agentic (imported 2)"
    assert report.notes.count == 3
    assert report.is_whole


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "a//b", "x" * 200, "", "support/answer/inside", "a\u202eb"]
)
def test_a_path_that_cannot_be_is_replaced_by_the_id(client, committed_team: Team, tmp_path: Path, path: str):
    export = Export(tmp_path / "export")
    with unit_of_work() as session:
        factories.prompt(session, committed_team.admin, "support/answer")
    export.add(vendor.file("flow", "fl_9", "flv_9", path, name=None, attributes={}))
    report = imported(committed_team, export)
    assert rows("select path from file where id = 'fl_9'") == [("imported/fl_9",)]
    assert report.notes.count == 1


def test_a_file_that_was_deleted_here_stays_deleted(committed_team: Team, tmp_path: Path):
    export = whole_export(tmp_path / "export")
    imported(committed_team, export)
    with unit_of_work() as session:
        file = files.get_file(session, committed_team.admin, vendor.FLOW, FileKind.FLOW)
        files.delete_file(session, committed_team.admin, file)
    report = imported(committed_team, export)
    assert report.left_out == {("files", "it was deleted here"): 1}


def test_what_was_deployed_here_since_stays(client, committed_team: Team, tmp_path: Path):
    export = whole_export(tmp_path / "export")
    imported(committed_team, export)
    with_key(client, committed_team.admin)
    production = client.get(f"/v5/prompts/{vendor.PROMPT}/environments").json()[0]["id"]
    client.post(f"/v5/prompts/{vendor.PROMPT}/environments/{production}?version_id=prv_2")
    client.delete(f"/v5/prompts/{vendor.PROMPT}/environments/env_hl_eu")
    imported(committed_team, export)
    shown = client.get(f"/v5/prompts/{vendor.PROMPT}/environments").json()
    running = {each["name"]: (each["file"] or {}).get("version_id") for each in shown}
    assert running == {"production": "prv_2", "staging": None, "eu west": None}


def test_versions_that_are_the_same_here_stay_two(client, committed_team: Team, tmp_path: Path):
    export = Export(tmp_path / "export")
    same = vendor.prompt("prv_b", created_at="2024-05-02T10:00:00", version_name="name", environments=[])
    export.add(same, vendor.prompt("prv_a", version_name="name"))
    report = imported(committed_team, export)
    assert rows("select id, number, name from version order by number") == [
        ("prv_a", 1, "name"),
        ("prv_b", 2, None),
    ]
    assert report.notes.count == 1
    assert rows("select count(distinct content_hash) from version") == [(2,)]


def test_rows_that_are_the_same_stay_two(client, committed_team: Team, tmp_path: Path):
    with unit_of_work() as session:
        factories.dataset(
            session, committed_team.admin, [{"inputs": {"question": "question 1"}, "target": "answer 1"}]
        )
    export = Export(tmp_path / "export")
    export.add(vendor.dataset("dsv_1", 3))
    export.rows("dsv_1", [vendor.datapoint(1), vendor.datapoint(2), {**vendor.datapoint(2), "id": "dp_twin"}])
    assert imported(committed_team, export).is_whole
    with_key(client, committed_team.admin)
    page = client.get(f"/v5/datasets/{vendor.DATASET}/datapoints").json()["records"]
    assert [each["id"] for each in page] == ["dp_1", "dp_2", "dp_twin"]
    before = everything()
    imported(committed_team, export)
    assert everything() == before


def test_prompts_stay_linked_to_tools_that_come_along(client, committed_team: Team, tmp_path: Path):
    export = Export(tmp_path / "export")
    function = {"name": "weather", "description": "", "strict": True, "parameters": {}}
    links = [
        {"id": "tl_1", "version_id": "tv_1", **function},
        {"id": "tl_2", "version_id": "tv_2", **function, "name": "time"},
    ]
    export.add(vendor.prompt(linked_tools=links))
    export.add(vendor.file("tool", "tl_1", "tv_1", "tools/weather", function=function))
    report = imported(committed_team, export)
    with_key(client, committed_team.admin)
    shown = client.get(f"/v5/prompts/{vendor.PROMPT}").json()
    assert [each["id"] for each in shown["linked_tools"]] == ["tl_1"]
    assert [each["name"] for each in shown["tools"]] == ["time"], "which is not here"
    assert report.notes.count == 1


def test_linked_tools_become_tools_of_the_version(client, committed_team: Team, tmp_path: Path):
    export = Export(tmp_path / "export")
    linked = [
        {
            "id": "tl_1",
            "version_id": "tv_1",
            "name": "weather",
            "description": "",
            "strict": True,
            "parameters": {},
        }
    ]
    export.add(vendor.prompt(linked_tools=linked))
    report = imported(committed_team, export)
    with_key(client, committed_team.admin)
    shown = client.get(f"/v5/prompts/{vendor.PROMPT}").json()
    assert [each["name"] for each in shown["tools"]] == ["weather"]
    assert shown["linked_tools"] == []
    assert report.notes.count == 1


def test_what_cannot_be_stored_is_left_out_and_named(client, committed_team: Team, tmp_path: Path):
    export = whole_export(tmp_path / "export")
    versions = export.folder(vendor.PROMPT) / "versions"
    vendor.write(versions / "prv_bad", vendor.prompt("prv_bad", temperature="hot"))
    vendor.write(versions / "prv_other", vendor.prompt("prv_1"))
    (versions / "prv_torn").write_text('{"version_id": ')
    export.add(vendor.file("spell", "sp_1", "spv_1", "magic"))
    export.add(vendor.file("flow", "fl_7", "flv_7", "x", attributes={"deep": _nested(200)}))
    (export.path / "files" / "fl_8").mkdir()
    (export.folder(vendor.DATASET) / "datapoints" / "dsv_1" / "2.jsonl").write_text(
        '{"id": "dp_9"}\n{"x": 1}\nnonsense\n'
    )
    report = imported(committed_team, export)
    assert {(what, reason.split(" (")[0]): count for (what, reason), count in report.left_out.items()} == {
        ("versions", "its content cannot be stored"): 1,
        ("versions", "its version_id is not its name"): 1,
        ("versions", "it cannot be read"): 1,
        ("files", "it is of no known type"): 1,
        ("files", "It is nested deeper than 100 levels: flatten it, or store it as a text."): 1,
        ("files", "its file.json cannot be read"): 1,
        ("rows of datasets", "the row has neither inputs nor a target"): 1,
        ("rows of datasets", "it has no id of up to 200 characters"): 1,
        ("rows of datasets", "the line cannot be read"): 1,
    }
    assert "files/ds_1/datapoints/dsv_1/2.jsonl, line 3" in "\n".join(report.lines())
    assert "files/pr_1/versions/prv_bad" in "\n".join(report.lines())
    assert rows("select rows_count from version where id = 'dsv_1'") == [(2,)]


def _nested(levels: int):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


def test_an_evaluator_that_cannot_judge_here_is_kept_for_its_judgments(
    client, committed_team: Team, tmp_path: Path
):
    export = Export(tmp_path / "export")
    spec = {
        "evaluator_type": "llm",
        "return_type": "number",
        "prompt": {"model": "gpt-4", "template": "Rate it"},
    }
    export.add(vendor.evaluator() | {"spec": spec})
    report = imported(committed_team, export)
    with_key(client, committed_team.admin)
    shown = client.get(f"/v5/evaluators/{vendor.EVALUATOR}").json()["spec"]
    assert (shown["evaluator_type"], shown["return_type"], shown["attributes"]) == (
        "external",
        "number",
        {"imported": spec},
    )
    assert report.is_whole
    assert "does not judge by itself" in report.notes.first[0]


def test_an_export_that_did_not_end_says_so(committed_team: Team, tmp_path: Path):
    export = Export(tmp_path / "export")
    export.add(vendor.prompt(version_logs_count=7), done=False)
    export.add(vendor.dataset("dsv_1", 5))
    export.rows("dsv_1", [vendor.datapoint(1)])
    report = imported(committed_team, export)
    assert report.gaps.first == [
        "files/ds_1/datapoints/dsv_1: 1 of 5 rows",
        "files/pr_1: it has no .done, so its export did not come to its end",
        "files/pr_1: 0 of 7 logs (logs were not exported)",
    ]
    assert report.is_whole
