"""Flows, tools and agents as files: read, listed, moved, versioned, deployed, watched and deleted, each by its own client."""

import json
import os

from humanloop import Humanloop
from humanloop.core.api_error import ApiError

client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])

judge = client.evaluators.upsert(
    path="judges/short",
    spec={
        "evaluator_type": "python", "arguments_type": "target_free", "return_type": "boolean",
        "code": "def short(log):\n    return len(log['output'] or '') < 10\n",
    },
)  # fmt: skip
free = {"name": "add", "description": "Adds.", "parameters": {"type": "object", "properties": {}}}
KINDS = {
    "flow": (client.flows, {"attributes": {"release": 1}}, {"attributes": {"release": 2}}),
    "tool": (client.tools, {"function": free}, {"function": free | {"description": "Sums."}}),
    "agent": (client.agents, {"model": "gpt-4o"}, {"model": "gpt-4o", "temperature": 0.5}),
}


def missing(call) -> bool:
    try:
        call()
    except ApiError as error:
        return error.status_code == 404
    return False


for kind, (files, one, two) in KINDS.items():
    first = files.upsert(path=f"all/{kind}", version_name="first", **one)
    second = files.upsert(path=f"all/{kind}", version_description="Better.", **two)
    assert (first.type, first.path, first.name) == (kind, f"all/{kind}", kind)
    assert second.id == first.id
    assert second.version_id != first.version_id
    assert files.upsert(id=first.id, **one).version_id == first.version_id
    assert files.get(first.id).version_id == first.version_id, "the first one is deployed"
    assert files.get(first.id, version_id=second.version_id).version_description == "Better."
    for number in range(12):
        files.upsert(path=f"all/more {number:02}", **one)
    names = [each.name for each in files.list(size=5, name="more", sort_by="name", order="asc")]
    assert names == [f"more {number:02}" for number in range(12)], names

    versions = files.list_versions(first.id, evaluator_aggregates=True).records
    assert [each.version_id for each in versions] == [second.version_id, first.version_id]
    rename = getattr(files, "patch_agent_version" if kind == "agent" else f"update_{kind}_version")
    renamed = rename(first.id, second.version_id, name="second", description="Try it.")
    assert (renamed.version_name, renamed.version_description) == ("second", "Try it.")
    assert files.get(first.id, version_id=second.version_id).version_name == "second"

    places = {each.name: each for each in files.list_environments(first.id)}
    assert places["production"].file.version_id == first.version_id
    assert places["staging"].file is None
    staging = places["staging"].id
    deployed = files.set_deployment(first.id, staging, version_id=second.version_id)
    assert deployed.version_id == second.version_id
    assert files.get(first.id, environment="staging").version_id == second.version_id
    assert [each.name for each in files.get(first.id, environment="staging").environments] == ["staging"]
    files.remove_deployment(first.id, staging)
    assert {each.name: each.file for each in files.list_environments(first.id)}["staging"] is None

    watched = files.update_monitoring(first.id, activate=[{"evaluator_version_id": judge.version_id}])
    (monitor,) = watched.evaluators
    assert (monitor.state, monitor.version_reference.type) == ("active", "version")
    assert monitor.version_reference.version.version_id == judge.version_id
    watched = files.update_monitoring(first.id, deactivate=[{"evaluator_version_id": judge.version_id}])
    assert [each.state for each in watched.evaluators] == ["inactive"]

    # As the package's own examples call them: with nothing to say.
    assert files.update_monitoring(first.id).id == first.id
    assert files.move(first.id).path == first.path
    assert rename(first.id, second.version_id).version_name == "second"
    assert missing(lambda files=files: files.move("id"))

    moved = files.move(first.id, path=f"archive/{kind}")
    assert (moved.id, moved.path) == (first.id, f"archive/{kind}")
    assert files.move(first.id, name="renamed").path == "archive/renamed"
    if kind != "tool":
        folder = client.directories.create(path=f"elsewhere/{kind}")
        assert files.move(first.id, directory_id=folder.id).path == f"elsewhere/{kind}/renamed"
    assert files.get(first.id).name == "renamed"

    third = files.upsert(id=first.id, **{**two, "attributes": {"release": 3}})
    getattr(files, f"delete_{kind}_version")(first.id, third.version_id)
    assert missing(lambda files=files, third=third: files.get(third.id, version_id=third.version_id))
    assert len(files.list_versions(first.id).records) == 2
    files.delete(first.id)
    assert missing(lambda files=files, first=first: files.get(first.id))
    assert missing(lambda files=files, first=first: files.list_versions(first.id))
    assert first.id not in {each.id for each in files.list(size=100)}
    for each in list(files.list(size=100)):
        files.delete(each.id)

# What only some of them have.
logged = client.tools.log(path="math/add", tool={"function": free}, inputs={"a": 1, "b": 2}, output="2")
corrected = client.tools.update(logged.tool_id, logged.id, output="3", error=None, metadata={"by": "me"})
assert corrected["output"] == "3"  # as `logs.get`, a plain object
assert (corrected["metadata"], corrected["inputs"]) == ({"by": "me"}, {"a": 1, "b": 2})
assert corrected["tool"]["id"] == logged.tool_id
assert client.logs.get(logged.id)["output"] == "3"

asked = client.prompts.log(
    path="support/answer", prompt={"model": "gpt-4o"}, inputs={"q": "Why?"}, log_status="incomplete"
)
changed = client.prompts.update_log(
    asked.prompt_id, asked.id, output="So.", output_message={"role": "assistant", "content": "So."},
    log_status="complete", metadata={"tries": 2},
)  # fmt: skip
assert (changed["output"], changed["log_status"], changed["metadata"]) == ("So.", "complete", {"tries": 2})
assert changed["output_message"]["content"] == "So."
assert changed["prompt"]["id"] == asked.prompt_id
assert client.logs.get(asked.id)["inputs"] == {"q": "Why?"}

dataset = client.datasets.upsert(path="all/rows", datapoints=[{"inputs": {"q": "1"}}])
place = next(each for each in client.datasets.list_environments(dataset.id) if each.name == "staging")
client.datasets.set_deployment(dataset.id, place.id, version_id=dataset.version_id)
assert client.datasets.get(dataset.id, environment="staging").version_id == dataset.version_id
client.datasets.remove_deployment(dataset.id, place.id)
assert [each.file is None for each in client.datasets.list_environments(dataset.id)] == [False, True]

spec = judge.spec.dict() | {"code": "def short(log):\n    return len(log['output'] or '') < 5\n"}
shorter = client.evaluators.upsert(path="judges/short", spec=spec)
client.evaluators.set_deployment(judge.id, place.id, version_id=shorter.version_id)
assert client.evaluators.get(judge.id, environment="staging").version_id == shorter.version_id
client.evaluators.remove_deployment(judge.id, place.id)
watched = client.evaluators.update_monitoring(judge.id, activate=[{"evaluator_version_id": judge.version_id}])
assert [each.state for each in watched.evaluators] == ["active"]
client.evaluators.delete_evaluator_version(judge.id, shorter.version_id)
assert [each.version_id for each in client.evaluators.list_versions(judge.id).records] == [judge.version_id]
print(json.dumps({"done": "every_file"}))
