"""Calls of models in spans, by the GenAI conventions of OpenTelemetry, of which packages in use speak two generations. Pure.

The older one has an attribute for each member of a message (`gen_ai.prompt.0.role`), the newer one lists of messages as
JSON (`gen_ai.input.messages`), made of parts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.logs.span_values import Unreadable, number_of, object_at, typed

_PROVIDERS = {"az.ai.openai": "openai_azure", "azure": "openai_azure", "azure.ai.openai": "openai_azure"}
"""What instrumentors call providers, where that is not the provider's name in small letters."""
_PARAMETERS = ("temperature", "max_tokens", "top_p", "presence_penalty", "frequency_penalty", "seed")
_EFFORTS = ("high", "medium", "low", "minimal", "none")
_USAGE = {
    "prompt_tokens": ("input_tokens", "prompt_tokens"),
    "output_tokens": ("output_tokens", "completion_tokens"),
    "reasoning_tokens": ("reasoning_tokens",),
}


def model_call(
    tree: Mapping[str, Any], attributes: Mapping[str, Any], file: Mapping[str, Any]
) -> dict[str, Any]:
    """The members of a log of a prompt: its version is the model with its parameters, and the template where one is known.

    Raises:
        Unreadable: no model is named.
    """
    found: dict[str, Any] = {"prompt": _version(tree, attributes, file)}
    if messages := _messages(tree, attributes):
        found["messages"] = messages
    said, reason = _answer(tree, attributes)
    if said:
        found["output_message"] = said
        found["output"] = said["content"] if isinstance(said.get("content"), str) else None
    if reason := reason or _finish_reason(tree):
        found["finish_reason"] = reason
    usage = object_at(tree, "gen_ai.usage")
    for name, keys in _USAGE.items():
        number = next((number_of(usage[key]) for key in keys if usage.get(key) is not None), None)
        if number is not None:
            found[name] = number
    return found


def _version(
    tree: Mapping[str, Any], attributes: Mapping[str, Any], file: Mapping[str, Any]
) -> dict[str, Any]:
    request = object_at(tree, "gen_ai.request")
    model = request.get("model") or attributes.get("gen_ai.response.model")
    if not isinstance(model, str):
        raise Unreadable("gen_ai.request.model is missing")
    prompt: dict[str, Any] = {"model": model, "endpoint": "chat"}
    if provider := _provider(attributes):
        prompt["provider"] = provider
    for name in _PARAMETERS:
        value = typed(
            request.get(name, attributes.get(f"llm.{name}"))
        )  # the older generation's name for some
        if isinstance(value, int | float) and not isinstance(value, bool):
            prompt[name] = int(value) if name in ("max_tokens", "seed") else float(value)
    effort = request.get("reasoning_effort", attributes.get("gen_ai.openai.request.reasoning_effort"))
    if effort in _EFFORTS:
        prompt["reasoning_effort"] = effort
    if stop := typed(request.get("stop_sequences") or attributes.get("llm.chat.stop_sequences")):
        prompt["stop"] = stop
    if template := file.get("template"):
        prompt["template"] = template
    if tools := _tools(tree, attributes):
        prompt["tools"] = tools
    return prompt


def _provider(attributes: Mapping[str, Any]) -> str | None:
    named = attributes.get("gen_ai.provider.name") or attributes.get("gen_ai.system")
    if not isinstance(named, str):
        return None
    return _PROVIDERS.get(named.lower(), named.lower())


