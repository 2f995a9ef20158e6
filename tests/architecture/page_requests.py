"""Valid requests to the pages, beside those to the API."""

from tests.architecture.requests import Call, Make
from tests.architecture.world import World


def _prompt(world: World) -> dict[str, str]:
    return {"w": world.slug, "file_id": world.prompt.file_id}


def _editor_form(world: World) -> dict[str, str]:
    return {
        "base": "1",
        "role": "user",
        "name": "",
        "content": "Hello",
        "extra": "",
        "model": "practice-1",
        "provider": "practice",
    }


_MARKS = {"tab": "tab_of_the_world", "revision": ""}
_SPEC = '{"model": "practice-1", "provider": "practice", "template": [{"role": "user", "content": "Hi"}]}'
PROMPT_FILE = ("kept.prompt", b"---\nmodel: practice-1\nprovider: practice\n---\n\n<user>\n  Hi\n</user>\n")
_PROMPT = "/w/{w}/prompts/{file_id}"
_FILE = "/w/{w}/files-at/{file_id}"
_COMMENT = "/w/{w}/comments/{comment_id}"


def _comment(world: World) -> dict[str, str]:
    return {"w": world.slug, "comment_id": world.comment.id}


def _view(world: World) -> dict[str, str]:
    return {"w": world.slug, "view_id": world.log_view.id}


def _plain(kind: str) -> dict[str, Make]:
    """Those to the pages that tools, flows and agents have in common."""

    def file(world: World) -> dict[str, str]:
        return {"w": world.slug, "file_id": getattr(world, kind).file_id}

    base = f"/w/{{w}}/{kind}s/{{file_id}}"
    return {
        f"GET {base}": lambda w: Call(file(w)),
        f"GET {base}/diff": lambda w: Call(file(w), query={"from": 1, "to": 2}),
        f"GET {base}/deploy": lambda w: Call(file(w), query={"version": 2}),
        f"POST {base}/deploy": lambda w: Call(file(w), form={"version": 2, "environment": w.staging.id}),
        **_monitored(kind),
    }


def _monitored(kind: str) -> dict[str, Make]:
    """Those to the pages of what judges a file's logs."""

    def file(world: World) -> dict[str, str]:
        return {"w": world.slug, "file_id": getattr(world, kind).file_id}

    base = f"/w/{{w}}/{kind}s/{{file_id}}/monitoring"
    return {
        f"GET {base}": lambda w: Call(file(w)),
        f"POST {base}": lambda w: Call(file(w), form={"evaluator": "world/json", "share": "10"}),
        f"POST {base}/{{monitor_id}}/{{act}}": lambda w: Call(
            file(w) | {"monitor_id": w.monitors[kind].id, "act": "pause"}, form={}
        ),
    }


def _tool(world: World) -> dict[str, str]:
    return {"w": world.slug, "file_id": world.tool.file_id}


