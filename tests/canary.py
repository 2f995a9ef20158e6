"""A server that nobody has a reason to ask: it notes who does. As a provider, all that it answers is hostile."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.hostile_text import PAYLOADS


@dataclass
class Canary:
    """A server that nobody has a reason to ask, and the requests that came all the same."""

    url: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def running_canary() -> Iterator[Canary]:
    """A listener on loopback that is also a provider whose answers and errors are hostile."""
    listener = Canary("")

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None: ...

        def do_GET(self) -> None:
            listener.asked.append(self.path)
            self._answer(200, b"canary()", "text/javascript")

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            said = " ".join(PAYLOADS).replace("{canary}", listener.url)
            if asked["model"] == "failing":
                self._answer(400, json.dumps({"error": {"message": said}}).encode(), "application/json")
                return
            call = {"index": 0, "id": said, "type": "function", "function": {"name": said, "arguments": said}}
            delta = {"role": "assistant", "content": said, "tool_calls": [call]}
            chunks: list[dict[str, Any]] = [{"delta": delta}, {"delta": {}, "finish_reason": said}]
            lines = [json.dumps({"model": said, "choices": [{"index": 0, **chunk}]}) for chunk in chunks]
            body = "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"])
            self._answer(200, body.encode(), "text/event-stream")

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
