"""Server-sent events: the format, and the answer that carries them."""

from collections.abc import AsyncIterator
from threading import Event

from fastapi.responses import StreamingResponse

closing = Event()
"""Set when the process is to end: streams end then, and browsers connect again, to another one."""


def event_stream(events: AsyncIterator[str]) -> StreamingResponse:
    """An answer that sends each event as soon as it is there, through proxies too."""
    return StreamingResponse(events, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


def as_event(name: str, data: str) -> str:
    """One event in the format of `text/event-stream`, in which a line of data is a line of its own."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n"
