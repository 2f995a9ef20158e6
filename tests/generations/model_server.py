"""A provider that keeps what it was sent, headers and body, and answers `Paris`, whole or in two pieces."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 11, "completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 1}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}


@dataclass
class ModelServer:
    """What arrived, and how it is answered."""

    url: str = ""
    asked: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    """Where it was asked."""
    go_on: threading.Event = field(default_factory=threading.Event)
    """Streams stop after their first piece until it is set."""
    calls_tool: bool = False
    counts: bool = True
    """Whether it says how many tokens there were."""
    meanwhile: Callable[[], None] = lambda: None
    """Done while the caller waits."""

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The requests, without their headers."""
        return [body for _, body in self.asked]

    def message(self) -> dict[str, Any]:
        """What it answers."""
        if self.calls_tool:
            return {"role": "assistant", "content": None, "tool_calls": [CALL]}
        return {"role": "assistant", "content": "Paris"}


@contextmanager
def running_model() -> Iterator[ModelServer]:
    """The provider on a free port of loopback, its streams not held up."""
    model = ModelServer()
    model.go_on.set()

    def _usage() -> dict[str, Any]:
        return {"usage": USAGE} if model.counts else {}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None: ...

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            model.asked.append(({name.lower(): value for name, value in self.headers.items()}, body))
            model.paths.append(self.path)
            model.meanwhile()
            self.send_response(200)
            if body.get("stream"):
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                self._stream()
                return
            choice = {"index": 0, "message": model.message(), "finish_reason": "stop"}
            answer = json.dumps({"id": "c", "model": "m-1", "choices": [choice], **_usage()}).encode()
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def _stream(self) -> None:
            pieces = [{"delta": {"content": text}} for text in ("Par", "is")]
            if model.calls_tool:
                pieces = [{"delta": {"tool_calls": [{"index": 0, **CALL}]}}]
            for choice in (*pieces, {"delta": {}, "finish_reason": "stop"}):
                self._send({"model": "m-1", "choices": [{"index": 0, **choice}]})
                model.go_on.wait(20)
            self._send({"model": "m-1", "choices": [], **_usage()})
            self.wfile.write(b"data: [DONE]\n\n")

        def _send(self, event: dict[str, Any]) -> None:
            self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            self.wfile.flush()

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:  # the caller went away, as some tests do
                return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    model.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        model.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
