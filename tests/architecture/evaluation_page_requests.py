"""Valid requests to the pages of evaluations."""

from typing import Any

from tests import factories
from tests.architecture.requests import Call, Make
from tests.architecture.world import World


def _evaluation(world: World, **more: Any) -> dict[str, Any]:
    return {"w": world.slug, "evaluation_id": world.evaluation.id, **more}


def _compared(world: World, **more: Any) -> dict[str, Any]:
    return {"w": world.slug, "evaluation_id": world.compared_evaluation.id, **more}


def _evaluator(world: World) -> dict[str, Any]:
    return {"w": world.slug, "file_id": world.evaluator.file_id}


def _queue(world: World, **more: Any) -> dict[str, Any]:
    return {"w": world.slug, "queue_id": world.queue.id, **more}


def _dispute(world: World) -> dict[str, Any]:
    return {"w": world.slug, "queue_id": world.disputed_queue.id, "position": 1}


_REVIEW = "/w/{w}/review"
EVALUATION_PAGE_REQUESTS: dict[str, Make] = {
    "GET /w/{w}/evaluations": lambda w: Call({"w": w.slug}),
    "GET /w/{w}/evaluations/new": lambda w: Call({"w": w.slug}),
    "POST /w/{w}/evaluations": lambda w: Call(
        {"w": w.slug},
        form={
            "prompt": w.prompt.file_id,
            "versions": ["1", "2"],
            "baseline": "1",
            "dataset": w.dataset.file_id,
            "dataset_version": "1",
            "evaluators": [w.evaluator.id],
            "primary": w.evaluator.id,
            "repeats": "1",
            "concurrency": "5",
        },
    ),
    "GET /w/{w}/evaluations/{evaluation_id}": lambda w: Call(_evaluation(w)),
    "GET /w/{w}/evaluations/{evaluation_id}/live": lambda w: Call(_evaluation(w)),
    "GET /w/{w}/evaluations/{evaluation_id}/export": lambda w: Call(_evaluation(w)),
    "GET /w/{w}/evaluations/{evaluation_id}/events": lambda w: Call(
        {"w": w.slug, "evaluation_id": w.quiet_evaluation.id}
    ),
    "POST /w/{w}/evaluations/{evaluation_id}/stop": lambda w: Call(_evaluation(w), form={}),
    "POST /w/{w}/evaluations/{evaluation_id}/runs/{run_id}/cancel": lambda w: Call(
        _evaluation(w, run_id=w.going_run.id), form={}
    ),
    "POST /w/{w}/evaluations/{evaluation_id}/runs/{run_id}/resume": lambda w: Call(
        _evaluation(w, run_id=w.cancelled_run.id), form={}
    ),
    "POST /w/{w}/evaluations/{evaluation_id}/runs/{run_id}/retry": lambda w: Call(
        _evaluation(w, run_id=w.failed_run.id), form={}
    ),
    "POST /w/{w}/evaluations/{evaluation_id}/runs/{run_id}/baseline": lambda w: Call(
        _evaluation(w, run_id=w.failed_run.id), form={}
    ),
    "GET /w/{w}/evaluations/{evaluation_id}/share": lambda w: Call(_evaluation(w)),
    "POST /w/{w}/evaluations/{evaluation_id}/share": lambda w: Call(_evaluation(w), form={"days": "30"}),
    "POST /w/{w}/evaluations/{evaluation_id}/share/{link_id}/end": lambda w: Call(
        _evaluation(w, link_id=w.report_link.id), form={}
    ),
    "GET /w/{w}/evaluations/{evaluation_id}/rows": lambda w: Call(_evaluation(w)),
    "GET /w/{w}/evaluations/{evaluation_id}/rows/{number}": lambda w: Call(_evaluation(w, number=1)),
    "GET /w/{w}/evaluations/{evaluation_id}/rows/{number}/logs": lambda w: Call(_evaluation(w, number=1)),
    "GET /w/{w}/evaluations/{evaluation_id}/lineage": lambda w: Call(_compared(w)),
    "POST /w/{w}/evaluations/{evaluation_id}/lineage/runs/{number}": lambda w: Call(
        _compared(w, number=w.unused_prompt.number), form={}
    ),
    "POST /w/{w}/evaluations/{evaluation_id}/lineage/single-changes/{older}/{newer}": lambda w: Call(
        _compared(w, older=1, newer=2), form={}
    ),
    "POST /w/{w}/evaluations/{evaluation_id}/lineage/combinations/{older}/{newer}": lambda w: Call(
        _compared(w, older=1, newer=2), form={}
    ),
    f"GET {_REVIEW}": lambda w: Call({"w": w.slug}),
    f"GET {_REVIEW}/new": lambda w: Call({"w": w.slug}, query={"evaluation": w.evaluation.id}),
    f"POST {_REVIEW}": lambda w: Call(
        {"w": w.slug},
        form={
            "whole": "1",
            "evaluation": w.evaluation.id,
            "evaluators": [w.human.id],
            "versions": [w.run.id],
            "reviewers": [w.team.admin.user_id],
            "rows": "all",
            "per_item": "1",
        },
    ),
    f"GET {_REVIEW}/from-logs": lambda w: Call({"w": w.slug}, query={"log": w.log_id}),
    f"POST {_REVIEW}/from-logs": lambda w: Call(
        {"w": w.slug},
        form={
            "whole": "1",
            "log": [w.log_id],
            "evaluators": [w.human.id],
            "reviewers": [w.team.admin.user_id],
            "per_item": "1",
        },
    ),
    f"GET {_REVIEW}/{{queue_id}}": lambda w: Call(_queue(w)),
    f"POST {_REVIEW}/{{queue_id}}/close": lambda w: Call(_queue(w), form={}),
    f"POST {_REVIEW}/{{queue_id}}/hand-over": lambda w: Call(
        {"w": w.slug, "queue_id": w.half_queue.id},
        form={"from": w.team.admin.user_id, "to": w.developer_id},
    ),
    f"POST {_REVIEW}/{{queue_id}}/guests": lambda w: Call(
        _queue(w), form={"links": "2", "per_item": "1", "days": "7", "name": ""}
    ),
    f"POST {_REVIEW}/{{queue_id}}/guests/{{guest_id}}/link": lambda w: Call(
        _queue(w, guest_id=w.guest.id), form={"days": "7"}
    ),
    f"POST {_REVIEW}/{{queue_id}}/guests/{{guest_id}}/end": lambda w: Call(
        _queue(w, guest_id=w.guest.id), form={"forget": "1"}
    ),
    f"GET {_REVIEW}/{{queue_id}}/items": lambda w: Call(_queue(w)),
    f"GET {_REVIEW}/{{queue_id}}/items/{{place}}": lambda w: Call(_queue(w, place=1)),
    f"POST {_REVIEW}/{{queue_id}}/items/{{place}}": lambda w: Call(
        _queue(w, place=1), form={"answer-0": "true", "note": "Short."}
    ),
    f"POST {_REVIEW}/{{queue_id}}/undo": lambda w: Call(_queue(w), form={}),
    f"GET {_REVIEW}/{{queue_id}}/disputes/{{position}}": lambda w: Call(_dispute(w)),
    f"POST {_REVIEW}/{{queue_id}}/disputes/{{position}}": lambda w: Call(
        _dispute(w), form={"answer-0": "false", "note": "As the rule says."}
    ),
    f"GET {_REVIEW}/{{queue_id}}/targets": lambda w: Call({"w": w.slug, "queue_id": w.disputed_queue.id}),
    f"POST {_REVIEW}/{{queue_id}}/targets": lambda w: Call(
        {"w": w.slug, "queue_id": w.disputed_queue.id},
        form={
            "dataset": w.dataset.file_id,
            "of": "corrections",
            "member": "answer",
            "row": [f"{w.datapoint_id}~"],
            "draft": "1",
        },
    ),
    "GET /w/{w}/evaluators": lambda w: Call({"w": w.slug}),
    "GET /w/{w}/evaluators/new": lambda w: Call({"w": w.slug}, query={"kind": "exact"}),
    "POST /w/{w}/evaluators/new": lambda w: Call(
        {"w": w.slug}, form={"kind": "exact", "path": "tests/new judge"}
    ),
    "GET /w/{w}/evaluators/{file_id}": lambda w: Call(_evaluator(w)),
    "POST /w/{w}/evaluators/{file_id}": lambda w: Call(
        _evaluator(w), form={"kind": "exact", "note": "Once more"}
    ),
    "GET /w/{w}/evaluators/{file_id}/versions": lambda w: Call(_evaluator(w)),
    "GET /w/{w}/evaluators/{file_id}/agreement": lambda w: Call(_evaluator(w)),
    "GET /w/{w}/evaluators/{file_id}/diff": lambda w: Call(_evaluator(w), query={"from": 1, "to": 1}),
    "GET /w/{w}/evaluators/{file_id}/deploy": lambda w: Call(_evaluator(w), query={"version": 1}),
    "POST /w/{w}/evaluators/{file_id}/deploy": lambda w: Call(
        _evaluator(w), form={"version": 1, "environment": w.staging.id}
    ),
    "POST /w/{w}/evaluators/{file_id}/database": lambda w: Call(
        _evaluator(w),
        form={"kind": "exact"},
        upload=("made.sqlite", factories.sqlite_file("create table t (a)")),
    ),
    "POST /w/{w}/evaluators/{file_id}/test": lambda w: Call(
        _evaluator(w), form={"kind": "exact", "output": "a", "target": "a"}
    ),
}
