"""Directories, and the list of all files."""

import json
import os

from humanloop import Humanloop

client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])

client.prompts.upsert(path="a/b/prompt", model="gpt-4o")
client.datasets.upsert(path="a/rows", datapoints=[{"inputs": {"x": "1"}}])
client.evaluators.upsert(
    path="judges/human",
    spec={"evaluator_type": "human", "arguments_type": "target_free", "return_type": "boolean"},
)
by_path = {each.path: each for each in client.directories.list()}
assert set(by_path) == {"", "a", "a/b", "judges"}
root = client.directories.get("root")
assert root.id == by_path[""].id
assert root.parent_id is None
a = client.directories.get(by_path["a"].id)
assert [each.path for each in a.subdirectories] == ["a/b"]
assert [each.path for each in a.files] == ["a/rows"]
assert a.files[0].datapoints_count == 1
assert [each.id for each in a.parents] == [root.id]

made = client.directories.create(path="c/d")
assert client.directories.create(name="e", parent_id=made.id).path == "c/d/e"
assert client.directories.update(made.id, name="f").path == "c/f"
assert {each.path for each in client.directories.list()} > {"c/f", "c/f/e"}
inner = next(each for each in client.directories.list() if each.path == "c/f/e")
client.directories.delete(inner.id)
client.directories.delete(made.id)

listed = client.files.list_files(sort_by="name", order="asc")
assert (listed.page, listed.size, listed.total) == (1, 10, 3)
assert [(each.path, each.type) for each in listed.records] == [
    ("judges/human", "evaluator"), ("a/b/prompt", "prompt"), ("a/rows", "dataset"),
]  # fmt: skip
assert [type(each).__name__ for each in listed.records] == [
    "EvaluatorResponse", "PromptResponse", "DatasetResponse",
]  # fmt: skip
both = client.files.list_files(type=["prompt", "dataset"], path="a", size=100)
assert {each.path for each in both.records} == {"a/b/prompt", "a/rows"}
assert client.files.list_files(page=9).records == []
assert client.files.list_files(template=True).records == []
assert client.files.retrieve_by_path(path="a/rows").type == "dataset"
print(json.dumps({"done": "directories"}))
