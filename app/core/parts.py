"""Pages that are read and sent a part at a time: they take the memory of one part, however much they hold."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any, NamedTuple, TypeVar

from fastapi import Response
from fastapi.responses import StreamingResponse
from pydantic_core import to_json
from sqlalchemy.orm import Session

from app.core import waiting
from app.core.database import unit_of_work

_A_LOOK = 100
"""Items whose sizes are asked for at once."""
_MOST_BYTES = 8 * 1024 * 1024
"""Of all texts that are read together; as objects they take several times as much. An item that is larger is read alone."""
_MOST_PACKED = 1024 * 1024
"""Bytes as they are stored, beyond which no further item is unpacked to be counted."""
_PACKED_IN_ONE = 255
"""Bytes that Postgres packs into one, at most."""

Item = TypeVar("Item")


class Shown(NamedTuple):
    """A record of the answer; None where it has been deleted since the page was looked for."""

    record: dict[str, Any] | None
    depth: int = 0
    """How far it is nested: each record stands in the last one before it that is nested less."""


Measure = Callable[[Session, Sequence[Item], bool], Sequence[int]]
"""How many bytes each of the items has; when True as they are stored, which is told without unpacking them."""
Show = Callable[[Session, Sequence[Item]], Iterable[Shown]]


class Reading:
    """Where an answer is read from: the request's transaction until the answer begins, then a short one for each part. None
    is open while somebody takes their time to receive a part."""

    def __init__(self, session: Session) -> None:
        self._session: Session | None = session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """The one to read the next part by. Nothing is yielded to the reader of the answer within it."""
        if self._session is not None:
            yield self._session
            return
        with waiting.at_most(waiting.REQUEST_S), unit_of_work() as session:
            yield session

    def begin(self) -> None:
        """From now on, the request's transaction is over."""
        self._session = None


class Writing:
    """The JSON of an answer, in the order in which it is sent."""

    def __init__(self, head: bytes = b"", tail: bytes = b"", nested: str = "") -> None:
        """`nested` is the member that holds the records nested under one, where there may be such."""
        self._text, self._tail, self._nested = head, tail, nested
        self._counts = [0]
        """How many records stand so far in the list that is written, and in those around it."""

    @classmethod
    def page(cls, page: int, size: int, total: int, nested: str = "") -> "Writing":
        """Of a page in its usual shape."""
        tail = to_json({"page": page, "size": size, "total": total})
        return cls(b'{"records":[', b"]," + tail[1:], nested)

    def add(self, shown: Sequence[Shown]) -> None:
        """Write records. What is nested in one that is missing is left out with it."""
        self._text += b"".join(self._of(*each) for each in shown)

    def take(self, *, whole: bool) -> bytes:
        """What was written since the last time; to the end, when that is the `whole`."""
        text, self._text = self._text, b""
        return text + self._close(0) + self._tail if whole else text

    def _of(self, record: dict[str, Any] | None, depth: int) -> bytes:
        if depth >= len(self._counts):
            return b""
        text = self._close(depth)
        if record is None:
            return text
        own = {name: value for name, value in record.items() if name != self._nested}
        text += (b"," if self._counts[-1] else b"") + to_json(own, inf_nan_mode="null")
        self._counts[-1] += 1
        if not self._nested:
            return text
        self._counts.append(0)
        return text[:-1] + b"," + to_json(self._nested) + b":["

    def _close(self, depth: int) -> bytes:
        closed = len(self._counts) - 1 - depth
        del self._counts[depth + 1 :]
        return b"]}" * closed


class Part(NamedTuple):
    """Of an answer."""

    content: bytes
    is_last: bool


def in_parts(
    reading: Reading, items: Iterable[Item], measure: Measure[Item], show: Show[Item], writing: Writing
) -> Iterator[Part]:
    """What `show` says of the items, as many at a time as should be read at once: at least one part."""
    left = iter(items)
    ahead = list(islice(left, _A_LOOK))
    while True:
        if ahead:
            with reading.transaction() as session:
                few = _fitting(session, ahead, measure)
                writing.add(list(show(session, ahead[:few])))
            ahead = [*ahead[few:], *islice(left, few)]
        yield Part(writing.take(whole=not ahead), not ahead)
        if not ahead:
            return


def answer(reading: Reading, parts: Iterator[Part]) -> Response:
    """The answer that the parts are together. What keeps the first from being read is raised; what keeps a later one ends the
    connection before the answer is whole, which clients take for an error."""
    first = next(parts)
    if first.is_last:
        return Response(first.content, media_type="application/json")
    reading.begin()
    content = chain([first.content], (part.content for part in parts))
    return StreamingResponse(content, media_type="application/json")


def _fitting(session: Session, items: Sequence[Item], measure: Measure[Item]) -> int:
    packed = measure(session, items, True)
    few = _first(packed, _MOST_PACKED)
    if few == 1 or sum(packed[:few]) * _PACKED_IN_ONE <= _MOST_BYTES:
        return few
    return _first(measure(session, items[:few], False), _MOST_BYTES)


def _first(sizes: Sequence[int], most: int) -> int:
    """How many of the first have no more than `most` together; one at least."""
    total = 0
    for count, size in enumerate(sizes):
        total += size
        if total > most:
            return max(1, count)
    return len(sizes)
