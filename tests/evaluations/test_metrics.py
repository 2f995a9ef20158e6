"""Metrics of real processes: exact whichever process counted and whichever answers, and closed without the token."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.metrics import COUNTERS, HISTOGRAMS
from app.embedded.layout import CLONE
from app.evaluations import state_repository
from app.evaluations.metrics_api import GAUGES
from tests import factories
from tests.application import Application, start_application
from tests.bench.eval_throughput import Case, Client, prepare
from tests.endpoint import running_endpoint
from tests.stack import Stack

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("metrics")]
TOKEN = "scrape-canary-token-51b7"
CASE = Case("metrics", rows=300, concurrency=20)
LINE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*)\})? (\S+)')


@pytest.fixture(scope="module")
def application(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    home: Path = tmp_path_factory.mktemp("metrics")
    with start_application(
        home, stack.create_database(), stack.redis_database(), "--web", "2", "--workers", "2",
        environment={"WHETSTONE_METRICS_TOKEN": TOKEN},
    ) as running:  # fmt: skip
        running.wait_until_ready()
        yield running


@pytest.fixture(scope="module")
def client(application: Application) -> Client:
    application.run("init", "--workspace", "Canary Team", "--email", "m@example.com").check_returncode()
    made = application.run("key", "create", "--workspace", "canary-team", "--name", "t", "--role", "admin")
    return Client(application.url, made.stdout.strip())


def ask(application: Application, authorization: str | None) -> tuple[int, str]:
    headers = {"authorization": authorization} if authorization is not None else {}
    try:
        request = urllib.request.Request(f"{application.url}/metrics", headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def scrape(application: Application) -> dict[str, float]:
    """The numbers, by metric with its labels as they stand there; the text must be one that Prometheus reads."""
    status, answer = ask(application, f"Bearer {TOKEN}")
    assert status == 200, answer
    numbers, typed = {}, ""
    for line in answer.splitlines():
        if line.startswith("#"):
            kind, typed = line.split(" ")[1:3]
            assert kind in ("HELP", "TYPE")
            continue
        found = LINE.fullmatch(line)
        assert found, line
        assert found[1].startswith(typed), f"{line} does not follow its type"
        assert line.rpartition(" ")[0] not in numbers
        numbers[line.rpartition(" ")[0]] = float(found[3])
    return numbers


def wait_until(application: Application, reached: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    deadline = time.monotonic() + 60
    while not reached(numbers := scrape(application)):
        assert time.monotonic() < deadline, numbers
        time.sleep(0.2)
    return numbers


def total(numbers: dict[str, float], name: str, label: str = "") -> float:
    return sum(value for key, value in numbers.items() if key.split("{")[0] == name and label in key)


def run_to_the_end(application: Application, client: Client, evaluation_id: str, body: dict) -> None:
    run_id = client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
    with psycopg.connect(application.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        deadline = time.monotonic() + 120
        while connection.execute("select status from run where id = %s", [run_id]).fetchone() != (
            "completed",
        ):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_calls_of_all_worker_processes_are_counted_once(application: Application, client: Client) -> None:
    with running_endpoint(50) as endpoint:
        evaluation_id, body = prepare(client, endpoint, CASE)
        before = total(scrape(application), "whetstone_model_call_seconds_count")
        run_to_the_end(application, client, evaluation_id, body)
        assert sum(endpoint.calls().values()) == CASE.rows
    wanted = before + CASE.rows
    numbers = wait_until(application, lambda n: total(n, "whetstone_model_call_seconds_count") >= wanted)
    time.sleep(2.5)  # what would be counted twice had come by now
    numbers = scrape(application)
    assert total(numbers, "whetstone_model_call_seconds_count") == wanted
    assert total(numbers, "whetstone_model_call_seconds_bucket", 'le="+Inf"') == wanted
    assert total(numbers, "whetstone_model_call_seconds_bucket", 'le="0.025"') == 0, (
        "no answer takes less than 50 ms"
    )
    assert total(numbers, "whetstone_model_call_seconds_sum") >= 0.05 * CASE.rows


def test_failed_tries_are_counted_by_provider_and_status(application: Application, client: Client) -> None:
    with running_endpoint(5) as endpoint:
        gone = Case("gone", rows=10, concurrency=10)
        evaluation_id, body = prepare(client, endpoint, gone)
    run_to_the_end(application, client, evaluation_id, body)  # nobody listens there any more
    provider = next(each for each in client.call("GET", "/providers") if each["name"] == "gone")["id"]  # type: ignore[index]
    key = f'whetstone_provider_errors_total{{provider="{provider}",status="none"}}'
    wait_until(application, lambda numbers: numbers.get(key) == 3 * gone.rows)


def test_requests_of_all_web_processes_are_counted_once(application: Application, client: Client) -> None:
    time.sleep(2.5)
    key = 'whetstone_http_requests_total{door="api",status="2xx"}'
    before = scrape(application).get(key, 0)
    for _ in range(60):
        client.call("GET", "/providers")
    wait_until(application, lambda numbers: numbers.get(key, 0) >= before + 60)
    time.sleep(2.5)
    assert scrape(application)[key] == before + 60


def test_spans_that_make_no_log_are_counted(application: Application, client: Client) -> None:
    name = "whetstone_spans_quarantined_total"
    before = total(scrape(application), name)
    client.call("POST", "/import/otel/v1/traces", {"resourceSpans": "what is this?"})
    wait_until(application, lambda numbers: total(numbers, name) == before + 1)


def test_every_metric_is_there_and_documented(application: Application, client: Client) -> None:
    numbers = wait_until(
        application,
        lambda n: n["whetstone_workers"] == 2 and "whetstone_reaper_last_pass_timestamp_seconds" in n,
    )
    assert numbers["whetstone_database_up"] == numbers["whetstone_broker_up"] == 1
    assert abs(time.time() - numbers["whetstone_reaper_last_pass_timestamp_seconds"]) < 30
    _, answer = ask(application, f"Bearer {TOKEN}")
    documented = (CLONE / "docs" / "self-hosting.md").read_text()
    for name in (*GAUGES, *COUNTERS, *HISTOGRAMS):
        assert f"# TYPE {name} " in answer
        assert f"`{name}`" in documented


def test_health_checks_ask_whether_a_program_has_reported(
    application: Application, client: Client, stack: Stack
) -> None:
    wait_until(application, lambda n: "whetstone_reaper_last_pass_timestamp_seconds" in n)

    def alive(program: str, redis_url: str) -> tuple[int, str]:
        environment = {**os.environ, **application.settings(), "WHETSTONE_REDIS_URL": redis_url}
        words = [sys.executable, "-m", "app.cli", "alive", program]
        done = subprocess.run(words, env=environment, cwd=CLONE, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    redis_url = application.settings()["WHETSTONE_REDIS_URL"]
    empty, nobody = stack.redis_database(), "redis://127.0.0.1:9"
    for program, silent in (("worker", "No worker"), ("reaper", "No reaper")):
        assert alive(program, redis_url) == (0, "")
        assert alive(program, nobody)[0] == alive(program, empty)[0] == 1
        assert silent in alive(program, empty)[1]
        assert "Valkey is away" in alive(program, nobody)[1]


def test_nothing_but_ids_tells_workspaces_apart(application: Application, client: Client) -> None:
    _, answer = ask(application, f"Bearer {TOKEN}")
    for word in ("canary", "Canary", CASE.name, "gone", "bench/", "127.0.0.1", "m@example.com", TOKEN):
        assert word not in answer.replace("whetstone_", ""), word


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", TOKEN, "Bearer \xe9"]
)
def test_nobody_reads_them_without_the_token(application: Application, authorization: str | None) -> None:
    status, answer = ask(application, authorization)
    assert status == 401
    assert "whetstone_" not in answer


def test_they_are_not_there_where_no_token_is_set(running_app: Application) -> None:
    for authorization in (None, "Bearer ", f"Bearer {TOKEN}"):
        status, answer = ask(running_app, authorization)
        assert status == 404
        assert "whetstone_" not in answer


def test_work_that_waits_and_leases_that_ran_out_are_told(session: Session) -> None:
    """Without workers or reaper, so that it stays."""
    team = factories.team(session)
    prompt, rows = factories.prompt(session, team.admin), factories.dataset(session, team.admin, 30)
    evaluation = factories.evaluation(session, team.admin, prompt, factories.evaluator(session, team.admin))
    factories.started_run(session, team.admin, evaluation, prompt, rows)
    session.execute(
        text(
            "update shard set state = 'running', lease_until = now() - interval '1 second'"
            " where id = (select min(id) from shard)"
        )
    )
    found = state_repository.state(session)
    assert (found["runs_pending"], found["items_pending"]) == (1, 30)
    assert (found["shards_running"], found["leases_expired"]) == (1, 1)
    assert found["shards_queued"] == 2
