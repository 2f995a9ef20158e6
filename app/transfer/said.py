"""What an object of an export says, member by member: of the type that is kept, or left out."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

import orjson

from app.core import clock
from app.core.json_values import unstorable

Json = dict[str, Any]
_FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_COUNT = 2**31
_MOST_USD = 1e8


def _ignore(_name: str) -> None:
    """Nobody asked which members are of another type."""


class Said:
    """The members of an object. Null is absent; `dropped` is told of each that is of another type than it must be."""

    def __init__(self, values: Mapping[str, Any], dropped: Callable[[str], None] = _ignore) -> None:
        self.values = values
        self._dropped = dropped

    @property
    def problem(self) -> str | None:
        """Why the object cannot be stored; None where it can."""
        return unstorable(dict(self.values))

    def _get(self, name: str, fits: Callable[[Any], bool]) -> Any:
        value = self.values.get(name)
        if value is None or fits(value):
            return value
        self._dropped(name)
        return None

    def text(self, *names: str) -> str | None:
        """The first of the members that is a text and not empty."""
        for name in names:
            if value := self._get(name, lambda value: isinstance(value, str)):
                return str(value)
        return None

    def written(self, name: str) -> str | None:
        """A text as it is, an empty one too; anything else as JSON."""
        value = self.values.get(name)
        return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()

    def object(self, name: str) -> Json | None:
        """A member that is an object."""
        found: Json | None = self._get(name, lambda value: isinstance(value, dict))
        return found

    def objects(self, name: str) -> list[Json]:
        """The objects in a member that is a list."""
        found = self._get(name, lambda value: isinstance(value, list)) or []
        return [each for each in found if isinstance(each, dict)]

    def texts(self, name: str) -> list[str]:
        """The texts in a member that is a list."""
        found = self._get(name, lambda value: isinstance(value, list)) or []
        return [each for each in found if isinstance(each, str)]

    def flag(self, name: str) -> bool:
        """Whether a member is true."""
        return self.values.get(name) is True

    def count(self, name: str) -> int | None:
        """A whole number from 0."""

        def fits(value: Any) -> bool:
            return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_COUNT

        found: int | None = self._get(name, fits)
        return found

    def number(self, name: str) -> float | None:
        """A number from 0."""

        def fits(value: Any) -> bool:
            return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12

        found = self._get(name, fits)
        return None if found is None or not isfinite(found) else float(found)

    def usd(self, name: str) -> str | None:
        """An amount of money, as decimal text."""
        found = self.number(name)
        if found is None or found >= _MOST_USD:
            return None
        return f"{Decimal(repr(found)):.10f}"

    def moment(self, *names: str) -> datetime | None:
        """The first of the members that is a moment; in UTC where it names no zone."""
        for name in names:
            value = self.values.get(name)
            if value is None:
                continue
            if (found := _moment(value)) is not None:
                return found
            self._dropped(name)
        return None

    def time(self, *names: str) -> str | None:
        """A moment as text."""
        found = self.moment(*names)
        return found.isoformat() if found else None

    def person(self, *names: str) -> tuple[str | None, str | None]:
        """Id and name of the first of the members that is somebody."""
        for name in names:
            value = self.values.get(name)
            if isinstance(value, str) and value:
                return value, None
            if isinstance(value, dict):
                who = Said(value)
                return who.text("id"), who.text("full_name", "email_address")
        return None, None


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment if _FIRST_MOMENT <= moment < clock.LAST_MOMENT else None
