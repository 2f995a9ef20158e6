"""A run under a cap ends by itself: what is done is kept, the rest says why it was not run."""

import time
import uuid
from collections.abc import Iterator
from urllib.error import HTTPError

import psycopg
import pytest

from tests.application import Application
from tests.bench.eval_throughput import Case, Client, prepare
from tests.endpoint import Endpoint, running_endpoint
from tests.fault_provider import running_fault_provider

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]
ROWS, CONCURRENCY = 600, 20


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with running_endpoint(20) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def client(running_app: Application) -> Client:
    name = f"caps-{uuid.uuid4().hex[:8]}"
    running_app.run("init", "--workspace", name, "--email", f"{name}@example.com").check_returncode()
    made = running_app.run("key", "create", "--workspace", name, "--name", "tests", "--role", "admin")
    return Client(running_app.url, made.stdout.strip())


def _ended(client: Client, evaluation_id: str, body: dict) -> dict:
    """A run of the evaluation after its end."""
    return _end_of(
        client, evaluation_id, client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
    )


def _run(client: Client, evaluation_id: str, run_id: str) -> dict:
    runs = client.call("GET", f"/evaluations/{evaluation_id}/runs")["runs"]
    return next(run for run in runs if run["id"] == run_id)


def _end_of(client: Client, evaluation_id: str, run_id: str) -> dict:
    deadline = time.monotonic() + 60
    while True:
        run = _run(client, evaluation_id, run_id)
        if run["status"] == "completed":
            return run
        assert time.monotonic() < deadline, run
        time.sleep(0.1)


@pytest.mark.parametrize("judge", [False, True])
def test_a_cap_of_calls_ends_a_run_cleanly(
    running_app: Application, client: Client, endpoint: Endpoint, judge: bool
) -> None:
    case = Case(f"calls {judge}", rows=ROWS, concurrency=CONCURRENCY, judge=judge)
    evaluation_id, body = prepare(client, endpoint, case)
    endpoint.reset()

    run = _ended(client, evaluation_id, {**body, "max_calls": 150})

    assert sum(endpoint.calls().values()) == 150
    assert run["calls_count"] == 150
    assert run["done_count"] == ROWS
    answered = run["done_count"] - run["failed_count"]
    assert answered == 150 if not judge else 75 <= answered <= 75 + CONCURRENCY
    with psycopg.connect(running_app.database_url.replace("+psycopg", "")) as connection:
        reasons = connection.execute(
            "select error, count(*) from run_item where run_id = %s and error is not null group by 1",
            [run["id"]],
        ).fetchall()
    assert reasons == [("not run: cap of 150 calls reached", run["failed_count"])]


def test_calls_that_are_made_again_count_before_they_are_made(client: Client) -> None:
    """Every call fails and is worth three tries: the cap ends in the middle of those."""
    with running_fault_provider() as provider:
        client.call("POST", "/providers", {"name": "failing", "base_url": provider.url, "api_key": "k"})
        prompt = {"template": "FAULT<internal error>{{q}}", "model": "m", "provider": "failing"}
        client.call("POST", "/prompts", {"path": "caps/failing", **prompt})
        points = [{"inputs": {"q": str(n)}, "target": {"answer": "fine"}} for n in range(60)]
        dataset = client.call("POST", "/datasets", {"path": "caps/rows", "datapoints": points})
        evaluation = client.call("POST", "/evaluations", {"file": {"path": "caps/failing"}})
        body = {"dataset": {"version_id": dataset["version_id"]}, "version": {"path": "caps/failing"}}

        run = _ended(client, evaluation["id"], {**body, "concurrency": 20, "max_calls": 50})

        assert sum(provider.asked.values()) == 50
        assert run["calls_count"] == 50
        assert run["done_count"] == 60


def test_a_cap_in_dollars_needs_a_price(client: Client, endpoint: Endpoint) -> None:
    evaluation_id, body = prepare(client, endpoint, Case("unpriced", rows=10, concurrency=5))
    with pytest.raises(HTTPError) as refused:
        client.call("POST", f"/evaluations/{evaluation_id}/runs", {**body, "max_cost_usd": 1})
    assert refused.value.code == 422
    assert (
        "There is no price for test, so that the cap cannot hold: set one, or cap the calls."
        in refused.value.read().decode()
    )


