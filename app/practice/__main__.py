"""`python -m app.practice`: serves the practice provider in a process of its own."""

import argparse
import os
import sys

import uvicorn

from app.practice.api import create_app
from app.practice.faults import Faults

KEEP_ALIVE_S = 75
"""Longer than clients keep idle connections, so that none is closed under a request."""


def main() -> None:
    """Read the command line and WHETSTONE_SECRET_KEY, and serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m app.practice", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--faults", default="", help="for example latency_ms=100,rate_429=0.1,seed=7")
    options = parser.parse_args()
    try:
        app = create_app(os.environ.get("WHETSTONE_SECRET_KEY", ""), Faults.parse(options.faults))
    except ValueError as error:
        parser.error(str(error))
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
