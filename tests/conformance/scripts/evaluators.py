"""Evaluators of the four types come back as they were sent."""

import json
import os

from humanloop import Humanloop

client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])

numbers = client.evaluators.upsert(
    path="judges/numbers",
    spec={
        "evaluator_type": "llm", "arguments_type": "target_required", "return_type": "number",
        "number_limits": {"min": 1, "max": 5, "step": 1}, "number_valence": "negative",
        "attributes": {"team": "support"},
        "prompt": {
            "model": "gpt-4o", "temperature": 0, "response_format": {"type": "json_object"},
            "template": [{"role": "user", "content": "{{log.output}} or {{testcase.target.answer}}?"}],
        },
    },
    version_name="first",
)  # fmt: skip
assert numbers.id.startswith("ev_")
assert numbers.version_id.startswith("evv_")
spec = numbers.spec
assert type(spec).__name__ == "LlmEvaluatorRequest"
assert (spec.arguments_type, spec.return_type, spec.number_valence) == (
    "target_required",
    "number",
    "negative",
)
assert (spec.number_limits.min, spec.number_limits.max, spec.number_limits.step) == (1, 5, 1)
assert spec.prompt.template[0].content == "{{log.output}} or {{testcase.target.answer}}?"
assert spec.prompt.response_format.type == "json_object"
assert spec.attributes == {"team": "support"}
assert [each.name for each in numbers.inputs] == ["log.output", "testcase.target.answer"]

code = client.evaluators.upsert(
    path="judges/code",
    spec={
        "evaluator_type": "python", "arguments_type": "target_free", "return_type": "boolean",
        "code": "def judge(log):\n    return len(log['output'] or '') > 3\n",
    },
)  # fmt: skip
assert type(code.spec).__name__ == "CodeEvaluatorRequest"
assert code.spec.code.startswith("def judge(log):")

options = [{"name": "bad", "valence": "negative"}, {"name": "good", "valence": "positive"}]
people = client.evaluators.upsert(
    path="judges/people",
    spec={
        "evaluator_type": "human", "arguments_type": "target_free", "return_type": "select", "options": options,
        "instructions": "Is it helpful?",
    },
)  # fmt: skip
assert type(people.spec).__name__ == "HumanEvaluatorRequest"
assert [(each.name, each.valence) for each in people.spec.options] == [
    ("bad", "negative"),
    ("good", "positive"),
]
assert people.spec.instructions == "Is it helpful?"

external = client.evaluators.upsert(
    path="judges/external",
    spec={"evaluator_type": "external", "arguments_type": "target_required", "return_type": "boolean"},
)
assert type(external.spec).__name__ == "ExternalEvaluatorRequest"

assert {each.path for each in client.evaluators.list()} == {
    "judges/numbers", "judges/code", "judges/people", "judges/external",
}  # fmt: skip
got = client.evaluators.get(numbers.id)
assert got.spec == numbers.spec
again = client.evaluators.upsert(path="judges/numbers", spec=got.spec.dict())
assert again.version_id == numbers.version_id, "what we were told is what we tell"
assert len(client.evaluators.list_versions(numbers.id, evaluator_aggregates=True).records) == 1
assert (
    client.evaluators.update_evaluator_version(numbers.id, numbers.version_id, name="1").version_name == "1"
)
assert client.evaluators.list_environments(code.id)[0].file.version_id == code.version_id
assert client.evaluators.move(code.id, path="judges/python").path == "judges/python"
client.evaluators.delete(code.id)
assert len(list(client.evaluators.list())) == 3
print(json.dumps({"done": "evaluators"}))
