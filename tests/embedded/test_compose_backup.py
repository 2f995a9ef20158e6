"""Backup and restore as the service of docker-compose.yml does them, by the commands that docs/self-hosting.md gives."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.embedded.backup import verified
from app.embedded.layout import CLONE
from tests.application import SECRET
from tests.embedded.backing_up import dsn
from tests.embedded.compose import filled_in, read
from tests.stack import Stack

FOLDER = "/backups"
_READ_ONLY = (
    'mount --bind "$0" "$0" && mount -o remount,bind,ro / && mount -t tmpfs tmpfs /tmp && cd / && exec "$@"'
)
"""Everything but the folder $0 can only be read, with an empty /tmp: what the container has."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """The service's volume; not in /tmp, which a container has for itself."""
    folder = Path(tempfile.mkdtemp(prefix="whetstone-backups-", dir="/var/tmp"))
    yield folder
    shutil.rmtree(folder)


def _jailed(folder: Path) -> list[str]:
    if os.geteuid() or not shutil.which("unshare"):
        return []
    jail = ["unshare", "--mount", "sh", "-c", _READ_ONLY, str(folder)]
    # Neither where it is forbidden, nor where this clone lies in /tmp.
    tried = subprocess.run([*jail, sys.executable, "-c", ""], capture_output=True, check=False)
    return [] if tried.returncode else jail


def _run(words: list[str], folder: Path, url: str, redis_url: str, **env: str) -> str:
    """What a container of the service says that is given `words`; where we may, with a read-only root as it has."""
    given = {"WHETSTONE_SECRET_KEY": SECRET * 3, "WHETSTONE_PUBLIC_URL": "https://whetstone.example.com"}
    said = read()["services"]["backup"]["environment"]
    environment = {name: filled_in(value, **given) for name, value in said.items()}
    environment |= {"WHETSTONE_DATABASE_URL": url, "WHETSTONE_REDIS_URL": redis_url, **env}
    environment |= {"PYTHONPATH": str(CLONE), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}
    ran = subprocess.run(
        [*_jailed(folder), sys.executable, *words],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def _documented(command: str) -> list[str]:
    """What the documented line that runs `command` gives to the service."""
    text = (CLONE / "docs" / "self-hosting.md").read_text()
    found = re.search(rf"^docker compose run --rm backup (.*\b{command}\b.*)$", text, re.MULTILINE)
    assert found, f"docs/self-hosting.md runs {command}"
    return found[1].split()


def test_what_the_service_backs_up_its_documented_command_restores(folder: Path, stack: Stack) -> None:
    service = read()["services"]["backup"]
    url, redis_url = stack.create_database(), stack.redis_database()
    with psycopg.connect(dsn(url), autocommit=True) as connection:
        connection.execute("insert into workspace (id, slug, name) values ('ws_1', 'kept', 'Kept')")

    said = _run([word.replace(FOLDER, str(folder)) for word in service["command"]], folder, url, redis_url)
    (made,) = folder.iterdir()
    assert f"{made}: " in said
    assert verified(made).rows["workspace"] == 1

    other = stack.create_database()
    with psycopg.connect(dsn(other), autocommit=True) as connection:
        connection.execute("insert into workspace (id, slug, name) values ('ws_1', 'old', 'Old')")
    named = {"whetstone": other.rpartition("/")[2]}
    words = [
        str(made) if word.startswith(FOLDER) else named.get(word, word) for word in _documented("restore")
    ]
    _run(words, folder, other, redis_url)
    with psycopg.connect(dsn(other)) as connection:
        assert connection.execute("select slug from workspace").fetchall() == [("kept",)]


def test_the_service_has_a_folder_that_lasts_and_runs_only_when_it_is_asked_for() -> None:
    whole = read()
    service = whole["services"]["backup"]
    assert service["profiles"] == ["backup"]
    assert service["restart"] == "no"
    (volume,) = service["volumes"]
    assert filled_in(volume) == f"backups:{FOLDER}"
    assert filled_in(volume, WHETSTONE_BACKUPS="/srv/kept") == f"/srv/kept:{FOLDER}"
    assert "backups" in whole["volumes"]
    # A new volume takes owner and mode of the image's folder.
    owner = service["user"].replace(":", " -g ")
    assert re.search(rf"install -d -o {owner} .*{FOLDER}\b", (CLONE / "Dockerfile").read_text())


def test_the_service_takes_over_another_secret_too(folder: Path, stack: Stack) -> None:
    words = _documented("rotate-secret")
    said = _run(
        words, folder, stack.create_database(), stack.redis_database(), WHETSTONE_NEW_SECRET_KEY="n" * 32
    )
    assert said.startswith("0 of 0 keys")
    assert read()["services"]["backup"]["env_file"][0]["path"] == ".env", "where both secrets stand"
