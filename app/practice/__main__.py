"""`python -m app.practice`: serves the practice provider in a process of its own."""

import os

# Before numpy is loaded: threads that wait for each other make small products fifty times slower on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import signal
import sys
from pathlib import Path

import uvicorn

from app.core.errors import DomainError
from app.practice.api import create_app
from app.practice.faults import Faults

_HOST = "127.0.0.1"
KEEP_ALIVE_S = 75
"""Longer than clients keep idle connections, so that none is closed under a request."""


def _home() -> Path | None:
    """A folder of the one-machine stack's home, if there is one."""
    home = os.environ.get("WHETSTONE_HOME")
    return Path(home) / "practice" if home else None


def _refuse_strangers(options: argparse.Namespace) -> None:
    if options.host == _HOST or options.open_to_network or os.environ.get("WHETSTONE_ENV") == "production":
        return
    from app.core import starting  # noqa: PLC0415 - loads what reads the database

    starting.refuse_strangers(options.host)


def main() -> None:
    """Read the command line and WHETSTONE_SECRET_KEY, and serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m app.practice", description=__doc__)
    parser.add_argument("--host", default=_HOST)
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument(
        "--open-to-network",
        action="store_true",
        help="let other machines in, where you trust everybody on the network",
    )
    parser.add_argument("--faults", default="", help="for example latency_ms=100,rate_429=0.1,seed=7")
    parser.add_argument("--folder", type=Path, default=_home(), help="where files and fine-tuned models lie")
    options = parser.parse_args()
    try:
        _refuse_strangers(options)
        app = create_app(
            os.environ.get("WHETSTONE_SECRET_KEY", ""), Faults.parse(options.faults), options.folder
        )
    except (ValueError, DomainError) as error:
        parser.error(str(error))
    # uvicorn answers what is in flight and then raises the signal again, whose default ends a process without goodbye.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.setswitchinterval(0.001)  # seconds: a heavy prompt in the thread holds the event loop back no longer
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_S,
    )


if __name__ == "__main__":
    main()
