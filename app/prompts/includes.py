"""What a template takes in from other files, `{{ include("support/tone", "production") }}`: found before anything is filled in.

A prompt or a snippet is named by its path, and by an environment if not the version that it shows is meant. Its text
stands where the include stood, and is read as a part of the template: its variables are inputs, its calls are made, what
it includes itself is there. A prompt of several messages is included by a message that says nothing else, in whose place
its messages are then.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from app.core.errors import Invalid, NotFound
from app.core.template import MOST_FILLED_IN, Template, as_text
from app.files import repository
from app.files import service as files
from app.files.models import File, FileKind, Version
from app.files.paths import plain_path
from app.files.tool_shape import usual_type
from app.prompts.spec import ChatMessage, ModelSpec

Message = Mapping[str, Any]
_BRACED = re.compile(r"{{([^{}]*)}}")
_CALLS = re.compile(r"include\s*\(")
_READABLE = re.compile(r"""include\s*\(\s*(?:"([^"]+)"|'([^']+)')\s*(?:,\s*(?:"([^"]+)"|'([^']+)')\s*)?\)""")
_SYNTAX = re.compile(r"{[{%#]")
"""What one of the languages, at least, does not read as mere text."""
_NAMES = {"default": "the plain language", "jinja": "Jinja"}
_DEEPEST = 20
"""Includes that are within each other."""
_MOST = 100
"""Different includes of one template."""
_SHOWN = 100
"""Characters of an include or a path in an error: each row of a run keeps one."""


@dataclass(frozen=True, slots=True)
class Include:
    """An include as it stands in a template."""

    path: str
    environment: str | None = None

    @property
    def text(self) -> str:
        """How it is written."""
        named = f'"{self.path[:_SHOWN]}"' + (f', "{self.environment[:_SHOWN]}"' if self.environment else "")
        return f"include({named})"


@dataclass(frozen=True, slots=True)
class Included:
    """What an include came to."""

    include: Include
    file: File
    version: Version
    template: Template
    """With what it includes itself."""

    @property
    def said(self) -> dict[str, Any]:
        """What a log says of it."""
        return {
            "type": self.file.kind,
            "path": self.file.path,
            "environment": self.include.environment,
            "file_id": self.file.id,
            "version_id": self.version.id,
            "number": self.version.number,
        }


@dataclass(frozen=True, slots=True)
class Expanded:
    """A template with what it includes."""

    template: Template
    included: Sequence[Included] = ()
    """Each once, in the order in which they were met."""
    problem: str = ""
    """Why nothing was included, where it was only looked at."""


def includes_others(template: Template | None) -> bool:
    """Whether a template includes anything."""
    return any(
        _inner(found) is not None for text in _texts(template or ()) for found in _BRACED.finditer(text)
    )


def _inner(found: re.Match[str]) -> str | None:
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
        raise _refused(
            f"`{{{{ {inner[:_SHOWN]} }}}}` in the template cannot be read. Write the path of a prompt or a snippet in quotation"
            ' marks, and after a comma an environment if one is meant: {{ include("support/tone", "production") }}.'
        )
    path, environment = read[1] or read[2], read[3] or read[4]
    return Include(plain_path(path), environment)


def _texts(template: Template) -> Iterator[str]:
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


@dataclass(frozen=True, slots=True)
class _Found:
    itself: Included
    within: Sequence[Included]
    """What it includes."""
    language: str

    @property
    def all(self) -> Sequence[Included]:
        return (self.itself, *self.within)


