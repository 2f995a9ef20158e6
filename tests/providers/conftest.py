"""What the tests of providers share."""

import pytest


@pytest.fixture(autouse=True)
def _counted_somewhere(redis_url: str) -> None:
    """Clients count their calls, and a thread adds that up in Valkey a second later, in whichever test is then."""
