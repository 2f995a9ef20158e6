"""Canaries: secrets go through the whole application, and turn up in no log, task, export, audit row or page."""

import json
import re
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psycopg
import pytest

from tests.application import SECRET as SERVER_SECRET
from tests.application import Application, start_application
from tests.oidc_provider import CLIENT
from tests.oidc_provider import SECRET as OIDC_SECRET
from tests.stack import Stack

EMAIL = "canary@example.com"
PROVIDER_KEY = "sk-canary-provider-key-7f3a"
PASSWORD = "canary password 91c2"
WRONG = "canary wrong password 55d0"
MAIL_PASSWORD = "canary-mail-password"
METRICS_TOKEN = "canary-metrics-token"


@contextmanager
def _oidc_provider() -> Iterator[str]:
    program = Path(__file__).parents[1] / "oidc_provider.py"
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.terminate()


@contextmanager
def _everything_said_to(redis_url: str) -> Iterator[bytearray]:
    """Every command that reaches the broker meanwhile, with its arguments."""
    address = urlsplit(redis_url)
    heard = bytearray()
    with socket.create_connection((address.hostname, address.port or 6379), timeout=10) as connection:
        connection.sendall(f"AUTH {address.password}\r\nMONITOR\r\n".encode())

        def listen() -> None:
            with suppress(OSError):
                while piece := connection.recv(1 << 16):
                    heard.extend(piece)

        connection.settimeout(None)
        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        yield heard
        connection.shutdown(socket.SHUT_RDWR)
        listener.join(10)


class _Browser:
    """A signed-in person who does what makes secrets travel."""

    def __init__(self, running: Application) -> None:
        self.http = httpx2.Client(base_url=running.url, timeout=20, follow_redirects=False)
        self.page = "/w/canaries"

    def csrf(self) -> str:
        return re.findall(
            r'name="_csrf" value="([^"]+)"', self.http.get(f"{self.page}/settings/account").text
        )[0]

    def post(self, path: str, **form: str) -> httpx2.Response:
        return self.http.post(path, data={"_csrf": self.csrf()} | form)


def _use_everything(running: Application, provider: str) -> tuple[list[str], _Browser, str]:
    """Sign in, set a password, make keys and links, fail on the way; every secret that was used."""
    printed = running.run("init", "--workspace", "Canaries", "--email", EMAIL).stdout
    link = re.findall(r"/signin/link/(\S+)", printed)[0]
    key = running.run(
        "key", "create", "--workspace", "canaries", "--name", "k", "--role", "admin"
    ).stdout.strip()
    browser = _Browser(running)
    browser.http.post(f"/signin/link/{link}")
    first_session = browser.http.cookies["whetstone_session"]
    browser.post(f"{browser.page}/settings/account", password=PASSWORD)
    for password in (WRONG, PASSWORD):
        browser.http.post("/signin", data={"email": EMAIL, "password": password})
    session = browser.http.cookies["whetstone_session"]
    form = {"name": "own", "base_url": "http://127.0.0.1:9/v1", "api_key": PROVIDER_KEY}
    browser.post(f"{browser.page}/settings/providers", **form)
    shown = browser.post(
        f"{browser.page}/settings/members/invite", email="new@example.com", role="viewer"
    ).text
    invitation = re.findall(r"/join/([\w-]+)", shown)[0]
    members = browser.http.get("/v5/members", headers={"x-api-key": key}).json()
    shown = browser.post(f"{browser.page}/settings/members/{members[0]['id']}/reset").text
    reset = re.findall(r"/reset/([\w-]+)", shown)[0]
    for path in (f"/signin/link/{link}", f"/join/{invitation}", f"/reset/{reset}", f"/reset/{reset}%00"):
        browser.http.get(path)
    webhook_key = browser.http.get("/v5/webhook-key", headers={"x-api-key": key}).json()["key"]
    metrics = browser.http.get("/metrics", headers={"authorization": f"Bearer {METRICS_TOKEN}"})
    assert metrics.status_code == 200
    browser.http.post(f"/reset/{reset}", data={"password": WRONG[:5]})
    httpx2.post(f"{provider}/behaviour", content=json.dumps({"email": EMAIL, "forged": True}))
    there = browser.http.get("/signin/oidc").headers["location"]
    state = re.findall(r"state=([\w-]+)", there)[0]
    back = httpx2.get(there).headers["location"]
    assert "problem=sso-refused" in browser.http.get(back).headers["location"]
    secrets = [
        PROVIDER_KEY, PASSWORD, WRONG, MAIL_PASSWORD, OIDC_SECRET, SERVER_SECRET, key, link, first_session, session,
        invitation, reset, state, METRICS_TOKEN, webhook_key, webhook_key.removeprefix("whsec_"),
    ]  # fmt: skip
    return secrets, browser, key


def _fail_with_the_key(running: Application, browser: _Browser, key: str) -> None:
    """A run whose every call goes out with the provider's key, and fails; and the provider's own test."""
    api = httpx2.Client(base_url=running.url, headers={"x-api-key": key}, timeout=20)

    def made(path: str, body: dict[str, Any]) -> dict[str, Any]:
        return api.post(path, json=body).raise_for_status().json()

    own = next(each for each in api.get("/v5/providers").json() if each["name"] == "own")
    api.post(f"/v5/providers/{own['id']}/test")
    browser.post(f"{browser.page}/settings/providers/{own['id']}/test")
    template = [{"role": "user", "content": "{{q}}"}]
    prompt = made("/v5/prompts", {"path": "p", "model": "m", "provider": "own", "template": template})
    rows = made(
        "/v5/datasets", {"path": "d", "datapoints": [{"inputs": {"q": "a"}, "target": {"answer": "a"}}]}
    )
    judge = made("/v5/evaluators", {"path": "e", "spec": {"kind": "exact", "settings": {}}})
    evaluation = made(
        "/v5/evaluations",
        {"file": {"id": prompt["id"]}, "name": "x", "evaluators": [{"version_id": judge["version_id"]}]},
    )
    url = f"/v5/evaluations/{evaluation['id']}"
    made(
        f"{url}/runs",
        {"dataset": {"version_id": rows["version_id"]}, "version": {"version_id": prompt["version_id"]}},
    )
    with api.stream("GET", f"{url}/events") as events:
        assert "event: done" in "".join(events.iter_text())
    api.close()


