"""A process that stops the others when their supervisor is gone, however it ended.

It sleeps on a pipe whose other end only the supervisor holds: the kernel closes that end even after `kill -9`.
"""

import os
import sys
from pathlib import Path

from app.embedded import processes


def main() -> None:
    """Wait for the end of stdin, then stop what the supervisor (pid, start time) recorded and did not stop itself."""
    record, pid, started = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    while os.read(sys.stdin.fileno(), 4096):
        pass
    owner, children = processes.recorded(record)
    # A next supervisor may have written its own children down by now: those are not ours to stop.
    if owner and (owner.pid, owner.started) == (pid, started):
        processes.stop(child for child in children if child.pid != os.getpid())


if __name__ == "__main__":
    main()
