"""A run whose provider fails in every way that we know: each row says what happened, and its neighbours finish."""

import time
import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.application import Application
from tests.bench.eval_throughput import Client
from tests.fault_provider import FAULTS, HEALS, RAW_CAP, FaultProvider, running_fault_provider

pytestmark = [pytest.mark.long, pytest.mark.timeout(150)]
GOOD = 60


@pytest.fixture(scope="module")
def provider() -> Iterator[FaultProvider]:
    with running_fault_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def rows(running_app: Application, provider: FaultProvider) -> dict[str, dict]:
    """The rows of a finished run by their question, with their logs. No process has had an exception of its own meanwhile."""
    logged = {path: path.stat().st_size for path in (running_app.root / "logs").glob("*.log")}
    name = f"faults-{uuid.uuid4().hex[:8]}"
    running_app.run("init", "--workspace", name, "--email", f"{name}@example.com").check_returncode()
    made = running_app.run("key", "create", "--workspace", name, "--name", "tests", "--role", "admin")
    client = Client(running_app.url, made.stdout.strip())
    client.call("POST", "/providers", {"name": "faulty", "base_url": provider.url, "api_key": "k"})
    prompt = {"template": [{"role": "user", "content": "{{q}}"}], "model": "m", "provider": "faulty"}
    client.call("POST", "/prompts", {"path": "faults/asked", **prompt})
    questions = [f"FAULT<{fault}>" for fault in (*FAULTS, *HEALS)] + [f"good {n}" for n in range(GOOD)]
    points = [{"inputs": {"q": question}, "target": {"answer": "fine"}} for question in questions]
    dataset = client.call("POST", "/datasets", {"path": "faults/rows", "datapoints": points})
    exact = client.call(
        "POST", "/evaluators", {"path": "faults/exact", "spec": {"kind": "exact", "settings": {}}}
    )
    evaluation = client.call(
        "POST",
        "/evaluations",
        {"file": {"path": "faults/asked"}, "evaluators": [{"version_id": exact["version_id"]}]},
    )
    body = {"dataset": {"version_id": dataset["version_id"]}, "version": {"path": "faults/asked"}}
    run = client.call("POST", f"/evaluations/{evaluation['id']}/runs", {**body, "concurrency": 20})
    deadline = time.monotonic() + 120
    while True:
        (run,) = client.call("GET", f"/evaluations/{evaluation['id']}/runs")["runs"]
        if run["status"] == "completed":
            break
        assert time.monotonic() < deadline, run
        time.sleep(0.2)
    with psycopg.connect(
        running_app.database_url.replace("+psycopg", ""), row_factory=dict_row
    ) as connection:
        found = connection.execute(
            """
            select d.inputs ->> 'q' as question, i.error, l.attempts, l.provider_response, l.output,
                   j.boolean_value as judged
            from run_item i join datapoint d on d.id = i.datapoint_id
            left join log l on l.id = i.log_id left join judgment j on j.log_id = l.id
            where i.run_id = %s
            """,
            [run["id"]],
        ).fetchall()
    for path in (running_app.root / "logs").glob("*.log"):
        with path.open() as file:
            file.seek(logged.get(path, 0))
            assert "Traceback" not in file.read(), path.name
    assert len(found) == len(questions)
    assert run["failed_count"] == len(FAULTS)
    return {row["question"]: row for row in found}


def test_there_are_enough_ways_to_fail() -> None:
    assert len(FAULTS) >= 25


@pytest.mark.parametrize("name", FAULTS)
def test_a_row_says_what_the_provider_did(rows: dict[str, dict], provider: FaultProvider, name: str) -> None:
    fault, row = FAULTS[name], rows[f"FAULT<{name}>"]

    assert row["error"]
    assert "faulty" in row["error"], "the error names the provider"
    assert fault.error in row["error"]
    assert "Something broke on our side" not in row["error"]
    assert row["attempts"] == fault.attempts
    assert provider.asked[f"FAULT<{name}>"] == fault.attempts
    kept = row["provider_response"]["body"]
    assert len(kept or "") <= RAW_CAP
    assert kept.startswith(fault.body) if fault.body else not kept


@pytest.mark.parametrize("name", HEALS)
def test_what_heals_is_tried_until_it_does(rows: dict[str, dict], provider: FaultProvider, name: str) -> None:
    row = rows[f"FAULT<{name}>"]

    assert (row["error"], row["output"], row["judged"]) == (None, "fine", True)
    assert row["attempts"] == len(HEALS[name]) + 1 == provider.asked[f"FAULT<{name}>"]


def test_the_neighbours_finished_and_were_asked_once(
    rows: dict[str, dict], provider: FaultProvider, record_property: Callable[[str, object], None]
) -> None:
    kept = sum(bool(row["error"] and row["provider_response"]["body"]) for row in rows.values())
    said = f"{len(FAULTS)} faults, {kept} with a body; {len(HEALS)} that heal, {GOOD} neighbours; {provider.asked.total()} calls"
    record_property("figures", f"R12, R14 {said}")
    for n in range(GOOD):
        row = rows[f"good {n}"]
        assert (row["error"], row["output"], row["judged"]) == (None, "fine", True)
        assert provider.asked[f"good {n}"] == 1