def _parsed(value: object) -> list[Any]:
    """A list that came as JSON, or as Python."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            value = typed(value)
    return value if isinstance(value, list) else []


def _messages(tree: Mapping[str, Any], attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    if sent := attributes.get("gen_ai.input.messages"):
        system = _parsed(attributes.get("gen_ai.system_instructions"))
        first = [{"role": "system", "parts": system}] if system else []
        listed = [one for one in [*first, *_parsed(sent)] if isinstance(one, dict)]
        return [message for one in listed for message in _from_parts(one)]
    return [_from_fields(one) for one in _numbered(tree, "prompt")]


def _answer(
    tree: Mapping[str, Any], attributes: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, str | None]:
    """The message that was answered, and why the model stopped."""
    if sent := attributes.get("gen_ai.output.messages"):
        for one in _parsed(sent):
            if isinstance(one, dict):
                return _from_parts(one, "assistant")[0], _text(one.get("finish_reason"))
        return None, None
    for one in _numbered(tree, "completion"):
        return _from_fields(one, "assistant"), _text(one.get("finish_reason"))
    return None, None


def _finish_reason(tree: Mapping[str, Any]) -> str | None:
    """Why the model stopped, where instrumentors are told to keep what was said out of spans."""
    reasons = typed(object_at(tree, "gen_ai.response").get("finish_reasons"))
    return _text(reasons[0]) if isinstance(reasons, list) and reasons else None


def _numbered(tree: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    listed = object_at(tree, "gen_ai").get(name)
    listed = list(listed.values()) if isinstance(listed, dict) else listed
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _from_fields(one: Mapping[str, Any], role: str = "user") -> dict[str, Any]:
    """A message of the older conventions: its members are attributes of their own."""
    content = one.get("content")
    if isinstance(content, str) and content[:2] in ("[{", "[]") and (parts := _parsed(content)):
        content = parts  # images and texts
    message: dict[str, Any] = {"role": one.get("role") or role, "content": content}
    calls = one.get("tool_calls")
    calls = list(calls.values()) if isinstance(calls, dict) else calls
    if isinstance(calls, list):
        message["tool_calls"] = [
            _call(each.get("id"), each.get("name"), each.get("arguments"))
            for each in calls
            if isinstance(each, dict)
        ]
    if isinstance(one.get("tool_call_id"), str):
        message["tool_call_id"] = one["tool_call_id"]
    return {name: value for name, value in message.items() if value is not None}


def _from_parts(one: Mapping[str, Any], role: str = "user") -> list[dict[str, Any]]:
    """The messages that one of the newer conventions stands for: a list of parts, in which each answer of a tool is a
    message of its own here."""
    parts = [part for part in one.get("parts") or () if isinstance(part, dict)]
    role = one.get("role") or role
    message: dict[str, Any] = {"role": role}
    if (content := _content(parts)) is not None:
        message["content"] = content
    answers = []
    for part in parts:
        match part.get("type"):
            case "tool_call":
                call = _call(part.get("id"), part.get("name"), part.get("arguments"))
                message.setdefault("tool_calls", []).append(call)
            case "reasoning" if isinstance(part.get("content"), str):
                thought = {"type": "thinking", "thinking": part["content"], "signature": ""}
                message.setdefault("thinking", []).append(thought)
            case "tool_call_response":
                answers.append({"role": role, **_tool_answer(part)})
    return answers if answers and len(message) == 1 else [message, *answers]


def _content(parts: Sequence[Mapping[str, Any]]) -> str | list[dict[str, Any]] | None:
    """What is said in texts and refusals, and shown in images; a list only where there is an image."""
    said: list[dict[str, Any]] = []
    for part in parts:
        text = part.get("content", part.get("refusal"))
        if part.get("type") in ("text", "refusal") and text is not None:
            said.append({"type": "text", "text": str(text)})
        elif url := _image(part):
            said.append({"type": "image_url", "image_url": {"url": url}})
    if any(one["type"] == "image_url" for one in said):
        return said
    return "\n".join(one["text"] for one in said) if said else None


def _image(part: Mapping[str, Any]) -> str | None:
    """The address of an image, whose bytes may be in it; None for any other part."""
    kind = _text(part.get("mime_type")) or ""
    if part.get("modality", "image") != "image" or (kind and not kind.startswith("image/")):
        return None
    if part.get("type") == "uri":
        return _text(part.get("uri"))
    data = _text(part.get("content", part.get("data"))) if part.get("type") == "blob" else None
    return f"data:{kind or 'image/png'};base64,{data}" if data else None


def _tool_answer(part: Mapping[str, Any]) -> dict[str, Any]:
    answer = part.get("response", part.get("result"))
    said = {"content": answer if isinstance(answer, str) else orjson.dumps(answer).decode()}
    return said | ({"tool_call_id": part["id"]} if isinstance(part.get("id"), str) else {})


def _call(id_: object, name: object, arguments: object) -> dict[str, Any]:
    said = arguments if isinstance(arguments, str) else orjson.dumps(arguments or {}).decode()
    return {
        "id": _text(id_) or "",
        "type": "function",
        "function": {"name": _text(name) or "", "arguments": said},
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _tools(tree: Mapping[str, Any], attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    listed = object_at(tree, "llm.request").get("functions")
    listed = list(listed.values()) if isinstance(listed, dict) else listed
    for one in _parsed(attributes.get("gen_ai.tool.definitions")) or listed or []:
        function = one.get("function", one) if isinstance(one, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            continue
        tool = {"name": function["name"], "description": _text(function.get("description")) or ""}
        parameters = function.get("parameters", function.get("input_schema"))
        if isinstance(parameters, str):
            try:
                parameters = orjson.loads(parameters)
            except orjson.JSONDecodeError:
                parameters = typed(parameters)
        if isinstance(parameters, dict):
            tool["parameters"] = parameters
        found.append(tool)
    return found
