"""What a tool does when it is called, by its type."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.core.errors import Invalid
from app.core.template import as_text
from app.files.tool_shape import usual_type
from app.tools.http_calls import MOST_BYTES, HttpRequest, Outcome, Secret, ask, build_request, read_setup

_MOST_NAMED = 20


def prepare(
    spec: Mapping[str, Any], inputs: Mapping[str, Any], secrets: Mapping[str, Secret]
) -> Outcome | HttpRequest:
    """What comes of calling a version with these inputs, or the request that has to be made for it.

    - `snippet`: `setup_values` are texts by key; the input `key` says which.
    - `json_schema`: nothing is run. The inputs are its output, as a model would say them.
    - `get_api_call`: a service is asked (`http_calls`).

    Raises:
        Invalid: tools of its type are not run here, its setup cannot be read, or an input is missing.
    """
    kind = spec.get("tool_type") or usual_type(spec)
    if kind == "snippet":
        return Outcome(snippet(spec, inputs.get("key")))
    if kind == "json_schema":
        return _arguments(spec, inputs)
    if kind == "get_api_call":
        return build_request(read_setup(spec), inputs, secrets)
    what = f"Tools of the type {kind}" if kind else "Tools without a type"
    text = f"{what} are not run here: run it yourself, and log the call by `POST /v5/tools/log`."
    raise Invalid(text, fields={"tool": text})


async def run(prepared: Outcome | HttpRequest, workspace_id: str, *, patient: bool = False) -> Outcome:
    """What came of a call by a workspace, which waits for its turn as long as it takes if it is `patient`."""
    if isinstance(prepared, HttpRequest):
        return await ask(prepared, workspace_id, patient=patient)
    return prepared


def snippet(spec: Mapping[str, Any], key: object) -> str:
    """The text of a snippet by its key.

    Raises:
        Invalid: there is none; the message says which there are.
    """
    texts = spec.get("setup_values") or {}
    if not isinstance(key, str) or texts.get(key) is None:
        known = ", ".join(name[:100] for name in sorted(texts)[:_MOST_NAMED]) or "none"
        what = f"The snippet has no key {key[:100]}" if isinstance(key, str) else "Give the input `key`"
        text = f"{what}. Its keys: {known}."
        raise Invalid(text, fields={"inputs": text})
    return as_text(texts[key])


def _arguments(spec: Mapping[str, Any], inputs: Mapping[str, Any]) -> Outcome:
    """The inputs as the arguments of a call, if all that the schema requires is there; their kinds are not looked at."""
    schema = (spec.get("function") or {}).get("parameters")
    required = schema.get("required") if isinstance(schema, Mapping) else None
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    if missing := [name for name in names if name not in inputs]:
        return Outcome(None, f"The schema requires {', '.join(missing)}.")
    text = orjson.dumps(inputs)
    if len(text) > MOST_BYTES:
        return Outcome(None, f"The inputs are over {MOST_BYTES >> 20} MiB.")
    return Outcome(text.decode())
