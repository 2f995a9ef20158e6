"""What tests of the sandbox ask it, and what they look for around it."""

import time
from pathlib import Path
from typing import Any

from app.sandbox.frames import Answer
from app.sandbox.supervisor import Limits, Sandbox

LOG = {"output": "Paris", "inputs": {"q": "capital"}, "latency_ms": 12.5}
TESTCASE = {"target": {"answer": "Paris"}}


def asked(code: str, *arguments: Any) -> dict[str, Any]:
    return {"code": code, "arguments": list(arguments) or [LOG, TESTCASE]}


def evaluate(sandbox: Sandbox, code: str, wall_s: float = 5.0, **more: Any) -> Answer:
    return sandbox.run("evaluate", asked(code), limits=Limits(wall_s=wall_s), **more)


def wait_until(true: Any, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(true())


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
