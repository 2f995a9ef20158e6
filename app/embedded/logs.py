"""Logs of the processes: one line an event, each with time and name in front, and no more than two files of each."""

import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

LARGEST_FILE = 5 * 2**20
_LONGEST_LINE = 16 * 2**10
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # colours and cursor moves do not belong into a file


class Log:
    """The log file of one process. It is turned over at `LARGEST_FILE` bytes, and one older file is kept."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / f"{name}.log"
        self._name = name
        self._file = self.path.open("ab", buffering=0)
        self._size = self.path.stat().st_size

    def copy_from(self, descriptor: int) -> None:
        """Write down what comes out of a pipe, until its end."""
        rest = b""
        while chunk := os.read(descriptor, 65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.write(line)
            if len(rest) > _LONGEST_LINE:
                self.write(rest)
                rest = b""
        if rest:
            self.write(rest)

    def write(self, line: bytes) -> None:
        """Write one line. On a full disk it is lost: who writes it must not be held up."""
        text = _CONTROLS.sub("", line[:_LONGEST_LINE].decode(errors="replace"))
        entry = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}Z {self._name} | {text}\n".encode()
        with suppress(OSError):
            if self._size + len(entry) > LARGEST_FILE:
                self._turn_over()
            self._size += self._file.write(entry)

    def _turn_over(self) -> None:
        older = self.path.with_suffix(".log.1")
        self.path.replace(older)
        try:
            fresh = self.path.open("ab", buffering=0)
        except OSError:
            older.replace(self.path)  # there is room for no other: the old one goes on, once there is
            raise
        self._file.close()
        self._file, self._size = fresh, 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def tail(path: Path, lines: int = 8) -> str:
    """The last lines of a log file."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
