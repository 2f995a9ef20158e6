"""What goes to a child and what comes back: requests as JSON, answers in a form that cannot be anything else.

    nonce (16 bytes) | length of the JSON (4) | length of the attachment (4) | JSON | attachment

An answer is made when the program has run, by a Python that the program may have tampered with, and is read by the
application. So nothing is unpickled, and nothing parsed that could be more than what is said here:

    nonce (16 bytes) | kind (1) | line (4) | length of the payload (4) | payload | length of the prints (4) | prints

The kind says what the payload is: a value in one of the plain types, or the text of an error. Before the answer comes
what the program has printed so far, so that it is there if the program never ends:

    nonce (16 bytes) | "p" (1) | length of the prints (4) | prints

and after it, or in place of it, what Python says of where the program is, when it is told to stop.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

NONCE = 16
HEAD = NONCE + 8
"""Bytes of a request before its JSON."""
MOST_TEXT = 1024 * 1024
"""Characters of a text that comes back, and of all texts of a list together."""
MOST_ERROR, MOST_PRINTS = 2 * 1024, 16 * 1024
MOST_ANSWER = NONCE + 13 + 4 * (MOST_TEXT + MOST_PRINTS) + 64 * 1024
"""Bytes. No honest answer is longer, whatever its characters take; no answer of which more has come is read on."""
MOST_ITEMS = 1_000
MOST_LINE = 2**31 - 1
"""What a column of whole numbers holds."""
Plain = bool | int | float | str | list[str] | None
_ERROR, _TOO_LARGE, _PRINTS = b"e", b"m", b"p"
FILE = "<evaluator>"
"""What the file of a user's program is called."""
_PLACE = re.compile(rb'File "%s", line (\d{1,9}) in ' % FILE.encode())


class BadAnswer(Exception):
    """What came is no answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program came to: a value, or an error and, where it is known, the line of the program."""

    value: Plain = None
    error: str | None = None
    line: int | None = None
    prints: str = ""
    late: bool = False
    """Whether it was stopped because its time was over: the supervisor says so, and no child."""
    too_large: bool = False
    """Whether what it was to be given does not fit into its memory, so that it never ran."""


def request(nonce: bytes, what: Mapping[str, Any], attachment: bytes = b"") -> bytes:
    """The frame of a request."""
    described = json.dumps(what).encode()
    return b"".join((nonce, _number(len(described)), _number(len(attachment)), described, attachment))


def too_large(count: int, memory_bytes: int, *, read: bool = False) -> Answer:
    """The answer to a request of at least so many bytes that does not fit into the memory. `read`: it was sent, and did not
    fit when it was parsed, where an empty object takes dozens of bytes."""
    mib = f"{-(-count >> 20):,} MiB"
    takes = f"takes {mib} as JSON and more once it is parsed" if read else f"takes at least {mib}"
    said = (
        f"What it would be given {takes}, too much for the {memory_bytes >> 20} MiB of memory of the sandbox"
    )
    return Answer(error=said, too_large=True)


def lengths(head: bytes) -> tuple[int, int]:
    """Of the JSON and of the attachment that follow the head of a request."""
    return _read(head, NONCE), _read(head, NONCE + 4)


def encode(nonce: bytes, answer: Answer) -> bytes:
    """The frame of an answer whose value `plain` has passed."""
    if answer.error is not None:
        kind = _TOO_LARGE if answer.too_large else _ERROR
        payload = _bytes(answer.error[:MOST_ERROR])
    else:
        kind, payload = _encoded(answer.value)
    prints = _bytes(answer.prints[:MOST_PRINTS])
    return b"".join(
        (
            nonce,
            kind,
            _number(_within(answer.line) or 0),
            _number(len(payload)),
            payload,
            _number(len(prints)),
            prints,
        )
    )


def printed(nonce: bytes, text: str) -> bytes:
    """The frame of some prints before the answer."""
    prints = _bytes(text)
    return b"".join((nonce, _PRINTS, _number(len(prints)), prints))


def take_prints(nonce: bytes, received: bytearray) -> bytes:
    """What whole frames of prints at the beginning hold; they are taken away."""
    found = bytearray()
    begins, at = nonce + _PRINTS, 0
    while received.startswith(begins, at) and len(received) >= at + NONCE + 5:
        end = at + NONCE + 5 + _read(received, at + NONCE + 1)
        if len(received) < end:
            break
        found += received[at + NONCE + 5 : end]
        at = end
    del received[:at]
    return bytes(found)


def as_prints(raw: bytes | bytearray) -> str:
    """Prints as a text, up to as much as is kept."""
    return _text(bytes(raw[: 4 * MOST_PRINTS]))[:MOST_PRINTS]


def place(received: bytes | bytearray) -> int | None:
    """The line where the program is, if Python has been made to say so at the end of what came."""
    found = _PLACE.search(received)
    return _within(int(found[1])) if found else None