PAGE_REQUESTS: dict[str, Make] = {
    **_plain("tool"),
    **_plain("flow"),
    **_plain("agent"),
    **_monitored("prompt"),
    "GET /w/{w}/tools/new": lambda w: Call({"w": w.slug}),
    "POST /w/{w}/tools/new": lambda w: Call(
        {"w": w.slug}, form={"path": "made/tool", "spec": '{"function": {"name": "made"}}', "note": "why"}
    ),
    "GET /w/{w}/tools/{file_id}/edit": lambda w: Call(_tool(w)),
    "POST /w/{w}/tools/{file_id}/edit": lambda w: Call(
        _tool(w), form={"spec": '{"function": {"name": "changed"}}', "note": "why"}
    ),
    "POST /w/{w}/tools/{file_id}/call": lambda w: Call(
        _tool(w), form={"version": 1, "inputs": '{"city": "Rome"}'}
    ),
    "GET /docs": lambda w: Call(names_things=False),
    "GET /docs/{section}": lambda w: Call({"section": "prompts"}, names_things=False),
    "GET /openapi.json": lambda w: Call(names_things=False),
    "GET /w/{w}": lambda w: Call({"w": w.slug}),
    "GET /w/{w}/search": lambda w: Call({"w": w.slug}, query={"q": "world"}),
    "GET /setup": lambda w: Call(names_things=False),
    "POST /setup": lambda w: Call(form={}, names_things=False),
    "GET /w/{w}/logs": lambda w: Call({"w": w.slug}),
    "GET /w/{w}/library": lambda w: Call({"w": w.slug}, query={"path": "world"}),
    "POST /w/{w}/library/{name}": lambda w: Call({"w": w.slug, "name": "classify"}, form={"folder": "begun"}),
    "POST /w/{w}/log-views": lambda w: Call({"w": w.slug}, form={"name": "made", "query": "state=error"}),
    "POST /w/{w}/log-views/{view_id}": lambda w: Call(_view(w), form={"name": "other"}),
    "POST /w/{w}/log-views/{view_id}/delete": lambda w: Call(_view(w), form={}),
    "GET /w/{w}/log-histogram": lambda w: Call({"w": w.slug}, query={"file": w.prompt.file_id}),
    "GET /w/{w}/newer-logs": lambda w: Call(
        {"w": w.slug}, query={"after": "2026-01-01T00:00:00+00:00~log_0"}
    ),
    "GET /w/{w}/logs/{log_id:path}": lambda w: Call({"w": w.slug, "log_id": w.log_id}),
    "GET /w/{w}/comments": lambda w: Call({"w": w.slug}, query={"on": "log", "id": w.log_id}),
    "POST /w/{w}/comments": lambda w: Call(
        {"w": w.slug}, form={"on": "version", "id": w.newer_prompt.id, "body": "@Reviewer, is it?"}
    ),
    f"GET {_COMMENT}": lambda w: Call(_comment(w)),
    f"POST {_COMMENT}": lambda w: Call(_comment(w), form={"body": "It is."}),
    f"POST {_COMMENT}/delete": lambda w: Call(_comment(w), form={}),
    "GET /w/{w}/mentions": lambda w: Call({"w": w.slug}),
    "POST /w/{w}/mentions/read": lambda w: Call({"w": w.slug}, form={"comment": w.comment.id}),
    "GET /w/{w}/mentionable-people": lambda w: Call({"w": w.slug}, query={"q": "Re"}),
    "GET /w/{w}/raw-logs": lambda w: Call({"w": w.slug}, query={"log": w.log_id}),
    "GET /w/{w}/kept-logs": lambda w: Call({"w": w.slug}, query={"log": w.log_id}),
    "POST /w/{w}/kept-logs": lambda w: Call(
        {"w": w.slug}, form={"log": w.log_id, "path": "kept/cases", "as_target": "1"}
    ),
    "GET /w/{w}/prompts/new": lambda w: Call({"w": w.slug}),
    f"GET {_PROMPT}/edit": lambda w: Call(_prompt(w)),
    f"POST {_PROMPT}/edit": lambda w: Call(_prompt(w), form=_editor_form(w)),
    f"PATCH {_PROMPT}/draft": lambda w: Call(_prompt(w), form=_editor_form(w) | _MARKS),
    f"POST {_PROMPT}/draft": lambda w: Call(_prompt(w), form=_editor_form(w) | _MARKS),
    f"GET {_PROMPT}/draft/diff": lambda w: Call(_prompt(w), query={"base": 1, "from": "v1", "to": "draft"}),
    f"GET {_PROMPT}/draft/history": lambda w: Call(_prompt(w)),
    f"POST {_PROMPT}/draft/history/{{state_id}}": lambda w: Call(
        _prompt(w) | {"state_id": w.draft_state_id}, form={}
    ),
    f"GET {_PROMPT}/examples": lambda w: Call(_prompt(w), query={"base": 1, "dataset": w.dataset.file_id}),
    f"POST {_PROMPT}/examples": lambda w: Call(
        _prompt(w), form={"base": "1", "dataset": w.training.file_id, "row": w.training_row_id}
    ),
    f"POST {_PROMPT}/run": lambda w: Call(_prompt(w), form=_editor_form(w)),
    f"POST {_PROMPT}/tool-result": lambda w: Call(
        _prompt(w), form=_editor_form(w) | {"call": f"{w.called_log_id}.0"}
    ),
    f"POST {_PROMPT}/pinned-rows/run": lambda w: Call(_prompt(w), form=_editor_form(w)),
    f"POST {_PROMPT}/scores": lambda w: Call(_prompt(w), form={"log": w.log_id, "label": "Draft"}),
    f"POST {_PROMPT}/review": lambda w: Call(_prompt(w), form=_editor_form(w)),
    f"POST {_PROMPT}/commit": lambda w: Call(_prompt(w), form={"base": "1", "spec": _SPEC, "note": "try it"}),
    f"GET {_PROMPT}": lambda w: Call(_prompt(w)),
    f"GET {_PROMPT}/versions/{{number}}": lambda w: Call(_prompt(w) | {"number": 2}),
    f"GET {_PROMPT}/versions/{{number}}/file": lambda w: Call(_prompt(w) | {"number": 2}),
    f"GET {_PROMPT}/diff": lambda w: Call(_prompt(w), query={"from": 1, "to": 2}),
    f"GET {_PROMPT}/deployments": lambda w: Call(_prompt(w)),
    f"GET {_PROMPT}/deploy": lambda w: Call(_prompt(w), query={"version": 2}),
    f"POST {_PROMPT}/deploy": lambda w: Call(_prompt(w), form={"version": 2, "environment": w.staging.id}),
    "GET /w/{w}/files": lambda w: Call({"w": w.slug}),
    "GET /w/{w}/files/{path:path}": lambda w: Call({"w": w.slug, "path": "world"}),
    "GET /w/{w}/create": lambda w: Call({"w": w.slug}),
    "POST /w/{w}/folders": lambda w: Call({"w": w.slug}, form={"path": "made"}),
    "GET /w/{w}/import-prompts": lambda w: Call({"w": w.slug}),
    "POST /w/{w}/import-prompts": lambda w: Call(
        {"w": w.slug}, form={"folder": "made", "note": "Kept beside the code"}, upload=PROMPT_FILE
    ),
    f"GET {_FILE}/move": lambda w: Call(_prompt(w)),
    f"POST {_FILE}/move": lambda w: Call(_prompt(w), form={"path": "moved/here"}),
    f"GET {_FILE}/copy": lambda w: Call(_prompt(w)),
    f"POST {_FILE}/copy": lambda w: Call(_prompt(w), form={"path": "made/copy", "of": "2"}),
    "GET /w/{w}/trash": lambda w: Call({"w": w.slug}, query={"deletion": w.trashed.deletion_id}),
    "GET /w/{w}/trash/{file_id}/restore": lambda w: Call({"w": w.slug, "file_id": w.trashed.id}),
    "POST /w/{w}/trash/{file_id}/restore": lambda w: Call(
        {"w": w.slug, "file_id": w.trashed.id}, form={"path": "made/restored"}
    ),
    "POST /w/{w}/deletions/{deletion_id}/restore": lambda w: Call(
        {"w": w.slug, "deletion_id": w.trashed.deletion_id}, form={}
    ),
    "GET /w/{w}/folders/{directory_id}/move": lambda w: Call({"w": w.slug, "directory_id": w.directory.id}),
    "POST /w/{w}/folders/{directory_id}/move": lambda w: Call(
        {"w": w.slug, "directory_id": w.directory.id}, form={"path": "made/folder"}
    ),
    "GET /w/{w}/folders/{directory_id}/delete": lambda w: Call({"w": w.slug, "directory_id": w.directory.id}),
    "POST /w/{w}/folders/{directory_id}/delete": lambda w: Call(
        {"w": w.slug, "directory_id": w.directory.id}, form={}
    ),
    f"GET {_FILE}/delete": lambda w: Call(_prompt(w)),
    f"POST {_FILE}/delete": lambda w: Call(_prompt(w), form={}),
}
