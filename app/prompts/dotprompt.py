"""`.prompt` and `.agent` files: the content of a version as text that people edit, compare and keep beside their code.

    ---
    model: gpt-4o
    temperature: 0.7
    ---

    <system>
      Answer in one sentence.
    </system>

Settings stand above, messages below; a template that is one text stands there as it is. What is written reads back as
the same content, so that it is the same version. Where tags cannot say something, it is said in JSON instead: a message
in `<user as="json">`, a whole template as the setting `template`. `name="example"` marks messages of an example.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.core import ids
from app.core.errors import Invalid
from app.prompts import front_matter, tags
from app.prompts.tags import Element, Misplaced

Kernel = dict[str, Any]
ROLES = ("system", "user", "assistant", "developer", "tool")
_PARTS = ("text", "image", "tool")
_SETTINGS = (
    "model", "temperature", "max_tokens", "top_p", "stop", "presence_penalty", "frequency_penalty", "seed", "provider",
    "endpoint", "template_language", "response_format", "reasoning_effort", "max_iterations", "tools", "linked_tools",
    "other", "attributes", "template",
)  # fmt: skip
_RULE = re.compile(r"^---[ \t]*$", re.MULTILINE)
_MESSAGE = re.compile(rf"^[ \t]*<(?:{'|'.join(ROLES)})[\s/>]", re.MULTILINE)
_PART = re.compile(rf"\s*<(?:{'|'.join(_PARTS)})[\s/>]")


def parse(text: str, member: str = "prompt") -> Kernel:
    """What the file says, not yet checked against the shape of a prompt. `member`: where in the body it stood.

    Raises:
        Invalid: with the line of what cannot be read.
    """
    text = text.removeprefix("\ufeff")
    if "\r" in text.partition("\n")[0]:  # an editor made all line ends so; a lone one is content
        text = text.replace("\r\n", "\n")
    opening = _RULE.search(text)
    closing = _RULE.search(text, opening.end()) if opening else None
    if opening is None or closing is None or text[: opening.start()].strip():
        raise _invalid("begin with the line ---, then give the settings, then the line --- again", 1, member)
    line = text.count("\n", 0, opening.start()) + 1
    try:
        kernel = front_matter.read(text[opening.end() : closing.start()])
        line = text.count("\n", 0, closing.end()) + 1
        template = _template(text[closing.end() :], kernel, line)
    except front_matter.Unreadable as problem:
        raise _invalid(problem.problem, line + problem.line, member) from None
    except Misplaced as problem:
        raise _invalid(problem.problem, problem.line, member) from None
    return kernel if template is None else {**kernel, "template": template}


def write(kernel: Mapping[str, Any]) -> str:
    """The file of a version's content; `parse` gives that content again."""
    settings = {"endpoint": "chat", **ids.without_nulls(kernel)}
    template = settings.get("template")
    above = {name: settings[name] for name in _SETTINGS if name in settings and name != "template"}
    text = _file(above, _body(template))
    try:
        same = ids.canonical_json([parse(text).get("template")]) == ids.canonical_json([template])
    except Invalid:
        same = False
    return text if same else _file({**above, "template": template}, "")


def _invalid(problem: str, line: int, member: str) -> Invalid:
    said = f"Line {line}: {problem}."
    return Invalid(said, fields={member: said})


def _file(settings: Mapping[str, Any], body: str) -> str:
    return f"---\n{front_matter.write(settings)}---\n" + (f"\n{body}\n" if body else "")


def _template(body: str, kernel: Kernel, line: int) -> list[Kernel] | str | None:
    """The template below the settings; None where there is none."""
    text = body.strip("\n")
    if "template" in kernel:
        if text.strip():
            raise Misplaced("give the template as a setting or below the settings, not both", line)
        return None
    if not text:
        return None
    if kernel.get("endpoint") == "complete" or not _MESSAGE.search(text):
        return text
    return [_message(each) for each in tags.read(body, ROLES, line)]


def _message(element: Element) -> Kernel:
    message: Kernel = {"role": element.tag}
    if element.attributes.get("as") == "json":
        return message | _json(element)
    if "name" in element.attributes:
        message["name"] = element.attributes["name"]
    if element.tag == "tool" and "id" in element.attributes:
        message["tool_call_id"] = element.attributes["id"]
    if element.body is None:
        return message
    if not _PART.match(element.body):
        return message | {"content": element.body}
    parts = tags.read(element.body, _PARTS, element.body_line)
    content = [_content(part) for part in parts if part.tag != "tool"]
    calls = [_call(part) for part in parts if part.tag == "tool"]
    if content:
        alone = calls and len(content) == 1 and content[0]["type"] == "text"
        message["content"] = content[0]["text"] if alone else content
    return message | {"tool_calls": calls} if calls else message


def _json(element: Element) -> Kernel:
    try:
        found = orjson.loads(element.body or "")
    except ValueError as error:
        raise Misplaced(f"this is not JSON: {error}", element.body_line) from None
    if not isinstance(found, dict):
        raise Misplaced("write the message as one JSON object", element.body_line)
    return found


def _content(part: Element) -> Kernel:
    if part.tag == "text":
        return {"type": "text", "text": part.body or ""}
    if "url" not in part.attributes:
        raise Misplaced('give the image an address: <image url="https://…" />', part.line)
    return {
        "type": "image_url",
        "image_url": {name: part.attributes[name] for name in ("url", "detail") if name in part.attributes},
    }


def _call(part: Element) -> Kernel:
    if missing := [name for name in ("name", "id") if name not in part.attributes]:
        raise Misplaced(f"give the tool call its {' and '.join(missing)}", part.line)
    function = {"name": part.attributes["name"]}
    if part.body is not None:
        function["arguments"] = part.body
    return {"id": part.attributes["id"], "type": "function", "function": function}


def _body(template: Any) -> str:
    if isinstance(template, str):
        return template
    return "\n\n".join(_written(message) for message in template or ())


def _written(message: Mapping[str, Any]) -> str:
    """A message in tags, or in JSON where tags would not say the same."""
    text = tags.write(message["role"], _attributes(message), _inside(message))
    try:
        same = ids.canonical_json([_message(each) for each in tags.read(text, ROLES)]) == ids.canonical_json(
            [message]
        )
    except Misplaced:
        same = False
    if same:
        return text
    rest = {name: value for name, value in message.items() if name != "role"}
    return tags.write(message["role"], {"as": "json"}, orjson.dumps(rest).decode())


def _attributes(message: Mapping[str, Any]) -> dict[str, str]:
    named = {"name": message.get("name"), "id": message.get("tool_call_id")}
    return {name: value for name, value in named.items() if value is not None}


def _inside(message: Mapping[str, Any]) -> str | None:
    content, calls = message.get("content"), message.get("tool_calls") or ()
    if not calls and not isinstance(content, list):
        return content if isinstance(content, str) else None
    parts: Sequence[Any] = [{"type": "text", "text": content}] if isinstance(content, str) else content or ()
    return "\n".join([*map(_written_part, parts), *map(_written_call, calls)])


def _written_part(part: Mapping[str, Any]) -> str:
    if part.get("type") == "text":
        return tags.write("text", {}, part.get("text") or "")
    return tags.write("image", part.get("image_url") or {}, None)


def _written_call(call: Mapping[str, Any]) -> str:
    function = call["function"]
    return tags.write("tool", {"name": function["name"], "id": call["id"]}, function.get("arguments"))
