"""Fixtures: the web application in this process, called over its real doors."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.core.access import Principal
from app.core.csrf import SESSION_COOKIE
from app.core.database import unit_of_work
from app.main import create_app
from tests import factories


@pytest.fixture(scope="session")
def app() -> FastAPI:
    """The whole web application."""
    return create_app()


@pytest.fixture
def client(app: FastAPI, database: Engine) -> Iterator[TestClient]:
    """A client that is nobody yet. What it does is committed, and deleted after the test."""
    with TestClient(app, base_url="http://whetstone.test", follow_redirects=False) as client:
        yield client


@pytest.fixture
def committed_team(database: Engine) -> factories.Team:
    """A workspace with its admin that all connections can see."""
    with unit_of_work() as session:
        return factories.team(session)


def with_key(client: TestClient, principal: Principal) -> TestClient:
    """The client, calling the API as `principal`."""
    with unit_of_work() as session:
        client.headers["x-api-key"] = factories.key(session, principal)
    return client


def signed_in(client: TestClient, principal: Principal) -> TestClient:
    """The client with the browser session of `principal`."""
    answer = client.post("/signin", data={"email": principal.email, "password": factories.PASSWORD})
    assert answer.status_code == 303, answer.text
    assert SESSION_COOKIE in client.cookies
    return client


def csrf_of(client: TestClient) -> str:
    """The token that the pages of this client's session carry."""
    from app.core.security import signature

    return signature("csrf", client.cookies[SESSION_COOKIE])
