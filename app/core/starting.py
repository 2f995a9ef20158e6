"""What must be true before a process of ours begins to work; what is not is said in one message, and it ends."""

import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

import psycopg
import structlog

from app.core import schema
from app.core.errors import Unavailable
from app.core.settings import Settings, get_settings

SHORTEST_SECRET = 32
"""Characters; 32 of hex are 128 bits."""
TOO_OPEN = (
    "Other machines reach {host}, and this is not set up for that: passwords would cross the network as they are. Put a proxy"
    " with TLS in front and set WHETSTONE_ENV=production (docs/self-hosting.md), or add --open-to-network where you trust"
    " everybody on the network."
)
log = structlog.get_logger()


def check() -> None:
    """Let this process start.

    A database that is away says nothing about its tables: it is waited for, as at any other time.

    Raises:
        Unavailable: something is not set, or the database's tables are not those of this version.
    """
    settings = get_settings()
    refuse_unsafe(settings)
    try:
        schema.require_current(settings.psycopg_url)
    except psycopg.OperationalError as error:
        log.warning("tables not checked: the database is away", error=str(error))


def refuse_unsafe(settings: Settings, *, makes_secret: bool = False) -> None:
    """Say everything that is missing before others may use this server; not the secret where one is made if need be.

    Raises:
        Unavailable: a line for each setting that is missing.
    """
    missing = []
    if not settings.secret_key.get_secret_value() and not makes_secret:
        missing.append("WHETSTONE_SECRET_KEY is not set: set it, or start with `./whetstone up`.")
    if settings.env == "production":
        missing += _missing_in_production(settings)
    if missing:
        raise Unavailable("\n".join(missing))


def refuse_strangers(host: str) -> None:
    """Let only this machine reach what is not production.

    Raises:
        Unavailable: other machines reach an address that `host` stands for, or it stands for none.
    """
    try:
        found = socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise Unavailable(f"Cannot listen on {host} ({error.strerror}): choose another --host.") from error
    addresses = [str(address[0]).partition("%")[0] for *_, address in found]
    if not all(ip_address(each).is_loopback for each in addresses):
        raise Unavailable(TOO_OPEN.format(host=host))


def _missing_in_production(settings: Settings) -> list[str]:
    missing = []
    secret = settings.secret_key.get_secret_value()
    if secret and len(secret) < SHORTEST_SECRET:
        missing.append(
            f"WHETSTONE_SECRET_KEY has {len(secret)} characters: in production it has at least {SHORTEST_SECRET}"
            " (openssl rand -hex 32)."
        )
    address = urlsplit(settings.public_url)
    if "public_url" not in settings.model_fields_set:
        missing.append("WHETSTONE_PUBLIC_URL is not set: in production it is the address that people type.")
    elif address.scheme != "https" and not settings.plain_http:
        missing.append(
            f"WHETSTONE_PUBLIC_URL is “{settings.public_url}”: in production it begins with https://, with TLS at a"
            " proxy in front; set WHETSTONE_PLAIN_HTTP=1 if sign-ins shall cross the network unencrypted."
        )
    return missing
