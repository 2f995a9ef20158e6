"""Prices that a workspace sets itself."""

from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.providers import own_prices, service
from app.providers.service import ProviderChange
from tests import factories


def test_own_prices_go_before_the_tables(session: Session) -> None:
    admin = factories.team(session).admin
    change = ProviderChange(
        name="acme", base_url="https://api.openai.com/v1", prices={"gpt-4o-mini": ("1", "2")}
    )
    endpoint = service.endpoint_of(service.create_provider(session, admin, change))

    own, known = service.price_at(endpoint, "gpt-4o-mini"), service.price_at(endpoint, "gpt-4o")
    assert own
    assert own.of(1_000_000, 500_000).prompt == Decimal(1)
    assert own.of(1_000_000, 500_000).output == Decimal(1)
    assert known
    assert known.prompt_rate != own.prompt_rate
    assert service.price_at(endpoint, "nobody-knows-this-model") is None


def test_lines_read_back_as_they_were_written() -> None:
    text = "a 0.15 0.6\nb/c:free 0 0"
    assert (
        own_prices.as_lines(own_prices.checked(own_prices.read_lines("a, $0.15, 0.6\n\nb/c:free 0 0\n")))
        == text
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model 1", "Line 1"),
        ("a b c d", "Line 1"),
        ("a 1 two", "not two"),
        ("a -1 1", "not -1"),
        ("a nan 1", "not nan"),
    ],
)
def test_what_is_no_price_is_named(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        own_prices.checked(own_prices.read_lines(text))
