"""The smallest files of each kind of image: three pixels wide, two high."""

import base64
import struct
import zlib


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(colour: tuple[int, int, int] = (20, 130, 120), width: int = 3, height: int = 2) -> bytes:
    """An image of one colour."""
    rows = (b"\0" + bytes(colour) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + _chunk(b"IDAT", zlib.compress(rows))
        + _chunk(b"IEND", b"")
    )


PNG = png()
GIF = b"GIF89a" + struct.pack("<HHBBB", 3, 2, 0, 0, 0) + b";"
JPEG = (
    b"\xff\xd8\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + bytes(9)
    + b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, 2, 3, 1) + bytes(3) + b"\xff\xd9"
)  # fmt: skip
WEBP = (
    b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + b"\2\0\0" + b"\1\0\0"
)


def data_url(data: bytes, media: str = "image/png") -> str:
    """A file as it stands whole in a URL."""
    return f"data:{media};base64,{base64.b64encode(data).decode()}"
