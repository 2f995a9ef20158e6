"""Images as messages hold them: by an address, or whole in a `data:` URL. What one is, its bytes say, never its name."""

import base64
import binascii
import hashlib
import json
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.template import VARIABLE

FILE_MIB = 2
"""Of a file that is put into a prompt or an input; the pages' script (`attaching.js`) asks for the same."""
MEDIA = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WebP": "image/webp"}
"""What models take and every browser draws, by name."""
_DATA = re.compile(r"data:image/[\w.+-]+;base64,([A-Za-z0-9+/=]*)", re.ASCII | re.IGNORECASE)
_EMBEDDED = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,([A-Za-z0-9+/=]{64,})", re.ASCII | re.IGNORECASE)
_START = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,", re.ASCII | re.IGNORECASE)
_SOF = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Markers of a JPEG behind which its size stands."""
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Image:
    """An image that stands whole in its URL. `width` and `height` are 0 where the file does not say them."""

    kind: str
    """A name of `MEDIA`."""
    width: int
    height: int
    size: int
    """Bytes of the file."""
    source: str
    """Its URL, with the media type that the bytes have, whatever the one that came says."""
    digest: str
    """What tells it from others: eight digits of its SHA-256."""

    @property
    def told(self) -> str:
        """`PNG, 512 × 384, 34 kB`."""
        sides = [f"{self.width:,} × {self.height:,}"] if self.width and self.height else []
        return ", ".join([self.kind, *sides, size_text(self.size)])


def read_image(url: str) -> Image | None:
    """The image in a `data:` URL; None for an address, and for bytes that are no PNG, JPEG, GIF or WebP."""
    found = _DATA.fullmatch(url.strip())
    if found is None:
        return None
    try:
        data = base64.b64decode(found[1], validate=True)
    except (binascii.Error, ValueError):
        return None
    kind = kind_of(data)
    if kind is None:
        return None
    width, height = _sides(kind, data)
    source = f"data:{MEDIA[kind]};base64,{found[1]}"
    return Image(kind, width, height, len(data), source, hashlib.sha256(data).hexdigest()[:8])


def kind_of(data: bytes) -> str | None:
    """The name of the format that a file begins like."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    return None


def is_data(url: str) -> bool:
    """Whether the URL holds what it stands for, rather than saying where that lies."""
    return url.lstrip()[:5].lower() == "data:"


def variable_in(url: str) -> str | None:
    """The variable that stands for the whole image; None where there is none, or it is a part of an address."""
    found = VARIABLE.fullmatch(url.strip())
    return found[1] if found else None


def told(url: str) -> str:
    """An image in words: its address, or what kind of file it is and how large."""
    if not is_data(url):
        return url
    image = read_image(url)
    return (
        image.told if image else f"data of {size_text(len(url) * 3 // 4)} that are no image of a known kind"
    )


def told_apart(url: str) -> str:
    """As `told`, so that two files that look alike in words do not read the same."""
    image = read_image(url) if is_data(url) else None
    return f"{image.told}, {image.digest}" if image else told(url)


def told_in(text: str) -> str:
    """A text with what stands whole in it as base64 told in words: a wall of letters says nothing to people."""
    if ";base64," not in text:
        return text
    return _EMBEDDED.sub(
        lambda found: f"data:{found[1]};base64,… ({size_text(len(found[2]) * 3 // 4)})", text
    )


def start_told(text: str) -> str:
    """The beginning of a text that is itself cut off: of one that is a file in a `data:` URL, only what kind of file."""
    found = _START.match(text)
    return f"a file, {found[1]}" if found else text


def urls_in(content: object) -> Iterator[str]:
    """The URLs of the images in a message's content."""
    for part in content if isinstance(content, list) else ():
        image = part.get("image_url") if isinstance(part, Mapping) else None
        url = image.get("url") if isinstance(image, Mapping) else image
        if isinstance(url, str):
            yield url


def part_told(part: Mapping[str, Any]) -> str:
    """A part of a message's content as text: `[image https://…, detail low]`."""
    if isinstance(part.get("text"), str) and not part.get("image_url"):
        return str(part["text"])
    image = part.get("image_url") or {}
    url, detail = (image.get("url"), image.get("detail")) if isinstance(image, Mapping) else (image, None)
    said = [told_apart(str(url))] if url else []
    if detail:
        said.append(f"detail {detail}")
    return f"[image {', '.join(said)}]" if said else "[image]"


def content_told(content: object) -> str:
    """A message's content as people read it: parts below each other, images in words; what is no content, as JSON."""
    if isinstance(content, list) and all(isinstance(part, Mapping) for part in content):
        return "\n".join(map(part_told, content))
    return (
        content
        if isinstance(content, str)
        else ""
        if content is None
        else json.dumps(content, ensure_ascii=False)
    )


def size_text(size: int) -> str:
    """A number of bytes as people read it: `34 kB`."""
    if size < _KIB:
        return f"{size} bytes"
    return f"{size / _KIB:.0f} kB" if size < _KIB**2 else f"{size / _KIB**2:.1f} MB"


def _sides(kind: str, data: bytes) -> tuple[int, int]:
    """(width, height); zeros where a file breaks off before it says them."""
    try:
        match kind:
            case "PNG":
                width, height = struct.unpack(">II", data[16:24])
            case "GIF":
                width, height = struct.unpack("<HH", data[6:10])
            case "JPEG":
                width, height = _sides_of_jpeg(data)
            case _:
                width, height = _sides_of_webp(data)
    except (struct.error, IndexError):
        return 0, 0
    return width, height


def _sides_of_jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _SOF:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        alone = marker in (0x01, 0xFF) or 0xD0 <= marker <= 0xD8
        at += (1 if marker == 0xFF else 2) if alone else 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return 0, 0


def _sides_of_webp(data: bytes) -> tuple[int, int]:
    match data[12:16]:
        case b"VP8X":
            width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        case b"VP8L":
            bits = struct.unpack("<I", data[21:25])[0]
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = (side & 0x3FFF for side in struct.unpack("<HH", data[26:30]))
        case _:
            width, height = 0, 0
    return width, height
