"""A meter that counts by itself, for items that are worked on without a run's workers."""

from decimal import Decimal


class Meter:
    """Counts what is admitted, up to so many calls."""

    def __init__(self, most: int = 100) -> None:
        self.most, self.admitted, self.usd = most, 0, Decimal(0)

    async def admit(self) -> str | None:
        if self.admitted >= self.most:
            return f"cap of {self.most} calls reached"
        self.admitted += 1
        return None

    async def spent(self, usd: Decimal, more_calls: int = 0) -> None:
        self.usd += usd
        self.admitted += more_calls
