"""Requests per second of the practice provider on one core, through HTTP, beside a bare ASGI echo on the same server.

Run by hand: `python -m tests.bench.practice_http [--seconds 4] [--connections 16]`. The server is bound to one core and the
client to another. Requests per CPU second is what the core can do; requests per second is lower while others use it.
"""

import argparse
import asyncio
import itertools
import json
import os
import pathlib
import socket
import sys
import time

import httptools
import psutil
import uvicorn

from app.practice.keys import sign

SECRET = "bench"
DATA = pathlib.Path(__file__).parents[2] / "app/demo/data"
CHAT = "/practice/v1/chat/completions"


async def echo(scope, receive, send):
    """Reads the body and sends it back: what the server itself costs."""
    message = await receive()
    body = message.get("body", b"")
    length = (b"content-length", str(len(body)).encode())
    headers = [(b"content-type", b"application/json"), length]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def rows(name):
    return [json.loads(line) for line in (DATA / name).read_text().splitlines()]


def prompts():
    """{name: bodies}: requests as the demo sends them."""
    labels = json.loads((DATA / "banking77/labels.json").read_text())
    bare = "Reply with the intent of the message and nothing else."
    listed = f"{bare}\n\nThe intent is one of these:\n" + "\n".join(f"- {label}" for label in labels)
    shots = [
        {"role": role, "content": text}
        for pair in rows("banking77/examples.jsonl")
        for role, text in (("user", pair["text"]), ("assistant", pair["category"]))
    ]
    texts = [row["text"] for row in rows("banking77/rows.jsonl")]
    asked = [f"Passage:\n{r['passage']}\n\nQuestion: {r['question']}" for r in rows("squad11/rows.jsonl")]

    def bodies(system, users, between=()):
        head = [{"role": "system", "content": system}, *between]
        made = ({"model": "practice-1", "messages": [*head, {"role": "user", "content": u}]} for u in users)
        return [json.dumps(body).encode() for body in made]

    return {
        "bare prompt": bodies(bare, texts),
        "77 labels": bodies(listed, texts),
        "77 labels, 385 examples as turns": bodies(listed, texts, shots),
        "passage and question": bodies("Answer with a short phrase from the passage.", asked),
    }


class Client(asyncio.Protocol):
    """One keep-alive connection that sends its next request when the last is answered."""

    def __init__(self, requests, latencies, deadline):
        self.requests, self.latencies, self.deadline = requests, latencies, deadline
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        self.next()

    def next(self):
        self.parser = httptools.HttpResponseParser(self)
        self.started = time.perf_counter()
        if self.started > self.deadline:
            self.transport.close()
            self.done.set_result(None)
        else:
            self.transport.write(next(self.requests))

    def data_received(self, data):
        self.parser.feed_data(data)

    def on_message_complete(self):
        if self.parser.get_status_code() != 200:
            self.done.set_exception(RuntimeError(f"status {self.parser.get_status_code()}"))
            return
        self.latencies.append(time.perf_counter() - self.started)
        asyncio.get_running_loop().call_soon(self.next)

    def connection_lost(self, error):
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server closed the connection"))


async def drive(port, bodies, connections, seconds):
    """(requests per second, latencies in seconds, ascending)."""
    head = f"POST {CHAT} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {sign(SECRET, 'bench')}\r\n"
    raw = [f"{head}content-length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    requests, latencies = itertools.cycle(raw), []
    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    clients = [
        await loop.create_connection(
            lambda: Client(requests, latencies, started + seconds), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(client.done for _, client in clients))
    return len(latencies) / (time.perf_counter() - started), sorted(latencies)


def serve_echo(port):
    uvicorn.run(echo, port=port, lifespan="off", log_level="warning", access_log=False)


def start(port, cores, *command):
    """A server process on the last core; returns once it accepts connections."""
    environment = os.environ | {"WHETSTONE_SECRET_KEY": SECRET}
    process = psutil.Popen([sys.executable, *command], env=environment)
    process.cpu_affinity(cores[-1:])
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.05)
    raise TimeoutError("the server did not start")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def measure(name, process, port, bodies, options):
    before = process.cpu_times()
    rate, latencies = asyncio.run(drive(port, bodies, options.connections, options.seconds))
    after = process.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    p50, p99 = (latencies[int(len(latencies) * q)] * 1000 for q in (0.5, 0.99))
    print(
        f"{name:<34}{len(latencies) / cpu:>7.0f} requests/CPU s {rate:>7.0f} requests/s"
        f"   p50 {p50:6.2f} ms   p99 {p99:6.2f} ms   n={len(latencies)}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--echo", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.echo:
        return serve_echo(options.echo)
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])
    print(f"{len(cores)} cores, load {os.getloadavg()[0]:.2f}, {options.connections} connections")
    cases, echo_port, port = prompts(), free_port(), free_port()
    servers = [start(echo_port, cores, "-m", "tests.bench.practice_http", "--echo", str(echo_port))]
    try:
        measure("echo, baseline", servers[0], echo_port, cases["77 labels"], options)
        servers.append(start(port, cores, "-m", "app.practice", "--port", str(port)))
        for name, bodies in cases.items():
            measure(name, servers[1], port, bodies, options)
    finally:
        for server in servers:
            server.terminate()
            server.wait(10)
    return None


if __name__ == "__main__":
    main()
