"""Valid requests to the pages of datasets and settings."""

from typing import Any

from app.datasets.cells import seen
from tests.architecture.requests import Call, Make
from tests.architecture.world import World

CSV = ("rows.csv", b"question,target\nnew,yes\n")


def _dataset(world: World, **more: Any) -> dict[str, Any]:
    return {"w": world.slug, "file_id": world.dataset.file_id, **more}


def _written(world: World) -> dict[str, Any]:
    return {"w": world.slug, "file_id": world.training.file_id, "generation_id": world.row_generation.id}


def _provider(world: World) -> dict[str, Any]:
    return {"w": world.slug, "provider_id": world.provider.id}


SETTINGS_REQUESTS: dict[str, Make] = {
    "GET /w/{w}/datasets/new": lambda w: Call({"w": w.slug}),
    "POST /w/{w}/datasets/new": lambda w: Call({"w": w.slug}, form={"path": "made/rows"}, upload=CSV),
    "GET /w/{w}/datasets/{file_id}": lambda w: Call(_dataset(w)),
    "GET /w/{w}/datasets/{file_id}/rows/{datapoint_id}": lambda w: Call(
        _dataset(w, datapoint_id=w.datapoint_id), query={"version": 1}
    ),
    "GET /w/{w}/datasets/{file_id}/draft/cell": lambda w: Call(
        _dataset(w), query={"row": w.datapoint_id, "place": "target.answer"}
    ),
    "PATCH /w/{w}/datasets/{file_id}/draft/cell": lambda w: Call(
        _dataset(w), form={"row": w.datapoint_id, "place": "split", "value": "test", "was": seen(None)}
    ),
    "POST /w/{w}/datasets/{file_id}/draft/rows": lambda w: Call(_dataset(w), form={}),
    "GET /w/{w}/datasets/{file_id}/draft/rows/{row_id}": lambda w: Call(_dataset(w, row_id=w.datapoint_id)),
    "POST /w/{w}/datasets/{file_id}/draft/rows/{row_id}": lambda w: Call(
        _dataset(w, row_id=w.datapoint_id), form={"value.split": "test", "was.split": seen(None)}
    ),
    "POST /w/{w}/datasets/{file_id}/draft/bulk": lambda w: Call(
        _dataset(w), form={"action": "remove", "row": w.datapoint_id}
    ),
    "POST /w/{w}/datasets/{file_id}/draft/paste": lambda w: Call(
        {"w": w.slug, "file_id": w.training.file_id},
        form={"text": "test", "row": w.training_row_id, "place": "split", "saved": ""},
    ),
    "GET /w/{w}/datasets/{file_id}/draft/commit": lambda w: Call(_dataset(w)),
    "POST /w/{w}/datasets/{file_id}/draft/commit": lambda w: Call(_dataset(w), form={"note": "made"}),
    "POST /w/{w}/datasets/{file_id}/draft/rebase": lambda w: Call(_dataset(w), form={}),
    "POST /w/{w}/datasets/{file_id}/draft/discard": lambda w: Call(_dataset(w), form={}),
    "POST /w/{w}/datasets/{file_id}/draft/restore": lambda w: Call(
        {"w": w.slug, "file_id": w.training.file_id}, form={}
    ),
    "GET /w/{w}/datasets/{file_id}/generate": lambda w: Call(
        _dataset(w), query={"prompt": w.prompt.file_id, "split": "test"}
    ),
    "POST /w/{w}/datasets/{file_id}/generate": lambda w: Call(
        _dataset(w),
        form={
            "prompt": w.prompt.file_id,
            "version": w.prompt.id,
            "rows": 2,
            "rows_a_call": 1,
            "examples": 0,
            "column": "inputs.question",
            "split": "train",
            "sent": "1",
            "in.question": "Which?",
        },
    ),
    "GET /w/{w}/datasets/{file_id}/generate/{generation_id}": lambda w: Call(_written(w)),
    "POST /w/{w}/datasets/{file_id}/generate/{generation_id}/stop": lambda w: Call(_written(w), form={}),
    "GET /w/{w}/datasets/{file_id}/versions": lambda w: Call(_dataset(w)),
    "GET /w/{w}/datasets/{file_id}/import": lambda w: Call(_dataset(w)),
    "POST /w/{w}/datasets/{file_id}/import": lambda w: Call(_dataset(w), form={"action": "add"}, upload=CSV),
    "GET /w/{w}/settings": lambda w: Call({"w": w.slug}),
    "GET /w/{w}/settings/providers": lambda w: Call({"w": w.slug}),
    "POST /w/{w}/settings/providers": lambda w: Call(
        {"w": w.slug}, form={"name": "made", "base_url": "http://127.0.0.1:9/v1", "api_key": "k"}
    ),
    "GET /w/{w}/settings/providers/{provider_id}": lambda w: Call(_provider(w)),
    "POST /w/{w}/settings/providers/{provider_id}": lambda w: Call(
        _provider(w), form={"name": "other", "base_url": "http://127.0.0.1:9/v1"}
    ),
    "POST /w/{w}/settings/providers/{provider_id}/delete": lambda w: Call(_provider(w), form={}),
    "POST /w/{w}/settings/providers/{provider_id}/test": lambda w: Call(_provider(w), form={}),
    "GET /w/{w}/settings/limits": lambda w: Call({"w": w.slug}),
    "POST /w/{w}/settings/limits": lambda w: Call({"w": w.slug}, form={"most_concurrency": "50"}),
    "POST /w/{w}/settings/limits/{provider_id}/restore": lambda w: Call(_provider(w), form={}),
    "GET /w/{w}/settings/spend": lambda w: Call({"w": w.slug}),
    "POST /w/{w}/settings/spend": lambda w: Call({"w": w.slug}, form={"monthly_usd": "100"}),
    "GET /w/{w}/settings/retention": lambda w: Call({"w": w.slug}),
    "POST /w/{w}/settings/retention": lambda w: Call({"w": w.slug}, form={"payload_days": "30"}),
    "POST /w/{w}/settings/retention/user": lambda w: Call({"w": w.slug}, form={"user": "end-user-1"}),
    "GET /w/{w}/settings/spans": lambda w: Call({"w": w.slug}),
    "GET /w/{w}/settings/spans/{span_id}": lambda w: Call({"w": w.slug, "span_id": w.span_id}),
    "GET /w/{w}/settings/export": lambda w: Call({"w": w.slug}),
    "POST /w/{w}/settings/export": lambda w: Call({"w": w.slug}, form={}),
    "GET /w/{w}/settings/keys": lambda w: Call({"w": w.slug}),
    "POST /w/{w}/settings/keys": lambda w: Call({"w": w.slug}, form={"name": "made", "role": "viewer"}),
    "POST /w/{w}/settings/keys/webhooks": lambda w: Call({"w": w.slug}, form={}),
    "POST /w/{w}/settings/keys/{key_id}/revoke": lambda w: Call({"w": w.slug, "key_id": w.key.id}, form={}),
}
