"""A server as it first stands: no default password, no open documentation, no start without a secret."""

import os
import subprocess
import sys

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.core.csrf import SESSION_COOKIE
from app.core.settings import get_settings
from app.embedded.layout import CLONE
from tests import factories


@pytest.mark.parametrize(
    "path",
    [
        "/docs",
        "/redoc",
        "/openapi.json",
        "/v5/openapi.json",
        "/debug",
        "/metrics",
        "/admin",
        "/.env",
        "/console",
    ],
)
def test_nothing_is_open_that_need_not_be(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (401, 404)


@pytest.mark.parametrize("email", ["admin", "admin@example.com", "demo@whetstone.invalid", "root"])
@pytest.mark.parametrize("password", ["", "admin", "password", "whetstone", "whetstone-demo", "demo"])
def test_there_is_no_default_password(
    client: TestClient, database: Engine, email: str, password: str
) -> None:
    from app.core.database import unit_of_work
    from app.demo.workspace import demo_sign_in_token

    with unit_of_work() as session:
        demo_sign_in_token(session)
    assert client.post("/signin", data={"email": email, "password": password}).status_code == 401
    assert client.get("/setup").status_code == 404


def test_it_does_not_start_without_a_secret() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WHETSTONE_")}
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "web", "--port", "0"],
        env=environment, cwd=CLONE, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.strip() == "WHETSTONE_SECRET_KEY is not set: set it, or start with `./whetstone up`."


def test_it_listens_on_this_machine_only_unless_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "web", "--help"],
        cwd=CLONE, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "(default: 127.0.0.1)" in done.stdout


def test_cookies_are_secure_where_people_come_by_https(
    client: TestClient, committed_team: factories.Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHETSTONE_PUBLIC_URL", "https://whetstone.example.com")
    get_settings.cache_clear()
    try:
        data = {"email": committed_team.admin.email, "password": factories.PASSWORD}
        cookie = client.post("/signin", data=data).headers["set-cookie"]
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()
    assert cookie.startswith(f"{SESSION_COOKIE}=")
    assert len(cookie.split("=")[1].split(";")[0]) >= 43, "256 bits"
    assert {"secure", "httponly", "samesite=lax"} <= {each.strip().lower() for each in cookie.split(";")}
