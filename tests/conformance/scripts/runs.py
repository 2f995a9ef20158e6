"""Evaluations and their runs by single calls, and `evaluations.run` in the forms that users write it."""

import json
import os
import sys

from humanloop import Humanloop
from openai import OpenAI

given = json.loads(sys.argv[1])
client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])
model = OpenAI(base_url=given["endpoint"], api_key="k", max_retries=0)

SAME = "def exact(log, testcase):\n    return log['output'] == testcase['target']['output']\n"
exact = client.evaluators.upsert(
    path="runs/Exact",
    spec={
        "evaluator_type": "python", "arguments_type": "target_required", "return_type": "boolean", "code": SAME,
    },
)  # fmt: skip
long = client.evaluators.upsert(
    path="runs/Long",
    spec={
        "evaluator_type": "python", "arguments_type": "target_free", "return_type": "number",
        "code": "def long(log):\n    return len(log['output'] or '')\n",
    },
)  # fmt: skip
points = [{"inputs": {"n": str(n)}, "target": {"output": str(2 * n)}} for n in range(3)]
rows = client.datasets.upsert(path="runs/Numbers", datapoints=points)
rows = client.datasets.get(rows.id, version_id=rows.version_id, include_datapoints=True)
ids = {point.inputs["n"]: point.id for point in rows.datapoints}

# An evaluation by hand: outputs are logged first, and added to a run.
flow = client.flows.upsert(path="runs/Twice", attributes={"release": 1})
evaluation = client.evaluations.create(
    name="By hand", file={"id": flow.id}, evaluators=[{"path": "runs/Exact"}]
)
assert evaluation.runs_count == 0
run = client.evaluations.create_run(
    evaluation.id, dataset={"version_id": rows.version_id}, version={"version_id": flow.version_id},
    orchestrated=False,
)  # fmt: skip
assert (run.orchestrated, run.control, run.status) == (False, True, "pending"), run
assert run.dataset.version_id == rows.version_id
assert run.version.version_id == flow.version_id
logs = [
    client.flows.log(
        id=flow.id, flow={"attributes": {"release": 1}}, inputs={"n": n}, output=str(2 * int(n)),
        source_datapoint_id=ids[n], log_status="complete",
    ).id
    for n in ids
]  # fmt: skip
filled = client.evaluations.add_logs_to_run(evaluation.id, run.id, log_ids=logs)
assert filled.id == run.id
found = client.evaluations.get_logs(evaluation.id, run_id=run.id).records
assert {each.log.id for each in found} == set(logs)
assert {each.datapoint.id for each in found} == set(ids.values())
(listed,) = client.evaluations.list_runs_for_evaluation(evaluation.id).runs
assert listed.id == run.id

grown = client.evaluations.add_evaluators(evaluation.id, evaluators=[{"version_id": long.version_id}])
assert [each.version.path for each in grown.evaluators] == ["runs/Exact", "runs/Long"]
assert [each.orchestrated for each in grown.evaluators] == [True, True]
shrunk = client.evaluations.remove_evaluator(evaluation.id, long.version_id)
assert [each.version.path for each in shrunk.evaluators] == ["runs/Exact"]

second = client.evaluations.create_run(
    evaluation.id, dataset={"path": "runs/Numbers"}, version={"path": "runs/Twice"}, orchestrated=False
)
runs = client.evaluations.list_runs_for_evaluation(evaluation.id).runs
assert [each.id for each in runs] == [second.id, run.id], "the newest comes first"
chosen = client.evaluations.update_evaluation_run(evaluation.id, second.id, control=True)
assert chosen.control
assert [each.control for each in client.evaluations.list_runs_for_evaluation(evaluation.id).runs] == [
    True,
    False,
]
stopped = client.evaluations.update_evaluation_run(evaluation.id, second.id, status="cancelled")
assert stopped.status == "cancelled"
stats = client.evaluations.get_stats(evaluation.id)
assert [each.run_id for each in stats.run_stats] == [second.id, run.id]
assert isinstance(stats.progress, str)
assert isinstance(stats.report, str)
assert client.evaluations.get(evaluation.id).runs_count == 2
other = client.evaluations.create(name="Gone soon", file={"path": "runs/Twice"}, evaluators=[])
client.evaluations.delete(other.id)
assert other.id not in {each.id for each in client.evaluations.list(file_id=flow.id)}


