"""A provider hangs, drips or never ends: its deadline ends the call, the place is free again, and memory stays flat."""

import time
import uuid
from collections.abc import Iterator

import psutil
import psycopg
import pytest

from app.providers.answers import ProviderError
from app.providers.client import Endpoint, ModelClient
from tests.application import Application
from tests.asynchronous import run as run_coroutine
from tests.exactly_once import dsn
from tests.fault_provider import FaultProvider, running_fault_provider
from tests.faults.conftest import Figures
from tests.faults.doors import Doors
from tests.faults.lengths import LENGTHS

DEADLINE_S, IDLE_S = LENGTHS.deadline_s, LENGTHS.idle_s
TRIES = 3
LONGEST_BACKOFFS_S = 3
MIB = 2**20
HANGS = ("says nothing", "drips its headers", "drips its body")
GOOD, OF_EACH, ENDLESS, CONCURRENCY = 60, 4, 40, 20


@pytest.fixture(scope="module")
def provider() -> Iterator[FaultProvider]:
    with running_fault_provider() as provider:
        yield provider


def _worker_mib(application: Application) -> float:
    return sum(psutil.Process(pid).memory_info().rss for pid in application.pool_children()) / MIB


def _finished(client, evaluation_id: str, body: dict, application: Application) -> tuple[dict, float]:
    """A run after its end, and the most memory that the workers took meanwhile, in MiB."""
    started = client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
    deadline, most = time.monotonic() + 90 + TRIES * DEADLINE_S, 0.0
    while True:
        runs = client.call("GET", f"/evaluations/{evaluation_id}/runs")["runs"]
        run = next(run for run in runs if run["id"] == started)
        if run["status"] == "completed":
            return run, most
        assert time.monotonic() < deadline, run
        most = max(most, _worker_mib(application))
        time.sleep(0.05)


@pytest.mark.long
@pytest.mark.timeout(200 + 2 * TRIES * DEADLINE_S)
def test_calls_that_never_end_cost_their_deadline_and_nothing_else(
    running_app: Application, provider: FaultProvider, figures: Figures
) -> None:
    client = Doors(running_app, f"hang-{uuid.uuid4().hex[:8]}").client
    client.call("POST", "/providers", {"name": "hangs", "base_url": provider.url, "deadline_s": DEADLINE_S})
    prompt = {"template": [{"role": "user", "content": "{{q}}"}], "model": "m", "provider": "hangs"}
    client.call("POST", "/prompts", {"path": "hangs/asked", **prompt})
    evaluation = client.call("POST", "/evaluations", {"file": {"path": "hangs/asked"}})

    def body_of(name: str, questions: list[str]) -> dict:
        points = [{"inputs": {"q": question}} for question in questions]
        rows = client.call("POST", "/datasets", {"path": f"hangs/{name}", "datapoints": points})
        return {
            "dataset": {"version_id": rows["version_id"]},
            "version": {"path": "hangs/asked"},
            "concurrency": CONCURRENCY,
        }

    hanging = [f"FAULT<{hang}> {n}" for hang in HANGS for n in range(OF_EACH)]
    calm, _ = _finished(
        client, evaluation["id"], body_of("calm", [f"calm {n}" for n in range(GOOD)]), running_app
    )
    before = _worker_mib(running_app)
    started = time.monotonic()
    run, _ = _finished(
        client,
        evaluation["id"],
        body_of("hanging", hanging + [f"good {n}" for n in range(GOOD)]),
        running_app,
    )
    hung_s = time.monotonic() - started
    endless, peaks = [], []
    for turn in range(2):
        questions = [f"FAULT<never ends> {turn}.{n}" for n in range(ENDLESS)]
        ended, most = _finished(client, evaluation["id"], body_of(f"endless {turn}", questions), running_app)
        endless.append(ended)
        peaks.append(max(most, _worker_mib(running_app)))
    started = time.monotonic()
    again, _ = _finished(
        client, evaluation["id"], body_of("again", [f"again {n}" for n in range(GOOD)]), running_app
    )
    again_s = time.monotonic() - started
    with psycopg.connect(dsn(running_app)) as connection:
        rows = connection.execute(
            """
            select d.inputs ->> 'q', i.error, l.attempts from run_item i join datapoint d on d.id = i.datapoint_id
            join log l on l.id = i.log_id where i.run_id = any(%s) and i.error is not null
            """,
            [[run["id"], *(each["id"] for each in endless)]],
        ).fetchall()
    figures(
        f"R13 {len(hanging)} hanging calls, deadline {DEADLINE_S} s, three tries",
        run_s=hung_s, next_run_s=again_s, workers_mib=before, most_mib=peaks[0], most_again_mib=peaks[1],
    )  # fmt: skip

    assert (calm["failed_count"], again["failed_count"]) == (0, 0)
    assert [each["failed_count"] for each in (run, *endless)] == [len(hanging), ENDLESS, ENDLESS]
    found = {question: (error, attempts) for question, error, attempts in rows}
    for question in hanging:
        error, attempts = found[question]
        assert error.startswith(f"hangs did not answer within {DEADLINE_S}")
        assert (attempts, provider.asked[question]) == (TRIES, TRIES)
    for n in range(ENDLESS):
        assert found[f"FAULT<never ends> 1.{n}"] == ("hangs: The answer went on past 10 MiB.", 1)
    assert all(provider.asked[f"good {n}"] == 1 for n in range(GOOD))
    # All hang at once, and more than two deadlines of backing off would be no deadline.
    assert TRIES * DEADLINE_S < hung_s < 2 * (TRIES * DEADLINE_S + LONGEST_BACKOFFS_S)
    assert again_s < hung_s / 2, "the places are free again"
    assert max(peaks) - before < CONCURRENCY * 2 * 10, "a body takes no more than twice its cap"
    # Compared at their most: how much of it goes back to the system in between is the allocator's choice.
    assert peaks[1] - peaks[0] < ENDLESS * 10 / 4, "and its room is used again"


