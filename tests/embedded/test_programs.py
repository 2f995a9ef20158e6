"""docker-compose.yml starts the same programs as `./whetstone up`, and gives them no more rights than they need."""

import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch

import pytest

from app.embedded import programs
from app.embedded.layout import CLONE
from tests.embedded import compose
from tests.embedded.compose import filled_in

OURS = {
    "migrate": programs.migrate(),
    "web": programs.web(bind=("--host", "0.0.0.0", "--port", "8000")),
    "practice": programs.practice(host="0.0.0.0", port=8001),
    "reaper": programs.reaper(),
    "worker": programs.worker(slots=2),
    "backup": ("-m", "app.cli", "backup", "/backups"),
}
DATABASES = {"postgres", "valkey"}


@pytest.fixture(scope="module")
def services() -> dict[str, dict]:
    return compose.read()["services"]


def test_compose_keeps_to_the_schema_of_compose():
    """The one of the Compose Specification, which the checker brings along."""
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        compose.FILE,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_names_only_what_it_has(services):
    whole = compose.read()
    for name, service in services.items():
        assert set(service["networks"]) <= set(whole["networks"]), name
        for needed, how in service.get("depends_on", {}).items():
            assert needed in services
            assert how["condition"] != "service_healthy" or "healthcheck" in services[needed]
        for volume in service.get("volumes", ()):
            assert filled_in(volume).split(":")[0] in whole["volumes"]


def _has_compose() -> bool:
    if shutil.which("docker") is None:
        return False
    asked = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return asked.returncode == 0


@pytest.mark.skipif(not _has_compose(), reason="no Docker with compose here")
def test_docker_takes_the_file(tmp_path):
    words = ("POSTGRES_PASSWORD", "VALKEY_PASSWORD", "WHETSTONE_SECRET_KEY", "WHETSTONE_PUBLIC_URL")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **dict.fromkeys(words, "x")}
    command = ["docker", "compose", "--file", compose.FILE, "config", "--quiet"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", [".dockerignore", ".gitignore"])
def test_what_the_steps_make_goes_nowhere(file: str):
    """The secrets, and what `backup` writes beside them."""
    lines = (CLONE / file).read_text().splitlines()
    for made in (".env", ".env.old", "whetstone-20261128-101500.zip"):
        assert any(fnmatch(made, line) for line in lines), made


def test_compose_runs_our_programs_and_the_databases_and_nothing_else(services):
    assert set(services) == set(OURS) | DATABASES


@pytest.mark.parametrize("name", OURS)
def test_a_container_runs_the_command_of_up(services, name: str):
    assert tuple(services[name]["command"]) == OURS[name]


@pytest.mark.parametrize("name", [*OURS, *DATABASES])
def test_a_container_is_locked_down(services, name: str):
    service = services[name]
    assert service["user"].split(":")[0] not in ("0", "root")
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True


@pytest.mark.parametrize("name", ["postgres", "valkey", "web", "practice", "worker", "reaper"])
def test_what_lasts_is_asked_whether_it_is_well(services, name: str):
    assert services[name]["healthcheck"]["test"][0] == "CMD"


def test_only_the_pages_can_be_reached_from_outside_and_only_from_this_machine(services):
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:8000:8000"]}


def test_no_secret_is_written_down(services):
    for name in DATABASES | set(OURS):
        for variable, value in services[name].get("environment", {}).items():
            if variable.endswith(("PASSWORD", "SECRET_KEY", "AUTH")):
                assert value.startswith("${"), f"{name}: {variable}"


def test_what_runs_on_servers_refuses_what_is_only_for_trying_out(services):
    for name in OURS:
        assert services[name]["environment"]["WHETSTONE_ENV"] == "production"
        assert services[name]["environment"]["WHETSTONE_PUBLIC_URL"].startswith("${WHETSTONE_PUBLIC_URL:?")


def test_a_container_that_is_started_by_hand_is_production_too():
    """Its command listens for everybody."""
    said = (CLONE / "Dockerfile").read_text()
    assert re.search(r"^ENV .*\bWHETSTONE_ENV=production\b", said, re.MULTILINE)
    assert '"0.0.0.0"' in said


def test_only_the_gateway_is_believed_about_where_people_come_from(services):
    network = compose.read()["networks"]["outside"]
    gateway = network["ipam"]["config"][0]["gateway"]
    trusted = services["web"]["environment"]["WHETSTONE_TRUSTED_PROXIES"]
    assert trusted == f"${{WHETSTONE_TRUSTED_PROXIES:-{gateway}}}"
    assert "outside" in services["web"]["networks"]


def test_what_was_learned_outlasts_its_container(services):
    volumes = services["practice"]["volumes"]
    assert volumes == [f"practice:{services['practice']['environment']['WHETSTONE_HOME']}"]


def test_worker_slots_are_as_many_as_the_worker_has_unless_env_says_otherwise(services):
    command = services["worker"]["command"]
    slots = command[command.index("--concurrency") + 1]
    said = services["web"]["environment"]["WHETSTONE_WORKER_SLOTS"]
    assert filled_in(said) == slots
    assert filled_in(said, WHETSTONE_WORKER_SLOTS="6") == "6"


SET_HERE = {
    "WHETSTONE_DATABASE_URL",
    "WHETSTONE_REDIS_URL",
    "WHETSTONE_ENV",
    "WHETSTONE_PRACTICE_URL",
    "WHETSTONE_HOME",
}
"""What docs/self-hosting.md says that `.env` does not change."""


@pytest.mark.parametrize("name", OURS)
def test_env_changes_every_setting_but_those_that_are_named(services, name: str):
    for variable, value in services[name]["environment"].items():
        if variable in SET_HERE:
            continue
        assert value.startswith(f"${{{variable}:"), f"{name}: what .env says of {variable} is overruled"
