"""Another secret of the server: what was sealed opens with it, nobody is signed out, and an interruption loses nothing."""

import re
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient

from app.core import security
from app.core.database import get_engine, unit_of_work
from app.core.errors import Unavailable
from app.core.settings import get_settings
from app.embedded.databases import DATABASE_URL, databases
from app.embedded.layout import Layout, open_layout
from app.providers import service
from app.tools.variables import count_variables, secrets_of
from tests import factories
from tests.application import SECRET
from tests.embedded.backing_up import cli, dsn
from tests.web import csrf_of, signed_in, with_key

NEW = "fedcba9876543210" * 4
KEY, VALUE = "sk-of-the-provider-1234", "token-of-the-service"
PROVIDER = {"name": "acme", "base_url": "https://api.openai.com/v1", "api_key": KEY}


@contextmanager
def secret(value: str) -> Iterator[None]:
    """The server's secret, in this process."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WHETSTONE_SECRET_KEY", value)
        get_settings.cache_clear()
        try:
            yield
        finally:
            environment.undo()
            get_settings.cache_clear()


@pytest.fixture
def rotate(database_url: str):
    """The command on the database of this process, which leaves it meanwhile."""

    def run(new: str = NEW, old: str = SECRET, *, leaves: bool = True):
        if leaves:
            get_engine().dispose()
            with psycopg.connect(
                dsn(database_url), autocommit=True
            ) as connection:  # what other tests left behind
                connection.execute(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                    " where datname = current_database() and application_name = 'whetstone'"
                )
        given = {"WHETSTONE_NEW_SECRET_KEY": new} if new else {}
        return cli("rotate-secret", **{DATABASE_URL: database_url, "WHETSTONE_SECRET_KEY": old, **given})

    return run


@pytest.fixture
def tool_id(client: TestClient, committed_team: factories.Team) -> str:
    """Of a tool with a variable, beside a provider with a key."""
    with_key(client, committed_team.admin)
    client.post("/v5/providers", json=PROVIDER).raise_for_status()
    with unit_of_work() as session:
        tool_id = factories.tool(session, committed_team.admin, "tools/weather").file_id
    variables = [{"name": "TOKEN", "value": VALUE}]
    client.post(f"/v5/tools/{tool_id}/environment-variables", json=variables).raise_for_status()
    return tool_id


def _read(team: factories.Team, tool_id: str) -> tuple[str, str]:
    with unit_of_work() as session:
        endpoint = service.endpoint_of(service.get_provider(session, team.admin, "acme"))
        return endpoint.api_key, secrets_of(session, tool_id, ["TOKEN"])["TOKEN"].value


def test_what_was_sealed_opens_with_the_new_secret_alone(
    committed_team: factories.Team, tool_id: str, rotate
) -> None:
    with psycopg.connect(dsn(get_settings().database_url)) as connection:
        changed = connection.execute("select max(updated_at) from provider").fetchone()
    ran = rotate()
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("2 of 2 keys of providers and tools are sealed under the new secret.\n")
    assert f"whose fingerprint is {security.fingerprint(SECRET)}" in ran.stdout
    assert not {SECRET, NEW, KEY, VALUE} & set(re.split(r"[\s,]", ran.stdout))

    with pytest.raises(Unavailable, match="is not the one it was saved with"):
        _read(committed_team, tool_id)
    with secret(NEW):
        assert _read(committed_team, tool_id) == (KEY, VALUE)
    with psycopg.connect(dsn(get_settings().database_url)) as connection:
        assert connection.execute("select max(updated_at) from provider").fetchone() == changed
    again = rotate()
    assert again.stdout.startswith("2 of 2 keys"), "to do it again does no harm"
    with secret(NEW):
        assert _read(committed_team, tool_id) == (KEY, VALUE)


def test_nobody_is_signed_out_and_what_the_secret_signs_is_signed_anew(
    client: TestClient, committed_team: factories.Team, rotate
) -> None:
    with_key(client, committed_team.admin)
    webhook_key = client.get("/v5/webhook-key").json()
    signed_in(client, committed_team.admin)
    old_token, home = csrf_of(client), f"/w/{committed_team.workspace.slug}/files"
    assert rotate().returncode == 0
    with secret(NEW):
        assert client.get(home).status_code == 200
        assert client.get("/v5/prompts").status_code == 200, "API keys work on"
        assert client.get("/v5/webhook-key").json() != webhook_key
        form = {"name": "acme", "base_url": "https://api.openai.com/v1"}
        address = f"/w/{committed_team.workspace.slug}/settings/providers"
        assert client.post(address, data={**form, "_csrf": old_token}).status_code == 403, "a page of before"
        assert client.post(address, data={**form, "_csrf": csrf_of(client)}).status_code == 303


@pytest.mark.parametrize(
    ("new", "old", "said"),
    [
        ("", SECRET, "Set WHETSTONE_NEW_SECRET_KEY to the secret to go over to, of at least 32 characters"),
        ("short", SECRET, "of at least 32 characters"),
        (NEW, NEW, "is the secret that is in use already"),
        (NEW, "", "WHETSTONE_SECRET_KEY is not set"),
    ],
)
def test_a_secret_that_is_none_is_refused(
    committed_team: factories.Team, tool_id: str, rotate, new: str, old: str, said: str
) -> None:
    ran = rotate(new, old)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert said in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert _read(committed_team, tool_id) == (KEY, VALUE)


def test_a_wrong_old_secret_changes_nothing_and_is_said(
    committed_team: factories.Team, tool_id: str, rotate
) -> None:
    ran = rotate(old="another one")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "None of the 2 keys opens with the secret in use" in ran.stderr
    assert _read(committed_team, tool_id) == (KEY, VALUE)


def test_it_is_refused_while_whetstone_runs(committed_team: factories.Team, tool_id: str, rotate) -> None:
    with unit_of_work() as session:
        assert count_variables(session) == (1, 1)
        ran = rotate(leaves=False)
    assert ran.returncode == 1
    assert ran.stderr == "Whetstone is using this database: stop it first. Nothing was changed.\n"
    assert _read(committed_team, tool_id) == (KEY, VALUE)


@pytest.fixture
def home() -> Iterator[Path]:
    """Where the unprivileged user of Postgres can get to."""
    folder = Path("/tmp") / f"whetstone-rotate-{time.monotonic_ns()}"
    yield folder
    shutil.rmtree(folder)


def _sealed(layout: Layout) -> bytes:
    """The provider key as it is stored in the databases of the home."""
    with databases(layout, given={}) as urls, psycopg.connect(dsn(urls[DATABASE_URL])) as connection:
        (found,) = connection.execute("select sealed_key from provider where id = 'pv_1'").fetchone()
    return found


def _opens(layout: Layout, value: str) -> bool:
    with secret(value):
        try:
            return security.decrypt(_sealed(layout), bound_to="pv_1") == KEY
        except Unavailable:
            return False


def test_a_secret_under_the_home_is_replaced_and_an_interrupted_rotation_finished(home: Path) -> None:
    cli("migrate", "--home", home).check_returncode()
    cli("init", "--workspace", "Own", "--email", "own@example.com", "--home", home).check_returncode()
    layout = open_layout(home)
    old = layout.find_secret("application")
    with secret(old):
        sealed = security.encrypt(KEY, bound_to="pv_1")
    with databases(layout, given={}) as urls, psycopg.connect(dsn(urls[DATABASE_URL])) as connection:
        connection.execute(
            "insert into provider (id, workspace_id, name, kind, base_url, sealed_key)"
            " select 'pv_1', id, 'own', 'openai', 'https://api.openai.com/v1', %s from workspace",
            [sealed],
        )

    ran = cli("rotate-secret", "--home", home)
    assert ran.returncode == 0, ran.stderr
    assert "1 of 1 keys" in ran.stdout
    new = layout.find_secret("application")
    assert new not in ("", old)
    assert stat.S_IMODE((layout.root / "application.secret").stat().st_mode) == 0o600
    assert layout.find_secret(f"application-{security.fingerprint(old)}") == old, "backups need it"
    assert _opens(layout, new)
    assert not _opens(layout, old)

    # Beside a database of one's own, and stopped, it is the home's secret all the same.
    with databases(layout, given={}) as urls:
        ran = cli("rotate-secret", "--home", home, **{DATABASE_URL: urls[DATABASE_URL]})
    assert ran.returncode == 0, ran.stderr
    old, new = new, layout.find_secret("application")
    assert new != old
    assert _opens(layout, new)

    # Killed between the commit and the change of the file: the database is ahead of it.
    layout.set_secret("application-next", new)
    layout.set_secret("application", old)
    other = cli("rotate-secret", "--home", home, WHETSTONE_NEW_SECRET_KEY=NEW)
    assert (other.returncode, other.stderr.startswith("A rotation was interrupted")) == (1, True)
    assert cli("rotate-secret", "--home", home).returncode == 0
    assert layout.find_secret("application") == new
    assert layout.find_secret("application-next") == ""
    assert _opens(layout, new)
