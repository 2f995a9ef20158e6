"""Reading the folder of an export. Nothing in it is trusted: names are listed, never built from what files say."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from app.core.errors import Invalid
from app.logs.records import storable
from app.transfer.layout import DONE, FILES, is_name, part_number
from app.transfer.report import Report

MOST_LINE_MIB = 64
"""A longer line is left out: it is never read into memory as a whole."""
_MOST_LINE = MOST_LINE_MIB << 20
_LONG_NUMBER = re.compile(rb"\d{19}")
_LONGEST_NUMBER = 19
"""Digits, of a whole number that 64 bits hold whatever its digits are."""
Json = dict[str, Any]


class Unreadable(Exception):
    """A file or line that is no JSON object; the message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One object of a list."""

    value: Json
    where: str
    """File and line, as people find it."""
    size: int
    """In bytes."""


def parse(text: bytes) -> Json:
    """The JSON object that `text` is, with the replacement character for what Postgres cannot hold.

    Raises:
        Unreadable: it is none, or nested deeper than can be read.
    """
    try:
        value, clean = _loads(text)
        if not clean:
            value = storable(value)
    except RecursionError:
        raise Unreadable("it is nested too deep") from None
    if not isinstance(value, dict):
        raise Unreadable("it is no JSON object")
    return value


def _loads(text: bytes) -> tuple[Any, bool]:
    """The value, and whether its texts can be stored as they are.

    Halves of surrogate pairs are read, too, and whole numbers of more than 64 bits become texts: orjson would refuse the
    first, and round the others without a word.
    """
    if not _LONG_NUMBER.search(text):
        try:
            return orjson.loads(text), b"\\u0000" not in text
        except orjson.JSONDecodeError:
            pass
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_int=_whole), False
    except ValueError as error:
        raise Unreadable(f"it is not JSON ({error})") from None


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) < _LONGEST_NUMBER else digits


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


class Folder:
    """A folder of an export."""

    def __init__(self, path: Path, name: str = "") -> None:
        self._path = path
        self.name = name
        """Relative to the export, for people."""

    @classmethod
    def open(cls, path: Path) -> "Folder":
        """The export in `path`.

        Raises:
            Invalid: it is none.
        """
        if not (path / FILES).is_dir():
            raise Invalid(
                f"{path} is no export: it has no folder `{FILES}`. Give the one that the export tool named by date,"
                " such as exports/20250605-120000."
            )
        return cls(path)

    def _entries(self, *, folders: bool) -> list[str]:
        """Links are left where they are: what they lead to is no part of the export."""
        try:
            with os.scandir(self._path) as found:
                return sorted(
                    each.name
                    for each in found
                    if (each.is_dir if folders else each.is_file)(follow_symlinks=False)
                )
        except FileNotFoundError:
            return []

    def has(self, name: str) -> bool:
        """Whether there is a file or folder of this name."""
        return (self._path / name).exists()

    @property
    def is_done(self) -> bool:
        """Whether the export of this file came to its end."""
        return self.has(DONE)

    def folder(self, name: str) -> "Folder":
        """A folder in it, which may not be there: then it is empty. `name` is a part of the layout."""
        return Folder(self._path / name, self._named(name))

    def _named(self, name: str) -> str:
        return f"{self.name}/{name}" if self.name else name

    def folders(self, what: str, report: Report) -> list["Folder"]:
        """The folders in it that have the name of an id; others are left out."""
        names = self._entries(folders=True)
        for name in names:
            if not is_name(name):
                report.leave_out(what, "its name is no id", self._named(name))
        return [self.folder(name) for name in names if is_name(name)]

    @property
    def id(self) -> str:
        """The last part of its name."""
        return self.name.rpartition("/")[2]

    def names(self, what: str, report: Report) -> list[str]:
        """The files in it that have the name of an id; others are left out."""
        names = self._entries(folders=False)
        for name in names:
            if not is_name(name):
                report.leave_out(what, "its name is no id", self._named(name))
        return [name for name in names if is_name(name)]

    def read(self, name: str) -> Json:
        """The JSON object in a file.

        Raises:
            Unreadable: there is no such file, or no object in it.
        """
        return parse(self._bytes(name))

    def read_list(self, name: str) -> list[Any]:
        """The JSON list in a file; an empty one where there is none.

        Raises:
            Unreadable: there is something else in it.
        """
        if not self.has(name):
            return []
        found = parse(b'{"list":' + self._bytes(name) + b"}").get("list")
        if not isinstance(found, list):
            raise Unreadable("it is no list")
        return found

    def _bytes(self, name: str) -> bytes:
        path = self._path / name
        if path.is_symlink() or not path.is_file():
            raise Unreadable("it is not there")
        if path.stat().st_size > _MOST_LINE:
            raise Unreadable(f"it is larger than {MOST_LINE_MIB} MiB")
        return path.read_bytes()

    def lines(self, what: str, report: Report) -> Iterator[Line]:
        """The objects in the numbered parts of a list, part by part. Lines that cannot be read are left out, and named."""
        names = self._entries(folders=False)
        for _, part in sorted((n, name) for name in names if (n := part_number(name)) is not None):
            name = self._named(part)
            for position, text in _lines(self._path / part):
                where = f"{name}, line {position}"
                if text is None:
                    report.leave_out(what, f"the line is longer than {MOST_LINE_MIB} MiB", where)
                    continue
                try:
                    yield Line(parse(text), where, len(text))
                except Unreadable as problem:
                    report.leave_out(what, "the line cannot be read", f"{where} ({problem})")


def _lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """The lines of a file with their numbers from 1, but for empty ones; None for one that is too long."""
    number = 0
    with path.open("rb") as file:
        while text := file.readline(_MOST_LINE + 1):
            number += 1
            if len(text) > _MOST_LINE:
                while text and not text.endswith(b"\n"):
                    text = file.readline(1 << 20)
                yield number, None
            elif text.strip():
                yield number, text
