"""Messages of several parts, texts and images, in the editor's form: each part is a row of fields of its own."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core import images
from app.core.images import Image
from app.core.typed import whole

Json = dict[str, Any]
TEXT, IMAGE, CARRIED = "text", "image", "carried"
DETAILS = ("auto", "low", "high")
FIELDS = ("part.at", "part.kind", "part.text", "part.detail")
VERBS = ("image", "text", "part-up", "part-down", "part-remove")
_SHAPES = {"text": {"type", "text"}, "image_url": {"type", "image_url"}}


@dataclass(frozen=True, slots=True)
class Part:
    """A part as the form shows it."""

    kind: str
    """A text, an image, or what is only carried along: this page has no fields for it."""
    text: str
    """The text, or the image's URL; of what is carried, all of it as JSON."""
    detail: str = ""

    @property
    def image(self) -> Image | None:
        """The image, where it stands whole in the URL."""
        return images.read_image(self.text) if self.kind == IMAGE else None

    @property
    def is_file(self) -> bool:
        """Whether the URL is no address that somebody could read or type."""
        return images.is_data(self.text)


def parts_of(message: Mapping[str, Any]) -> list[Part]:
    """The parts of a message; none where its content is a plain text, or there is none."""
    content = message.get("content")
    return [_shown(part) for part in content] if isinstance(content, list) else []


def _shown(part: Json) -> Part:
    kind, text, image = part.get("type"), part.get("text"), part.get("image_url")
    plain = set(part) == _SHAPES.get(str(kind))
    if plain and isinstance(text, str):
        return Part(TEXT, text)
    if plain and isinstance(image, dict) and isinstance(image.get("url"), str):
        detail = image.get("detail")
        if set(image) <= {"url", "detail"} and (detail in DETAILS or "detail" not in image):
            return Part(IMAGE, image["url"], detail or "")
    return Part(CARRIED, json.dumps(part, ensure_ascii=False))


def read_parts(sent: Iterable[tuple[str, str]]) -> dict[int, list[Json]]:
    """The contents in a sent form, by the place of their message among those of the draft.

    Raises:
        ValueError: the fields do not fit together.
    """
    fields: dict[str, list[str]] = {name: [] for name in FIELDS}
    for name, value in sent:
        if name in fields:
            fields[name].append(value)
    found: dict[int, list[Json]] = {}
    for at, *said in zip(*fields.values(), strict=True):
        if (place := whole(at)) is None:
            raise ValueError("no place of a message")
        found.setdefault(place, []).append(_part(*said))
    return found


def _part(kind: str, text: str, detail: str = "") -> Json:
    if kind == TEXT:
        return {"type": "text", "text": text}
    if kind == IMAGE:
        return {
            "type": "image_url",
            "image_url": {"url": text.strip()} | ({"detail": detail} if detail else {}),
        }
    part = json.loads(text)
    if not isinstance(part, dict):
        raise ValueError("no part")  # noqa: TRY004 - what the form holds is wrong, as with broken JSON
    return part


def apply_to_parts(messages: list[Json], verb: str, detail: str, fresh: Sequence[str] = ()) -> None:
    """Do what a button of a message's parts asks; `fresh` are images that came with it. Unknown ones do nothing.

    `image:2`, `text:2` (a message's place) add; `part-up:2.1`, `part-down:2.1`, `part-remove:2.1` are of its second part.
    """
    first, _, second = detail.partition(".")
    place, number = whole(first), whole(second)
    if place is None or place >= len(messages):
        return
    message = messages[place]
    parts = _listed(message)
    if verb == "image":
        parts += [_part(IMAGE, url) for url in fresh or ("",)]
    elif verb == "text":
        parts.append(_part(TEXT, ""))
    elif number is None or number >= len(parts):
        return
    elif verb == "part-remove":
        del parts[number]
    else:
        other = number - 1 if verb == "part-up" else number + 1
        if not 0 <= other < len(parts):
            return
        parts[number], parts[other] = parts[other], parts[number]
    message["content"] = _content(parts) if verb == "part-remove" else parts


def _listed(message: Json) -> list[Json]:
    content = message.get("content")
    if isinstance(content, list):
        return list(content)
    return [_part(TEXT, content)] if isinstance(content, str) and content else []


def _content(parts: list[Json]) -> str | list[Json]:
    """Without images, a message of one text is that text, and one of nothing is empty: fields as any other has."""
    if not parts:
        return ""
    shown = _shown(parts[0])
    return shown.text if len(parts) == 1 and shown.kind == TEXT else parts


def image_inputs(messages: Iterable[Mapping[str, Any]]) -> list[str]:
    """The variables that stand for whole images."""
    urls = (url for message in messages for url in images.urls_in(message.get("content")))
    return list(dict.fromkeys(name for url in urls if (name := images.variable_in(url))))


def problem_of(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """What is to be put right before a version can be made of the images; None where nothing is."""
    for place, message in enumerate(messages, 1):
        found = [part for part in parts_of(message) if part.kind == IMAGE]
        for number, part in enumerate(found, 1):
            if not part.text:
                named = "The image" if len(found) == 1 else f"Image {number}"
                return f"{named} of message {place} is empty: give its address or a variable, choose a file, or remove it."
    return None
