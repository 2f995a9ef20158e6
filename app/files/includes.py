"""What a template takes in from other files, `{{ include("support/tone", "production") }}`: found before anything is filled in.

A prompt or a snippet is named by its path, and by an environment if not the version that it shows is meant. Its text
stands where the include stood, and is read as a part of the template: its variables are inputs, its calls are made, what
it includes itself is there. A prompt of several messages is included by a message that says nothing else, in whose place
its messages are then.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Invalid, NotFound
from app.core.template import MOST_FILLED_IN, Template, as_text
from app.files import repository
from app.files import service as files
from app.files.include_syntax import (
    BRACED,
    OPENS,
    SHOWN,
    Include,
    includes_others,
    inner_of,
    read_include,
    refused,
    texts_of,
)
from app.files.models import File, FileKind, Version
from app.files.resolution_repository import Wanted, resolve
from app.files.tool_shape import usual_type

Message = Mapping[str, Any]
_SYNTAX = re.compile(r"{[{%#]")
"""What one of the languages, at least, does not read as mere text."""
_NAMES = {"default": "the plain language", "jinja": "Jinja"}
_DEEPEST = 20
"""Includes that are within each other."""
_MOST = 100
"""Different includes of one template."""
_MOST_MESSAGES = 2_000
"""Messages that a template includes."""
_AGAIN = 8
"""How many times as much may be put in on the way, where what is included includes others: each level is put in once more."""


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


@dataclass(frozen=True, slots=True)
class _Found:
    itself: Included
    within: Sequence[Included]
    """What it includes."""
    language: str

    @property
    def all(self) -> Sequence[Included]:
        return (self.itself, *self.within)


class Circle(Invalid):
    """Files include each other."""

    def __init__(self, said: str) -> None:
        super().__init__(said, fields={"template": said})


class Includes:
    """What templates of a workspace include. Each include is looked up once, however often it stands in them."""

    def __init__(self, session: Session, workspace_id: str) -> None:
        self._session, self._workspace_id = session, workspace_id
        self._versions: dict[Include, Version | None] = {}
        self._found: dict[tuple[Include, str], _Found | None] = {}
        self._work = _Work()

    def expand(self, template: Template, language: str | None, within: str | None = None) -> Expanded:
        """The template with what it includes. `within` is the id of the file that it is of, which it may not include.

        Raises:
            Invalid: an include cannot be read, there is nothing that could be included, files include each other, or
                what is included would be over 5 MiB.
        """
        if not includes_others(template):
            return Expanded(template)
        self._work = _Work()
        return self._expand(template, language, () if within is None else (within,))

    def look(self, template: Template, language: str | None, within: str | None = None) -> Expanded:
        """As `expand`, to show a template: what cannot be included stays as it is, with the reason."""
        try:
            return self.expand(template, language, within)
        except Invalid as error:
            return Expanded(template, problem=error.message)

    def _expand(self, template: Template, language: str | None, trail: Sequence[str]) -> Expanded:
        self._load(template)
        met: dict[Include, Included] = {}
        look_up = partial(self._included, language=language, trail=trail, met=met, room=_Room())
        full: Template
        if isinstance(template, str):
            full = _filled(template, look_up)
        else:
            full = [message for each in template for message in _messages(each, look_up)]
        return Expanded(full, tuple(met.values()))

    def _load(self, template: Template) -> None:
        """Look for all that a template includes at once: None for what is not there, which is told where it stands."""
        named = (inner_of(found) for text in texts_of(template) for found in BRACED.finditer(text))
        includes = dict.fromkeys(read_include(inner) for inner in named if inner is not None)
        wanted = [one for one in includes if one not in self._versions][: _MOST + 1]
        resolved = resolve(
            self._session,
            [Wanted(self._workspace_id, None, None, one.path, None, one.environment) for one in wanted],
        )
        ids = {found.version_id for found in resolved if found}
        versions = {one.id: one for one in repository.find_versions(self._session, self._workspace_id, ids)}
        for one, found in zip(wanted, resolved, strict=True):
            self._versions[one] = versions.get(found.version_id) if found else None

    def _included(
        self,
        include: Include,
        *,
        language: str | None,
        trail: Sequence[str],
        met: dict[Include, Included],
        room: "_Room",
    ) -> Included | None:
        language = language or "default"
        if (include, language) not in self._found:
            self._found[include, language] = self._find(include, language, trail)
        found = self._found[include, language]
        if found is None:
            return None
        if any(one.file.id in trail for one in found.all):
            raise Circle(f"`{include.text}` in the template goes round in a circle.")
        if found.language != language and any(
            _SYNTAX.search(each) for each in texts_of(found.itself.template)
        ):
            raise refused(
                f"`{include.text}` in the template: {found.itself.file.path} is written in {_NAMES[found.language]}, and what"
                f" includes it in {_NAMES[language]}. Write both in one language."
            )
        met.update({one.include: one for one in found.all})
        room.take(found.itself.template)
        self._work.take(found.itself.template)
        return found.itself

    def _find(self, include: Include, language: str, trail: Sequence[str]) -> "_Found | None":
        """None where it calls a tool of that name, as templates could before there were includes."""
        self._work.count()
        version = self._versions.get(include)
        if version is None and language == "default" and self._is_tool:
            return None
        if version is None:
            raise self._missing(include)
        file = version.file
        if file.id in trail or len(trail) > _DEEPEST:
            known = repository.find_files(self._session, self._workspace_id, list(trail))
            paths = {one.id: one.path[:SHOWN] for one in (*known, file)}
            way = " → ".join(paths.get(each, "?") for each in (*trail, file.id))
            if file.id in trail:
                raise Circle(f"`{include.text}` in the template goes round in a circle: {way}.")
            raise refused(f"`{include.text}` in the template is over {_DEEPEST} includes deep: {way}.")
        template, written_in = _content(include, file, version)
        expanded = self._expand(template, written_in or language, (*trail, file.id))
        itself = Included(include, file, version, expanded.template)
        return _Found(itself, expanded.included, written_in or language)

    @cached_property
    def _is_tool(self) -> bool:
        return repository.has_tool_called(self._session, self._workspace_id, "include")

    def _missing(self, include: Include) -> Invalid:
        """Why there is no version to include."""
        file = repository.find_file_by_path(self._session, self._workspace_id, include.path)
        if file is None:
            return refused(f"`{include.text}` in the template: nothing is at this path.")
        try:
            files.resolve_version(self._session, file, environment=include.environment)
        except NotFound as missing:
            return refused(f"`{include.text}` in the template: {missing.message[:300]}")
        return refused(f"`{include.text}` in the template was made just now: try again.")


def _content(include: Include, file: File, version: Version) -> tuple[Template, str | None]:
    """What of a version is included, and the language of a prompt; a snippet is read as what includes it is."""
    spec = version.spec
    if file.kind not in (FileKind.PROMPT, FileKind.TOOL):
        named = f"{'an' if file.kind[0] in 'ae' else 'a'} {file.kind}"
        raise refused(f"`{include.text}` in the template: no prompt or snippet, but {named} is at this path.")
    if file.kind == FileKind.PROMPT:
        return spec.get("template") or "", spec.get("template_language") or "default"
    if (spec.get("tool_type") or usual_type(spec)) != "snippet":
        raise refused(f"`{include.text}` in the template: {file.path} is a tool, and no snippet.")
    texts = spec.get("setup_values") or {}
    if len(texts) != 1:
        name = file.path.rpartition("/")[2]
        raise refused(
            f"`{include.text}` in the template: {file.path} has {len(texts)} texts. Take one of them by its key:"
            f' {{{{ {name[:SHOWN]}("key") }}}}.'
        )
    return as_text(next(iter(texts.values()))), None


_LookUp = Callable[[Include], Included | None]


class _Room:
    """How much a template may still include; what it includes has room of its own for what is within that."""

    def __init__(self) -> None:
        self._messages, self._characters = _MOST_MESSAGES, MOST_FILLED_IN

    def take(self, template: Template) -> None:
        """A text or messages are put in. Raises: Invalid."""
        self._characters -= sum(map(len, texts_of(template)))
        self._messages -= 1 if isinstance(template, str) else len(template)
        if self._characters < 0:
            raise refused(f"What the template includes is over {MOST_FILLED_IN >> 20} MiB.")
        if self._messages < 0:
            raise refused(f"The template includes more than {_MOST_MESSAGES:,} messages and texts.")


class _Work:
    """How much may still be done for one template, in all its levels."""

    def __init__(self) -> None:
        self._texts, self._messages, self._characters = (
            _MOST,
            _AGAIN * _MOST_MESSAGES,
            _AGAIN * MOST_FILLED_IN,
        )

    def count(self) -> None:
        """One text more is looked at. Raises: Invalid."""
        self._texts -= 1
        if self._texts < 0:
            raise refused(f"The template includes more than {_MOST} different texts.")

    def take(self, template: Template) -> None:
        """A text or messages are put in, at whichever level. Raises: Invalid."""
        self._characters -= sum(map(len, texts_of(template)))
        self._messages -= 1 if isinstance(template, str) else len(template)
        if self._characters < 0 or self._messages < 0:
            raise refused(
                f"The template includes so much over so many levels that {_AGAIN} times"
                f" {MOST_FILLED_IN >> 20} MiB or {_MOST_MESSAGES:,} messages would be put in: include it over fewer levels."
            )


def _filled(text: str, look_up: _LookUp) -> str:
    """A text with the texts that it includes."""
    read = 0

    def text_of(found: re.Match[str]) -> str:
        nonlocal read
        inner = inner_of(found)
        if inner is None:
            return found[0]
        read += 1
        included = look_up(read_include(inner))
        return found[0] if included is None else _one_text(included)

    filled = BRACED.sub(text_of, text)
    if read < len(OPENS.findall(text)):
        raise refused(
            "An include in the template cannot be read: its path has no braces, and it ends with )}}."
        )
    return filled


def _one_text(included: Included) -> str:
    template = included.template
    if isinstance(template, str):
        return template
    if _is_text(template):
        return str(template[0]["content"])
    what = "1 message that is not just a text" if len(template) == 1 else f"{len(template)} messages"
    raise refused(
        f"`{included.include.text}` in the template: {included.file.path} has {what}. A message that includes this says nothing"
        " else, and is no example."
    )


def _is_text(messages: Sequence[Message]) -> bool:
    """Whether it is one message that is but a text: its text can stand in any other."""
    return (
        len(messages) == 1
        and messages[0].keys() <= {"role", "content"}
        and isinstance(messages[0].get("content"), str)
    )


def _messages(message: Message, look_up: _LookUp) -> Iterator[Message]:
    """The messages in the place of one."""
    content = message.get("content")
    if isinstance(content, str):
        alone = BRACED.fullmatch(content.strip()) if message.keys() <= {"role", "content"} else None
        inner = inner_of(alone) if alone else None
        included = look_up(read_include(inner)) if inner is not None else None
        if included is None:
            yield {**message, "content": _filled(content, look_up)}
        elif isinstance(included.template, str) or _is_text(included.template):
            yield {**message, "content": _one_text(included)}
        else:
            yield from included.template
    elif isinstance(content, list | tuple):
        yield {**message, "content": [_part(part, look_up) for part in content]}
    else:
        yield message


def _part(part: Mapping[str, Any], look_up: _LookUp) -> Mapping[str, Any]:
    image = part.get("image_url")
    if isinstance(image, Mapping) and OPENS.search(str(image.get("url"))):
        raise refused("The address of an image includes nothing: write it, or a variable in its place.")
    text = part.get("text")
    return {**part, "text": _filled(text, look_up)} if isinstance(text, str) else part
