"""What `POST /v5/prompts/call` adds to a provider's own time, with 50 calls in flight.

    .venv/bin/python -m tests.bench.call_overhead [--calls 1000] [--in-flight 50] [--latency-ms 1000]

Starts the whole stack as `./whetstone up` does, and an endpoint that answers after the latency. The same client asks the
endpoint itself first, with the request that we send it: the baseline. Then it calls a prompt of two messages by its path,
each call logged before its answer. Prints percentiles of both, what lies between them, and the processor time a call: for
calls that began evenly within the latency, as those of a service's many users do, and for calls that all began at once,
where the last of a burst waits for the turns of all others, again and again.
"""

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.application import Application, start_application
from tests.bench.asking import ask, show
from tests.bench.eval_throughput import Client, cpu_seconds
from tests.endpoint import running_endpoint

Request = tuple[str, dict[str, Any], dict[str, str]]
"""An address, its body and its headers."""
WARM_UP = 100
GOAL_MS = 15
_TEMPLATE = [
    {"role": "system", "content": "Answer with the text between the angle brackets."},
    {"role": "user", "content": "{{question}}"},
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=1_000)
    parser.add_argument("--in-flight", type=int, default=50)
    parser.add_argument("--latency-ms", type=float, default=1_000)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as home,
        running_endpoint(options.latency_ms) as endpoint,
        start_application(Path(home)) as application,
    ):
        application.wait_until_ready()
        os.environ.update(application.settings())
        made = application.run("init", "--workspace", "bench", "--email", "bench@example.com")
        assert made.returncode == 0, made.stderr
        key = application.run("key", "create", "--workspace", "bench", "--name", "bench", "--role", "admin")
        client = Client(application.url, key.stdout.split()[-1])
        client.call("POST", "/providers", {"name": "fake", "base_url": endpoint.base_url, "api_key": "none"})
        prompt = {"path": "bench/prompt", "model": "test", "provider": "fake", "template": _TEMPLATE}
        client.call("POST", "/prompts", prompt)
        filled = [_TEMPLATE[0], {"role": "user", "content": "ECHO<yes>"}]
        direct: Request = (
            f"{endpoint.base_url}/chat/completions",
            {"model": "test", "messages": filled},
            {},
        )
        through: Request = (
            f"{application.url}/v5/prompts/call",
            {"path": "bench/prompt", "inputs": {"question": "ECHO<yes>"}},
            {"x-api-key": key.stdout.split()[-1]},
        )
        print(
            f"{options.calls:,} calls, {options.in_flight} in flight, latency {options.latency_ms:g} ms, "
            f"load {os.getloadavg()[0]:.2f}"
        )
        asyncio.run(ask(*through, WARM_UP, options.in_flight))
        for name, begin_within_s in (("evenly", options.latency_ms / 1000), ("all at once", 0.0)):
            print(f"begun {name}:")
            compare(application, direct, through, options.calls, options.in_flight, begin_within_s)


def compare(
    application: Application,
    direct: Request,
    through: Request,
    calls: int,
    in_flight: int,
    begin_within_s: float,
) -> None:
    bare = asyncio.run(ask(*direct, calls, in_flight, begin_within_s=begin_within_s))
    show("straight", bare)
    used, began = cpu_seconds(application.children()), time.perf_counter()
    ours = asyncio.run(ask(*through, calls, in_flight, begin_within_s=begin_within_s))
    took_s = time.perf_counter() - began
    spent = cpu_seconds(application.children()) - used
    show("through us", ours)
    added = {share: ours.ms(share) - bare.ms(share) for share in (0.5, 0.95)}
    by_name = ", ".join(f"{name} {s / calls * 1000:.2f}" for name, s in spent.most_common(4))
    print(f"added        p50 {added[0.5]:8.1f} ms, p95 {added[0.95]:8.1f} ms (goal: under {GOAL_MS} at p95)")
    print(f"{calls / took_s:.0f} calls/s; processor time a call in ms: {by_name}")


if __name__ == "__main__":
    main()