class Includes:
    """What templates of a workspace include. Each include is looked up once, however often it stands in them."""

    def __init__(self, session: Session, workspace_id: str) -> None:
        self._session, self._workspace_id = session, workspace_id
        self._found: dict[tuple[Include, str], _Found] = {}
        self._left = _MOST

    def expand(self, template: Template, language: str | None, within: str | None = None) -> Expanded:
        """The template with what it includes. `within` is the id of the file that it is of, which it may not include.

        Raises:
            Invalid: an include cannot be read, there is nothing that could be included, files include each other, or
                what comes out would be over 5 MiB.
        """
        if not includes_others(template):
            return Expanded(template)
        self._left = _MOST
        return self._expand(template, language, () if within is None else (within,))

    def look(self, template: Template, language: str | None, within: str | None = None) -> Expanded:
        """As `expand`, to show a template: what cannot be included stays as it is, with the reason."""
        try:
            return self.expand(template, language, within)
        except Invalid as error:
            return Expanded(template, problem=error.message)

    def _expand(self, template: Template, language: str | None, trail: Sequence[str]) -> Expanded:
        met: dict[Include, Included] = {}
        look_up = partial(self._included, language=language, trail=trail, met=met)
        full: Template
        if isinstance(template, str):
            full = _filled(template, look_up)
        else:
            full = [message for each in template for message in _messages(each, look_up)]
        if sum(map(len, _texts(full))) > MOST_FILLED_IN:
            raise _refused(f"What the template includes is over {MOST_FILLED_IN >> 20} MiB.")
        return Expanded(full, tuple(met.values()))

    def _included(
        self, include: Include, *, language: str | None, trail: Sequence[str], met: dict[Include, Included]
    ) -> Included:
        language = language or "default"
        if (include, language) not in self._found:
            self._found[include, language] = self._find(include, language, trail)
        found = self._found[include, language]
        if any(one.file.id in trail for one in found.all):
            raise _refused(f"`{include.text}` in the template goes round in a circle.")
        if found.language != language and any(_SYNTAX.search(each) for each in _texts(found.itself.template)):
            raise _refused(
                f"`{include.text}` in the template: {found.itself.file.path} is written in {_NAMES[found.language]}, and what"
                f" includes it in {_NAMES[language]}. Write both in one language."
            )
        met.update({one.include: one for one in found.all})
        return found.itself

    def _find(self, include: Include, language: str, trail: Sequence[str]) -> "_Found":
        self._left -= 1
        if self._left < 0:
            raise _refused(f"The template includes more than {_MOST} different texts.")
        file = repository.find_file_by_path(self._session, self._workspace_id, include.path)
        if file is None or file.kind not in (FileKind.PROMPT, FileKind.TOOL):
            what = "nothing is" if file is None else f"no prompt or snippet, but a {file.kind} is"
            raise _refused(f"`{include.text}` in the template: {what} at this path.")
        if file.id in trail or len(trail) > _DEEPEST:
            known = repository.find_files(self._session, self._workspace_id, list(trail))
            paths = {one.id: one.path[:_SHOWN] for one in (*known, file)}
            way = " → ".join(paths.get(each, "?") for each in (*trail, file.id))
            said = "goes round in a circle" if file.id in trail else f"is over {_DEEPEST} includes deep"
            raise _refused(f"`{include.text}` in the template {said}: {way}.")
        try:
            version = files.resolve_version(self._session, file, environment=include.environment)
        except NotFound as missing:
            raise _refused(f"`{include.text}` in the template: {missing.message}") from missing
        template, written_in = _content(include, file, version)
        expanded = self._expand(template, written_in or language, (*trail, file.id))
        itself = Included(include, file, version, expanded.template)
        return _Found(itself, expanded.included, written_in or language)


def _content(include: Include, file: File, version: Version) -> tuple[Template, str | None]:
    """What of a version is included, and the language of a prompt; a snippet is read as what includes it is."""
    spec = version.spec
    if file.kind == FileKind.PROMPT:
        return spec.get("template") or "", spec.get("template_language") or "default"
    if (spec.get("tool_type") or usual_type(spec)) != "snippet":
        raise _refused(f"`{include.text}` in the template: {file.path} is a tool, and no snippet.")
    texts = spec.get("setup_values") or {}
    if len(texts) != 1:
        name = file.path.rpartition("/")[2]
        raise _refused(
            f"`{include.text}` in the template: {file.path} has {len(texts)} texts. Take one of them by its key:"
            f' {{{{ {name[:_SHOWN]}("key") }}}}.'
        )
    return as_text(next(iter(texts.values()))), None


_LookUp = Callable[[Include], Included]


def _filled(text: str, look_up: _LookUp) -> str:
    """A text with the texts that it includes."""

    def text_of(found: re.Match[str]) -> str:
        inner = _inner(found)
        if inner is None:
            return found[0]
        included = look_up(read_include(inner))
        return _one_text(included)

    return _BRACED.sub(text_of, text)


def _one_text(included: Included) -> str:
    template = included.template
    if isinstance(template, str):
        return template
    if len(template) == 1 and isinstance(content := template[0].get("content"), str):
        return content
    raise _refused(
        f"`{included.include.text}` in the template: {included.file.path} has {len(template)} messages. A message that includes"
        " them says nothing else, and is no example."
    )


def _messages(message: Message, look_up: _LookUp) -> Iterator[Message]:
    """The messages in the place of one."""
    content = message.get("content")
    if isinstance(content, str):
        alone = _BRACED.fullmatch(content.strip()) if message.keys() <= {"role", "content"} else None
        inner = _inner(alone) if alone else None
        template = look_up(read_include(inner)).template if inner is not None else ""
        if not isinstance(template, str) and len(template) != 1:
            yield from template
            return
        yield {**message, "content": _filled(content, look_up)}
    elif isinstance(content, list | tuple):
        parts = [
            {**part, "text": _filled(part["text"], look_up)} if isinstance(part.get("text"), str) else part
            for part in content
        ]
        yield {**message, "content": parts}
    else:
        yield message


def _refused(said: str) -> Invalid:
    return Invalid(said, fields={"template": said})


Said = TypeVar("Said", bound=ModelSpec)


def with_includes(
    includes: Includes, spec: Said, within: str | None = None
) -> tuple[Said, Sequence[Included]]:
    """The content with what its template includes, and what that is. `within` is the file that it is of.

    Raises:
        Invalid: as `Includes.expand`.
    """
    template = spec.template
    if template is None:
        return spec, ()
    said = template if isinstance(template, str) else [one.model_dump(exclude_none=True) for one in template]
    expanded = includes.expand(said, spec.template_language, within)
    if not expanded.included:
        return spec, ()
    full = expanded.template
    read = full if isinstance(full, str) else [ChatMessage.model_validate(one) for one in full]
    return spec.model_copy(update={"template": read}), expanded.included
