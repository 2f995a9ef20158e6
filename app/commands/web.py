"""`web`: one process that serves the pages and the API."""

import argparse
import socket
from types import FrameType

import uvicorn

from app.commands.network import add_open_to_network
from app.commands.one_write import JoiningProtocol
from app.core import starting
from app.core.event_stream import closing
from app.core.settings import get_settings
from app.main import create_lasting_app


class _Server(uvicorn.Server):
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        closing.set()
        super().handle_exit(sig, frame)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `web`."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port (default: %(default)s)")
    add_open_to_network(parser)
    parser.add_argument("--fd", type=int, help="serve on this open socket instead, which listens already")


def run(options: argparse.Namespace) -> int:
    """Serve until told to stop; requests in flight are answered, as far as that takes no more than 25 seconds.

    Raises:
        Unavailable: a setting is missing, the database's tables are not those of this version, or others would reach what is
            not production.
    """
    starting.check()
    settings = get_settings()
    if options.fd is None and settings.env != "production" and not options.open_to_network:
        starting.refuse_strangers(options.host)
    server = _Server(
        uvicorn.Config(
            create_lasting_app,
            factory=True,
            host=options.host,
            port=options.port,
            loop="uvloop",
            http=JoiningProtocol,
            log_config=None,  # what it logs goes through ours
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # `core.clients` decides whom to believe
            timeout_graceful_shutdown=25,
        )
    )
    # The kernel tells the family of an inherited socket; uvicorn's own `fd` would take it for a Unix socket.
    server.run(sockets=None if options.fd is None else [socket.socket(fileno=options.fd)])
    return 0 if server.started else 1
