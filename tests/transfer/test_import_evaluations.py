"""Importing evaluations: their reports say what they said, and what cannot be told is left out with its reason."""

import json
from pathlib import Path

from tests.factories import Team
from tests.transfer import vendor
from tests.transfer.exports import everything, imported, rows, whole_export
from tests.web import signed_in, with_key

LOGS = Path("logs") / "1.jsonl"


def test_a_run_has_its_outputs_in_the_order_of_the_dataset(client, committed_team: Team, tmp_path: Path):
    report = imported(committed_team, whole_export(tmp_path / "export"))
    assert report.is_whole, report.lines()
    with_key(client, committed_team.admin)
    about = client.get("/v5/evaluations/evr_1").json()
    assert (about["name"], about["created_at"], about["updated_at"]) == (
        "Which prompt?", "2024-06-03T08:00:00Z", "2024-06-03T09:00:00Z",
    )  # fmt: skip
    assert about["created_by"]["full_name"] == "Nia Novak"
    assert [each["version"]["version_id"] for each in about["evaluators"]] == ["evv_1"]
    (run,) = client.get("/v5/evaluations/evr_1/runs").json()["runs"]
    assert (run["id"], run["status"], run["control"], run["items_count"], run["done_count"], run["failed_count"]) == (
        "run_1", "completed", True, 2, 2, 0,
    )  # fmt: skip
    logs = client.get("/v5/evaluations/evr_1/logs").json()["records"]
    assert [each["log"]["id"] for each in logs] == [
        "data_row_2",
        "data_row_1",
    ]  # the order of the dataset's rows
    assert [each["evaluator_logs"][0]["judgment"] for each in logs] == [False, True]
    (stats,) = client.get("/v5/evaluations/evr_1/stats").json()["run_stats"]
    assert (stats["num_logs"], stats["evaluator_stats"][0]["num_true"]) == (2, 1)


def test_its_report_can_be_read(client, committed_team: Team, tmp_path: Path):
    imported(committed_team, whole_export(tmp_path / "export"))
    signed_in(client, committed_team.admin)
    slug = committed_team.workspace.slug
    for path in ("evaluations/evr_1", "evaluations/evr_1/rows", "prompts/pr_1", "files", "datasets/ds_1"):
        answer = client.get(f"/w/{slug}/{path}")
        assert answer.status_code == 200, (path, answer.text[:500])
    assert "50" in client.get(f"/w/{slug}/evaluations/evr_1").text


def test_rows_without_an_output_say_so_and_repeats_are_told_apart(
    client, committed_team: Team, tmp_path: Path
):
    export = whole_export(tmp_path / "export")
    first, three = vendor.prompt(), vendor.dataset("dsv_2", 3)
    lines = [
        {
            "run_id": "run_2",
            "datapoint": vendor.datapoint(2),
            "log": vendor.log(f"again_{n}", first),
            "evaluator_logs": [],
        }
        for n in range(2)
    ]
    failed = vendor.log("failed", first, output=None, error="429: too many requests")
    lines.append({"run_id": "run_2", "datapoint": vendor.datapoint(3), "log": failed, "evaluator_logs": []})
    export.evaluation([vendor.run("run_2", first, three)], lines, "evr_2", name=None)
    assert imported(committed_team, export).is_whole
    assert rows(
        "select position, datapoint_id, repeat, log_id, error, state from run_item where run_id = 'run_2' order by 1"
    ) == [
        (0, "dp_2", 0, "again_0", None, "done"),
        (1, "dp_2", 1, "again_1", None, "done"),
        (2, "dp_1", 0, None, "The export has no output of this row.", "done"),
        (3, "dp_1", 1, None, "The export has no output of this row.", "done"),
        (4, "dp_3", 0, "failed", "429: too many requests", "done"),
        (5, "dp_3", 1, None, "The export has no output of this row.", "done"),
    ]
    assert rows("select repeats, items_count, failed_count from run where id = 'run_2'") == [(2, 6, 4)]
    assert rows("select name from evaluation where id = 'evr_2'") == [("Evaluation evr_2",)]


