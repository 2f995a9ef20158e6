"""Calls of prompts, whole and streamed, prompts as files, agents, and lists that are longer than a page."""

import json
import os
import sys

from humanloop import Humanloop
from humanloop.core.api_error import ApiError
from humanloop.error import HumanloopRuntimeError

values = json.loads(sys.argv[1])
client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])
WEATHER = {
    "name": "weather",
    "description": "Tells the weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
template = [
    {"role": "system", "content": "Answer in {{style}}."},
    {"role": "user", "content": "The capital of {{country}}?"},
]
INPUTS = {"style": "verse", "country": "France"}
prompt = client.prompts.upsert(
    path="geo/Capital", model="gpt-4o", template=template, temperature=0.5, max_tokens=-1, tools=[WEATHER]
)
assert (prompt.endpoint, prompt.template_language) == ("chat", "default")

# One call: the provider is the one of the model's maker.
said = client.prompts.call(
    path="geo/Capital",
    inputs=INPUTS,
    messages=[{"role": "user", "content": "And now?"}],
    num_samples=3,
    return_inputs=True,
    source="sdk",
    metadata={"order": 7},
    user="u-1",
    prompts_call_request_environment="production",
)
assert said.prompt.version_id == prompt.version_id
assert [log.index for log in said.logs] == [0, 1, 2]
assert {log.output for log in said.logs} == {"Paris"}
assert all(
    log.finish_reason == "stop" and log.prompt_tokens == 11 and log.output_tokens == 2 for log in said.logs
)
assert said.inputs == INPUTS
assert said.log_id
log = next(iter(client.logs.list(file_id=prompt.id)))
assert (log.source, log.metadata, log.user, log.environment) == ("sdk", {"order": 7}, "u-1", "production")
assert [message.content for message in log.messages][-1] == "And now?"
assert len(list(client.logs.list(file_id=prompt.id))) == 3

# With a key of one's own, which the test looks for at the provider.
own = client.prompts.call(
    id=prompt.id, inputs=INPUTS, provider_api_keys={"openai": values["key"]}, save=False
)
assert own.logs[0].output == "Paris"
assert "Paris" not in json.dumps(client.logs.get(own.log_id)["output"])

# Streamed: pieces of text, then nothing but the call's ends.
pieces = list(client.prompts.call_stream(path="geo/Capital", inputs=INPUTS, num_samples=2))
assert all(piece.output is not None for piece in pieces)
assert {piece.index for piece in pieces} == {0, 1}
assert "".join(piece.output for piece in pieces if piece.index == 0) == "Paris"
assert {piece.prompt_id for piece in pieces} == {prompt.id}

# Content and files that come with the call.
text = client.prompts.serialize(prompt.id)
assert text.startswith("---\n")
assert "{{country}}" in text
kernel = client.prompts.deserialize(prompt=text)
assert (kernel.model, kernel.temperature) == ("gpt-4o", 0.5)
assert (
    client.prompts.call(path="geo/Capital", prompt=text, inputs=INPUTS).prompt.version_id == prompt.version_id
)
tried = client.prompts.call(path="geo/Tried", prompt={"model": "gpt-4o", "template": template}, inputs=INPUTS)
assert tried.prompt.path == "geo/Tried"
filled = client.prompts.populate(prompt.id, request=INPUTS)
assert [message["content"] for message in filled.populated_template] == [
    "Answer in verse.",
    "The capital of France?",
]


def refused(call, **named):
    """The API's error, which the package wraps where it wraps the method."""
    try:
        list(call(**named))
    except HumanloopRuntimeError as error:
        return error.__cause__, True
    except ApiError as error:
        return error, False
    raise AssertionError("it was not refused")


failing = {
    "path": "geo/Failing",
    "prompt": {"model": "gpt-4o", "provider": "failing", "template": values["fault"]},
}
for call, wrapped in ((client.prompts.call, True), (client.prompts.call_stream, False)):
    error, was_wrapped = refused(call, **failing)
    assert isinstance(error, ApiError), error
    assert was_wrapped is wrapped
    detail = error.body["detail"]
    assert (error.status_code, detail["type"], detail["code"], detail["origin"]) == (
        400, "provider_error", "model_not_found", "failing",
    ), error.body  # fmt: skip
    assert detail["message"]
error, _ = refused(client.prompts.call, path="geo/Capital", inputs={})
assert error.status_code == 422
error, was_wrapped = refused(client.prompts.log, path="geo/nowhere", output="x")
assert (error.status_code, was_wrapped) == (404, True)

# Agents are kept and logged.
agent = client.agents.upsert(
    path="geo/Guide", model="gpt-4o", template=template, max_iterations=3,
    tools=[{"type": "inline", "json_schema": WEATHER, "on_agent_call": "stop"}],
)  # fmt: skip
assert client.agents.get(agent.id).version_id == agent.version_id
assert agent.tools[0].json_schema.name == "weather"
assert [each.path for each in client.agents.list(size=5)] == ["geo/Guide"]
agent_text = client.agents.serialize(agent.id)
assert client.agents.deserialize(agent=agent_text).max_iterations == 3
logged = client.agents.log(path="geo/Guide", output="Turn left.", inputs=INPUTS, log_status="incomplete")
client.tools.log(
    path="geo/Weather",
    tool={"function": WEATHER},
    output="rain",
    trace_parent_id=logged.id,
    inputs={"city": "Paris"},
)
client.agents.update_log(agent.id, logged.id, log_status="complete")
(seen,) = client.logs.list(file_id=agent.id, include_trace_children=True)
assert type(seen).__name__ == "AgentLogResponse", seen
assert (seen.agent.path, seen.output, seen.log_status) == ("geo/Guide", "Turn left.", "complete")
assert [child.tool.path for child in seen.trace_children] == ["geo/Weather"]

# More evaluations than a page has: the package pages for a name that is taken, fifty at a time, until a page is empty.
judge = client.evaluators.upsert(
    path="geo/Judge",
    spec={"evaluator_type": "external", "arguments_type": "target_free", "return_type": "boolean"},
)
for number in range(55):
    client.evaluations.create(
        file={"id": prompt.id},
        name=f"Round {number}",
        evaluators=[{"path": "geo/Judge", "orchestrated": False}],
    )
names = [f"Round {number}" for number in reversed(range(55))]
assert [each.name for each in client.evaluations.list(file_id=prompt.id)] == names
assert [each.name for each in client.evaluations.list(file_id=prompt.id, size=50)] == names
pages = [
    [each.name for each in page.items]
    for page in client.evaluations.list(file_id=prompt.id, size=50).iter_pages()
]
assert [page for page in pages if page] == [names[:50], names[50:]], [len(page) for page in pages]
past = client.evaluations.list(file_id=prompt.id, size=50, page=9)
assert past.items == [], "after the last one pages are empty, and no error"
assert client.evaluations.list(file_id=prompt.id).items[0].evaluators[0].orchestrated is False
error, _ = refused(
    client.evaluations.create, file={"id": prompt.id}, name="Round 3", evaluators=[{"path": "geo/Judge"}]
)
assert error.status_code == 409
print(json.dumps({"done": "calls"}))
