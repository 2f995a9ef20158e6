"""What users do with runs that there are: show one in two evaluations, choose the baseline, end one early."""

import json
import os
import time

from humanloop import Humanloop
from humanloop.core.api_error import ApiError

client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])
SPEC = {"evaluator_type": "python", "arguments_type": "target_free", "return_type": "boolean"}


def made(name: str):
    """An evaluation of the prompt by code."""
    code = f"def {name}(log):\n    return '{name}' in (log['output'] or '')\n"
    client.evaluators.upsert(path=f"steered/{name}", spec=SPEC | {"code": code})
    return client.evaluations.create(
        file={"id": prompt.id}, name=name, evaluators=[{"path": f"steered/{name}"}]
    )


def runs_of(evaluation_id: str) -> dict:
    """The runs of an evaluation by their ids."""
    return {run.id: run for run in client.evaluations.list_runs_for_evaluation(id=evaluation_id).runs}


def ended(evaluation_id: str, run_id: str):
    """The statistics of a run, once it has ended."""
    for _ in range(240):
        stats = client.evaluations.get_stats(id=evaluation_id)
        (found,) = [one for one in stats.run_stats if one.run_id == run_id]
        if found.status == "completed":
            return found
        time.sleep(0.25)
    raise AssertionError(found)


prompt = client.prompts.upsert(
    path="steered/Answer",
    model="m",
    provider="endpoint",
    template=[{"role": "user", "content": "ECHO<{{word}}>"}],
)
first, second = made("please"), made("thanks")

run = client.evaluations.create_run(id=first.id)
log_ids = [
    client.prompts.log(id=prompt.id, output=output, log_status="complete").id
    for output in ("yes, please", "no, thanks", "no thanks")
]
client.evaluations.add_logs_to_run(first.id, run.id, log_ids=log_ids)
assert ended(first.id, run.id).evaluator_stats[0].num_true == 1
client.evaluations.add_existing_run(second.id, run.id)
assert ended(second.id, run.id).evaluator_stats[0].num_true == 2
assert set(runs_of(second.id)) == set(runs_of(first.id)) == {run.id}

assert runs_of(first.id)[run.id].control is True, "the first one is the baseline"
assert runs_of(second.id)[run.id].control is False
cleared = client.evaluations.update_evaluation_run(first.id, run.id, control=False)
assert cleared.control is False, cleared
assert client.evaluations.update_evaluation_run(second.id, run.id, control=True).control is True
assert runs_of(first.id)[run.id].control is False

client.evaluations.remove_run(first.id, run.id)
assert runs_of(first.id) == {}
assert client.logs.get(id=log_ids[0])["output"] == "yes, please"
client.evaluations.remove_run(second.id, run.id)
try:
    client.evaluations.add_existing_run(first.id, run.id)
except ApiError as error:
    status = error.status_code
assert status == 404, "no evaluation had it any more"

rows = client.datasets.upsert(
    path="steered/Rows", datapoints=[{"inputs": {"word": f"please {number}"}} for number in range(3000)]
)
going = client.evaluations.create_run(
    id=first.id,
    dataset={"version_id": rows.version_id},
    version={"version_id": prompt.version_id},
    orchestrated=True,
)
while not client.evaluations.get_stats(id=first.id).run_stats[0].num_logs:
    time.sleep(0.1)
over = client.evaluations.update_evaluation_run(first.id, going.id, status="completed")
assert over.status == "completed", over
time.sleep(3)
stats = ended(first.id, going.id)
assert 0 < stats.num_logs < 3000, stats
(judged,) = stats.evaluator_stats
assert judged.num_true == judged.num_judgments == stats.num_logs, stats
# As the package's own example: no file is named, and the first run says which it is.
third = client.evaluations.create(evaluators=[{"path": "steered/please"}], name="nightly ")
assert third.file_id is None, third
stopped = client.evaluations.create_run(
    id=third.id,
    dataset={
        "version_id": client.datasets.upsert(
            path="steered/One", datapoints=[{"inputs": {"word": "please"}}]
        ).version_id
    },
    version={"version_id": prompt.version_id},
    orchestrated=False,
)
assert client.evaluations.get(id=third.id).file_id == prompt.id
client.evaluations.update_evaluation_run(third.id, stopped.id, status="cancelled")
# A run that was stopped before it had outputs is nothing to compare with; the name is found again as it was sent.
(check,) = client.evaluations.run(
    name="nightly ",
    file={"path": "steered/Answer", "type": "prompt"},
    dataset={"path": "steered/One"},
    evaluators=[{"path": "steered/please", "threshold": 1.0}],
)
assert check.threshold_check is True, check
assert len(client.evaluations.list_runs_for_evaluation(id=third.id).runs) == 2
print(json.dumps({"done": "steered_runs"}))
