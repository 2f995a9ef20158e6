"""Spans of the SDK's decorators, read as the logs that they stand for. Pure.

A request is OTLP in JSON. Every value came through `str()`: `True`, `0.2`, `('stop',)`. Nested data are dotted keys, lists
have numbers for keys, and what was empty or None left no key. Calls of models are described by the GenAI conventions
of OpenTelemetry, of which the packages in use speak two generations.
"""

import reprlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from app.logs.model_spans import model_call
from app.logs.span_values import Unreadable, number_of, object_at, typed

_MOST_SPANS = 10_000
_DEEPEST = 32
_FILE, _LOG = "humanloop.file", "humanloop.log"
NOT_WRITTEN = "it is nested too deep, or holds too large a number"
"""The problem of a span that is no JSON that can be kept: what is kept in its place is as Python writes it."""
_KINDS = ("prompt", "tool", "flow")


@dataclass(frozen=True, slots=True)
class ReadSpan:
    """One span: the log that it stands for, or what is wrong with it."""

    body: dict[str, Any] | None
    """A log as the API takes it, with its `type`; of a log that is there already, `log_id` names it and `update` is true."""
    problem: str | None = None
    raw: bytes = b""
    """What was sent."""
    key: str | None = None
    """What the same span has when it is sent again."""


def read_spans(body: bytes) -> list[ReadSpan]:
    """The logs that a request stands for, in its order.

    Raises:
        Unreadable: it is no OTLP in JSON.
    """
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"it is no JSON ({error})") from None
    spans = list(_spans(sent))
    if len(spans) > _MOST_SPANS:
        raise Unreadable(f"it has {len(spans):,} spans, and {_MOST_SPANS:,} at most are read at once")
    return [_read(span) for span in spans]


def _spans(sent: object) -> Iterator[object]:
    try:
        for resource in _get(sent, "resourceSpans"):
            for scope in _get(resource, "scopeSpans"):
                yield from _get(scope, "spans")
    except (TypeError, AttributeError):
        raise Unreadable("it is no list of spans (resourceSpans, scopeSpans, spans)") from None


def _get(holder: Any, name: str) -> list[object]:
    found = holder.get(name) or holder.get(_snake(name)) or []
    if not isinstance(found, list):
        raise TypeError(name)
    return found


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _beginning(span: object) -> bytes:
    """What it holds, as far as Python can write it: no further than so deep, where it is nested too deep for that."""
    try:
        return repr(span).encode()
    except RecursionError:
        cut = reprlib.Repr()
        cut.maxlevel, cut.maxdict, cut.maxlist = 50, 1_000, 1_000
        cut.maxstring = cut.maxother = cut.maxlong = 10_000
        return cut.repr(span).encode()


def _read(span: object) -> ReadSpan:
    try:
        raw = orjson.dumps(span)
    except TypeError:  # it reads four times deeper, and larger numbers, than it writes
        return ReadSpan(None, NOT_WRITTEN, _beginning(span))
    try:
        return ReadSpan(_log_of(span), raw=raw, key=_key(span))
    except Unreadable as problem:
        return ReadSpan(None, str(problem), raw)
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        return ReadSpan(None, f"its members are of types that no span has ({error})", raw)


def _key(span: Any) -> str | None:
    ids = span.get("traceId"), span.get("spanId")
    return ":".join(map(_in_base64, ids)) if all(isinstance(one, str) and one for one in ids) else None


def _in_base64(span_id: str) -> str:
    """An id of 16 or 8 bytes as the SDK writes it: OTLP in JSON has it in hexadecimal digits."""
    if len(span_id) not in (32, 16):  # in base64 it has 24 or 12 characters
        return span_id
    try:
        return b64encode(bytes.fromhex(span_id)).decode()
    except ValueError:
        return span_id


