"""Importing logs, traces and judgments: each once, however often it recurs, and nothing is lost silently."""

from pathlib import Path

from app.core.database import unit_of_work
from tests import factories
from tests.factories import Team
from tests.transfer import vendor
from tests.transfer.exports import imported, rows, whole_export
from tests.transfer.vendor import Export
from tests.web import with_key


def test_a_log_keeps_what_it_said(client, committed_team: Team, tmp_path: Path):
    report = imported(committed_team, whole_export(tmp_path / "export"))
    assert (report.written["logs"], report.written["judgments"]) == (5, 4)
    with_key(client, committed_team.admin)
    log = client.get("/v5/logs/data_alone").json()
    expected = {
        "created_at": "2024-06-02T08:00:00Z", "end_time": "2024-06-02T08:00:01.500000Z", "inputs": {"question": "When?"},
        "output": "At noon.", "prompt_tokens": 10, "prompt_cost": 0.000123, "provider_latency": 1.25, "user": "end-user-1",
        "metadata": {"plan": "gold"}, "messages": [{"role": "user", "content": "Hello"}], "source": "sdk",
        "model": "gpt-4o", "provider": "openai", "log_status": "complete", "trace_id": None,
    }  # fmt: skip
    assert {name: log[name] for name in expected} == expected
    assert log["prompt"]["version_id"] == "prv_2"
    said = log["evaluator_logs"][0]
    assert (said["id"], said["judgment"], said["author"]) == ("data_j2", "good", "end_user:reviewer-7")
    assert said["evaluator"]["id"] == vendor.PEOPLE


def test_a_trace_is_one_tree_again(client, committed_team: Team, tmp_path: Path):
    imported(committed_team, whole_export(tmp_path / "export"))
    with_key(client, committed_team.admin)
    root = client.get("/v5/logs/data_root").json()
    assert [each["id"] for each in root["trace_children"]] == ["data_child"]
    assert root["trace_flow_id"] == vendor.FLOW
    assert root["trace_children"][0]["evaluator_logs"][0]["judgment"] is True


def test_logs_are_counted_as_if_they_had_been_made_here(committed_team: Team, tmp_path: Path):
    imported(committed_team, whole_export(tmp_path / "export"))
    assert rows("select id, logs_count from version where logs_count > 0 order by id") == [
        ("flv_1", 1), ("prv_1", 3), ("prv_2", 1),
    ]  # fmt: skip
    assert rows("select last_used_at::date::text from file where id = 'pr_1'") == [("2024-07-01",)]
    assert rows("select 1 from spend_day") == []


def test_children_that_come_before_their_parents_join_them(client, committed_team: Team, tmp_path: Path):
    export = Export(tmp_path / "export")
    flow = vendor.flow()
    export.add(flow)
    export.add(vendor.prompt())
    logs = [
        vendor.log("leaf", vendor.prompt(), trace_parent_id="middle"),
        vendor.log("middle", vendor.prompt(), trace_parent_id="top"),
        vendor.log("top", flow),
        vendor.log("lonely", vendor.prompt(), trace_parent_id="never exported"),
        vendor.log("itself", vendor.prompt(), trace_parent_id="itself"),
    ]
    for number, log in enumerate(logs, start=1):  # each in a batch of its own: a file's logs end a batch
        export.logs(vendor.PROMPT if log["id"] != "top" else vendor.FLOW, *[[one] for one in logs[:number]])
        assert imported(committed_team, export).is_whole
    with_key(client, committed_team.admin)
    top = client.get("/v5/logs/top").json()
    assert [each["id"] for each in top["trace_children"]] == ["middle"]
    assert [each["id"] for each in top["trace_children"][0]["trace_children"]] == ["leaf"]


def test_several_judgments_of_one_log_by_one_evaluator_are_all_kept(
    client, committed_team: Team, tmp_path: Path
):
    export = Export(tmp_path / "export")
    export.add(vendor.prompt())
    export.add(vendor.people())
    people = vendor.people()
    said = [vendor.judgment(f"j{n}", "l1", value, people) for n, value in enumerate(["good", "bad", None])]
    said.append(vendor.judgment("j3", "l1", ["good"], people, user="someone", marked_completed=True))
    said.append(vendor.judgment("j4", "l1", 0.5, people, error="no"))
    export.logs(vendor.PROMPT, [vendor.log("l1", vendor.prompt(), evaluator_logs=said[:2])])
    export.logs(vendor.PEOPLE, said)
    assert imported(committed_team, export).written["judgments"] == 5
    with_key(client, committed_team.admin)
    found = client.get("/v5/logs/l1").json()["evaluator_logs"]
    assert [each["judgment"] for each in found] == ["good", "bad", None, ["good"], 0.5]
    assert [each["marked_completed"] for each in found] == [False, False, False, True, False]


def test_nothing_watches_imported_logs(client, committed_team: Team, tmp_path: Path):
    export = whole_export(tmp_path / "export")
    imported(committed_team, export)
    with unit_of_work() as session:
        length = factories.evaluator(session, committed_team.admin, "length", longest=10)
    with_key(client, committed_team.admin)
    body = {"activate": [{"evaluator_version_id": length.id}]}
    assert client.post(f"/v5/prompts/{vendor.PROMPT}/evaluators", json=body).status_code == 200
    export.logs(vendor.PROMPT, [vendor.log("later", vendor.prompt())])
    assert imported(committed_team, export).written["logs"] == 1
    assert rows("select 1 from judgment where log_id = 'later'") == []


