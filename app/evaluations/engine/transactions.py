"""Working with the database from a worker's event loop."""

from collections.abc import Callable
from typing import TypeVar

from app.core import transactions
from app.core.transactions import in_transaction
from app.evaluations import shard_repository

__all__ = ["at_once", "in_transaction"]
Result = TypeVar("Result")


async def at_once(work: Callable[..., Result]) -> Result:
    """As `transactions.at_once`, for the heartbeats of shards."""
    return await transactions.at_once(work, shard_repository.LEASE_S / 2)