def _streamed(
    provider: FaultProvider, fault: str, *, idle_s: float = 2.0 * DEADLINE_S
) -> tuple[ProviderError, float]:
    """How a stream failed, and after how many seconds."""

    async def ask() -> ProviderError:
        client = ModelClient(Endpoint("p", "hangs", provider.url, "k", deadline_s=DEADLINE_S), idle_s=idle_s)
        body = {"model": "m", "messages": [{"role": "user", "content": f"FAULT<{fault}>"}]}
        try:
            async for _ in client.stream(body):
                pass
        except ProviderError as error:
            return error
        finally:
            await client.aclose()
        raise AssertionError("it came to an end")

    started = time.monotonic()
    return run_coroutine(ask()), time.monotonic() - started


@pytest.mark.parametrize(("fault", "first"), [("streams for ever", "on and on"), ("drips a stream", "one")])
def test_a_stream_ends_at_the_deadline_and_keeps_what_came(
    provider: FaultProvider, fault: str, first: str
) -> None:
    error, took = _streamed(provider, fault)
    assert error.message.startswith(f"hangs did not answer within {DEADLINE_S}")
    assert error.partial.startswith(first)
    assert DEADLINE_S <= took < DEADLINE_S + 3
    assert error.attempts == 1, "what had begun is not asked again"


def test_a_stream_that_falls_silent_ends_at_the_idle_limit(provider: FaultProvider) -> None:
    error, took = _streamed(provider, "stops in a stream", idle_s=IDLE_S)
    assert error.partial == "one"
    assert IDLE_S <= took < DEADLINE_S


def test_a_stream_ends_at_ten_mebibytes(provider: FaultProvider) -> None:
    error, _ = _streamed(provider, "streams far too much")
    assert "went on past 10 MiB" in error.message
    assert 8 * MIB < len(error.partial) <= 10 * MIB