def _pages(browser: _Browser, key: str) -> str:
    """What stands on pages, in answers and in exports afterwards."""
    paths = [
        "", "/files", "/evaluations", "/settings/members", "/settings/keys", "/settings/providers",
        "/settings/environments", "/settings/account", "/audit", "/audit/export?format=csv",
        "/audit/export?format=jsonl",
    ]  # fmt: skip
    texts = [browser.http.get(browser.page + path) for path in paths]
    headers = {"x-api-key": key}
    names = ["members", "audit?size=1000", "providers", "keys", "environments", "evaluations", "files"]
    texts += [browser.http.get(f"/v5/{name}", headers=headers) for name in names]
    assert {answer.status_code for answer in texts} == {200}
    return "\n".join(answer.text for answer in texts)


def _taken_away(running: Application, folder: Path) -> dict[str, str]:
    """What a backup and an export of the workspace hold, and what the commands say."""
    backup, export = folder / "backup.zip", folder / "export"
    made = running.run("backup", str(backup))
    exported = running.run("export", str(export), "--workspace", "canaries")
    assert (made.returncode, exported.returncode) == (0, 0), made.stderr + exported.stderr
    with zipfile.ZipFile(backup) as archive:
        held = "\n".join(archive.read(name).decode(errors="replace") for name in archive.namelist())
    files = "\n".join(path.read_text(errors="replace") for path in export.rglob("*") if path.is_file())
    said = "".join(ran.stdout + ran.stderr for ran in (made, exported))
    return {"backup": held, "export": files, "commands": said}


def _stored(database_url: str) -> str:
    """Every row of every table as text."""
    with psycopg.connect(database_url.replace("postgresql+psycopg:", "postgresql:", 1)) as connection:
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        rows = [
            row[0]
            for (table,) in tables
            for row in connection.execute(f'select t::text from "{table}" t').fetchall()  # type: ignore[arg-type]
        ]
    return "\n".join(rows)


def test_no_secret_turns_up_anywhere(stack: Stack, tmp_path: Path) -> None:
    redis_url = stack.redis_database()
    with _oidc_provider() as provider, _everything_said_to(redis_url) as tasks:
        settings = {
            "WHETSTONE_OIDC_ISSUER": provider,
            "WHETSTONE_OIDC_CLIENT_ID": CLIENT,
            "WHETSTONE_OIDC_CLIENT_SECRET": OIDC_SECRET,
            "WHETSTONE_METRICS_TOKEN": METRICS_TOKEN,
            "WHETSTONE_SMTP_URL": f"smtp://user:{MAIL_PASSWORD}@127.0.0.1:9",
        }
        home = tmp_path / "home"
        database_url = stack.create_database()
        with start_application(home, database_url, redis_url, environment=settings) as running:
            running.wait_until_ready()
            secrets, browser, key = _use_everything(running, provider)
            _fail_with_the_key(running, browser, key)
            taken_away = _taken_away(running, tmp_path)
            secrets += [each for url in (database_url, redis_url) if (each := urlsplit(url).password)]
            pages, stored = _pages(browser, key), _stored(running.database_url)
            logs = "\n".join(path.read_text(errors="replace") for path in running.root.glob("logs/*"))
            browser.http.close()
    places = {"pages": pages, "database": stored, "logs": logs, "tasks": tasks.decode(errors="replace")}
    places |= taken_away
    (webhook_key,) = (secret for secret in secrets if secret.startswith("whsec_"))
    assert webhook_key in pages, "the page of keys shows it to admins, and nothing else does"
    places["pages"] = pages.replace(webhook_key, "")
    assert "evaluations." in places["tasks"], "tasks were heard"
    assert "single sign-on refused" in logs, "logs were read"
    assert "member.reset_link_made" in stored, "rows were read"
    assert "member.reset_link_made" in places["backup"], "the backup was read"
    assert '"path": "p"' in places["export"] or '"p"' in places["export"], "the export was read"
    found = [(secret[:12], place) for secret in secrets for place, text in places.items() if secret in text]
    assert found == []


@pytest.mark.parametrize(
    "name",
    [
        "WHETSTONE_OIDC_CLIENT_SECRET",
        "WHETSTONE_SMTP_URL",
        "WHETSTONE_SECRET_KEY",
        "WHETSTONE_METRICS_TOKEN",
    ],
)
def test_settings_do_not_show_their_secrets(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    from app.core.settings import Settings

    monkeypatch.setenv(name, "canary-setting-0001")
    assert "canary-setting" not in repr(Settings())
    assert "canary-setting" not in str(Settings().model_dump())


@pytest.mark.parametrize("name", ["WHETSTONE_DATABASE_URL", "WHETSTONE_REDIS_URL"])
def test_settings_that_hold_a_password_among_others_do_not_show_it(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from app.core.settings import Settings

    monkeypatch.setenv(name, "postgresql://somebody:canary-password@db.example/x")
    assert "canary-password" not in repr(Settings())
