"""Prices that a workspace sets itself, for models that the offline table does not know or prices otherwise."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from app.core.errors import Invalid
from app.providers.prices import Price

_MILLION = Decimal(1_000_000)
_MOST = 500
_DEAREST = Decimal(1_000_000)


def own_price(prices: Mapping[str, Any], model: str) -> Price | None:
    """The price of `model` among a provider's own ones."""
    found = prices.get(model)
    if not found:
        return None
    return Price(model, None, Decimal(found["input"]) / _MILLION, Decimal(found["output"]) / _MILLION)


def checked(prices: Mapping[str, tuple[object, object]]) -> dict[str, dict[str, str]]:
    """Prices as they are stored, from model to dollars per million tokens in and out.

    Raises:
        Invalid: names the model whose price is none.
    """
    if len(prices) > _MOST:
        raise _wrong(f"Set at most {_MOST} prices for a provider.")
    return {
        model.strip(): {"input": _amount(model, given[0]), "output": _amount(model, given[1])}
        for model, given in prices.items()
    }


def read_lines(text: str) -> dict[str, tuple[object, object]]:
    """Prices from lines of model, input and output, apart by blanks or commas; empty lines are left out.

    Raises:
        Invalid: names the line that cannot be read.
    """
    found: dict[str, tuple[object, object]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        parts = line.replace(",", " ").split()
        if not parts:
            continue
        if len(parts) != 3:
            raise _wrong(f"Line {number}: write a model and its two prices, such as: my-model 0.15 0.60")
        found[parts[0]] = (parts[1], parts[2])
    return found


def as_lines(prices: Mapping[str, Any]) -> str:
    """The lines that `read_lines` reads."""
    return "\n".join(f"{model} {price['input']} {price['output']}" for model, price in sorted(prices.items()))


def _amount(model: str, given: object) -> str:
    try:
        amount = Decimal(str(given).removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= _DEAREST:
        raise _wrong(f"{model}: a price is dollars per million tokens, such as 0.15; not {given}.")
    return format(amount, "f")


def _wrong(text: str) -> Invalid:
    return Invalid(text, fields={"prices": text})