def test_an_output_of_a_row_that_the_dataset_does_not_have_is_kept(committed_team: Team, tmp_path: Path):
    export = whole_export(tmp_path / "export")
    line = {
        "run_id": "run_3",
        "datapoint": vendor.datapoint(3),
        "log": vendor.log("beside", vendor.prompt()),
        "evaluator_logs": [],
    }
    export.evaluation(
        [vendor.run("run_3", vendor.prompt(), vendor.dataset("dsv_1", 2), status="cancelled")],
        [line],
        "evr_3",
    )
    imported(committed_team, export)
    assert rows("select datapoint_id, state from run_item where run_id = 'run_3' order by position") == [
        ("dp_2", "pending"), ("dp_1", "pending"), ("dp_3", "done"),
    ]  # fmt: skip
    assert rows("select name from evaluation where id = 'evr_3'") == [("Which prompt? (evr_3)",)]


def test_outputs_beside_the_dataset_are_each_there_once(client, committed_team: Team, tmp_path: Path):
    export = whole_export(tmp_path / "export")
    first = vendor.prompt()

    def line(log_id: str, datapoint: dict | None, repeat: int) -> dict:
        log = vendor.log(log_id, first)
        return {"run_id": "run_4", "datapoint": datapoint, "repeat": repeat, "log": log, "evaluator_logs": []}

    lines = [
        line("one", vendor.datapoint(1), 1),
        line("other", vendor.datapoint(1), 1),
        line("gone", {"id": "dp_of_nobody"}, 1),
        line("loose", None, 1),
    ]
    export.evaluation([vendor.run("run_4", first, None)], lines, "evr_4", name="Beside")
    assert imported(committed_team, export).is_whole
    found = rows("select datapoint_id, repeat, log_id from run_item where run_id = 'run_4' order by position")
    assert found == [("dp_1", 0, "one"), ("dp_1", 1, "other"), ("gone", 0, "gone"), ("loose", 0, "loose")]
    assert rows("select items_count from run where id = 'run_4'") == [(4,)]
    signed_in(client, committed_team.admin)
    page = client.get(f"/w/{committed_team.workspace.slug}/evaluations/evr_4/rows/3")
    assert page.status_code == 200, "every row has its number"


def test_runs_that_cannot_be_told_here_are_left_out_and_their_logs_kept(committed_team: Team, tmp_path: Path):
    export = whole_export(tmp_path / "export")
    first, data = vendor.prompt(), vendor.dataset("dsv_1", 2)
    runs = [
        vendor.run("run_gone", vendor.prompt("prv_gone"), data),
        vendor.run("run_data_gone", first, vendor.dataset("dsv_gone", 2)),
        vendor.run("run_1", first, data),
        vendor.run("run_going", first, data, status="running"),
    ]
    log = vendor.log("without", first)
    lines = [{"run_id": None, "datapoint": None, "log": log, "evaluator_logs": []}]
    folder = export.evaluation(runs, [*lines, {"run_id": "run_1", "datapoint": None, "log": None}], "evr_9")
    (folder / "runs" / "run_torn").write_text("{")
    people = {"version": vendor.people() | {"version_id": "evv_gone"}, "orchestrated": False}
    about = json.loads((folder / "evaluation.json").read_text())
    vendor.write(folder / "evaluation.json", about | {"evaluators": [people, *about["evaluators"]]})
    report = imported(committed_team, export)
    assert rows("select id, status from run order by id") == [
        ("run_1", "completed"),
        ("run_going", "cancelled"),
    ]
    assert rows("select count(*) from log where id = 'without'") == [(1,)]
    assert {reason.split(" (")[0] for _, reason in report.left_out} == {
        "its version is not here, or is no prompt or flow",
        "the version of its dataset is not here",
        "it is of no run: the log is kept",
        "the line has no log",
        "it cannot be read",
        "the evaluator is not here",
    }
    assert report.notes.count == 2  # the name that is taken, and the run that went on


