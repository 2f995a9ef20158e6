"""docker-compose.yml starts the same programs as `./whetstone up`, and gives them no more rights than they need."""

import pytest
import yaml

from app.embedded import programs
from app.embedded.layout import CLONE

OURS = {
    "migrate": programs.migrate(),
    "web": programs.web(bind=("--host", "0.0.0.0", "--port", "8000")),
    "practice": programs.practice(host="0.0.0.0", port=8001),
    "reaper": programs.reaper(),
    "worker": programs.worker(slots=2),
}
DATABASES = {"postgres", "valkey"}


@pytest.fixture(scope="module")
def services() -> dict[str, dict]:
    return yaml.safe_load((CLONE / "docker-compose.yml").read_text())["services"]


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


@pytest.mark.parametrize("name", ["postgres", "valkey", "web", "practice"])
def test_what_answers_is_asked_whether_it_does(services, name: str):
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


def test_worker_slots_are_as_many_as_the_worker_has(services):
    command = services["worker"]["command"]
    assert (
        services["web"]["environment"]["WHETSTONE_WORKER_SLOTS"]
        == command[command.index("--concurrency") + 1]
    )
