"""How an include stands in a template, `{{ include("support/tone", "production") }}`. Pure: nothing is looked up here."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.core.errors import Invalid
from app.core.template import Template
from app.files.paths import plain_path

BRACED = re.compile(r"{{([^{}]*)}}")
_CALLS = re.compile(r"include\s*\(")
_READABLE = re.compile(r"""include\s*\(\s*(?:"([^"]+)"|'([^']+)')\s*(?:,\s*(?:"([^"]+)"|'([^']+)')\s*)?\)""")
OPENS = re.compile(r"{{-?\s*include\s*\(")
"""What begins as an include, whether or not it can be read as one."""
SHOWN = 100
"""Characters of an include or a path in an error: each row of a run keeps one."""


@dataclass(frozen=True, slots=True)
class Include:
    """An include as it stands in a template."""

    path: str
    environment: str | None = None

    @property
    def text(self) -> str:
        """How it is written."""
        named = f'"{self.path[:SHOWN]}"' + (f', "{self.environment[:SHOWN]}"' if self.environment else "")
        return f"include({named})"


def includes_others(template: Template | None) -> bool:
    """Whether a template includes anything."""
    return any(OPENS.search(text) for text in (*texts_of(template or ()), *addresses_of(template or ())))


def inner_of(found: re.Match[str]) -> str | None:
    """What stands between the braces, if it is an include. Those of Jinja may have dashes."""
    inner = found[1].removeprefix("-").removesuffix("-").strip()
    return inner if _CALLS.match(inner) else None


def read_include(inner: str) -> Include:
    """The include that stands between two pairs of braces.

    Raises:
        Invalid: it names no path in quotation marks.
    """
    read = _READABLE.fullmatch(inner)
    if read is None:
        raise refused(
            f"`{{{{ {inner[:SHOWN]} }}}}` in the template cannot be read. Write the path of a prompt or a snippet in quotation"
            ' marks, and after a comma an environment if one is meant: {{ include("support/tone", "production") }}.'
        )
    path, environment = read[1] or read[2], read[3] or read[4]
    return Include(plain_path(path), environment)


def addresses_of(template: Template) -> Iterator[str]:
    """Those of the images in it."""
    for message in template:
        content = message.get("content") if isinstance(message, Mapping) else None
        for part in content if isinstance(content, list | tuple) else ():
            if isinstance(image := part.get("image_url"), Mapping):
                yield str(image.get("url"))


def texts_of(template: Template) -> Iterator[str]:
    if isinstance(template, str):
        yield template
        return
    for message in template:
        content = message.get("content")
        if isinstance(content, str):
            yield content
        for part in content if isinstance(content, list | tuple) else ():
            if isinstance(part.get("text"), str):
                yield part["text"]


def refused(said: str) -> Invalid:
    return Invalid(said, fields={"template": said})