def test_runs_of_logs_and_of_two_evaluations_are_kept(client, committed_team: Team, tmp_path: Path):
    export = whole_export(tmp_path / "export")
    first, data = vendor.prompt(), vendor.dataset("dsv_1", 2)
    runs = [
        vendor.run("run_no_data", first, None, created_at="2024-06-03T08:11:00"),
        vendor.run("run_no_version", None, data, created_at="2024-06-03T08:12:00"),
        vendor.run("run_1", first, data),
    ]
    loose, known, beside = (vendor.log(log_id, first) for log_id in ("loose", "known", "beside"))
    lines = [
        {"run_id": "run_no_data", "datapoint": None, "log": loose, "evaluator_logs": []},
        {"run_id": "run_no_data", "datapoint": vendor.datapoint(1), "log": known, "evaluator_logs": []},
        {"run_id": "run_no_version", "datapoint": None, "log": beside, "evaluator_logs": []},
    ]
    export.evaluation(runs, lines, "evr_9")
    report = imported(committed_team, export)
    assert report.is_whole, report.lines()
    assert rows("select id, evaluation_id, orchestrated, items_count from run order by id") == [
        ("run_1", "evr_1", True, 2),
        ("run_no_data", "evr_9", False, 2),
        ("run_no_version", "evr_9", False, 3),
    ]
    items = "select position, datapoint_id, log_id from run_item where run_id = '{}' order by 1"
    assert rows(items.format("run_no_data")) == [(0, "loose", "loose"), (1, "dp_1", "known")]
    assert rows(items.format("run_no_version")) == [
        (0, "dp_2", None),
        (1, "dp_1", None),
        (2, "beside", "beside"),
    ]
    assert rows("select evaluation_id, run_id, control from shared_run") == [("evr_9", "run_1", False)]
    before = everything()
    again = imported(committed_team, export)
    assert (again.written["runs"], again.there["runs"]) == (0, 4)
    assert everything() == before

    signed_in(with_key(client, committed_team.admin), committed_team.admin)
    stats = client.get("/v5/evaluations/evr_9/stats").json()["run_stats"]
    assert {one["run_id"]: one["num_logs"] for one in stats} == {
        "run_no_version": 3,
        "run_no_data": 2,
        "run_1": 2,
    }
    for path in ("", "/rows", "/rows/1"):
        page = client.get(f"/w/{committed_team.workspace.slug}/evaluations/evr_9{path}")
        assert page.status_code == 200, page.text


def test_fewer_outputs_than_were_counted_are_a_gap(committed_team: Team, tmp_path: Path):
    export = whole_export(tmp_path / "export")
    folder = export.folder(vendor.PROMPT) / "evaluations" / "evr_1"
    (folder / LOGS).write_text((folder / LOGS).read_text().splitlines(keepends=True)[0])
    report = imported(committed_team, export)
    assert "files/pr_1/evaluations/evr_1/runs/run_1: 1 of 2 outputs" in report.gaps.first


def test_a_newer_export_adds_a_run_and_changes_none(committed_team: Team, tmp_path: Path):
    export = whole_export(tmp_path / "export")
    imported(committed_team, export)
    before = everything()
    line = {
        "run_id": "run_2",
        "datapoint": vendor.datapoint(1),
        "log": vendor.log("new", vendor.prompt()),
        "evaluator_logs": [],
    }
    runs = [vendor.run(run_id, vendor.prompt(), vendor.dataset("dsv_1", 2)) for run_id in ("run_1", "run_2")]
    export.evaluation(runs, [line])
    report = imported(committed_team, export)
    assert (report.written["runs"], report.there["runs"]) == (1, 1)
    after = everything()
    assert set(before["run"]) < set(after["run"])
    assert set(before["run_item"]) < set(after["run_item"])
