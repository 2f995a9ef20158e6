"""Logging, traces and feedback, as somebody does who calls models with code of their own."""

import json
import os

from humanloop import Humanloop

client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])

flow = client.flows.log(
    path="support/Trace",
    flow={"attributes": {"release": "2025-09"}},
    inputs={"question": "Where is my card?"},
    log_status="incomplete",
)
assert flow.id
assert flow.log_status == "incomplete"

call = client.prompts.log(
    path="support/Answer",
    prompt={
        "model": "gpt-4o",
        "temperature": 0.2,
        "template": [{"role": "system", "content": "You help customers of {{bank}}."}],
    },
    messages=[{"role": "user", "content": "Where is my card?"}],
    inputs={"bank": "Monzo"},
    output_message={"role": "assistant", "content": "On its way."},
    prompt_tokens=20,
    output_tokens=4,
    provider_latency=0.7,
    metadata={"customer": 7},
    trace_parent_id=flow.id,
)
assert call.id
assert call.prompt_id
assert call.version_id
again = client.prompts.log(
    path="support/Answer",
    prompt={
        "temperature": 0.2,
        "template": [{"role": "system", "content": "You help customers of {{bank}}."}],
        "model": "gpt-4o",
    },
    output="It was sent.",
)
assert again.version_id == call.version_id, "the order of members is no content"

lookup = client.tools.log(
    path="support/Lookup",
    tool={
        "function": {
            "name": "lookup",
            "description": "Looks a card up.",
            "parameters": {"type": "object", "properties": {"card": {"type": "string"}}, "required": []},
        }
    },
    inputs={"card": "1"},
    output='{"state": "sent"}',
    trace_parent_id=flow.id,
)
assert lookup.tool_id

done = client.flows.update_log(log_id=flow.id, output="On its way.", log_status="complete")
assert done.log_status == "complete"
assert type(done).__name__ == "FlowLogResponse"
assert {type(each).__name__ for each in done.trace_children} == {"PromptLogResponse", "ToolLogResponse"}

stars = client.evaluators.log(
    parent_id=call.id,
    path="support/Rating",
    spec={
        "evaluator_type": "human",
        "arguments_type": "target_free",
        "return_type": "select",
        "options": [{"name": "good", "valence": "positive"}, {"name": "bad", "valence": "negative"}],
    },
    judgment="good",
)
assert stars.id
assert stars.parent_id == call.id
failed = client.evaluators.log(
    parent_id=call.id,
    path="support/Check",
    spec={"evaluator_type": "external", "arguments_type": "target_free", "return_type": "number"},
    error="it broke",
)
assert failed.version_id

found = list(client.logs.list(file_id=call.prompt_id, size=1))
assert [each.id for each in found] == [again.id, call.id], "newest first, page by page"
assert type(found[0]).__name__ == "PromptLogResponse"
logged = found[1]
assert logged.output == "On its way."
assert logged.output_message.content == "On its way."
assert (logged.prompt_tokens, logged.provider_latency) == (20, 0.7)
assert logged.prompt.version_id == call.version_id
assert logged.metadata == {"customer": 7}
assert logged.trace_parent_id == flow.id
judged = {each.evaluator.path: each for each in logged.evaluator_logs}
assert judged["support/Rating"].judgment == "good"
assert judged["support/Check"].error == "it broke"
assert [each.id for each in client.logs.list(file_id=call.prompt_id, search="On its way")] == [call.id]
assert [each.id for each in client.logs.list(file_id=call.prompt_id, metadata_search="customer")] == [call.id]

raw = client.logs.get(id=flow.id)  # a dict: the package cannot resolve its own union here
assert raw["flow"]["path"] == "support/Trace"
assert {each["id"] for each in raw["trace_children"]} == {call.id, lookup.id}

client.logs.delete(id=[again.id])
assert [each.id for each in client.logs.list(file_id=call.prompt_id)] == [call.id]
for own in ("orders/17", "orders%2F18"):
    client.prompts.log(path="support/Own", prompt={"model": "m"}, log_id=own, output="x")
client.prompts.update_log(
    id=client.files.retrieve_by_path(path="support/Own").id, log_id="orders/17", output="y"
)
assert client.logs.get(id="orders/17")["output"] == "y"
assert client.logs.get(id="orders%252F18")["output"] == "x"
print(json.dumps({"done": "logs"}))