def decode(nonce: bytes, frame: bytes) -> Answer:
    """The answer in a frame.

    Raises:
        BadAnswer: it is none, or has another nonce.
    """
    if frame[:NONCE] != nonce:
        raise BadAnswer
    kind = frame[NONCE : NONCE + 1]
    line, length = _read(frame, NONCE + 1), _read(frame, NONCE + 5)
    payload = frame[NONCE + 9 : NONCE + 9 + length]
    prints = frame[NONCE + 13 + length :]
    if len(payload) != length or len(prints) != _read(frame, NONCE + 9 + length):
        raise BadAnswer
    said = _text(prints)[:MOST_PRINTS]
    if kind in (_ERROR, _TOO_LARGE):
        problem = _text(payload)[:MOST_ERROR]
        return Answer(error=problem, line=_within(line), prints=said, too_large=kind == _TOO_LARGE)
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise BadAnswer
    try:
        value = decoder(payload)
    except ValueError:
        raise BadAnswer from None
    return Answer(value, prints=said)


def is_whole(nonce: bytes, received: bytes | bytearray) -> bool:
    """Whether all of an answer's frame is there.

    Raises:
        BadAnswer: what is there is the beginning of none, however much comes.
    """
    if not nonce.startswith(received[:NONCE]):
        raise BadAnswer
    if len(received) < NONCE + 9 or received[NONCE : NONCE + 1] == _PRINTS:
        return False
    prints_at = NONCE + 9 + _read(received, NONCE + 5)
    end = prints_at + 4 + (_read(received, prints_at) if len(received) >= prints_at + 4 else 0)
    if end > MOST_ANSWER:
        raise BadAnswer
    return len(received) >= end


def plain(value: object, most_text: int = MOST_TEXT) -> Plain:
    """`value` as one of the plain types: what derives from one becomes one, and so does a scalar of numpy.

    Raises:
        TypeError: it is something else, or too much of it.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise TypeError("it returned a whole number of more than 64 bits")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f"it returned a number that is not finite: {float(value)}")
        return float(value)
    if isinstance(value, str):
        if len(value) > most_text:
            raise TypeError(f"it returned a text of more than {most_text:,} characters")
        return str.__str__(value)
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else list(value)
        if len(items) > MOST_ITEMS or not all(isinstance(item, str) for item in items):
            raise TypeError(f"it returned a list that is not of at most {MOST_ITEMS:,} texts")
        if sum(map(len, items)) > most_text:
            raise TypeError(f"it returned texts of more than {most_text:,} characters")
        return [str.__str__(item) for item in items]
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        return plain(value.item(), most_text)
    raise TypeError(
        f"it returned a {type(value).__name__}, and not True, False, a number, a text, a list of texts or None"
    )


def _encoded(value: Plain) -> tuple[bytes, bytes]:
    if value is None:
        return b"0", b""
    if isinstance(value, bool):
        return (b"t" if value else b"f"), b""
    if isinstance(value, int):
        return b"i", int.__repr__(value).encode()
    if isinstance(value, float):
        return b"n", float.__repr__(value).encode()
    if isinstance(value, str):
        return b"s", _bytes(value)
    items = [_bytes(item) for item in value]
    return b"l", b"".join(_number(len(item)) + item for item in items)


def _within(line: int | None) -> int | None:
    """A program can give its own code any line, and a forged answer, too."""
    return line if line and 0 < line <= MOST_LINE else None


def _whole_number(payload: bytes) -> int:
    if len(payload) > 20 or not -(2**63) <= (value := int(payload)) < 2**63:
        raise ValueError
    return value


def _finite(payload: bytes) -> float:
    if len(payload) > 64 or not math.isfinite(value := float(payload)):
        raise ValueError
    return value


def _texts(payload: bytes) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(payload):
        length = _read(payload, at)
        item = payload[at + 4 : at + 4 + length]
        if len(item) != length or len(found) == MOST_ITEMS:
            raise ValueError
        found.append(_text(item))
        at += 4 + length
    if sum(map(len, found)) > MOST_TEXT:
        raise ValueError
    return found


_DECODERS: dict[bytes, Callable[[bytes], Plain]] = {
    b"0": lambda _: None,
    b"t": lambda _: True,
    b"f": lambda _: False,
    b"i": _whole_number,
    b"n": _finite,
    b"s": lambda payload: _text(payload)[:MOST_TEXT],
    b"l": _texts,
}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _text(raw: bytes) -> str:
    """Text as Postgres can keep it: no NUL."""
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def _number(value: int) -> bytes:
    return value.to_bytes(4, "big")


def _read(raw: bytes | bytearray, at: int) -> int:
    part = raw[at : at + 4]
    if len(part) < 4:
        raise BadAnswer
    return int.from_bytes(part, "big")
