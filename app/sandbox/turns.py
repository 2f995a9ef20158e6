"""Places that are given to whoever has waited longest.

A semaphore of `threading` gives a place that has become free to whoever asks at that moment: where many threads ask
again at once, one that waits can wait for minutes.
"""

import threading
from collections import deque


class Turns:
    """A number of places, for threads."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def take(self, seconds: float) -> bool:
        """Wait for a place, behind all who wait already; whether there was one in that time."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            turn = threading.Event()
            self._waiting.append(turn)
        if turn.wait(seconds):
            return True
        with self._lock:
            if turn.is_set():  # in this moment
                return True
            self._waiting.remove(turn)
            return False

    def give_back(self) -> None:
        """Hand a place to the next who waits, or keep it free."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
