"""Evaluations that are run again under their name, with other evaluators than they had: programs of ours, and the server's."""

import json
import os

from humanloop import Humanloop

client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])
DATASET = {
    "path": "again/Sums",
    "datapoints": [{"inputs": {"a": str(n)}, "target": {"output": str(n + 1)}} for n in range(3)],
}


def add(a: str) -> str:
    return str(int(a) + 1)


def exact(log: dict, testcase: dict) -> bool:
    return log["output"] == testcase["target"]["output"]


def short(log: dict) -> bool:
    return len(log["output"]) < 10


def of_ours(path: str, judge: object, args_type: str) -> dict:
    return {
        "path": path,
        "callable": judge,
        "args_type": args_type,
        "return_type": "boolean",
        "threshold": 0.5,
    }


EXACT = of_ours("again/Exact", exact, "target_required")
SHORT = of_ours("again/Short", short, "target_free")
client.evaluators.upsert(
    path="again/Code",
    spec={
        "evaluator_type": "python",
        "arguments_type": "target_free",
        "return_type": "boolean",
        "code": "def answered(log):\n    return bool(log['output'])\n",
    },
)


def run(*evaluators: dict) -> dict:
    checks = client.evaluations.run(
        name="Again",
        file={"path": "again/Add", "callable": add, "version": {"attributes": {"release": 1}}},
        dataset=DATASET,
        evaluators=list(evaluators),
    )
    return {check.path: (check.score, check.threshold_check) for check in checks}


assert set(run(EXACT)) == {"again/Exact"}
both = run(EXACT, SHORT)
assert both == {"again/Exact": (1.0, True), "again/Short": (1.0, True)}, both
with_code = run(EXACT, SHORT, {"path": "again/Code", "threshold": 0.5})
assert with_code["again/Code"] == (1.0, True), with_code
other = run(SHORT)  # the evaluation has `Exact`, too, which judges nothing of this run
assert other == {"again/Short": (1.0, True)}, other
(found,) = client.evaluations.list(file_id=client.files.retrieve_by_path(path="again/Add").id)
stats = client.evaluations.get_stats(found.id)
paths = {one.version.version_id: one.version.path for one in found.evaluators}
last = {paths[one.evaluator_version_id]: one for one in stats.run_stats[0].evaluator_stats}
assert (last["again/Exact"].num_judgments, last["again/Exact"].num_errors) == (0, 0), last
assert stats.progress.endswith("Not judged: 3"), stats.progress
assert (found.runs_count, len(found.evaluators)) == (4, 3)
print(json.dumps({"done": "repeated_evaluations"}))
