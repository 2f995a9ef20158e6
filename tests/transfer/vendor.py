"""An export as Humanloop's tool wrote it, made by hand: the shapes are those of its API, the oddities those of the tool."""

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]
NIA = {"id": "usr_nia", "email_address": "nia@example.com", "full_name": "Nia Novak"}
PRODUCTION = {
    "id": "env_hl_production",
    "name": "production",
    "tag": "default",
    "created_at": "2024-01-01T00:00:00",
}
STAGING = {"id": "env_hl_eu", "name": "eu west", "tag": "other", "created_at": "2024-01-01T00:00:00"}
PROMPT, DATASET, EVALUATOR, PEOPLE, FLOW, TOOL = "pr_1", "ds_1", "ev_1", "ev_2", "fl_1", "tl_1"


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def write_lines(path: Path, records: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def file(kind: str, file_id: str, version_id: str, path: str, **more: Any) -> Json:
    """A file at a version, as the API told it."""
    return {
        "id": file_id, "type": kind, "path": path, "name": path.rpartition("/")[2], "version_id": version_id,
        "directory_id": "dir_support", "description": None, "tags": [], "readme": None, "schema": None,
        "created_at": "2024-05-01T10:00:00.123456", "updated_at": "2024-06-01T10:00:00",
        "last_used_at": "2024-07-01T10:00:00", "created_by": NIA, "version_name": None,
        "version_description": None, "environments": [], "evaluators": [], "evaluator_aggregates": [],
        "version_logs_count": 0, "total_logs_count": 0, "inputs": [], **more,
    }  # fmt: skip


def prompt(version_id: str = "prv_1", text: str = "Answer {{question}}", **more: Any) -> Json:
    content = {
        "model": "gpt-4o", "endpoint": "chat", "provider": "openai", "temperature": 0.7, "max_tokens": -1,
        "template": [{"role": "user", "content": text}], "tools": [], "linked_tools": [], "other": None,
    }  # fmt: skip
    return file("prompt", PROMPT, version_id, "support/answer", **(content | more))


def dataset(version_id: str, count: int, **more: Any) -> Json:
    return file("dataset", DATASET, version_id, "support/questions", datapoints_count=count, **more)


def datapoint(number: int, **more: Any) -> Json:
    return {
        "id": f"dp_{number}", "inputs": {"question": f"question {number}"}, "messages": None,
        "target": {"output": f"answer {number}"}, **more,
    }  # fmt: skip


def evaluator(**more: Any) -> Json:
    spec = {
        "evaluator_type": "python", "arguments_type": "target_required", "return_type": "boolean",
        "code": "def judge(log, testcase):\n    return log['output'] == testcase['target']['output']\n",
    }  # fmt: skip
    return file("evaluator", EVALUATOR, "evv_1", "support/equal", spec=spec, **more)


def people() -> Json:
    spec = {
        "evaluator_type": "human", "arguments_type": "target_free", "return_type": "select",
        "options": [{"name": "good", "valence": "positive"}, {"name": "bad", "valence": "negative"}],
        "instructions": "Would you send it?",
    }  # fmt: skip
    return file("evaluator", PEOPLE, "evv_2", "support/rating", spec=spec)


def flow(**more: Any) -> Json:
    return file("flow", FLOW, "flv_1", "support/agentic", attributes={"commit": "4f2a1c"}, **more)


def log(log_id: str, of: Json, **more: Any) -> Json:
    """A log, with its file within."""
    return {
        "id": log_id, "created_at": "2024-06-02T08:00:00", "start_time": "2024-06-02T08:00:00",
        "end_time": "2024-06-02T08:00:01.500000", "inputs": {"question": "When?"}, "output": "At noon.",
        "error": None, "source": "sdk", "metadata": None, "log_status": None, "trace_parent_id": None,
        "trace_id": None, "source_datapoint_id": None, "user": None, "evaluator_logs": [], "trace_children": [],
        of["type"]: of, **more,
    }  # fmt: skip


def judgment(judgment_id: str, parent_id: str, value: Any, of: Json | None = None, **more: Any) -> Json:
    """The log of an evaluator."""
    return {
        "id": judgment_id, "parent_id": parent_id, "judgment": value, "created_at": "2024-06-02T08:00:02",
        "evaluator_logs": [], "inputs": {}, "evaluator": of or evaluator(), **more,
    }  # fmt: skip


class Export:
    """The folder of an export."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "files").mkdir(parents=True)

    def folder(self, file_id: str) -> Path:
        return self.path / "files" / file_id

    def add(self, *versions: Json, done: bool = True) -> Path:
        """A file with these versions; what it shows is the last. Deployments follow from the versions."""
        folder = self.folder(versions[-1]["id"])
        write(folder / "file.json", versions[-1])
        for version in versions:
            write(folder / "versions" / version["version_id"], version)
        deployments = [
            {
                "version_id": version["version_id"], "environment_id": environment["id"],
                "environment_name": environment["name"], "environment_tag": environment["tag"],
            }
            for version in versions
            for environment in version["environments"]
        ]  # fmt: skip
        write(folder / "deployments.json", deployments)
        if done:
            (folder / ".done").write_text("Export completed successfully.\n")
        return folder

    def rows(self, version_id: str, *parts: list[Json]) -> None:
        for number, records in enumerate(parts, start=1):
            write_lines(self.folder(DATASET) / "datapoints" / version_id / f"{number}.jsonl", records)

    def logs(self, file_id: str, *parts: list[Json]) -> None:
        for number, records in enumerate(parts, start=1):
            write_lines(self.folder(file_id) / "logs" / f"{number}.jsonl", records)

    def evaluation(
        self, runs: list[Json], lines: list[Json], evaluation_id: str = "evr_1", **more: Any
    ) -> Path:
        folder = self.folder(PROMPT) / "evaluations" / evaluation_id
        evaluators = [{"version": evaluator(), "orchestrated": True, "added_at": "2024-06-03T08:00:00"}]
        about = {
            "id": evaluation_id, "name": "Which prompt?", "file_id": PROMPT, "runs_count": len(runs),
            "evaluators": evaluators, "created_at": "2024-06-03T08:00:00", "updated_at": "2024-06-03T09:00:00",
            "created_by": NIA, "url": "https://app.humanloop.com/x",
        }  # fmt: skip
        write(folder / "evaluation.json", about | more)
        stats = [
            {"run_id": run["id"], "num_logs": sum(line["run_id"] == run["id"] for line in lines)}
            for run in runs
        ]
        write(
            folder / "stats.json", {"run_stats": stats, "progress": "", "report": "", "status": "completed"}
        )
        for run in runs:
            write(folder / "runs" / run["id"], run)
        write_lines(folder / "logs" / "1.jsonl", lines)
        return folder


def run(run_id: str, version: Json, rows: Json | None, **more: Any) -> Json:
    return {
        "id": run_id, "orchestrated": True, "added_at": "2024-06-03T08:10:00", "created_at": "2024-06-03T08:10:00",
        "created_by": NIA, "status": "completed", "control": False, "version": version, "dataset": rows, **more,
    }  # fmt: skip