def test_a_cap_that_is_misspelt_is_warned_of(client: Client, endpoint: Endpoint) -> None:
    evaluation_id, body = prepare(client, endpoint, Case("misspelt", rows=10, concurrency=5))
    started = client.call("POST", f"/evaluations/{evaluation_id}/runs", {**body, "max_cost": 1, "other": 2})
    (warning,) = started["warnings"]
    assert warning.startswith("There is no `max_cost`: a run is capped by `max_cost_usd`")


def test_a_budget_needs_a_price_or_a_cap_of_calls(client: Client, endpoint: Endpoint) -> None:
    evaluation_id, body = prepare(client, endpoint, Case("within a budget", rows=10, concurrency=5))
    client.call("PATCH", "/budget", {"monthly_usd": 5})
    try:
        with pytest.raises(HTTPError) as refused:
            client.call("POST", f"/evaluations/{evaluation_id}/runs", body)
        assert refused.value.code == 422
        assert "so that the workspace's budget cannot hold" in refused.value.read().decode()
        assert client.call("POST", f"/evaluations/{evaluation_id}/runs", {**body, "max_calls": 10})["id"]
    finally:
        client.call("PATCH", "/budget", {"monthly_usd": None})


def test_a_cap_in_dollars_is_passed_by_no_more_than_what_was_in_flight(
    client: Client, endpoint: Endpoint
) -> None:
    case = Case("priced", rows=ROWS, concurrency=CONCURRENCY)
    evaluation_id, body = prepare(client, endpoint, case)
    provider = next(p for p in client.call("GET", "/providers") if p["name"] == case.name)
    prices = {"test": {"input": "0", "output": "1000"}}  # the endpoint's answers have three tokens
    client.call("PATCH", f"/providers/{provider['id']}", {"prices": prices})
    endpoint.reset()

    run = _ended(client, evaluation_id, {**body, "max_cost_usd": 0.3})

    made = sum(endpoint.calls().values())
    assert 100 <= made <= 100 + CONCURRENCY
    assert run["spent_usd"] == pytest.approx(made * 0.003)
    assert run["done_count"] - run["failed_count"] == made


def test_a_workspace_budget_ends_a_run_cleanly_too(
    running_app: Application, client: Client, endpoint: Endpoint
) -> None:
    case = Case("budget", rows=ROWS, concurrency=CONCURRENCY)
    evaluation_id, body = prepare(client, endpoint, case)
    provider = next(p for p in client.call("GET", "/providers") if p["name"] == case.name)
    client.call("PATCH", f"/providers/{provider['id']}", {"prices": {"test": {"input": 0, "output": 1000}}})
    spent = client.call("GET", "/budget")["spent_usd"]
    client.call("PATCH", "/budget", {"monthly_usd": spent + 0.3})
    endpoint.reset()

    run = _ended(client, evaluation_id, body)
    client.call("PATCH", "/budget", {"monthly_usd": None})

    made = sum(endpoint.calls().values())
    assert 100 <= made <= 100 + CONCURRENCY
    assert run["done_count"] == ROWS
    with psycopg.connect(running_app.database_url.replace("+psycopg", "")) as connection:
        reasons = connection.execute(
            "select distinct error from run_item where run_id = %s and error is not null", [run["id"]]
        ).fetchall()
    assert len(reasons) == 1
    assert reasons[0][0].startswith("not run: the workspace's budget for")


@pytest.mark.parametrize("before", [None, 1000])
def test_a_budget_that_is_set_or_lowered_meanwhile_ends_a_run(
    client: Client, endpoint: Endpoint, before: int | None
) -> None:
    case = Case(f"budget after {before}", rows=ROWS, concurrency=2)
    evaluation_id, body = prepare(client, endpoint, case)
    provider = next(p for p in client.call("GET", "/providers") if p["name"] == case.name)
    client.call("PATCH", f"/providers/{provider['id']}", {"prices": {"test": {"input": 0, "output": 1000}}})
    client.call("PATCH", "/budget", {"monthly_usd": before})
    run_id = client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
    while not _run(client, evaluation_id, run_id)["done_count"]:
        time.sleep(0.05)
    client.call("PATCH", "/budget", {"monthly_usd": 0})
    set_at = time.monotonic()

    try:
        run = _end_of(client, evaluation_id, run_id)
    finally:
        client.call("PATCH", "/budget", {"monthly_usd": None})

    assert run["done_count"] == ROWS
    assert time.monotonic() - set_at < 5, "6 s is how long the whole run takes"
    assert 0 < run["calls_count"] == ROWS - run["failed_count"] < ROWS
