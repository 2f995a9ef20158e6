"""Evaluators that clients know no type for: all that holds one is read as what it is, and what was read can be sent again."""

import json
import os
import time

from humanloop import Humanloop

client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])
FREE = {"evaluator_type": "builtin", "kind": "length", "settings": {"longest": 20}}


def is_length(evaluator) -> bool:
    spec = evaluator.spec
    assert (type(evaluator).__name__, type(spec).__name__) == (
        "EvaluatorResponse",
        "ExternalEvaluatorRequest",
    )
    assert (spec.evaluator_type, spec.arguments_type) == ("external", "target_free")
    return spec.kind == "length" and spec.settings["longest"] == 20


def until(found):
    end = time.monotonic() + 60
    while not (seen := found()):
        assert time.monotonic() < end, "nobody judged it"
        time.sleep(0.2)
    return seen


length = client.evaluators.upsert(path="own/Length", spec=FREE)
assert is_length(length)
assert is_length(client.evaluators.get(length.id))
assert is_length(client.files.retrieve_by_path(path="own/Length"))
assert all(is_length(each) for each in client.evaluators.list_versions(length.id).records)
assert all(is_length(each) for each in client.evaluators.list(name="Length"))

# What was read is sent again, as an object or as what it holds: it is the same version.
for spec in (length.spec, length.spec.dict(), FREE, {**FREE, "evaluator_type": None}):
    assert client.evaluators.upsert(path="own/Length", spec=spec).version_id == length.version_id, spec
both = client.evaluators.upsert(
    path="own/Both",
    spec={
        "evaluator_type": "builtin",
        "kind": "composite",
        "settings": {"parts": [{"path": "Length", "spec": length.spec.dict()}]},
    },
)
assert client.evaluators.upsert(path="own/Both", spec=both.spec.dict()).version_id == both.version_id
named = {
    "kind": "composite",
    "settings": {"parts": [{"version_id": length.version_id, "spec": length.spec.dict()}]},
}
assert client.evaluators.upsert(path="own/Named", spec=named).spec.kind == "composite"

# Monitors of a flow and of a prompt.
flow = client.flows.upsert(path="own/Flow", attributes={"release": 1})
prompt = client.prompts.upsert(path="own/Prompt", model="m", provider="endpoint", template="ECHO<{{word}}>")
for files, file in ((client.flows, flow), (client.prompts, prompt)):
    watched = files.update_monitoring(file.id, activate=[{"evaluator_version_id": length.version_id}])
    assert is_length(watched.evaluators[0].version_reference.version)
kinds = {"own/Flow": "FlowResponse", "own/Prompt": "PromptResponse"}
for path, kind in kinds.items():
    found = client.files.retrieve_by_path(path=path)
    assert (type(found).__name__, found.path) == (kind, path)
    assert is_length(found.evaluators[0].version_reference.version)
kinds |= dict.fromkeys(("own/Length", "own/Both", "own/Named"), "EvaluatorResponse")
listed = {each.path: type(each).__name__ for each in client.files.list_files(path="own").records}
assert listed == kinds, listed
(folder,) = (each for each in client.directories.list() if each.path == "own")
held = {each.path: type(each).__name__ for each in client.directories.get(folder.id).files}
assert held == kinds, held

trace = client.flows.log(id=flow.id, inputs={"word": "Paris"}, output="Paris", log_status="complete")
client.prompts.log(id=prompt.id, inputs={"word": "Paris"}, output="Paris")
for file, member, kind in ((flow, "flow", "FlowLogResponse"), (prompt, "prompt", "PromptLogResponse")):

    def judged(file=file):
        logs = list(client.logs.list(file_id=file.id))
        return logs if logs[0].evaluator_logs else None

    (log,) = until(judged)
    assert type(log).__name__ == kind
    assert getattr(log, member).path == file.path
    (said,) = log.evaluator_logs
    assert type(said).__name__ == "EvaluatorLogResponse", type(said)
    assert said.evaluator.path == "own/Length"
judgments = list(client.logs.list(file_id=length.id, include_parent=True))
assert {(type(each).__name__, type(each.parent).__name__) for each in judgments} == {
    ("EvaluatorLogResponse", "FlowLogResponse"),
    ("EvaluatorLogResponse", "PromptLogResponse"),
}

# Evaluations: of outputs that a program of one's own makes, and of those that the server makes.
words = ["Paris", "Rome"]
rows = {"path": "own/Rows", "datapoints": [{"inputs": {"word": word}} for word in words]}
for file in (
    {"path": "own/Flow", "callable": lambda word: word},
    {"path": "own/Prompt", "type": "prompt"},
):
    checks = client.evaluations.run(
        name="Lengths", file=file, dataset=rows, evaluators=[{"path": "own/Length", "threshold": 0.5}]
    )
    assert [check.path for check in checks] == ["own/Length"]
    id_ = client.files.retrieve_by_path(path=file["path"]).id
    (evaluation,) = client.evaluations.list(file_id=id_)
    assert is_length(evaluation.evaluators[0].version)
    results = client.evaluations.get_logs(id=evaluation.id).records
    of_log = "FlowLogResponse" if "callable" in file else "PromptLogResponse"
    assert [type(each.log).__name__ for each in results] == [of_log] * 2
    assert {each.log.output for each in results} == set(words)
    assert {type(said).__name__ for each in results for said in each.evaluator_logs} == {
        "EvaluatorLogResponse"
    }
    (run,) = client.evaluations.list_runs_for_evaluation(id=evaluation.id).runs
    assert run.version.path == file["path"]
print(json.dumps({"done": "builtins"}))
