"""What `POST /v5/prompts/call` adds to a provider's own time, with 50 calls in flight.

    .venv/bin/python -m tests.bench.call_overhead [--calls 1000] [--in-flight 50] [--latency-ms 1000]

Starts the whole stack as `./whetstone up` does, and an endpoint that answers after the latency. The same client asks the
endpoint itself first, with the request that we send it: the baseline. Then it calls a prompt of two messages by its path,
each call logged before its answer. Prints percentiles of both, what lies between them, and the processor time a call.
"""

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

from tests.application import start_application
from tests.bench.asking import ask, show
from tests.bench.eval_throughput import Client, cpu_seconds
from tests.endpoint import running_endpoint

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
        direct = f"{endpoint.base_url}/chat/completions", {"model": "test", "messages": filled}, {}
        through = (
            f"{application.url}/v5/prompts/call",
            {"path": "bench/prompt", "inputs": {"question": "ECHO<yes>"}},
            {"x-api-key": key.stdout.split()[-1]},
        )
        print(
            f"{options.calls:,} calls, {options.in_flight} in flight, latency {options.latency_ms:g} ms, "
            f"load {os.getloadavg()[0]:.2f}"
        )
        bare = asyncio.run(ask(*direct, options.calls, options.in_flight))
        show("straight", bare)
        asyncio.run(ask(*through, WARM_UP, options.in_flight))
        used, began = cpu_seconds(application.children()), time.perf_counter()
        ours = asyncio.run(ask(*through, options.calls, options.in_flight))
        took_s = time.perf_counter() - began
        spent = cpu_seconds(application.children()) - used
        show("through us", ours)
        added = {share: ours.ms(share) - bare.ms(share) for share in (0.5, 0.95)}
        by_name = ", ".join(f"{name} {s / options.calls * 1000:.2f}" for name, s in spent.most_common(4))
        print(
            f"added        p50 {added[0.5]:8.1f} ms, p95 {added[0.95]:8.1f} ms (goal: under {GOAL_MS} at p95)"
        )
        print(f"{options.calls / took_s:.0f} calls/s; processor time a call in ms: {by_name}")


if __name__ == "__main__":
    main()
