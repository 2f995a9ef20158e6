"""When to give up an evaluator that never comes to an end, so that the other evaluators of a run get their turns."""

import threading

MOST_IN_A_ROW = 20
"""Rows on which a version of an evaluator may run out of time, one after the other."""
GIVEN_UP = f"stopped: it ran out of time on {MOST_IN_A_ROW} rows in a row"


class Patience:
    """With the evaluators of one run, in this process, for any thread. An answer in time makes up for all that was late before
    it; what is given up stays so."""

    def __init__(self) -> None:
        self._late: dict[str, int] = {}
        self._lock = threading.Lock()

    def has_ended(self, version_id: str) -> bool:
        """Whether this version of an evaluator is not to be run any more."""
        return self._late.get(version_id, 0) >= MOST_IN_A_ROW

    def note(self, version_id: str, *, late: bool) -> None:
        """What came of a row that it was run on: whether its time was over."""
        with self._lock:
            if not self.has_ended(version_id):
                self._late[version_id] = self._late.get(version_id, 0) + 1 if late else 0
