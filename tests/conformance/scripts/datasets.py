"""Datasets: set, add, remove, page through, upload."""

import json
import os

from humanloop import Humanloop

client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])


def row(number):
    return {
        "inputs": {"question": f"question {number}"},
        "messages": [{"role": "user", "content": "Hello."}],
        "target": {"answer": f"answer {number}", "score": 0.5, "labels": ["a", "b"]},
    }


made = client.datasets.upsert(
    path="sets/questions", datapoints=[row(n) for n in range(120)], action="set", attributes={"of": "May"},
    version_name="first",
)  # fmt: skip
assert made.id.startswith("ds_")
assert made.version_id.startswith("dsv_")
assert (made.datapoints_count, made.datapoints) == (120, None)
again = client.datasets.upsert(
    path="sets/questions", datapoints=[row(n) for n in reversed(range(120))], attributes={"of": "May"}
)
assert again.version_id == made.version_id, "a set has no order"
same = client.datasets.upsert(path="sets/questions", datapoints=[], action="add")
assert same.version_id == made.version_id

rows = list(client.datasets.list_datapoints(made.id))
assert len(rows) == 120
assert rows[7].inputs == {"question": "question 7"}
assert rows[7].messages[0].content == "Hello."
assert rows[7].target == {"answer": "answer 7", "score": 0.5, "labels": ["a", "b"]}
assert len({each.id for each in rows}) == 120

more = client.datasets.upsert(
    id=made.id, datapoints=[row(120), row(3)], action="add", include_datapoints=True
)
assert more.datapoints_count == len(more.datapoints) == 121
assert {each.id for each in rows} < {each.id for each in more.datapoints}, "a row keeps its id"
fewer = client.datasets.upsert(id=made.id, datapoints=[row(0)], action="remove", version_id=made.version_id)
assert fewer.datapoints_count == 119
got = client.datasets.get(made.id, version_id=fewer.version_id, include_datapoints=True)
assert len(got.datapoints) == 119
assert client.datasets.get(made.id).version_id == made.version_id

versions = client.datasets.list_versions(made.id, include_datapoints="latest_saved").records
assert [each.datapoints_count for each in versions] == [119, 121, 120]
assert len(versions[0].datapoints) == 119
assert versions[1].datapoints is None
named = client.datasets.update_dataset_version(
    made.id, fewer.version_id, name="fewer", description="One less."
)
assert named.version_name == "fewer"

csv = b"question,target.answer\nfrom a file,yes\nfrom a file too,no\n"
uploaded = client.datasets.upload_csv(
    made.id, file=("rows.csv", csv), version_id=made.version_id, version_name="with a file",
    version_description="From the field.",
)  # fmt: skip
assert uploaded.datapoints_count == 122
assert (uploaded.version_name, uploaded.version_description) == ("with a file", "From the field.")
last = list(client.datasets.list_datapoints(made.id, version_id=uploaded.version_id, size=100))[-1]
assert (last.inputs, last.target) == ({"question": "from a file too"}, {"answer": "no"})

places = {each.name: each for each in client.datasets.list_environments(made.id)}
client.datasets.set_deployment(made.id, places["staging"].id, version_id=uploaded.version_id)
assert client.datasets.get(made.id, environment="staging").version_id == uploaded.version_id
assert [each.id for each in client.datasets.list(name="QUEST")] == [made.id]
assert client.datasets.move(made.id, name="asked").path == "sets/asked"
client.datasets.delete_dataset_version(made.id, more.version_id)
assert len(client.datasets.list_versions(made.id).records) == 3
client.datasets.delete(made.id)
assert list(client.datasets.list()) == []
print(json.dumps({"done": "datasets"}))
