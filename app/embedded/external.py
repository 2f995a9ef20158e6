"""Databases that are not ours to start: are they there, and if not, what is wrong with their address?"""

from typing import Any

import psycopg

from app.embedded.layout import StackError

_OLDEST_POSTGRES = 150000
_POSTGRES_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")


def check_database(url: str) -> None:
    """Raise StackError unless a Postgres that is new enough answers at `url`. The password is never shown."""
    scheme, separator, rest = url.partition("://")
    if scheme not in _POSTGRES_SCHEMES or not separator:
        raise StackError(
            "WHETSTONE_DATABASE_URL must look like postgresql://user:password@host:5432/database."
        )
    try:
        with psycopg.connect(f"postgresql://{rest}", connect_timeout=5) as connection:
            version = connection.info.server_version
    except (psycopg.Error, UnicodeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise StackError(
            f"WHETSTONE_DATABASE_URL does not work ({_without_password(url)}): {reason}"
        ) from None
    if version < _OLDEST_POSTGRES:
        raise StackError(
            f"WHETSTONE_DATABASE_URL leads to Postgres {version // 10000}: Whetstone needs 15 or newer."
        )


def refuse_in_use(connection: psycopg.Connection[Any]) -> None:
    """Raise StackError while a process of Whetstone, other than the one that asks, is connected to the database."""
    others = connection.execute(
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and application_name = 'whetstone' and pid <> pg_backend_pid()"
    ).fetchone()
    if others and others[0]:
        raise StackError("Whetstone is using this database: stop it first. Nothing was changed.")


def psycopg_url(url: str) -> str:
    """A database address as psycopg reads it, from any of the forms that settings may have.

    Raises:
        StackError: it is no address of a Postgres.
    """
    scheme, separator, rest = url.partition("://")
    if scheme not in _POSTGRES_SCHEMES or not separator:
        raise StackError(
            "WHETSTONE_DATABASE_URL must look like postgresql://user:password@host:5432/database."
        )
    return f"postgresql://{rest}"


def check_redis(url: str) -> None:
    """Raise StackError unless a Redis or Valkey answers at `url`. The password is never shown."""
    from redis import Redis  # noqa: PLC0415 - 0.3 s that a start with embedded databases need not spend
    from redis.exceptions import RedisError  # noqa: PLC0415

    try:
        with Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except (RedisError, ValueError) as error:
        raise StackError(f"WHETSTONE_REDIS_URL does not work ({_without_password(url)}): {error}") from None


def _without_password(url: str) -> str:
    return f"{url.partition(':')[0]}://{url.partition('://')[2].rpartition('@')[2]}".partition("?")[0]
