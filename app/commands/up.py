"""`up`: the whole of Whetstone on this machine."""

import argparse
from pathlib import Path

from app.commands.home import add_home
from app.commands.network import add_open_to_network
from app.core import starting
from app.core.settings import get_settings
from app.embedded import stack


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `up`."""
    add_home(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=8000, help="port; 0 takes any free one (default: %(default)s)"
    )
    parser.add_argument(
        "--web", type=_count, default=1, metavar="N", help="web processes (default: %(default)s)"
    )
    parser.add_argument(
        "--workers",
        type=_count,
        default=2,
        metavar="N",
        help="worker processes that run evaluations (default: %(default)s)",
    )
    add_open_to_network(parser)
    parser.add_argument("--no-demo", action="store_true", help="start without the demo workspace")
    parser.epilog = (
        "Environment: WHETSTONE_HOME, WHETSTONE_DATABASE_URL and WHETSTONE_REDIS_URL (to use databases of yours),"
        " WHETSTONE_SECRET_KEY, WHETSTONE_PUBLIC_URL (the address people type)."
    )


def run(options: argparse.Namespace) -> int:
    """Start everything and stay until it is stopped.

    Raises:
        Unavailable: a setting that production needs is missing.
        StackError: it cannot start, or others would reach what is not production.
    """
    settings = get_settings()
    starting.refuse_unsafe(settings, makes_secret=True)
    stack.up(
        stack.Options(
            home=Path(options.home),
            host=options.host,
            port=options.port,
            web=options.web,
            workers=options.workers,
            demo=not options.no_demo,
            open_to_network=settings.env == "production" or options.open_to_network,
        ),
        say=_say,
    )
    return 0


def _say(text: str) -> None:
    print(text, flush=True)


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 64:
        raise argparse.ArgumentTypeError("give a number from 1 to 64")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("give a number from 0 to 65535")
    return number
