"""Functions with the decorators of the SDK: their calls become logs in one trace, without a word more."""

import json
import os
import sys
import time

from humanloop import Humanloop
from humanloop.error import HumanloopRuntimeError
from openai import OpenAI

values = json.loads(sys.argv[1])
client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])
model = OpenAI(api_key="k", base_url=values["endpoint"])


@client.tool(path="agent/Calculator", attributes={"release": 2}, setup_values={"places": 3})
def calculator(operation: str, numbers: list[int]) -> str:
    """Calculates."""
    return str(sum(numbers)) if operation == "add" else "?"


@client.prompt(path="agent/Answer")
def answer(question: str) -> str:
    said = model.chat.completions.create(
        model="gpt-4o",
        temperature=0.25,
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}],
    )
    return said.choices[0].message.content


@client.flow(path="agent/Flow", attributes={"release": "2025-09"})
def ask(question: str) -> str:
    total = calculator(operation="add", numbers=[1, 2])
    return f"{answer(f'{question} ECHO<{total}>')}!"


@client.flow(path="agent/Broken")
def broken() -> str:
    raise ValueError("no idea")


@client.tool(path="agent/Lookup")
def look_up(question: str) -> str:
    """Looks up."""
    return client.prompts.call(path="agent/not there", inputs={"question": question})


@client.flow(path="agent/Given up")
def given_up(question: str) -> str:
    return look_up(question)


try:
    given_up("Who?")
except HumanloopRuntimeError:
    pass
else:
    raise AssertionError("a call that fails breaks the function off")
said = ask("What is it?")
assert "3" in said, said
assert broken() is None

deadline = time.monotonic() + 30
while True:  # spans leave on a thread of their own
    files = {file.path: file for file in client.files.list_files(path="agent").records}
    log = None
    if "agent/Flow" in files:
        log = next(iter(client.logs.list(file_id=files["agent/Flow"].id, include_trace_children=True)), None)
    if log and log.log_status == "complete" and len(log.trace_children or []) == 2:
        broke = next(iter(client.logs.list(file_id=files["agent/Broken"].id)))
        if broke.log_status == "complete":
            break
    seen = log and (log.log_status, [child.id for child in log.trace_children or []])
    assert time.monotonic() < deadline, (list(files), seen)
    time.sleep(0.2)

assert list(client.logs.list(file_id=files["agent/Given up"].id)) == []
assert len(client.flows.list_versions(files["agent/Given up"].id).records) == 1
assert "agent/Lookup" not in files
assert log.output == said
assert log.inputs == {"question": "What is it?"}
assert log.flow.attributes == {"release": "2025-09"}
assert broke.error == "no idea"

children = {child.__class__.__name__: child for child in log.trace_children}
tool, call = children["ToolLogResponse"], children["PromptLogResponse"]
assert tool.output == "3"
assert tool.tool.function.name == "calculator"
assert tool.tool.function.parameters["required"] == ["operation", "numbers"]
assert tool.tool.attributes == {"release": 2}
assert tool.tool.setup_values == {"places": 3}
assert call.prompt.model == "gpt-4o"
assert call.prompt.temperature == 0.25
assert [message.role for message in call.messages] == ["system", "user"]
assert "3" in call.output_message.content
assert call.prompt_tokens > 0
assert call.output_tokens > 0
print(json.dumps({"done": "decorators"}))
