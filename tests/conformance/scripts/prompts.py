"""Prompts: write, read, list, name, deploy, move, monitor, delete."""

import json
import os

from humanloop import Humanloop

client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])
template = [
    {"role": "system", "content": "You are {{persona}}."},
    {"role": "user", "content": "{{question}}"},
]

first = client.prompts.upsert(
    path="support/answer", model="gpt-4o", provider="openai", template=template, temperature=0.2,
    version_name="first", version_description="As we began.", tags=["support"],
)  # fmt: skip
assert first.path == "support/answer"
assert first.name == "answer"
assert first.id.startswith("pr_")
assert first.version_id.startswith("prv_")
assert [each.name for each in first.inputs] == ["persona", "question"]
assert first.template == template, "the package leaves the messages as they come"
assert (first.temperature, first.model, first.provider) == (0.2, "gpt-4o", "openai")
assert (first.version_logs_count, first.total_logs_count) == (0, 0)
assert first.created_at
assert first.updated_at
assert first.last_used_at
assert [each.name for each in first.environments] == ["production"]

again = client.prompts.upsert(
    id=first.id, model="gpt-4o", provider="openai", template=template, temperature=0.2
)
assert again.version_id == first.version_id, "the same content is the same version"
second = client.prompts.upsert(
    path="support/answer", model="gpt-4o", template=template, temperature=0.9, attributes={"b": 1, "a": None}
)
assert second.version_id != first.version_id
assert client.prompts.get(first.id).version_id == first.version_id, "the first one is what is deployed"
assert client.prompts.get(first.id, version_id=second.version_id).temperature == 0.9

for number in range(24):
    client.prompts.upsert(path=f"many/prompt {number:02}", model="gpt-4o")
names = [prompt.name for prompt in client.prompts.list(size=10, name="prompt", sort_by="name", order="asc")]
assert names == [f"prompt {number:02}" for number in range(24)], names
assert len(list(client.prompts.list(size=25))) == 25, "the page after a full one is empty"

versions = client.prompts.list_versions(first.id, evaluator_aggregates=True).records
assert [each.version_id for each in versions] == [second.version_id, first.version_id]
assert versions[1].version_name == "first"
client.prompts.patch_prompt_version(first.id, second.version_id, name="warmer", description="Try it.")
named = client.prompts.get(first.id, version_id=second.version_id)
assert (named.version_name, named.version_description) == ("warmer", "Try it.")

places = {each.name: each for each in client.prompts.list_environments(first.id)}
assert set(places) == {"production", "staging"}
assert (places["production"].tag, places["staging"].tag) == ("default", "other")
assert places["production"].file.version_id == first.version_id
assert places["staging"].file is None
deployed = client.prompts.set_deployment(first.id, places["staging"].id, version_id=second.version_id)
assert deployed.version_id == second.version_id
assert client.prompts.get(first.id, environment="staging").version_id == second.version_id
staged = client.files.list_files(type="prompt", environment="staging").records
assert [each.version_id for each in staged] == [second.version_id]
found = client.files.retrieve_by_path(path="support/answer", environment="staging")
assert found.version_id == second.version_id
client.prompts.remove_deployment(first.id, places["staging"].id)
assert client.prompts.list_environments(first.id)[1].file is None

judge = client.evaluators.upsert(
    path="judges/polite",
    spec={
        "evaluator_type": "llm", "arguments_type": "target_free", "return_type": "boolean",
        "prompt": {"model": "gpt-4o", "template": "Is {{log.output}} polite?"},
    },
)  # fmt: skip
watched = client.prompts.update_monitoring(first.id, activate=[{"evaluator_version_id": judge.version_id}])
(monitor,) = watched.evaluators
assert monitor.state == "active"
assert monitor.version_reference.type == "version"
assert monitor.version.version_id == judge.version_id
assert monitor.version_reference.version.path == "judges/polite"
place = {"evaluator_id": judge.id, "environment_id": places["production"].id}
watched = client.prompts.update_monitoring(
    first.id, activate=[place], deactivate=[{"evaluator_version_id": judge.version_id}]
)
assert [each.state for each in watched.evaluators] == ["inactive", "active"]
assert watched.evaluators[1].version_reference.environment.name == "production"
assert watched.evaluators[1].version_reference.file.id == judge.id

moved = client.prompts.move(first.id, path="archive/answer")
assert (moved.path, moved.id) == ("archive/answer", first.id)
assert client.prompts.move(first.id, name="reply").path == "archive/reply"
client.prompts.delete_prompt_version(first.id, client.prompts.upsert(id=first.id, model="gpt-4o").version_id)
client.prompts.delete(first.id)
assert all(each.id != first.id for each in client.prompts.list(size=100))
print(json.dumps({"done": "prompts"}))
