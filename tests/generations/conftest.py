"""Providers for pages, routes and runs that call a model: the practice one in a process of its own, and one that listens."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.core.settings import get_settings
from app.files.models import Version
from app.providers.service import ProviderChange, create_provider
from tests import factories
from tests.endpoint import Endpoint
from tests.generations.draft_tab import Tab, base
from tests.generations.model_server import ModelServer, running_model
from tests.generations.written_rows import rows_of, writing_endpoint
from tests.web import signed_in, with_key

PRACTICE_URL = "WHETSTONE_PRACTICE_URL"


@pytest.fixture(scope="session")
def practice_url() -> Iterator[str]:
    """The base URL of a practice provider that takes the keys of this process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "app.practice", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 20
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, "the practice provider ended"
            assert time.monotonic() < deadline, "the practice provider did not start"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/practice/v1"
        process.terminate()


@pytest.fixture
def practice(practice_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The settings lead to the practice provider."""
    monkeypatch.setitem(os.environ, PRACTICE_URL, practice_url)
    get_settings.cache_clear()
    yield practice_url
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A provider that keeps what it was sent."""
    with running_model() as model:
        yield model


@pytest.fixture
def caller(
    client: TestClient, committed_team: factories.Team, model: ModelServer, redis_url: str
) -> TestClient:
    """A client of the API in a workspace whose provider `fake` is `model`, priced, with the prompt `geo/capital`."""
    prices = {"m": (1_000_000, 500_000)}  # a dollar a token in, half a dollar a token out
    change = ProviderChange(name="fake", base_url=model.url, api_key="stored-key-123456", prices=prices)
    with unit_of_work() as session:
        create_provider(session, committed_team.admin, change)
        factories.prompt(
            session,
            committed_team.admin,
            "geo/capital",
            provider="fake",
            model="m",
            temperature=0.5,
            template=[
                {"role": "system", "content": "Answer in {{style}}."},
                {"role": "user", "content": "1 + 1", "name": "example"},
                {"role": "assistant", "content": "2", "name": "example"},
            ],
        )
    return with_key(client, committed_team.admin)


@pytest.fixture
def drafted(committed_team: factories.Team) -> Version:
    """A prompt with a dataset beside it."""
    with unit_of_work() as session:
        factories.dataset(session, committed_team.admin, 3, "tests/rows")
        return factories.prompt(session, committed_team.admin, "tests/asked")


@pytest.fixture
def tab(client: TestClient, committed_team: factories.Team, drafted: Version) -> Tab:
    """The editor of that prompt, as the admin has it open."""
    signed_in(client, committed_team.admin)
    return Tab(client, base(committed_team, drafted.file_id))


@pytest.fixture
def endpoint(committed_team: factories.Team) -> Iterator[Endpoint]:
    """A model that writes rows."""
    with writing_endpoint(committed_team) as endpoint:
        yield endpoint


@pytest.fixture
def dataset(committed_team: factories.Team) -> Version:
    return rows_of(committed_team)


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)
