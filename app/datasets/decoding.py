"""The bytes of an import as lines of text: which encoding they are in, and lines of bounded length."""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

RECORD_MIB = 20  # everything that one row holds
_CHUNK = 1 << 20
_HEAD = 64 << 10


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to read the bytes; `warning` says it when they had to be guessed."""

    codec: str
    errors: str = "strict"
    warning: str | None = None

    @property
    def warnings(self) -> list[str]:
        return [self.warning] if self.warning else []


class RecordTooLong(Exception):
    """One row holds more than RECORD_MIB: usually a quote that is never closed."""


def find_encoding(file: BinaryIO) -> Encoding:
    """UTF-8 with or without its mark, UTF-16 by its mark, else Windows-1252; reads the file once and rewinds it."""
    file.seek(0)
    head = file.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        file.seek(0)
        return Encoding("utf-16", "replace")
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        warning = "The file is not UTF-8: it was read as Windows-1252 (Latin-1). Check accents and quotes."
        return Encoding("cp1252", "replace", warning)
    finally:
        file.seek(0)
    return Encoding("utf-8-sig")


def head_of(file: BinaryIO, encoding: Encoding) -> str:
    """The beginning of the file as text; rewinds it."""
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(0)
    return head.decode(encoding.codec, "ignore")


class _Borrowed(io.BufferedIOBase):
    """A file that stays open when its text is closed: whoever opened it closes it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.name = "import"

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        return self._file.read(-1 if size is None else size)

    def read1(self, size: int = -1) -> bytes:
        return self.read(size)


class Lines(Iterator[str]):
    """The lines of a text with their ends as they are, counted, and bounded together until `next_record`."""

    def __init__(self, file: BinaryIO, encoding: Encoding) -> None:
        self._text = io.TextIOWrapper(_Borrowed(file), encoding.codec, encoding.errors, newline="")
        self.number = 0
        """The line read last, from 1."""
        self.has_nul = False
        """Whether a line since `next_record` holds a NUL character, which Postgres cannot store."""
        self._left = RECORD_MIB << 20

    def __next__(self) -> str:
        line = self._text.readline(self._left + 1)
        if not line:
            raise StopIteration
        self._left -= len(line)
        if self._left < 0:
            raise RecordTooLong
        self.number += 1
        self.has_nul = self.has_nul or "\x00" in line
        return line

    def next_record(self) -> None:
        """Start counting anew: what follows is another row."""
        self._left, self.has_nul = (RECORD_MIB << 20), False
