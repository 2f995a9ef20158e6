"""The one place that asks for the time, so that tests and time zones have one place to think about."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current moment, always with the UTC zone."""
    return datetime.now(UTC)
