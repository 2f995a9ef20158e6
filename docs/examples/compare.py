"""From nothing to a comparison, by plain HTTP: two versions of a prompt, real rows, one evaluator, an answer.

    ./whetstone key create --workspace demo --name script --role admin > key.txt
    python docs/examples/compare.py http://127.0.0.1:8000 key.txt
"""

import json
import sys
import time
import urllib.request

URL, KEY = sys.argv[1].rstrip("/"), open(sys.argv[2]).read().strip()


def call(method, path, body=None, kind="application/json"):
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode() if body is not None else None
    headers = {"X-API-KEY": KEY, "Content-Type": kind}
    with urllib.request.urlopen(urllib.request.Request(URL + "/v5" + path, data, headers, method=method)) as answer:
        return json.load(answer)


def prompt(note, system):
    template = [{"role": "system", "content": system}, {"role": "user", "content": "{{message}}"}]
    model = {"provider": "practice", "model": "practice-1"}
    return call("POST", "/prompts", {"path": "Script/Topics", "version_description": note, "template": template, **model})


# 1. A prompt in two versions: the second lists the labels.
ask = "Reply with the topic of the message and nothing else."
first = prompt("Ask for the topic", ask)
second = prompt("List the topics", ask + "\n\nThe topic is one of these:\n- refund\n- delivery\n- password\n- invoice")

# 2. Rows, imported from CSV: everything, or nothing and a list of the lines that are wrong.
texts = {
    "refund": "I want my refund now, please", "delivery": "When does my delivery arrive?",
    "password": "My password does not work", "invoice": "The invoice has the wrong address",
}  # fmt: skip
rows = "message,target.topic\n" + "".join(f'"{text} (case {n})",{topic}\n' for topic, text in texts.items() for n in range(12))
dataset = call("POST", "/datasets", {"path": "Script/Messages", "datapoints": []})
imported = call("POST", f"/datasets/{dataset['id']}/import?action=set&filename=messages.csv", rows, "text/csv")
print(f"{imported['rows']} rows")

# 3. An evaluator, and an evaluation with a run of each version.
judge = call("POST", "/evaluators", {"path": "Script/Right topic", "spec": {"kind": "class_match", "settings": {}}})
name = time.strftime("Do the labels help? %Y-%m-%d %H:%M:%S")
evaluation = call(
    "POST", "/evaluations", {"name": name, "file": {"id": first["id"]}, "evaluators": [{"version_id": judge["version_id"]}]}
)
runs = f"/evaluations/{evaluation['id']}/runs"
for version in (first, second):
    wanted = {"dataset": {"version_id": imported["version_id"]}, "version": {"version_id": version["version_id"]}}
    call("POST", runs, {**wanted, "concurrency": 10})

# 4. Wait, and read what it came to.
while any(run["status"] in ("pending", "running") for run in call("GET", runs)["runs"]):
    time.sleep(0.5)
found = call("GET", f"/evaluations/{evaluation['id']}/comparison?only=better&size=3")
delta = found["summary"]["delta"]
print(f"{found['summary']['verdict']}: {delta['estimate']:+.3f} [{delta['lo']:+.3f}, {delta['hi']:+.3f}], n={delta['n']}")
for record in found["records"]:
    print(f"  {record['datapoint']['inputs']['message']!r}: {record['baseline']['output']} → {record['candidate']['output']}")
print(evaluation["url"])
