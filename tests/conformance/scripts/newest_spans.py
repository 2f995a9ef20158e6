"""`evaluations.run` over a decorated flow where ended spans cannot be changed: nothing says which row an output is of."""

import json
import os
import time
from importlib.metadata import version

from humanloop import Humanloop

assert tuple(map(int, version("opentelemetry-sdk").split(".")[:2])) >= (1, 43)
client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])

client.evaluators.upsert(
    path="newest/Exact",
    spec={
        "evaluator_type": "python", "arguments_type": "target_required", "return_type": "boolean",
        "code": "def exact(log, testcase):\n    return log['output'] == testcase['target']['output']\n",
    },
)  # fmt: skip
rows = [{"inputs": {"a": str(n), "b": "1"}, "target": {"output": str(n + 1)}} for n in range(4)]


@client.flow(path="newest/Flow")
def add(a: str, b: str) -> str:
    return str(int(a) + int(b))


began = time.monotonic()
for _ in range(2):
    checks = client.evaluations.run(
        name="Sums",
        file={"path": "newest/Flow", "type": "flow", "callable": add},
        dataset={"path": "newest/Sums", "datapoints": rows},
        evaluators=[{"path": "newest/Exact", "threshold": 1.0}],
    )
    assert [check.threshold_check for check in checks] == [True], checks
assert time.monotonic() - began < 60, "no run waits until it is given up"
(evaluation,) = client.evaluations.list(file_id=client.files.retrieve_by_path(path="newest/Flow").id)
for run in client.evaluations.list_runs_for_evaluation(evaluation.id).runs:
    found = client.evaluations.get_logs(evaluation.id, run_id=run.id).records
    assert len(found) == 4
    for each in found:
        assert each.log.inputs == each.datapoint.inputs, "each output is of the row that was asked"
print(json.dumps({"done": "newest_spans"}))
