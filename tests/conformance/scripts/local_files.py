"""What came in the SDK's last betas: files pulled into a directory, by the client and by the command, and prompts run from there."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from humanloop import Humanloop
from humanloop.error import HumanloopRuntimeError

URL, KEY = os.environ["HUMANLOOP_BASE_URL"], os.environ["HUMANLOOP_API_KEY"]
home = Path(tempfile.mkdtemp())
os.chdir(home)
client = Humanloop(api_key=KEY, base_url=URL)
template = [
    {"role": "system", "content": "You are {{persona}}.\n\nBe brief."},
    {"role": "user", "content": "{{question}}"},
]
first = client.prompts.upsert(
    path="support/answer", model="gpt-4o", provider="openai", template=template, temperature=0.2
)
second = client.prompts.upsert(
    path="support/answer", model="gpt-4o", provider="openai", template=template, temperature=0.9
)
client.prompts.upsert(
    path="support/deep/summarise", model="gpt-4o", template="Say it in short: {{text}}", endpoint="complete"
)
agent = client.agents.upsert(path="agents/helper", model="gpt-4o", template=template, max_iterations=3)
client.datasets.upsert(path="support/rows", datapoints=[{"inputs": {"question": "Why?"}}])
for number in range(105):
    client.prompts.upsert(path=f"many/prompt {number:03}", model="gpt-4o", template=template)

pulled, failed = client.pull()
assert failed == []
assert len(pulled) == len(set(pulled)) == 108, "every prompt and agent once, over two pages"
assert {"support/answer", "support/deep/summarise", "agents/helper"} <= set(pulled)
assert sorted(path.suffix for path in home.joinpath("humanloop").rglob("*.*")) == [".agent"] + 107 * [
    ".prompt"
]
text = home.joinpath("humanloop/support/answer.prompt").read_text()
assert "temperature: 0.2" in text, "what is deployed"
assert "<system>\n  You are {{persona}}.\n\n  Be brief.\n</system>" in text, text


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """`humanloop pull`."""
    program = [sys.executable, "-m", "humanloop.cli", "pull", "--api-key", KEY, "--base-url", URL, *words]
    return subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)


listed = command("--path", "support", "--local-files-directory", "some", "-v")
assert listed.returncode == 0, listed.stderr
assert "Successfully pulled 2 files" in listed.stdout, listed.stdout
assert home.joinpath("some/support/answer.prompt").read_text() == text
one = command(
    "--path", "agents/helper.agent", "--local-files-directory", "one", "--environment", "production"
)
assert one.returncode == 0, one.stderr
assert [path.name for path in home.joinpath("one").rglob("*.*")] == ["helper.agent"]
missing = command("--environment", "staging of nobody")
assert missing.returncode != 0
assert "staging of nobody" in missing.stdout + missing.stderr, missing

local = Humanloop(api_key=KEY, base_url=URL, use_local_files=True)
logged = local.prompts.log(
    path="support/answer", inputs={"persona": "a clerk", "question": "Why?"}, output="So."
)
assert logged.version_id == first.version_id, "the file is the version that it was made of"
changed = text.replace("temperature: 0.2", "temperature: 0.9")
home.joinpath("humanloop/support/answer.prompt").write_text(changed)
again = Humanloop(api_key=KEY, base_url=URL, use_local_files=True)
called = again.prompts.call(path="support/answer", inputs={"persona": "a clerk", "question": "Why?"})
assert called.prompt.version_id == second.version_id
assert called.logs[0].output, called
home.joinpath("humanloop/support/answer.prompt").write_text(
    text.replace("temperature: 0.2", "temperature: 0.5")
)
third = Humanloop(api_key=KEY, base_url=URL, use_local_files=True)
new = third.prompts.log(
    path="support/answer", inputs={"persona": "a clerk", "question": "Why?"}, output="So."
)
assert new.version_id not in (first.version_id, second.version_id)
assert client.prompts.get(first.id, version_id=new.version_id).temperature == 0.5
of_agent = third.agents.log(
    path="agents/helper", messages=[{"role": "user", "content": "Hello"}], output="Hello."
)
assert of_agent.version_id == agent.version_id
for refused in ({"version_id": first.version_id}, {"environment": "production"}):
    try:
        third.prompts.log(path="support/answer", inputs={}, output="So.", **refused)
    except HumanloopRuntimeError:
        continue
    raise AssertionError(refused)

print(json.dumps({"done": "local_files"}))
