"""A provider whose answers call tools: round after round, as it was told, and last a text."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class ToolModel:
    """What arrived, and what is answered."""

    rounds: list[list[tuple[str, str]]]
    """The calls of each answer, by name and arguments; after the last of them it answers `Done: ` and all results."""
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    refuses: str = ""
    """What it refuses requests with that bring results; empty where it does not."""

    def delta(self, body: dict[str, Any]) -> dict[str, Any]:
        """What it answers."""
        said = [each for each in body["messages"] if each.get("tool_calls")]
        if len(said) < len(self.rounds):
            number = len(said)
            calls = [
                {
                    "index": place,
                    "id": f"call_{number}_{place}",
                    "type": "function",
                    "function": {"name": name, "arguments": arguments},
                }
                for place, (name, arguments) in enumerate(self.rounds[number])
            ]
            return {"tool_calls": calls}
        results = [each["content"] for each in body["messages"] if each["role"] == "tool"]
        return {"content": f"Done: {', '.join(results)}"}


@contextmanager
def running_tool_model(rounds: list[list[tuple[str, str]]]) -> Iterator[ToolModel]:
    """The provider on a free port of loopback."""
    model = ToolModel(rounds)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None: ...

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            model.bodies.append(body)
            if model.refuses and body["messages"][-1]["role"] == "tool":
                self.send_response(400)
                answer = json.dumps({"error": {"message": model.refuses}}).encode()
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                return
            delta = model.delta(body)
            reason = "tool_calls" if "tool_calls" in delta else "stop"
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            for choice in ({"delta": delta}, {"delta": {}, "finish_reason": reason}):
                event = {"model": "m-1", "choices": [{"index": 0, **choice}]}
                self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            self.wfile.write(b"data: [DONE]\n\n")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    model.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
