"""What was worked out before, kept in memory with the stamp of what it was made of."""

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """A value by each key, as long as its stamp is the one it was kept under. Safe to use from many threads."""

    def __init__(self, most: int) -> None:
        """At most `most` values: the one that was not used for the longest time makes room."""
        self._most = most
        self._values: OrderedDict[Key, tuple[str, Value]] = OrderedDict()
        self._turn = Lock()

    def get(self, key: Key, stamp: str | None) -> Value | None:
        """The value that was kept under this stamp."""
        with self._turn:
            kept = self._values.get(key)
            if kept is None or kept[0] != stamp:
                return None
            self._values.move_to_end(key)
            return kept[1]

    def put(self, key: Key, stamp: str, value: Value) -> None:
        """Keep a value in place of the one before."""
        with self._turn:
            self._values[key] = (stamp, value)
            self._values.move_to_end(key)
            if len(self._values) > self._most:
                self._values.popitem(last=False)
