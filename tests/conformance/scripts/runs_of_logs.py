"""Runs that are made of logs: without a dataset, without a version, and without both."""

import json
import os
import time

from humanloop import Humanloop
from humanloop.core.api_error import ApiError

client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])
CODE = "def polite(log):\n    return 'please' in (log['output'] or '')\n"

prompt = client.prompts.upsert(
    path="loose/Answer", model="m", template=[{"role": "user", "content": "{{question}}"}]
)
client.evaluators.upsert(
    path="loose/Polite",
    spec={
        "evaluator_type": "python",
        "arguments_type": "target_free",
        "return_type": "boolean",
        "code": CODE,
    },
)
client.evaluators.upsert(
    path="loose/Outside",
    spec={"evaluator_type": "external", "arguments_type": "target_free", "return_type": "number"},
)
rows = client.datasets.upsert(
    path="loose/Rows", datapoints=[{"inputs": {"question": "Why?"}}, {"inputs": {"question": "How?"}}]
)
evaluation = client.evaluations.create(
    file={"id": prompt.id}, name="Logs", evaluators=[{"path": "loose/Polite"}, {"path": "loose/Outside"}]
)


def ended(run_id: str):
    """The statistics of a run, once it has ended."""
    for _ in range(240):
        (found,) = [
            one for one in client.evaluations.get_stats(id=evaluation.id).run_stats if one.run_id == run_id
        ]
        if found.status == "completed":
            return found
        time.sleep(0.25)
    raise AssertionError(found)


def refused(**named: object) -> ApiError:
    """The error that beginning such a run ends with."""
    try:
        client.evaluations.create_run(id=evaluation.id, **named)
    except ApiError as error:
        return error
    raise AssertionError("it was not refused")


def logged(output: str, **said: object) -> str:
    """The id of a log, which a program judges, too."""
    log_id = client.prompts.log(
        id=prompt.id, inputs={"question": "Why?"}, output=output, log_status="complete", **said
    ).id
    client.evaluators.log(parent_id=log_id, path="loose/Outside", judgment=len(output))
    return log_id


loose = client.evaluations.create_run(id=evaluation.id)
assert (loose.dataset, loose.version, loose.orchestrated, loose.status) == (None, None, False, "pending"), (
    loose
)
log_ids = [logged("Wait, please."), logged("No.")]
added = client.evaluations.add_logs_to_run(evaluation.id, loose.id, log_ids=log_ids)
assert added.id == loose.id, added
polite, outside = ended(loose.id).evaluator_stats
assert (polite.num_true, polite.num_false, outside.num_judgments) == (1, 1, 2), (polite, outside)
page = client.evaluations.get_logs(id=evaluation.id)
assert [each.log.id for each in page.records] == log_ids
assert [each.datapoint for each in page.records] == [None, None]
assert {len(each.evaluator_logs) for each in page.records} == {2}

versioned = client.evaluations.create_run(id=evaluation.id, version={"version_id": prompt.version_id})
assert (versioned.dataset, versioned.version.version_id) == (None, prompt.version_id), versioned
logged("Sit down, please.", run_id=versioned.id)
assert ended(versioned.id).num_logs == 1

of_rows = client.evaluations.create_run(id=evaluation.id, dataset={"version_id": rows.version_id})
assert (of_rows.dataset.version_id, of_rows.version) == (rows.version_id, None), of_rows
points = client.datasets.get(id=rows.id, include_datapoints=True).datapoints
client.evaluations.add_logs_to_run(
    evaluation.id, of_rows.id, log_ids=[logged("please", source_datapoint_id=point.id) for point in points]
)
assert ended(of_rows.id).num_logs == 2
(run,) = [
    one for one in client.evaluations.list_runs_for_evaluation(id=evaluation.id).runs if one.id == of_rows.id
]
assert run.status == "completed", run

error = refused(version={"path": "loose/Answer"}, orchestrated=True)
assert error.status_code == 422, error
assert "needs `version` and `dataset`" in str(error.body), error.body
print(json.dumps({"done": "runs_of_logs"}))
