"""Prompts of every shape that can be stored, with texts that look like the files they are written to."""

from typing import Any

from hypothesis import strategies as st

_TRAPS = (
    "", " ", "\n", "  ", "<user>", "</user>", "</system>", "<text>hi</text>", "<text>", "<image />", '<tool name="a" id="b">',
    "</tool>", "---", "\n---\n", "{{name}}", "{{a.b[0]}}", "{% if x %}", '"', "'", "&amp;", "&#10;", "&", "\r\n", "\r", "\t",
    "\x7f", "\x85", "\u2028", "\ufeff", "😀", "é", "  indented", "yes", "null", "~", "1", "1.0", "2024-01-01", "#", ": ", "- a",
    "*", "&x", "!tag", "<<", "=", "as", "json", "\\", "\\n", "`", "x" * 200,
)  # fmt: skip
_PIECES = st.sampled_from(_TRAPS) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
TEXTS = st.lists(_PIECES, max_size=4).map("".join) | st.lists(_PIECES, max_size=3).map("\n".join)
_NAMES = TEXTS.filter(bool)
_NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
_OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=3)


def _some(required: dict[str, Any], **optional: Any) -> Any:
    return st.fixed_dictionaries(required, optional=optional)


_PARTS = _some({"type": st.just("text"), "text": TEXTS}) | _some(
    {
        "type": st.just("image_url"),
        "image_url": _some({"url": TEXTS}, detail=st.sampled_from(["high", "low", "auto"])),
    }
)
_CALLS = st.fixed_dictionaries(
    {"id": TEXTS, "type": st.just("function"), "function": _some({"name": TEXTS}, arguments=TEXTS)}
)
MESSAGES = _some(
    {"role": st.sampled_from(["system", "user", "assistant", "developer", "tool"])},
    content=TEXTS | st.lists(_PARTS, max_size=3),
    name=st.just("example") | TEXTS,
    tool_call_id=TEXTS,
    tool_calls=st.lists(_CALLS, max_size=2),
    thinking=st.lists(st.fixed_dictionaries({"type": st.just("thinking"), "thinking": TEXTS}), max_size=1),
)
_FUNCTIONS = _some({"name": TEXTS}, description=TEXTS, strict=st.booleans(), parameters=_OBJECTS)
_MODEL = {
    "endpoint": st.sampled_from(["chat", "complete", "edit"]),
    "template": TEXTS | st.lists(MESSAGES, max_size=4),
    "template_language": st.sampled_from(["default", "jinja"]),
    "provider": TEXTS,
    "max_tokens": st.just(-1) | st.integers(1, 2**31 - 1),
    "temperature": st.floats(0, 2),
    "top_p": st.floats(0, 1),
    "stop": TEXTS | st.lists(TEXTS, max_size=2),
    "presence_penalty": st.floats(-2, 2),
    "frequency_penalty": st.integers(-2, 2),
    "other": _OBJECTS.filter(lambda other: not {"model", "messages", "stream", "stream_options", "n"} & set(other)),
    "seed": st.integers(-(2**63), 2**63 - 1),
    "response_format": _some({"type": st.sampled_from(["json_object", "json_schema"])}, json_schema=_OBJECTS),
    "reasoning_effort": st.sampled_from(["high", "low"]) | st.integers(0, 2**31 - 1),
    "attributes": _OBJECTS,
}  # fmt: skip
PROMPTS = _some({"model": _NAMES}, tools=st.lists(_FUNCTIONS, max_size=2), **_MODEL)
_ON_CALL = st.sampled_from(["stop", "continue"])
_AGENT_TOOLS = _some({"type": st.just("inline"), "json_schema": _FUNCTIONS}, on_agent_call=_ON_CALL) | _some(
    {"type": st.just("file"), "link": _some({"file_id": TEXTS}, version_id=TEXTS, environment_id=TEXTS)},
    on_agent_call=_ON_CALL,
)
AGENTS = _some(
    {"model": _NAMES},
    tools=st.lists(_AGENT_TOOLS, max_size=2),
    max_iterations=st.integers(1, 1000),
    **_MODEL,
)