# A prompt that is called by a function of ours.
def twice(n: str) -> str:
    return str(2 * int(n))


EXACT = [{"path": "runs/Exact", "threshold": 1.0}]


def passed(name: str, **file) -> None:
    """A run whose outputs are all right, of the dataset as it is stored."""
    checks = client.evaluations.run(name=name, file=file, dataset={"path": "runs/Numbers"}, evaluators=EXACT)
    assert [check.threshold_check for check in checks] == [True], (name, checks)


def outputs(path: str, kind: str) -> dict:
    """The rows of the only run of the only evaluation of a file, by what went in."""
    (only,) = client.evaluations.list(file_id=client.files.retrieve_by_path(path=path).id)
    (ran,) = client.evaluations.list_runs_for_evaluation(only.id).runs
    assert (ran.status, ran.orchestrated) == ("completed", False)
    found = client.evaluations.get_logs(only.id, run_id=ran.id).records
    assert len(found) == ran.dataset.datapoints_count
    assert all(getattr(each.log, kind).path == path for each in found)
    return {json.dumps(each.datapoint.inputs): each for each in found}


passed("Prompt", path="runs/Prompt", type="prompt", version={"model": "gpt-4o"}, callable=twice)
assert len(outputs("runs/Prompt", "prompt")) == 3


# A function that logs its own call of a model.
def logs_itself(n: str) -> str:
    output = str(2 * int(n))
    client.prompts.log(
        path="runs/Logs itself",
        prompt={"model": "gpt-4o"},
        inputs={"n": n},
        output=output,
        user="one of mine",
    )
    return output


passed("Logs", path="runs/Logs itself", type="prompt", version={"model": "gpt-4o"}, callable=logs_itself)
own = outputs("runs/Logs itself", "prompt")
assert {each.log.user for each in own.values()} == {"one of mine"}, "its own logs are the run's"


# A decorated function: the package wants its version said.
@client.prompt(path="runs/Decorated")
def decorated(n: str) -> str:
    said = model.chat.completions.create(
        model="test", temperature=0.5, messages=[{"role": "user", "content": f"ECHO<{2 * int(n)}>"}]
    )
    return said.choices[0].message.content


asked = {"model": "test", "temperature": 0.5}
passed("Decorated", path="runs/Decorated", type="prompt", version=asked, callable=decorated)
assert len(outputs("runs/Decorated", "prompt")) == 3


# Rows with messages.
def answers(topic: str, messages: list) -> str:
    return f"{topic}: {messages[-1]['content']}"


checks = client.evaluations.run(
    name="Messages",
    file={"path": "runs/Chat", "type": "prompt", "version": {"model": "gpt-4o"}, "callable": answers},
    dataset={
        "path": "runs/Chats",
        "datapoints": [
            {
                "inputs": {"topic": topic},
                "messages": [{"role": "user", "content": "Hello"}, {"role": "user", "content": "Why?"}],
                "target": {"output": f"{topic}: Why?"},
            }
            for topic in ("cards", "loans")
        ],
    },
    evaluators=EXACT,
)
assert [check.threshold_check for check in checks] == [True], checks
for each in outputs("runs/Chat", "prompt").values():
    assert [message.content for message in each.datapoint.messages] == ["Hello", "Why?"]
assert client.datasets.get(rows.id).version_id == rows.version_id, "rows that nobody gave are as they were"
print(json.dumps({"done": "runs"}))
