"""A provider endpoint for tests and benchmarks: one process, fast enough never to be the bottleneck, with a call log.

`python -m tests.endpoint --port 0 --latency-ms 100` prints its port. It answers chat completions after the
latency: what stands between `ECHO<` and `>` in the last message, or the least that fits where a schema is asked for; and
embeddings: the letters of each text, counted. A judge that obeys what it judges replies what stands between `OBEY<` and `>OBEY`.
Asked for rows, it writes them: what stands between `ROWS<` and `>ROWS`, with the numbers of the part and the row for each `#`.
GET /calls gives how often each last message was asked, POST /reset forgets them.
"""

import argparse
import asyncio
import json
import re
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httptools
import orjson
import uvloop

_ECHO = re.compile(r"ECHO<([^>]*)>")
_ROWS = re.compile(r"ROWS<(.*?)>ROWS", re.DOTALL)
_ROWS_ASKED = re.compile(r"Write (\d+) new rows?")
_PART = re.compile(r"part (\d+) of")
_OBEYED = re.compile(r"OBEY<(.*?)>OBEY", re.DOTALL)


def _rows(messages: list[dict]) -> str | None:
    """The rows that a prompt for rows asks for, all different."""
    said = " ".join(str(message["content"]) for message in messages)
    row, asked = _ROWS.search(said), _ROWS_ASKED.search(said)
    if row is None or asked is None:
        return None
    part = _PART.search(said)
    written = (
        row.group(1).replace("#", f"{part.group(1) if part else 1}x{number}")
        for number in range(1, int(asked.group(1)) + 1)
    )
    return f"[{', '.join(written)}]"


def _filled(schema: dict) -> Any:
    """The least that a schema allows: yes, the first choice, the lowest number, one item of each list."""
    match schema["type"]:
        case "object":
            return {name: _filled(inner) for name, inner in schema["properties"].items()}
        case "array":
            return [_filled(schema["items"])]
        case "boolean":
            return True
        case "number":
            return schema.get("minimum", 0)
        case _:
            return schema.get("enum", ["as the reference says"])[0]


class _Calls:
    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.answered = 0


class _Connection(asyncio.Protocol):
    def __init__(self, calls: _Calls, latency_s: float) -> None:
        self._calls = calls
        self._latency_s = latency_s
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._url = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        body, url = b"".join(self._body), self._url
        self._body, self._url = [], b""
        if url == b"/calls":
            self._answer({"asked": self._calls.asked, "answered": self._calls.answered})
        elif url == b"/reset":
            self._calls.asked.clear()
            self._calls.answered = 0
            self._answer({})
        elif url.endswith(b"/models"):
            self._answer({"object": "list", "data": [{"id": "test", "object": "model"}]})
        elif url.endswith(b"/embeddings"):
            self._embed(orjson.loads(body))
        else:
            self._complete(orjson.loads(body), len(body))

    def _embed(self, request: dict) -> None:
        """A vector a text: how often it has each letter."""
        texts = request["input"]
        self._calls.asked[texts[0]] += 1
        letters = [
            [text.lower().count(letter) / 2 for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts
        ]
        data = [
            {"object": "embedding", "index": place, "embedding": one} for place, one in enumerate(letters)
        ]
        tokens = sum(map(len, texts)) // 4
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        # In another order than they were asked in, as the protocol allows.
        answer = {"object": "list", "data": data[::-1], "model": request["model"], "usage": usage}
        asyncio.get_running_loop().call_later(self._latency_s, self._finish, answer)

    def _complete(self, request: dict, size: int) -> None:
        asked = request["messages"][-1]["content"]
        self._calls.asked[asked] += 1
        echo = _ECHO.search(asked)
        text = _rows(request["messages"]) or (echo.group(1) if echo else "an answer")
        if request.get("response_format"):
            obeyed = _OBEYED.search(" ".join(str(message["content"]) for message in request["messages"]))
            text = (
                obeyed.group(1)
                if obeyed
                else json.dumps(_filled(request["response_format"]["json_schema"]["schema"]))
            )
        message = {"role": "assistant", "content": text}
        if text == "CALL A TOOL":
            function = {"name": "delete_everything", "arguments": '{"verdict": true}'}
            message |= {
                "content": None,
                "tool_calls": [{"id": "1", "type": "function", "function": function}],
            }
        answer = {
            "id": "chatcmpl-test", "object": "chat.completion", "created": 0, "model": request["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": size // 4, "completion_tokens": 3, "total_tokens": size // 4 + 3},
        }  # fmt: skip
        asyncio.get_running_loop().call_later(self._latency_s, self._finish, answer)

    def _finish(self, answer: dict) -> None:
        self._calls.answered += 1
        if not self._transport.is_closing():
            self._answer(answer)

    def _answer(self, answer: dict) -> None:
        body = orjson.dumps(answer)
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)


@dataclass(frozen=True)
class Endpoint:
    """A running endpoint."""

    port: int
    pid: int

    @property
    def base_url(self) -> str:
        """What a provider is given."""
        return f"http://127.0.0.1:{self.port}/v1"

    def calls(self) -> dict[str, int]:
        """How often each last message was asked."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/calls") as answer:
            return json.load(answer)["asked"]

    def reset(self) -> None:
        """Forget the calls so far."""
        urllib.request.urlopen(
            urllib.request.Request(f"http://127.0.0.1:{self.port}/reset", method="POST")
        ).close()


@contextmanager
def running_endpoint(latency_ms: float = 100) -> Iterator[Endpoint]:
    """An endpoint in a process of its own, on a port of its own."""
    command = [sys.executable, "-m", "tests.endpoint", "--latency-ms", str(latency_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Endpoint(int(process.stdout.readline()), process.pid)
        finally:
            process.terminate()


async def _serve(port: int, latency_s: float) -> None:
    calls = _Calls()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(calls, latency_s), "127.0.0.1", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=100)
    options = parser.parse_args()
    uvloop.run(_serve(options.port, options.latency_ms / 1000))
