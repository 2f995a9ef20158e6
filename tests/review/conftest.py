"""An evaluation that people review, and a queue of its outputs."""

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.review.models import ReviewQueue
from tests.review.staged import Staged, queue, stage


@pytest.fixture
def staged(client: TestClient) -> Staged:
    with unit_of_work() as session:
        return stage(session)


@pytest.fixture
def made(staged: Staged) -> ReviewQueue:
    """All that the queue hides has names that can be looked for."""
    with unit_of_work() as session:
        return queue(session, staged)
