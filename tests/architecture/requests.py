"""For every route of the application, a valid request: what the access test sends as everybody."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests import factories
from tests.architecture.world import World


@dataclass(frozen=True)
class Call:
    """A valid request to one route."""

    path: dict[str, Any] = field(default_factory=dict)
    json: Any = None
    form: dict[str, Any] | None = None
    query: dict[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    upload: tuple[str, bytes] | None = None
    """The part `file` of a form."""
    names_things: bool = True
    """Whether it names something of the world: then a stranger gets 404."""


Make = Callable[[World], Call]


def _of_kind(kind: str, version: str, newer: str) -> dict[str, Make]:
    def file(world: World) -> dict[str, str]:
        return {"file_id": getattr(world, version).file_id}

    def newest(world: World) -> dict[str, str]:
        return {**file(world), "version_id": getattr(world, newer).id}

    def staged(world: World) -> dict[str, str]:
        return {**file(world), "environment_id": world.staging.id}

    base = f"/v5/{kind}s"
    return {
        f"GET {base}": lambda w: Call(names_things=False),
        f"GET {base}/{{file_id}}": lambda w: Call(file(w)),
        f"DELETE {base}/{{file_id}}": lambda w: Call(file(w)),
        f"PATCH {base}/{{file_id}}": lambda w: Call(file(w), json={"name": "renamed"}),
        f"GET {base}/{{file_id}}/versions": lambda w: Call(file(w)),
        f"PATCH {base}/{{file_id}}/versions/{{version_id}}": lambda w: Call(
            newest(w), json={"name": "named"}
        ),
        f"DELETE {base}/{{file_id}}/versions/{{version_id}}": lambda w: Call(newest(w)),
        f"POST {base}/{{file_id}}/environments/{{environment_id}}": lambda w: Call(
            staged(w), query={"version_id": getattr(w, newer).id}
        ),
        f"DELETE {base}/{{file_id}}/environments/{{environment_id}}": lambda w: Call(staged(w)),
        f"GET {base}/{{file_id}}/environments": lambda w: Call(file(w)),
        f"POST {base}/{{file_id}}/evaluators": lambda w: Call(
            file(w), json={"activate": [{"evaluator_version_id": w.human.id}]}
        ),
    }


def _without(requests: dict[str, Make], end: str) -> dict[str, Make]:
    return {route: make for route, make in requests.items() if not route.endswith(end)}


def _evaluation(world: World, **more: Any) -> dict[str, str]:
    return {"evaluation_id": world.evaluation.id, **more}


def _dataset(world: World) -> dict[str, str]:
    return {"file_id": world.dataset.file_id}


def _draft(world: World) -> dict[str, str]:
    return {"file_id": world.prompt.file_id}


def _rows_wanted(world: World) -> dict[str, Any]:
    return {
        "prompt_id": world.prompt.file_id,
        "rows": 2,
        "columns": ["inputs.question", "target.answer"],
        "examples": 0,
        "inputs": {"question": "Which?"},
    }


def _generation(world: World) -> dict[str, str]:
    return {"file_id": world.training.file_id, "generation_id": world.row_generation.id}


REQUESTS: dict[str, Make] = {
    **_of_kind("prompt", "prompt", "unused_prompt"),
    **_without(_of_kind("dataset", "dataset", "newer_dataset"), "/evaluators"),  # no logs, no monitors
    **_of_kind("evaluator", "evaluator", "newer_evaluator"),
    **_of_kind("tool", "tool", "newer_tool"),
    **_of_kind("flow", "flow", "newer_flow"),
    **_of_kind("agent", "agent", "newer_agent"),
    **{
        f"{method} /health/{probe}": lambda w: Call(names_things=False)
        for method in ("GET", "HEAD")
        for probe in ("live", "ready")
    },
    "GET /metrics": lambda w: Call(names_things=False),
    "GET /signin": lambda w: Call(names_things=False),
    "POST /signin": lambda w: Call(
        form={"email": w.team.admin.email, "password": factories.PASSWORD}, names_things=False
    ),
    "GET /signin/link/{token}": lambda w: Call({"token": w.link}, names_things=False),
    "POST /signin/link/{token}": lambda w: Call({"token": w.link}, names_things=False),
    "POST /signout": lambda w: Call(form={}, names_things=False),
    "GET /": lambda w: Call(names_things=False),
    "GET /v5/files": lambda w: Call(names_things=False),
    "POST /v5/files/retrieve-by-path": lambda w: Call(json={"path": w.prompt.file.path}),
    "POST /v5/files/{file_id}/copy": lambda w: Call(
        {"file_id": w.dataset.file_id}, json={"path": "made/copy", "version_id": w.newer_dataset.id}
    ),
    "POST /v5/files/{file_id}/restore": lambda w: Call(
        {"file_id": w.trashed.id}, json={"path": "made/restored"}
    ),
    "POST /v5/deletions/{deletion_id}/restore": lambda w: Call({"deletion_id": w.trashed.deletion_id}),
    "GET /v5/trash": lambda w: Call(names_things=False),
    "GET /v5/search": lambda w: Call(query={"q": "world"}, names_things=False),
    "GET /v5/overview": lambda w: Call(names_things=False),
    "GET /v5/directories": lambda w: Call(names_things=False),
    "POST /v5/directories": lambda w: Call(json={"path": "made/here"}, names_things=False),
    "GET /v5/directories/structure": lambda w: Call(names_things=False),
    "GET /v5/directories/{directory_id}": lambda w: Call({"directory_id": w.directory.id}),
    "PATCH /v5/directories/{directory_id}": lambda w: Call(
        {"directory_id": w.directory.id}, json={"name": "other"}
    ),
    "DELETE /v5/directories/{directory_id}": lambda w: Call({"directory_id": w.directory.id}),
    "GET /v5/environments": lambda w: Call(names_things=False),
    "POST /v5/environments": lambda w: Call(json={"name": "made"}, names_things=False),
    "PATCH /v5/environments/{environment_id}": lambda w: Call(
        {"environment_id": w.spare.id}, json={"name": "other"}
    ),
    "DELETE /v5/environments/{environment_id}": lambda w: Call({"environment_id": w.spare.id}),
    "GET /v5/prompts/{file_id}/draft": lambda w: Call(_draft(w)),
    "PUT /v5/prompts/{file_id}/draft": lambda w: Call(
        _draft(w), json={"content": {"model": "practice-1", "template": "Hi"}}
    ),
    "DELETE /v5/prompts/{file_id}/draft": lambda w: Call(_draft(w), query={"base_version_id": w.prompt.id}),
    "GET /v5/prompts/{file_id}/pinned-rows": lambda w: Call(_draft(w)),
    "PUT /v5/prompts/{file_id}/pinned-rows": lambda w: Call(
        _draft(w), json={"rows": [{"dataset_id": w.dataset.file_id, "datapoint_id": w.datapoint_id}]}
    ),
    "GET /v5/prompts/{file_id}/draft/history": lambda w: Call(_draft(w)),
    "POST /v5/prompts/{file_id}/draft/history/{state_id}/restore": lambda w: Call(
        _draft(w) | {"state_id": w.draft_state_id}
    ),
    "POST /v5/prompts": lambda w: Call(json={"id": w.prompt.file_id, "model": "practice-1", "template": []}),
    "POST /v5/tools": lambda w: Call(json={"id": w.tool.file_id, "function": {"name": "made"}}),
    "POST /v5/flows": lambda w: Call(json={"id": w.flow.file_id, "attributes": {"commit": "made"}}),
    "POST /v5/datasets": lambda w: Call(
        json={"id": w.dataset.file_id, "datapoints": [{"inputs": {"q": "new"}}]}
    ),
    "GET /v5/datasets/{file_id}/datapoints": lambda w: Call({"file_id": w.dataset.file_id}),
    "POST /v5/datasets/{file_id}/datapoints/csv": lambda w: Call(
        {"file_id": w.dataset.file_id}, upload=("rows.csv", b"question,target\nnew,yes\n")
    ),
    "GET /v5/datasets/{file_id}/health": lambda w: Call({"file_id": w.dataset.file_id}),
    "GET /v5/datasets/{file_id}/draft": lambda w: Call(_dataset(w)),
    "GET /v5/datasets/{file_id}/draft/datapoints": lambda w: Call(_dataset(w)),
    "POST /v5/datasets/{file_id}/draft/datapoints": lambda w: Call(
        _dataset(w), json={"datapoints": [{"inputs": {"question": "added"}}]}
    ),
    "PATCH /v5/datasets/{file_id}/draft/datapoints": lambda w: Call(
        _dataset(w), json={"rows": [{"id": w.datapoint_id, "values": {"target.answer": "edited"}}]}
    ),
    "POST /v5/datasets/{file_id}/draft/bulk": lambda w: Call(
        _dataset(w), json={"action": "split", "ids": [w.datapoint_id], "split": "test"}
    ),
    "POST /v5/datasets/{file_id}/draft/rebase": lambda w: Call(_dataset(w)),
    "POST /v5/datasets/{file_id}/draft/commit": lambda w: Call(_dataset(w), json={"note": "made"}),
    "DELETE /v5/datasets/{file_id}/draft": lambda w: Call(_dataset(w)),
    "POST /v5/datasets/{file_id}/draft/restore": lambda w: Call({"file_id": w.training.file_id}),
    "GET /v5/datasets/{file_id}/generations": lambda w: Call({"file_id": w.training.file_id}),
    "POST /v5/datasets/{file_id}/generations": lambda w: Call(_dataset(w), json=_rows_wanted(w)),
    "POST /v5/datasets/{file_id}/generations/estimate": lambda w: Call(_dataset(w), json=_rows_wanted(w)),
    "GET /v5/datasets/{file_id}/generations/{generation_id}": lambda w: Call(_generation(w)),
    "POST /v5/datasets/{file_id}/generations/{generation_id}/stop": lambda w: Call(_generation(w)),
    "POST /v5/datasets/{file_id}/import": lambda w: Call(
        {"file_id": w.dataset.file_id}, content=b"question,target\nnew,yes\n", query={"filename": "rows.csv"}
    ),
    "POST /v5/evaluators": lambda w: Call(
        json={"id": w.evaluator.file_id, "spec": {"kind": "contains", "settings": {}}}
    ),
    "POST /v5/evaluators/log": lambda w: Call(
        query={"version_id": w.human.id}, json={"parent_id": w.log_id, "judgment": True}
    ),
    "GET /v5/evaluator-kinds": lambda w: Call(names_things=False),
    "GET /v5/statistics": lambda w: Call(names_things=False),
    "POST /v5/statistics/{name}": lambda w: Call(
        {"name": "proportion_wilson"}, json={"successes": 45, "n": 50}, names_things=False
    ),
    "POST /v5/evaluator-databases": lambda w: Call(
        upload=("made.sqlite", factories.sqlite_file("create table t (a)")), names_things=False
    ),
    "GET /v5/evaluations/{evaluation_id}/links": lambda w: Call(_evaluation(w)),
    "POST /v5/evaluations/{evaluation_id}/links": lambda w: Call(_evaluation(w), json={"days": 30}),
    "DELETE /v5/evaluations/{evaluation_id}/links/{link_id}": lambda w: Call(
        _evaluation(w, link_id=w.report_link.id)
    ),
    "POST /v5/evaluations": lambda w: Call(
        json={
            "file": {"id": w.prompt.file_id},
            "name": "made",
            "evaluators": [{"version_id": w.evaluator.id}],
        }
    ),
    "GET /v5/evaluations": lambda w: Call(names_things=False),
    "GET /v5/evaluations/{evaluation_id}": lambda w: Call(_evaluation(w)),
    "PATCH /v5/evaluations/{evaluation_id}": lambda w: Call(_evaluation(w), json={"name": "renamed"}),
    "DELETE /v5/evaluations/{evaluation_id}": lambda w: Call(_evaluation(w)),
    "POST /v5/evaluators/{evaluator_id}/test": lambda w: Call(
        {"evaluator_id": w.evaluator.file_id},
        json={"log": {"output": "a"}, "testcase": {"target": {"answer": "a"}}},
    ),
    "GET /v5/evaluators/{evaluator_id}/agreement": lambda w: Call({"evaluator_id": w.evaluator.file_id}),
    "POST /v5/evaluations/{evaluation_id}/evaluators": lambda w: Call(
        _evaluation(w), json={"evaluators": [{"version_id": w.evaluator.id}]}
    ),
    "DELETE /v5/evaluations/{evaluation_id}/evaluators/{evaluator_version_id}": lambda w: Call(
        _evaluation(w, evaluator_version_id=w.evaluator.id)
    ),
    "POST /v5/evaluations/{evaluation_id}/runs": lambda w: Call(
        _evaluation(w), json={"dataset": {"version_id": w.dataset.id}, "version": {"version_id": w.prompt.id}}
    ),
    "GET /v5/evaluations/{evaluation_id}/estimate": lambda w: Call(
        {"evaluation_id": w.evaluation.id}, query={"dataset": w.dataset.id, "version": w.prompt.id}
    ),
    "GET /v5/evaluations/{evaluation_id}/runs": lambda w: Call(_evaluation(w)),
    "PATCH /v5/evaluations/{evaluation_id}/runs/{run_id}": lambda w: Call(
        _evaluation(w, run_id=w.going_run.id), json={"status": "cancelled"}
    ),
    "POST /v5/evaluations/{evaluation_id}/runs/{run_id}": lambda w: Call(
        {"evaluation_id": w.quiet_evaluation.id, "run_id": w.run.id}
    ),
    "DELETE /v5/evaluations/{evaluation_id}/runs/{run_id}": lambda w: Call(
        _evaluation(w, run_id=w.cancelled_run.id)
    ),
    "POST /v5/evaluations/{evaluation_id}/runs/{run_id}/logs": lambda w: Call(
        _evaluation(w, run_id=w.waiting_run.id), json={"log_ids": []}
    ),
    "POST /v5/evaluations/{evaluation_id}/runs/{run_id}/retry": lambda w: Call(
        _evaluation(w, run_id=w.failed_run.id)
    ),
    "POST /v5/evaluations/{evaluation_id}/runs/{run_id}/resume": lambda w: Call(
        _evaluation(w, run_id=w.cancelled_run.id)
    ),
    "GET /v5/evaluations/{evaluation_id}/events": lambda w: Call({"evaluation_id": w.quiet_evaluation.id}),
    "POST /v5/evaluations/{evaluation_id}/gate": lambda w: Call(
        _evaluation(w),
        json={
            "candidate": w.failed_run.id,
            "baseline": w.run.id,
            "min": {w.evaluator.file.path: 0.5},
            "no_regression": True,
            "min_rows": 2,
        },
    ),
    "GET /v5/evaluations/{evaluation_id}/report": lambda w: Call(_evaluation(w)),
    "GET /v5/evaluations/{evaluation_id}/stats": lambda w: Call(_evaluation(w)),
    "GET /v5/evaluations/{evaluation_id}/logs": lambda w: Call(_evaluation(w)),
    "GET /v5/evaluations/{evaluation_id}/lineage": lambda w: Call(
        {"evaluation_id": w.compared_evaluation.id}
    ),
    "GET /v5/evaluations/{evaluation_id}/comparison": lambda w: Call(
        _evaluation(w), query={"baseline": w.run.id, "candidate": w.failed_run.id}
    ),
    "POST /v5/comments": lambda w: Call(json={"log_id": w.log_id, "body": "@Reviewer, is it?"}),
    "GET /v5/comments": lambda w: Call(query={"log_id": w.log_id}),
    "PATCH /v5/comments/{comment_id}": lambda w: Call({"comment_id": w.comment.id}, json={"body": "It is."}),
    "DELETE /v5/comments/{comment_id}": lambda w: Call({"comment_id": w.comment.id}),
    "GET /v5/mentions": lambda w: Call(names_things=False),
    "POST /v5/mentions/read": lambda w: Call(json={"comment_ids": [w.comment.id]}, names_things=False),
    "GET /v5/mentionable-people": lambda w: Call(names_things=False),
    "POST /v5/review-queues": lambda w: Call(
        json={
            "evaluation_id": w.evaluation.id,
            "evaluators": [{"version_id": w.human.id}],
            "reviewers": [w.team.admin.user_id],
            "run_ids": [w.run.id],
        }
    ),
    "GET /v5/review-queues": lambda w: Call(names_things=False),
    "GET /v5/review-queues/{queue_id}": lambda w: Call({"queue_id": w.disputed_queue.id}),
    "PATCH /v5/review-queues/{queue_id}": lambda w: Call({"queue_id": w.queue.id}, json={"closed": True}),
    "GET /v5/review-queues/{queue_id}/items": lambda w: Call({"queue_id": w.queue.id}),
    "POST /v5/review-queues/{queue_id}/items/{place}": lambda w: Call(
        {"queue_id": w.queue.id, "place": 1},
        json={"answers": [{"evaluator_version_id": w.human.id, "judgment": True}], "note": "Short."},
    ),
    "POST /v5/review-queues/{queue_id}/undo": lambda w: Call({"queue_id": w.queue.id}),
    "GET /v5/review-queues/{queue_id}/guests": lambda w: Call({"queue_id": w.queue.id}),
    "POST /v5/review-queues/{queue_id}/guests": lambda w: Call(
        {"queue_id": w.queue.id}, json={"links": 2, "per_item": 1, "days": 7}
    ),
    "POST /v5/review-queues/{queue_id}/guests/{guest_id}/link": lambda w: Call(
        {"queue_id": w.queue.id, "guest_id": w.guest.id}, json={"days": 7}
    ),
    "DELETE /v5/review-queues/{queue_id}/guests/{guest_id}": lambda w: Call(
        {"queue_id": w.queue.id, "guest_id": w.guest.id}
    ),
    "GET /v5/review-queues/{queue_id}/targets": lambda w: Call({"queue_id": w.disputed_queue.id}),
    "POST /v5/review-queues/{queue_id}/targets": lambda w: Call(
        {"queue_id": w.disputed_queue.id}, json={"dataset_id": w.dataset.file_id, "into": "draft"}
    ),
    "GET /v5/logs": lambda w: Call(query={"file_id": w.prompt.file_id}),
    "GET /v5/library": lambda w: Call(names_things=False),
    "POST /v5/library/{start}": lambda w: Call(
        {"start": "classify"}, json={"folder": "begun"}, names_things=False
    ),
    "GET /v5/log-views": lambda w: Call(names_things=False),
    "POST /v5/log-views": lambda w: Call(
        json={"name": "made", "filters": {"state": "error"}, "shared": True}, names_things=False
    ),
    "PATCH /v5/log-views/{view_id}": lambda w: Call({"view_id": w.log_view.id}, json={"name": "other"}),
    "DELETE /v5/log-views/{view_id}": lambda w: Call({"view_id": w.log_view.id}),
    "GET /v5/log-histogram": lambda w: Call(query={"since": "2026-01-01"}, names_things=False),
    "GET /v5/logs/{log_id:path}": lambda w: Call({"log_id": w.log_id}),
    "DELETE /v5/logs": lambda w: Call(query={"id": w.loose_log_id}, names_things=False),
    "GET /v5/spend": lambda w: Call(names_things=False),
    "POST /v5/logs/delete-of-user": lambda w: Call(json={"user": "end-user-1"}, names_things=False),
    "GET /v5/quarantined-spans": lambda w: Call(names_things=False),
    "GET /v5/quarantined-spans/{span_id}": lambda w: Call({"span_id": w.span_id}),
    "GET /v5/retention": lambda w: Call(names_things=False),
    "PUT /v5/retention": lambda w: Call(json={"payload_days": 30, "log_days": None}, names_things=False),
    "GET /v5/budget": lambda w: Call(names_things=False),
    "PATCH /v5/budget": lambda w: Call(json={"monthly_usd": 100, "warn_usd": "80"}, names_things=False),
    "GET /v5/providers": lambda w: Call(names_things=False),
    "GET /v5/providers/presets": lambda w: Call(names_things=False),
    "POST /v5/providers": lambda w: Call(
        json={"name": "made", "base_url": "http://127.0.0.1:9/v1", "api_key": "k"}, names_things=False
    ),
    "PATCH /v5/providers/{provider_id}": lambda w: Call(
        {"provider_id": w.provider.id}, json={"name": "other"}
    ),
    "DELETE /v5/providers/{provider_id}": lambda w: Call({"provider_id": w.provider.id}),
    "POST /v5/providers/{provider_id}/test": lambda w: Call({"provider_id": w.provider.id}),
    "GET /v5/providers/{provider_id}/limits": lambda w: Call({"provider_id": w.provider.id}),
    "POST /v5/providers/{provider_id}/limits/restore": lambda w: Call({"provider_id": w.provider.id}),
    "GET /v5/run-limits": lambda w: Call(names_things=False),
    "PUT /v5/run-limits": lambda w: Call(json={"most_concurrency": 50}, names_things=False),
    "GET /v5/webhook-key": lambda w: Call(names_things=False),
    "POST /v5/webhook-key/renew": lambda w: Call(names_things=False),
    "GET /v5/keys": lambda w: Call(names_things=False),
    "POST /v5/keys": lambda w: Call(json={"name": "made", "role": "viewer"}, names_things=False),
    "DELETE /v5/keys/{key_id}": lambda w: Call({"key_id": w.key.id}),
}
