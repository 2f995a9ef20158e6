"""The limits as they stand while real workers run against a provider that is slow and says 429."""

import asyncio
import time
import uuid
from dataclasses import dataclass
from datetime import datetime

import pytest

from tests.application import Application
from tests.bench.eval_throughput import Client
from tests.fault_provider import FaultProvider, _said, running_fault_provider

pytestmark = pytest.mark.timeout(180)
ROWS = 60


@dataclass
class Busy(FaultProvider):
    """Answers after half a second; while it is busy it says 429."""

    is_busy: bool = False
    open_now: int = 0
    most_open: int = 0

    async def _reply_to(self, head, reader, writer) -> bool:
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            await asyncio.sleep(0.5)
            return await super()._reply_to(head, reader, writer)
        finally:
            self.open_now -= 1

    def _answer(self, asked: str) -> bytes:
        return _said(429, "not now", retry_after="1") if self.is_busy else super()._answer(asked)


@pytest.fixture(scope="module")
def client(running_app: Application) -> Client:
    name = f"limits-{uuid.uuid4().hex[:8]}"
    running_app.run("init", "--workspace", name, "--email", f"{name}@example.com").check_returncode()
    made = running_app.run("key", "create", "--workspace", name, "--name", "tests", "--role", "admin")
    return Client(running_app.url, made.stdout.strip())


def _start(client: Client, provider: Busy) -> tuple[str, str, str]:
    """A run at 12 calls at once of a provider that allows 4: ids of provider, evaluation and run."""
    made = client.call("POST", "/providers", {"name": "busy", "base_url": provider.url, "concurrency": 4})
    prompt = {"template": [{"role": "user", "content": "{{q}}"}], "model": "m", "provider": "busy"}
    client.call("POST", "/prompts", {"path": "limits/asked", **prompt})
    points = [{"inputs": {"q": f"row {n}"}} for n in range(ROWS)]
    rows = client.call("POST", "/datasets", {"path": "limits/rows", "datapoints": points})
    evaluation = client.call("POST", "/evaluations", {"file": {"path": "limits/asked"}})
    body = {"dataset": {"version_id": rows["version_id"]}, "version": {"path": "limits/asked"}}
    run = client.call("POST", f"/evaluations/{evaluation['id']}/runs", {**body, "concurrency": 12})
    return made["id"], evaluation["id"], run["id"]


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _until(found, wanted, what: str, timeout_s: float = 60):
    """What `found` gives as soon as it is wanted."""
    deadline = time.monotonic() + timeout_s
    while not wanted(value := found()):
        assert time.monotonic() < deadline, f"{what}: {value}"
        time.sleep(0.1)
    return value


def test_calls_in_flight_and_cuts_are_those_of_the_workers(client: Client) -> None:
    with running_fault_provider(Busy()) as provider:
        provider_id, evaluation_id, _ = _start(client, provider)

        def limits() -> dict:
            return client.call("GET", f"/providers/{provider_id}/limits")

        full = _until(limits, lambda found: found["in_flight"] == 4, "the limit is in use")
        assert (full["cut"], full["most_in_flight"]) == (None, 4)

        provider.is_busy = True
        first = _until(limits, lambda found: found["cut"], "it was cut")["cut"]
        last = _until(limits, lambda found: found["cut"]["times"] >= first["times"] + 2, "and again")["cut"]
        assert last["cut_to"] < first["cut_to"]
        assert abs(_seconds(last["since"]) - _seconds(first["since"])) < 0.5

        provider.is_busy = False
        assert client.call("POST", f"/providers/{provider_id}/limits/restore")["cut"] is None
        done = f"/evaluations/{evaluation_id}/stats"
        status = _until(
            lambda: client.call("GET", done)["run_stats"][0]["status"],
            lambda status: status == "completed",
            "ends",
        )
        assert status == "completed"
        assert provider.most_open <= 4
        assert len(provider.asked) == ROWS
        _until(limits, lambda found: found["in_flight"] == 0, "what is over is not in flight")
        acts = client.call("GET", "/audit?action=provider.rate_restored")["records"]
        assert [act["subject_id"] for act in acts] == [provider_id]
