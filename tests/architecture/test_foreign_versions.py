"""A version of another workspace is not there, also for whoever names it beside things of their own."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.core.access import Role
from app.core.database import unit_of_work
from tests import factories
from tests.architecture.world import World, build_world
from tests.web import with_key

Foreign = dict[str, str]
"""Ids of versions of another workspace, by kind of file."""


def _run(own: World, **versions: Any) -> tuple[str, str, dict[str, Any]]:
    return "POST", f"/v5/evaluations/{own.evaluation.id}/runs", versions


REQUESTS = {
    "a call": lambda own, foreign: ("POST", f"/v5/prompts/call?version_id={foreign['prompt']}", {"id": own.prompt.file_id, "inputs": {"question": "?"}}),
    "a call by its version alone": lambda own, foreign: ("POST", f"/v5/prompts/call?version_id={foreign['prompt']}", {"inputs": {"question": "?"}}),
    "a call of a tool": lambda own, foreign: ("POST", f"/v5/tools/call?version_id={foreign['tool']}", {}),
    "a log": lambda own, foreign: (
        "POST", f"/v5/prompts/log?version_id={foreign['prompt']}", {"id": own.prompt.file_id, "output": "x"}),
    "a log by its version alone": lambda own, foreign: (
        "POST", f"/v5/prompts/log?version_id={foreign['prompt']}", {"output": "x"}),
    "a judgment": lambda own, foreign: (
        "POST", f"/v5/evaluators/log?version_id={foreign['evaluator']}", {"parent_id": own.log_id, "judgment": True}),
    "a run's dataset": lambda own, foreign: _run(
        own, dataset={"version_id": foreign["dataset"]}, version={"version_id": own.prompt.id}),
    "a run's version": lambda own, foreign: _run(
        own, dataset={"version_id": own.dataset.id}, version={"version_id": foreign["prompt"]}),
    "an evaluation's evaluator": lambda own, foreign: (
        "POST", f"/v5/evaluations/{own.evaluation.id}/evaluators", {"evaluators": [{"version_id": foreign["evaluator"]}]}),
    "monitoring": lambda own, foreign: (
        "POST", f"/v5/prompts/{own.prompt.file_id}/evaluators", {"activate": [{"evaluator_version_id": foreign["monitor"]}]}),
    "a deployment": lambda own, foreign: (
        "POST", f"/v5/prompts/{own.prompt.file_id}/environments/{own.staging.id}?version_id={foreign['prompt']}", None),
    "a file's version": lambda own, foreign: (
        "GET", f"/v5/prompts/{own.prompt.file_id}?version_id={foreign['prompt']}", None),
    "a part of an evaluator": lambda own, foreign: (
        "POST", "/v5/evaluators", {"path": "mine/both", "spec": {
            "evaluator_type": "builtin", "kind": "composite", "settings": {"parts": [{"version_id": foreign["evaluator"]}]}}}),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_a_version_of_another_workspace_is_not_there(client: TestClient, database: Engine, name: str) -> None:
    with unit_of_work() as session:
        own, other = build_world(session, Role.ADMIN), build_world(session, Role.ADMIN)
        theirs, ours = (
            {
                "prompt": world.prompt,
                "tool": world.tool,
                "dataset": world.dataset,
                "evaluator": world.evaluator,
                "monitor": factories.evaluator(session, world.team.admin, "json_valid"),
            }
            for world in (other, own)
        )
    client = with_key(client, own.team.admin)

    def ask(ids: Foreign) -> tuple[int, str]:
        method, path, body = REQUESTS[name](own, ids)
        answer = client.request(method, path, json=body)
        return answer.status_code, answer.text

    status, said = ask({kind: version.id for kind, version in theirs.items()})
    assert status in (404, 422), said
    assert not any(version.file_id in said for version in theirs.values())
    status, said = ask({kind: version.id for kind, version in ours.items()})
    assert status not in (404, 422, 500), f"the request itself is good: {said}"
