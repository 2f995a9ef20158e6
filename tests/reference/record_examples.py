"""Writes the examples of answers that the API's description shows: what each operation really answers.

    ./whetstone test tests/reference/record_examples.py -n 0

writes app/reference/answers/examples.json anew; `test_answers.py` says when an operation has none, or one of another shape.
Lists are cut to their first item, long texts too, and what is secret or random is replaced.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tests.reference.test_answers import OPERATIONS, answer_to

EXAMPLES = Path(__file__).parents[2] / "app" / "reference" / "answers" / "examples.json"
_LONGEST = 300
_SECRET = {"key", "secret", "token", "link", "value"}
_AT = re.compile(r"[\w.+-]+@[\w.-]+")
_TEAM = re.compile(r"\bteam-[0-9a-z-]+\b")


@pytest.mark.timeout(1_200)  # a world for each operation
def test_record(app: FastAPI, database: Engine) -> None:
    found: dict[str, Any] = {}
    with TestClient(app) as client:
        for label, operation in sorted(OPERATIONS.items()):
            answer = answer_to(client, label)
            if answer.status_code != 204 and answer.headers["content-type"].startswith("application/json"):
                found[operation["operationId"]] = _shown(answer.json())
    EXAMPLES.write_text(json.dumps(dict(sorted(found.items())), indent=1, ensure_ascii=False) + "\n")


def _shown(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _shown(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_shown(each, name) for each in value[:1]]
    if not isinstance(value, str):
        return value
    if name in _SECRET and len(value) > 20:
        return f"{value[:4]}…"
    return _TEAM.sub("acme", _AT.sub("you@example.com", value))[:_LONGEST]
