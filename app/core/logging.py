"""Structured logs: one line an event, control characters escaped, secrets never in.

A line carries the id of the request that it belongs to; where a worker wrote it, also that of the task. The ids stand in
context variables, which threads and tasks of asyncio inherit.
"""

import logging
import re
import secrets
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any

import structlog

from app.core.settings import get_settings

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECRET_WORDS = ("password", "secret", "token", "api_key", "authorization", "cookie")


def _hide_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in event:
        if _is_secret(key):
            event[key] = "***"
    return event


@lru_cache(maxsize=1_000)
def _is_secret(key: str) -> bool:
    """Whether what has such a name is never written. The names are few, and there are several on each line."""
    return any(word in key.lower() for word in _SECRET_WORDS) and not key.endswith("_tokens")


def _escaped(value: Any) -> Any:
    """`value` with every control character in its texts written out, at any depth."""
    if isinstance(value, str):
        return value if value.isprintable() else value.encode("unicode_escape").decode()
    if isinstance(value, Mapping):
        return {_escaped(key): _escaped(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_escaped(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else _escaped(str(value))


def _escape_controls(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A line feed in a logged value must not look like a second log line."""
    for key, value in event.items():
        if key != "exception":
            event[key] = _escaped(value)
    return event


def _trace(error: BaseException) -> str:
    """Where an error came from, indented. What it says is one escaped line: it can hold what a user wrote."""
    lines, seen = [], set[int]()
    current: BaseException | None = error
    while current and id(current) not in seen:
        seen.add(id(current))
        frames = "".join(traceback.format_tb(current.__traceback__)).splitlines()
        lines += [*frames, f"  {type(current).__qualname__}: {_escaped(str(current))}"]
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\n".join(f"    {line}" for line in lines)


def _tell_exception(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The trace of `exc_info`, an error or true for the one that is being handled."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
    if error:
        event["exception"] = _trace(error)
    return event


def _as_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """When, how grave and what, then everything else by name; below it, where an error came from."""
    when, level, said = event.pop("timestamp"), event.pop("level"), event.pop("event")
    trace = event.pop("exception", None)
    line = " ".join(
        [f"{when} [{level}] {said}", *(f"{name}={_shown(event[name])}" for name in sorted(event))]
    )
    return f"{line}\n{trace}" if trace else line


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return repr(text) if not text or " " in text or "=" in text else text


def usable_request_id(given: object) -> str:
    """`given` where it can be the id of a request, 1 to 64 letters, digits, dots, hyphens and underscores; else a new one."""
    return given if isinstance(given, str) and _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def current_request_id() -> str | None:
    """The id of the request that this is done for; None where nobody asked, as in the reaper."""
    return structlog.contextvars.get_contextvars().get("request_id")


class _Forwarder(logging.Handler):
    """What libraries log, as lines of ours: uvicorn and Celery write what users sent as it is."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        text = record.getMessage()
        # Celery puts the trace into the text as well.
        said = text.partition("\n")[0] if error else text
        structlog.get_logger().log(record.levelno, said, logger=record.name, exc_info=error)


def configure(**_: object) -> None:
    """Set up logging for this process, that of libraries included. Called by each entry point, once."""
    logging.basicConfig(handlers=[_Forwarder()], level=logging.WARNING, force=True)
    renderer: Any = _as_line  # in a tenth of the time that the colourful one takes: there is a line a request
    if get_settings().log_json:
        renderer = structlog.processors.JSONRenderer()
    elif sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _hide_secrets,
            _tell_exception,
            _escape_controls,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