def _log_of(span: object) -> dict[str, Any]:
    if not isinstance(span, dict):
        raise Unreadable("a span is no object")
    attributes = _attributes(span.get("attributes"))
    kind, path = attributes.get(f"{_FILE}.type"), attributes.get(f"{_FILE}.path")
    if kind not in _KINDS:
        raise Unreadable(f"{_FILE}.type is {kind!r:.100}, and not one of {', '.join(_KINDS)}")
    if not isinstance(path, str) or not path.strip("/ "):
        raise Unreadable(f"{_FILE}.path is missing")
    tree = _nested(attributes)
    file, log = object_at(tree, _FILE), object_at(tree, _LOG)
    if kind != "prompt" and not log:
        # The SDK lets a span end when it gives a function up, and has deleted its log.
        raise Unreadable(f"it says nothing of a log ({_LOG}.*), as when the {kind} broke off")
    body: dict[str, Any] = {"type": kind, "path": path} | _times(span)
    for name in ("inputs", "messages", "output", "error", "output_message", "log_status"):
        if name in log:
            body[name] = log[name]
    for name in ("trace_parent_id", "run_id", "source_datapoint_id"):
        if isinstance(log.get(name), str):
            body[name] = log[name]
    if isinstance(body.get("output"), dict | list):  # a program's own value that was no text
        body["output"] = orjson.dumps(body["output"]).decode()
    if kind == "flow":
        return body | _flow(file, log)
    return body | (_tool(file) if kind == "tool" else model_call(tree, attributes, file))


def _attributes(given: object) -> dict[str, Any]:
    """Keys with their values, of which some instrumentors send numbers as such."""
    if not isinstance(given, list):
        raise Unreadable("a span has no attributes")
    found = {}
    for one in given:
        if not isinstance(one, dict) or not isinstance(one.get("key"), str):
            raise Unreadable("an attribute has no key")
        found[one["key"]] = _value(one.get("value"))
    return found


def _value(sent: object) -> Any:
    if not isinstance(sent, Mapping):
        return None
    for name in ("stringValue", "boolValue", "doubleValue", "bytesValue"):
        if name in sent:
            return sent[name]
    if "intValue" in sent:  # a 64-bit number is a text in JSON
        return number_of(sent["intValue"])
    listed = sent.get("arrayValue")
    if isinstance(listed, Mapping) and isinstance(listed.get("values"), list):
        return [_value(one) for one in listed["values"]]
    return None


def _nested(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys as a tree; what is numbered from 0 without a gap is a list."""
    tree: dict[str, Any] = {}
    for key, value in attributes.items():
        *way, last = key.split(".")
        if len(way) > _DEEPEST:
            raise Unreadable(f"the attribute {key[:100]} is nested more than {_DEEPEST} deep")
        at = tree
        for part in way:
            below = at.setdefault(part, {})
            if not isinstance(below, dict):  # `a` and `a.b` at once: the deeper one is kept
                below = at[part] = {}
            at = below
        if not isinstance(at.get(last), dict):
            at[last] = value
    return {name: _listed(value) for name, value in tree.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    found = {name: _listed(each) for name, each in value.items()}
    if found and all(name.isascii() and name.isdigit() for name in found):
        numbers = sorted(found, key=int)
        if [int(name) for name in numbers] == list(range(len(numbers))):
            return [found[name] for name in numbers]
    return found


def _flow(file: Mapping[str, Any], log: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"flow": {"attributes": typed(_of(file, "flow", "attributes") or {})}}
    if isinstance(log.get("id"), str):  # it was written when the function began
        found |= {"log_id": log["id"], "update": True}
        if "log_status" not in log:
            found["log_status"] = "complete"
    return found


def _of(file: Mapping[str, Any], kind: str, name: str) -> Any:
    """A member of the file's content, which some versions of the SDK nest under its kind. That for TypeScript writes its
    names in its own way."""
    nested = file.get(kind)
    for holder in (nested if isinstance(nested, dict) else {}, file):
        for each in (name, _camel(name)):
            if each in holder:
                return holder[each]
    return None


def _tool(file: Mapping[str, Any]) -> dict[str, Any]:
    tool: dict[str, Any] = {}
    function = _of(file, "tool", "function")
    if isinstance(function, dict):
        description = function.get("description")
        function = typed(function)
        if description is not None:
            function["description"] = description
        parameters = function.get("parameters")
        if isinstance(parameters, dict):
            parameters.setdefault("properties", {})
        tool["function"] = function
    if isinstance(source := _of(file, "tool", "source_code"), str):
        tool["source_code"] = source
    for name in ("attributes", "setup_values"):
        if value := _of(file, "tool", name):
            tool[name] = typed(value)
    return {"tool": tool}


def _times(span: Mapping[str, Any]) -> dict[str, Any]:
    named = {"start_time": "startTimeUnixNano", "end_time": "endTimeUnixNano"}
    found = {}
    for name, key in named.items():
        if (nanoseconds := number_of(span.get(key))) and 0 < nanoseconds < 2**63:
            found[name] = datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat()
    return found
