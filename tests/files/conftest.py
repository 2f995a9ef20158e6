"""What the tests of `pull` and `push` share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.core.database import unit_of_work
from tests import factories
from tests.files.checkout import Checkout
from tests.web_process import running_web


@pytest.fixture(scope="module")
def web_url(database_url: str) -> Iterator[str]:
    with running_web() as web:
        yield web.url


@pytest.fixture
def checkout(web_url: str, database: Engine, committed_team: factories.Team, tmp_path: Path) -> Checkout:
    with unit_of_work() as session:
        key = factories.key(session, committed_team.admin)
    return Checkout(web_url, key, tmp_path / "prompts", committed_team.admin)