def test_what_is_left_out_is_counted_with_its_reason(committed_team: Team, tmp_path: Path):
    export = Export(tmp_path / "export")
    export.add(vendor.prompt(version_logs_count=99))
    export.add(vendor.evaluator())
    elsewhere = vendor.file("prompt", "pr_outside", "prv_outside", "other/prompt")
    lines = [
        vendor.log("kept", vendor.prompt(), output=None, trace_children=[vendor.log("outside", elsewhere)]),
        vendor.log("", vendor.prompt()),
        vendor.log("x" * 201, vendor.prompt()),
        {"id": "no version", "output": "x"},
        vendor.log("deep", vendor.prompt(), metadata={"a": _nested(150)}),
        vendor.log(
            "odd",
            vendor.prompt(),
            start_time="yesterday",
            prompt_tokens="many",
            inputs=[1],
            created_at="2024-01-01",
        ),
        vendor.log("big", vendor.prompt(), metadata={"n": 2**70}),
    ]
    export.logs(vendor.PROMPT, lines)
    export.logs(vendor.EVALUATOR, [vendor.judgment("j1", "gone", True), vendor.judgment("j2", None, True)])
    report = imported(committed_team, export)
    assert rows("select id from log order by id") == [("big",), ("kept",), ("odd",)]
    assert rows("select metadata from log where id = 'big'") == [({"n": str(2**70)},)]
    assert {reason: count for (what, reason), count in report.left_out.items()} == {
        "its file is neither in the export nor here": 1,
        "it has no id of up to 200 characters": 2,
        "it names no version": 1,
        "It is nested deeper than 100 levels: flatten it, or store it as a text.": 1,
        "`start_time` is not of the type that it must be": 1,
        "`prompt_tokens` is not of the type that it must be": 1,
        "`inputs` is not of the type that it must be": 1,
        "the log that it is about is not here": 1,
        "it does not say which log it is about": 1,
    }
    assert report.gaps.first[-1] == "files/pr_1: 3 of 99 logs"


def _nested(levels: int):
    return 1 if levels == 0 else [_nested(levels - 1)]


def test_texts_that_postgres_cannot_hold_are_kept_without_what_it_cannot(
    committed_team: Team, tmp_path: Path
):
    export = Export(tmp_path / "export")
    export.add(vendor.prompt())
    export.logs(
        vendor.PROMPT,
        [vendor.log("nul", vendor.prompt(), output="a\0b", inputs={"x\0": "\ud83d"}, error="\0")],
    )
    assert imported(committed_team, export).is_whole
    assert rows("select output, inputs, error from log") == [("a\ufffdb", {"x\ufffd": "?"}, "\ufffd")]


def test_ids_that_lead_elsewhere_are_only_texts(client, committed_team: Team, tmp_path: Path):
    export = Export(tmp_path / "export")
    export.add(vendor.prompt())
    hostile = "../../../etc/passwd\n<script>"
    export.logs(
        vendor.PROMPT,
        [vendor.log(hostile, vendor.prompt(), trace_parent_id="../x", source_datapoint_id="../y")],
    )
    assert imported(committed_team, export).is_whole
    assert rows("select id from log") == [(hostile,)]


def test_logs_of_another_workspace_are_neither_changed_nor_shown(
    client, committed_team: Team, tmp_path: Path
):
    with unit_of_work() as session:
        other = factories.team(session)
        theirs = factories.prompt(session, other.admin)
        log_id = factories.logged(session, other.admin, theirs, log_id="l1", output="theirs")
    export = Export(tmp_path / "export")
    export.add(vendor.prompt())
    export.add(vendor.evaluator())
    stolen = vendor.file("prompt", theirs.file_id, theirs.id, "stolen")
    mine = vendor.log(
        "mine", vendor.prompt(), trace_parent_id="l1", trace_children=[vendor.log("planted", stolen)]
    )
    export.logs(vendor.PROMPT, [vendor.log("l1", vendor.prompt(), output="mine"), mine])
    export.logs(vendor.EVALUATOR, [vendor.judgment("j1", "l1", True)])
    before = (
        rows("select * from log where id = 'l1'"),
        rows("select id, logs_count from version where id = :v", v=theirs.id),
    )
    report = imported(committed_team, export)
    assert before == (
        rows("select * from log where id = 'l1'"),
        rows("select id, logs_count from version where id = :v", v=theirs.id),
    )
    assert report.left_out == {
        ("logs", "another workspace has its id"): 1,
        ("logs", "its file is neither in the export nor here"): 1,
        ("judgments", "the log that it is about is not here"): 1,
    }
    assert log_id == "l1"
    with_key(client, committed_team.admin)
    assert client.get("/v5/logs/l1").status_code == 404


AS_SENT = "select to_jsonb(log) - 'received_at' from log order by id"


def test_importing_logs_again_after_some_were_deleted_brings_them_back(
    client, committed_team: Team, tmp_path: Path
):
    export = whole_export(tmp_path / "export")
    imported(committed_team, export)
    before = rows(AS_SENT)
    with_key(client, committed_team.admin)
    assert client.delete("/v5/logs?id=data_alone").status_code == 204
    report = imported(committed_team, export)
    assert (report.written["logs"], report.written["judgments"], report.there["logs"]) == (1, 1, 4)
    assert rows(AS_SENT) == before
