"""Evaluations of functions of one's own, with evaluators on both sides, again after a change, and of a whole trace."""

import json
import os

from humanloop import Humanloop

client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])

client.evaluators.upsert(
    path="evals/Exact",
    spec={
        "evaluator_type": "python",
        "arguments_type": "target_required",
        "return_type": "boolean",
        "code": "def exact(log, testcase):\n    return log['output'] == testcase['target']['output']\n",
    },
)
DATASET = {
    "path": "evals/Sums",
    "datapoints": [{"inputs": {"a": str(n), "b": "1"}, "target": {"output": str(n + 1)}} for n in range(6)],
}


def short(log: dict) -> float:
    """An evaluator of ours."""
    return float(len(log["output"] or ""))


def add(a: str, b: str) -> str:
    if a == "5":
        raise ValueError("too hard")
    return str(int(a) + int(b))


def evaluators(threshold: float) -> list[dict]:
    return [
        {"path": "evals/Exact", "threshold": threshold},
        {
            "path": "evals/Short",
            "callable": short,
            "args_type": "target_free",
            "return_type": "number",
            "threshold": 0.5,
        },
    ]


checks = client.evaluations.run(
    name="Sums",
    file={"path": "evals/Add", "callable": add, "version": {"attributes": {"release": 1}}},
    dataset=DATASET,
    evaluators=evaluators(0.9),
)
by_path = {check.path: check for check in checks}
assert set(by_path) == {"evals/Exact", "evals/Short"}
exact = by_path["evals/Exact"]
assert (exact.threshold, exact.threshold_check) == (0.9, False), (
    exact
)  # the package gives a first run no score
assert by_path["evals/Short"].threshold_check is True


def add_better(a: str, b: str) -> str:
    return str(int(a) + int(b))


again = client.evaluations.run(
    name="Sums",  # it is there: one run more of the same evaluation
    file={"path": "evals/Add", "callable": add_better, "version": {"attributes": {"release": 2}}},
    dataset=DATASET,
    evaluators=evaluators(0.9),
)
better = {check.path: check for check in again}["evals/Exact"]
assert better.score == 1.0, better
assert better.delta == round(1 - 5 / 6, 2), better
assert better.threshold_check is True
evaluations = list(client.evaluations.list(file_id=client.files.retrieve_by_path(path="evals/Add").id))
assert [each.name for each in evaluations] == ["Sums"]
assert evaluations[0].runs_count == 2


def length(log: dict) -> float:
    """The same evaluator after its code has changed."""
    return 2.0 * len(log["output"] or "")


def label(log: dict) -> str:
    return "long" if len(log["output"] or "") > 1 else "short"


def broken(log: dict) -> bool:
    raise ValueError("broken evaluator")


numeric = {"args_type": "target_free", "return_type": "number"}
changed = client.evaluations.run(
    name="Sums",
    file={"path": "evals/Add", "callable": add_better},
    dataset=DATASET,
    evaluators=[
        {"path": "evals/Exact", "threshold": 0.9},
        {"path": "evals/Short", "callable": length, "threshold": 1.5, **numeric},
    ],
)
twice = {check.path: check for check in changed}["evals/Short"]
assert twice.score == 2.0, twice
assert twice.threshold_check is True

labelled = client.evaluations.run(
    name="Labels",
    file={"path": "evals/Add", "callable": add_better},
    dataset=DATASET,
    evaluators=[
        {"path": "evals/Label", "callable": label, "args_type": "target_free", "return_type": "select"},
        {
            "path": "evals/Broken",
            "callable": broken,
            "args_type": "target_free",
            "return_type": "boolean",
        },
    ],
)
assert labelled == [], "the first run of an evaluation without thresholds has no checks"
add_file = client.files.retrieve_by_path(path="evals/Add").id
(labels,) = [each for each in client.evaluations.list(file_id=add_file) if each.name == "Labels"]
stats = {
    one.version.path: told
    for one, told in zip(
        labels.evaluators, client.evaluations.get_stats(labels.id).run_stats[0].evaluator_stats, strict=True
    )
}
assert stats["evals/Label"].num_judgments_per_option == {"short": 6}, stats
assert stats["evals/Broken"].num_errors == 6, stats


@client.flow(path="evals/Flow")
def decorated(a: str, b: str) -> str:
    return add_better(a, b)


traced = client.evaluations.run(
    name="Traces",
    file={"path": "evals/Flow", "type": "flow", "callable": decorated},
    dataset=DATASET,
    evaluators=[{"path": "evals/Exact", "threshold": 1.0}],
)
assert [check.threshold_check for check in traced] == [True], traced
print(json.dumps({"done": "evaluations"}))
