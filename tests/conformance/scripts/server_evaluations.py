"""Evaluations in which the server makes the outputs: of a prompt, by code, by a model, and with people to follow."""

import json
import os

from humanloop import Humanloop

client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])
KERNEL = {"model": "m", "provider": "endpoint", "temperature": 0}

client.prompts.upsert(
    path="served/Capital", template=[{"role": "user", "content": "ECHO<{{capital}}>"}], **KERNEL
)
client.evaluators.upsert(
    path="served/Exact",
    spec={
        "evaluator_type": "python",
        "arguments_type": "target_required",
        "return_type": "boolean",
        "code": "def exact(log, testcase):\n    return testcase['target']['output'] in log['output']\n",
    },
)
client.evaluators.upsert(
    path="served/Judge",
    spec={
        "evaluator_type": "llm",
        "arguments_type": "target_free",
        "return_type": "boolean",
        "prompt": KERNEL | {"template": [{"role": "user", "content": "It says {{log.output}}. ECHO<true>"}]},
    },
)
client.evaluators.upsert(
    path="served/People",
    spec={"evaluator_type": "human", "arguments_type": "target_free", "return_type": "boolean"},
)
names = ["Paris", "Rome", "Bern", "Oslo"]
checks = client.evaluations.run(
    name="Capitals",
    file={"path": "served/Capital", "type": "prompt"},
    dataset={
        "path": "served/Rows",
        "datapoints": [{"inputs": {"capital": name}, "target": {"output": name}} for name in names],
    },
    evaluators=[
        {"path": "served/Exact", "threshold": 1.0},
        {"path": "served/Judge", "threshold": 0.5},
        {"path": "served/People"},
    ],
)
held = {check.path: check.threshold_check for check in checks}
assert held == {"served/Exact": True, "served/Judge": True, "served/People": None}, held

(evaluation,) = client.evaluations.list(file_id=client.files.retrieve_by_path(path="served/Capital").id)
logs = client.evaluations.get_logs(id=evaluation.id).records
assert {each.log.output for each in logs} == set(names), logs
for each in logs:
    client.evaluators.log(parent_id=each.log.id, path="served/People", judgment=True)
stats = client.evaluations.get_stats(id=evaluation.id)
assert stats.run_stats[0].status == "completed"
assert stats.run_stats[0].num_logs == len(names)
people = stats.run_stats[0].evaluator_stats[2]
assert (people.num_true, people.num_judgments) == (4, 4), people
assert "served/Exact" in stats.report
print(json.dumps({"done": "server_evaluations"}))
