"""What must be true before a process of ours begins to work; what is not is said in one message, and it ends."""

from urllib.parse import urlsplit

import psycopg
import structlog

from app.core import schema
from app.core.errors import Unavailable
from app.core.settings import Settings, get_settings

SHORTEST_SECRET = 32
"""Characters; 32 of hex are 128 bits."""
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
