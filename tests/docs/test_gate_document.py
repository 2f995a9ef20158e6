"""The commands of the document about the gate run as they stand there, against the whole application with its worker."""

import argparse
import json
import shlex
import shutil
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx2
import pytest
import yaml

from app.commands import gate
from app.embedded.layout import CLONE
from tests.application import Application
from tests.docs.test_examples import LOUD, Workspace, blocks

DOCUMENT = "gate.md"
TEMPLATE = "Reply with the topic of the message and nothing else.\n\nThe topic is one of these:\n- refund\n- delivery"
ASKED = {"refund": "I want a refund of order {}", "delivery": "When does delivery {} arrive?"}


def _prepare(workspace: Workspace) -> None:
    """The evaluation that the document is about: two versions on the same 80 rows, the newer one in staging."""
    with httpx2.Client(headers={"x-api-key": workspace.key}, timeout=60) as client:

        def send(path: str, body: Any = None) -> Any:
            answer = client.request("GET" if body is None else "POST", f"{workspace.url}/v5{path}", json=body)
            assert answer.is_success, answer.text
            return answer.json()

        messages = [{"role": "system", "content": TEMPLATE}, {"role": "user", "content": "{{message}}"}]
        prompt = {
            "path": "support/intents",
            "provider": "practice",
            "model": "practice-1",
            "template": messages,
        }
        old, new = (send("/prompts", {**prompt, "temperature": each}) for each in (0.1, 0.2))
        staging = next(each["id"] for each in send("/environments") if each["name"] == "staging")
        send(f"/prompts/{new['id']}/environments/{staging}?version_id={new['version_id']}", {})
        points = [
            {"inputs": {"message": text.format(n)}, "target": {"topic": topic}}
            for n in range(40)
            for topic, text in ASKED.items()
        ]
        rows = send("/datasets", {"path": "support/messages", "datapoints": points})
        spec = {"kind": "class_match", "settings": {}}
        send("/evaluators", {"path": "support/right intent", "spec": spec})
        judged = [{"path": "support/right intent"}]
        body = {"name": "Support intents", "file": {"id": old["id"]}, "evaluators": judged}
        url = f"/evaluations/{send('/evaluations', body)['id']}/runs"
        for version in (old, new):
            named = {"dataset": rows["version_id"], "version": version["version_id"]}
            send(url, {name: {"version_id": each} for name, each in named.items()})
        deadline = time.monotonic() + 100
        while any(run["status"] != "completed" for run in send(url)["runs"]):
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_the_commands_of_the_gate_run(running_app: Application, tmp_path: Path) -> None:
    if missing := [name for name in ("bash", "curl", "jq") if shutil.which(name) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    running_app.run("init", "--workspace", "Gates", "--email", "gates@example.com").check_returncode()
    made = running_app.run("key", "create", "--workspace", "gates", "--name", "k", "--role", "admin")
    workspace = Workspace(running_app.url, made.stdout.strip(), tmp_path)
    _prepare(workspace)
    (tmp_path / "whetstone").symlink_to(CLONE / "whetstone")

    named = f"export WHETSTONE_BASE_URL={workspace.url} WHETSTONE_API_KEY={workspace.key}\n"
    said = workspace.run("bash", LOUD + named + "\n".join(blocks(DOCUMENT, "sh")))

    assert said.count("Gate passed: 2 passed") == 1
    assert said.count("Gate passed: 3 passed") == 1
    assert '"decision": "passed"' in said
    decision = json.loads((tmp_path / "gate.json").read_text())
    assert [check["n"] for check in decision["checks"]] == [80, 0, 0]
    assert ET.fromstring((tmp_path / "gate.xml").read_bytes()).attrib["tests"] == "3"
    assert "### Gate passed" in (tmp_path / "gate.md").read_text()
    assert (tmp_path / "report.csv").read_text().startswith("evaluation_id,")


def test_the_workflow_is_one_and_asks_for_options_that_there_are() -> None:
    (text,) = [text for text in blocks(DOCUMENT, "") if text.startswith("name: ")]
    steps = yaml.safe_load(text)["jobs"]["gate"]["steps"]
    (run,) = [step["run"] for step in steps if "run" in step]
    words = shlex.split(run)
    assert words[:2] == ["whetstone/whetstone", "gate"]
    asked = _parser().parse_args(words[2:])
    assert (asked.min, asked.no_regression) == ([("support/right intent", 0.8)], [])


def test_every_option_is_documented() -> None:
    text = (CLONE / "docs" / DOCUMENT).read_text()
    options = {
        word for action in _parser()._actions for word in action.option_strings if word.startswith("--")
    }
    assert [option for option in sorted(options - {"--help"}) if option not in text] == []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    gate.arguments(parser)
    return parser
