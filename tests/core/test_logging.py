"""Logs: one line an event, whatever users write; and no secret in any."""

import json
import subprocess
import sys

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app.core.database import unit_of_work
from app.embedded.layout import CLONE

HOSTILE = [
    "a\nb", "a\r\nb", "\x1b[31mred\x1b[0m", "\x9b31m", "a\u2028b", "a\x85b", "\x00", "\x08\x08\x08",
    '"}\n{"level": "error", "event": "forged"}', "x\n2026-01-01T00:00:00Z [error] forged", "\u202eevil",
]  # fmt: skip
SCRIPT = """
import json, sys, structlog
from app.core import logging
logging.configure()
log = structlog.get_logger()
for text in json.loads(sys.stdin.read()):
    log.info("value", text=text, nested={"key " + text: [text]})
    log.info(text)
    log.info("other", error=ValueError(text))
log.info("secret", password="canary", api_key="canary", authorization="canary", prompt_tokens=7)
"""
RAISES = """
import sys, structlog
from app.core import logging
logging.configure()
try:
    try:
        raise KeyError("first\\n2026 [error] forged")
    except KeyError as error:
        raise ValueError("second\\r\\n\\x1b[31m forged") from error
except ValueError as error:
    structlog.get_logger().error("broken", exc_info=error)
    structlog.get_logger().error("broken", exc_info=True)
"""


def _log(script: str, *, as_json: bool, texts: list[str] | None = None) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", script], input=json.dumps(texts or []), capture_output=True, cwd=CLONE,
        text=True, check=True, env={"PYTHONPATH": str(CLONE), "WHETSTONE_LOG_JSON": str(int(as_json))}, timeout=60,
    )  # fmt: skip
    return done.stderr.split("\n")[:-1]


@pytest.mark.parametrize("as_json", [True, False])
def test_an_event_is_one_line_whatever_it_holds(as_json: bool) -> None:
    lines = _log(SCRIPT, as_json=as_json, texts=HOSTILE)
    assert len(lines) == 3 * len(HOSTILE) + 1
    assert not [line for line in lines if not line.isprintable()]
    assert not [line for line in lines if "canary" in line]
    assert "7" in lines[-1], "a number of tokens is no token"
    if as_json:
        assert [json.loads(line)["level"] for line in lines] == ["info"] * len(lines)


@pytest.mark.parametrize("as_json", [True, False])
def test_what_an_error_says_cannot_look_like_a_line(as_json: bool) -> None:
    lines = _log(RAISES, as_json=as_json)
    if as_json:
        assert len(lines) == 2
        lines = [inner for line in lines for inner in json.loads(line)["exception"].split("\n")]
    for line in lines:
        assert line.isprintable()
        assert not line.startswith("2026 [error] forged")
        assert "forged" not in line or line.startswith("    "), line
    assert any("KeyError" in line for line in lines)
    assert any("ValueError" in line for line in lines)


def test_an_error_of_the_database_does_not_tell_what_was_sent(database: Engine) -> None:
    """Its text goes to the log."""
    with unit_of_work() as session, pytest.raises(DBAPIError) as raised:
        session.execute(text("select 1 / (length(:said) - 6)"), {"said": "canary"})
    assert "division by zero" in str(raised.value)
    assert "canary" not in str(raised.value)
