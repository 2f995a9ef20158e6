"""What a call costs, from the maintained offline price table; snapshotted into each log when it is made."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genai_prices.types import PriceCalculation

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one call cost, in US dollars, by direction."""

    prompt: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a model. Most are a plain rate a token; some depend on the size of the prompt."""

    model: str
    provider_id: str | None
    prompt_rate: Decimal | None
    """Dollars a token; None when the price is not one plain rate."""
    output_rate: Decimal | None

    def of(self, tokens_in: int, tokens_out: int) -> Cost:
        """What a call with so many tokens costs."""
        if self.prompt_rate is not None and self.output_rate is not None:
            return Cost(self.prompt_rate * tokens_in, self.output_rate * tokens_out)
        from genai_prices import Usage, calc_price  # noqa: PLC0415 - a large table: only where it is needed

        usage = Usage(input_tokens=tokens_in, output_tokens=tokens_out)
        price = calc_price(usage, model_ref=self.model, provider_id=self.provider_id)
        return Cost(price.input_price, price.output_price)


FREE = Price("practice", None, Decimal(0), Decimal(0))
"""The practice model costs nothing."""


@lru_cache(maxsize=1024)
def price_of(model: str, base_url: str | None) -> Price | None:
    """The price of `model` at the provider whose API lives at `base_url`; None when nobody knows it.

    A model served elsewhere under a known name (a proxy, say) has the price that its maker asks.
    """
    found = _found(model, base_url)
    if found is None:
        return None
    rates = found.model_price
    rate_in, rate_out = rates.input_mtok, rates.output_mtok
    return Price(
        model=model,
        provider_id=found.provider.id,
        prompt_rate=rate_in / _MILLION if isinstance(rate_in, Decimal) else None,
        output_rate=rate_out / _MILLION if isinstance(rate_out, Decimal) else None,
    )


@lru_cache(maxsize=1024)
def window_of(model: str, base_url: str | None) -> int | None:
    """How many tokens `model` takes at once, as the same table says; None when it does not."""
    found = _found(model, base_url)
    return found.model.context_window if found else None


def _found(model: str, base_url: str | None) -> "PriceCalculation | None":
    from genai_prices import Usage, calc_price  # noqa: PLC0415 - a large table: only where it is needed

    usage = Usage(input_tokens=1, output_tokens=1)
    for at in (base_url, None) if base_url else (None,):
        try:
            return calc_price(usage, model_ref=model, provider_api_url=at)
        except LookupError:
            continue
    return None
