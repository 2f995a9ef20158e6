"""Alembic's environment: the same metadata and URL as the app's, one advisory lock around the whole upgrade."""

import time

from alembic import context
from sqlalchemy import create_engine, pool, text

from app.core.database import Base
from app.core.settings import get_settings
from app.tables import ALL_TABLES

LOCK = 0x77686574  # "whet": two migrations at once would wait for each other here

assert ALL_TABLES  # noqa: S101 - imported so that the metadata knows every table


def run() -> None:
    """Upgrade or downgrade the database of the settings, or the connection that the caller gave."""
    url = context.config.attributes.get("url") or get_settings().database_url
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        # Asked for again and again: one that waits inside a statement would be waited for by an index that another
        # migration makes beside all that goes on.
        while not connection.scalar(text("select pg_try_advisory_lock(:key)"), {"key": LOCK}):
            connection.commit()
            time.sleep(0.2)
        connection.commit()
        context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=False)
        with context.begin_transaction():
            # For the whole connection: a migration that commits on its way would lose what is set for a transaction.
            connection.execute(text("set lock_timeout = '5s'"))
            context.run_migrations()
        connection.execute(text("select pg_advisory_unlock(:key)"), {"key": LOCK})
        connection.commit()


run()
