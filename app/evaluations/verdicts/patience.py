"""When to give up an evaluator that never comes to an end, so that the other evaluators of a run get their turns."""

import threading

MOST_IN_A_ROW = 20
"""Rows on which a version of an evaluator may run out of time, one after the other."""
GIVEN_UP = f"stopped: it ran out of time on {MOST_IN_A_ROW} rows in a row"
MOST_UNANSWERED = 60
"""Rows on which a webhook may not answer in time, one after the other: twenty are asked at once, and a service that is being
started again shall find a run that still asks."""
UNANSWERED = f"stopped: the webhook did not answer in time on {MOST_UNANSWERED} rows in a row"


class Patience:
    """With the evaluators of one run, in this process, for any thread. An answer in time makes up for all that was late before
    it; what is given up stays so."""

    def __init__(self) -> None:
        self._late: dict[str, int] = {}
        self._ended: dict[str, str] = {}
        self._lock = threading.Lock()

    def why_ended(self, version_id: str) -> str | None:
        """Why this version of an evaluator is not to be run any more; None where it is."""
        return self._ended.get(version_id)

    def note(self, version_id: str, *, late: bool, most: int = MOST_IN_A_ROW, said: str = GIVEN_UP) -> None:
        """What came of a row that it was run on: whether its time was over. After `most` of these in a row it is given up."""
        with self._lock:
            count = self._late[version_id] = self._late.get(version_id, 0) + 1 if late else 0
            if count >= most:
                self._ended.setdefault(version_id, said)
