"""How many logs a second are taken, and how many fetches of a prompt are answered.

    .venv/bin/python -m tests.bench.ingest [--seconds 10] [--only logs|batch|spans|fetch|floor] [--web 1]

Starts the whole stack as `./whetstone up --web N` does. Logs are of 2 KiB, over 16 connections; each is committed before its
answer, and they are counted in the database at the end. A fetch names a prompt by id, by path, or by path and
environment, with an API key, over 20 connections. `floor` is the baseline of the same run: the same client asks the same
server whether it is alive, which costs nothing but the way there. Client, server and Postgres share the machine.
"""

import argparse
import asyncio
import os
import random
import string
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import psycopg

from app.embedded.external import psycopg_url
from tests.application import Application, start_application
from tests.bench.asking import ask_each, show
from tests.bench.eval_throughput import Client, cpu_seconds

LOG_CONNECTIONS, FETCH_CONNECTIONS, IN_BATCH = 16, 20, 100
Request = tuple[str, str, bytes | None]
_PROMPT = {
    "path": "bench/prompt",
    "model": "gpt-4o-mini",
    "temperature": 0.2,
    "template": [
        {"role": "system", "content": "You answer questions of customers in short and plain words. " * 8},
        {"role": "user", "content": "{{question}}"},
    ],
}


def two_kib(number: int) -> dict[str, object]:
    """A log of 2 KiB, unlike the others."""
    filler = "".join(random.Random(number).choices(string.ascii_letters + " ", k=1_500))
    return {
        "path": "bench/prompt",
        "inputs": {"question": f"{number} {filler[:600]}"},
        "output": filler[600:],
        "source": "bench",
        "prompt_tokens": 120,
        "output_tokens": 40,
        "metadata": {"request": number, "tier": "gold"},
        "start_time": "2026-01-01T00:00:00Z",
        "end_time": "2026-01-01T00:00:01Z",
    }


def for_seconds(seconds: float, requests: Iterator[Request]) -> Iterator[Request]:
    """The requests, until the time is over."""
    until = time.monotonic() + seconds
    for one in requests:
        if time.monotonic() > until:
            return
        yield one


_SPAN_ID = "AAAAAAAAAAA="


def span_of(number: int) -> bytes:
    """A log of 2 KiB as the decorators of the SDK export one."""
    said = two_kib(number)
    values = {
        "humanloop.file.path": "bench/tool",
        "humanloop.file.type": "tool",
        "humanloop.file.function.name": "look_up",
        "humanloop.file.function.description": "Looks something up.",
        "humanloop.log.inputs.question": said["inputs"]["question"],  # type: ignore[index]
        "humanloop.log.output": said["output"],
    }
    attributes = [{"key": key, "value": {"stringValue": str(value)}} for key, value in values.items()]
    span = {
        "traceId": "q" * 22,
        "spanId": _SPAN_ID,
        "name": "humanloop.tool",
        "startTimeUnixNano": "1767225600000000000",
        "endTimeUnixNano": "1767225601000000000",
        "attributes": attributes,
    }
    scope = {"scope": {"name": "humanloop.sdk.decorator"}, "spans": [span]}
    return orjson.dumps({"resourceSpans": [{"scopeSpans": [scope]}]})


def requests_of(
    case: str, url: str, prompt_id: str, bodies: list[bytes], batches: list[bytes], spans: list[bytes]
) -> Iterator[Request]:
    """Requests of a case without end."""
    number = time.monotonic_ns() % 10**10
    while True:
        number += 1
        if case == "logs":
            yield "POST", f"{url}/v5/prompts/log", bodies[number % len(bodies)]
        elif case == "batch":
            yield "POST", f"{url}/v5/logs/batch", batches[number % len(batches)]
        elif case == "spans":
            span_id = f"{number:011d}=".encode()  # one that is known is not written again
            span = spans[number % len(spans)].replace(_SPAN_ID.encode(), span_id)
            yield "POST", f"{url}/v5/import/otel/v1/traces", span
        elif case == "floor":
            yield "GET", f"{url}/health/live", None
        else:
            yield (
                ("GET", f"{url}/v5/prompts/{prompt_id}", None),
                ("POST", f"{url}/v5/files/retrieve-by-path", b'{"path":"bench/prompt"}'),
                ("GET", f"{url}/v5/prompts/{prompt_id}?environment=production", None),
            )[number % 3]


def measure(application: Application, client: Client, key: str, case: str, seconds: float) -> None:
    """Print the figures of one case."""
    prompt_id = client.call("POST", "/prompts", _PROMPT)["id"]
    bodies = [orjson.dumps(two_kib(n)) for n in range(2_000)]
    rows = [two_kib(n) | {"type": "prompt"} for n in range(2_000)]
    batches = [orjson.dumps({"logs": rows[n : n + IN_BATCH]}) for n in range(0, 2_000, IN_BATCH)]
    spans = [span_of(n) for n in range(200)]
    connections = FETCH_CONNECTIONS if case in ("fetch", "floor") else LOG_CONNECTIONS
    each = IN_BATCH if case == "batch" else 1

    def asked(for_s: float) -> Iterator[Request]:
        return for_seconds(for_s, requests_of(case, application.url, prompt_id, bodies, batches, spans))

    headers = {"x-api-key": key}
    asyncio.run(ask_each(asked(2), headers, connections))
    with psycopg.connect(psycopg_url(application.database_url), autocommit=True) as connection:
        query = "select count(*) from log"
        before = connection.execute(query).fetchone()[0]  # type: ignore[index]
        used, began = cpu_seconds(application.children()), time.perf_counter()
        times = asyncio.run(ask_each(asked(seconds), headers, connections))
        took_s = time.perf_counter() - began
        spent = cpu_seconds(application.children()) - used
        stored = connection.execute(query).fetchone()[0] - before  # type: ignore[index]
    answered = len(times.took_s) * each
    assert stored == (0 if case in ("fetch", "floor") else answered), f"{stored} of {answered} are there"
    by_name = ", ".join(f"{name} {s / answered * 1000:.3f}" for name, s in spent.most_common(4))
    show(f"{case}, {answered / took_s:,.0f}/s", times)
    print(f"{'':12} processor time each in ms: {by_name}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--only", choices=["floor", "fetch", "logs", "batch", "spans"])
    parser.add_argument("--web", type=int, default=1, help="web processes")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as home,
        start_application(Path(home), None, None, "--web", str(options.web)) as application,
    ):
        application.wait_until_ready()
        os.environ.update(application.settings())
        made = application.run("init", "--workspace", "bench", "--email", "bench@example.com")
        assert made.returncode == 0, made.stderr
        created = application.run(
            "key", "create", "--workspace", "bench", "--name", "bench", "--role", "admin"
        )
        key = created.stdout.split()[-1]
        client = Client(application.url, key)
        print(f"{options.seconds:g} s each, web processes: {options.web}, load {os.getloadavg()[0]:.2f}")
        for case in [options.only] if options.only else ["floor", "fetch", "logs", "batch", "spans"]:
            measure(application, client, key, case, options.seconds)


if __name__ == "__main__":
    main()
