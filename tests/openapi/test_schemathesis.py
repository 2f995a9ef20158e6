"""What the API says of itself is true, whatever is sent to it: schemathesis makes the requests and judges the answers.

A real web process answers; the requests are the same in every run. Each operation has its share of the time.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import Engine

from app.core.access import Role
from app.core.database import unit_of_work
from app.main import create_app
from tests import factories
from tests.architecture.test_access import DESCRIBED
from tests.architecture.world import World, build_world
from tests.web_process import WebProcess, running_web

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
"""Not whether everything is refused that the description does not allow: older clients send numbers as text."""
LONGEST_S = 90.0
"""For all operations together: what one leaves is the next one's."""
MOST = 40
"""Requests to one operation."""
_WAIT_S = 30
_NAMES_LOGS = "POST /v5/evaluations/{evaluation_id}/runs/{run_id}/logs"
"""Says by 422 that the example's log is not there: it is named in the body."""
_ORDER = ("GET", "POST", "PUT", "PATCH", "DELETE")
"""What takes things away comes last: all operations are asked about the things of one world."""

SCHEMA = schemathesis.openapi.from_dict(
    create_app().openapi(),
    config=schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}}),
)
_FOUND = [operation.ok() for operation in SCHEMA.get_all_operations()]
OPERATIONS = {
    each.label: each
    for each in sorted(_FOUND, key=lambda each: (_ORDER.index(each.method.upper()), each.label))
}


class _Enough(Exception):
    """An operation has had its time."""


@schemathesis.serializer("application/jsonl", "text/csv")
def as_lines(context: schemathesis.SerializationContext, value: Any) -> bytes:
    """A file as the body itself."""
    return str(value).encode(errors="replace")


def _settings(most: int) -> settings:
    """The same requests in each run, and no search for smaller ones: all of them are shown whole."""
    return settings(
        max_examples=most, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip


@pytest.fixture
def web(database: Engine) -> Iterator[WebProcess]:
    """A web process on the database of the test."""
    with running_web() as web:
        yield web


def _world() -> World:
    with unit_of_work() as session:
        return build_world(session, Role.ADMIN)


def _key(world: World) -> dict[str, str]:
    with unit_of_work() as session:
        return {"x-api-key": factories.key(session, world.team.admin)}


def _cases(label: str, known: dict[str, Any]) -> st.SearchStrategy[schemathesis.Case]:
    """Requests as the description has them, about things that are there and about any, and requests that it forbids."""
    operation = OPERATIONS[label]
    valid = operation.as_strategy()
    if not (known or operation.body.items or operation.query.items):
        return valid
    about_known = operation.as_strategy(path_parameters=known) if known else valid
    forbidden = operation.as_strategy(schemathesis.GenerationMode.NEGATIVE)
    return st.one_of(about_known, about_known, valid, forbidden)


def _ask(label: str, web: WebProcess, world: World, headers: dict[str, str], until: float) -> list[str]:
    """What is wrong with the answers of an operation, asked until then."""
    complaints: list[str] = []

    @_settings(MOST)
    @given(_cases(label, DESCRIBED[label](world).path))
    def asked(case: schemathesis.Case) -> None:
        if complaints or time.monotonic() > until:
            raise _Enough
        try:
            answer = case.call(base_url=web.url, headers=headers, timeout=_WAIT_S)
            case.validate_response(answer, checks=CHECKS, headers=headers)
        except FailureGroup as failure:
            said = "; ".join(f"{each.title}: {each.message}"[:500] for each in failure.exceptions)
            complaints.append(f"{label}: {said}\n  {case.as_curl_command()[:1500]}")

    with contextlib.suppress(_Enough):
        asked()
    return complaints


@pytest.mark.long
def test_every_answer_is_one_that_is_described(web: WebProcess) -> None:
    world = _world()
    headers = _key(world)
    complaints: list[str] = []
    until = time.monotonic() + LONGEST_S
    for left, label in zip(range(len(OPERATIONS), 0, -1), OPERATIONS, strict=True):
        now = time.monotonic()
        complaints += _ask(label, web, world, headers, now + max(0.1, until - now) / left)
    assert not complaints, "\n".join(complaints)


def _unstorable(refusal: dict[str, Any]) -> bool:
    [problem, *_] = refusal["detail"]
    whys = ("cannot be stored", "is too large: write it as a text", "is nested")
    return problem["loc"] == ["body"] or any(why in problem["msg"] for why in whys)


@pytest.mark.long
def test_no_request_is_answered_without_a_key(web: WebProcess) -> None:
    """Nor is its body looked at, but for whether it could be stored at all: 422."""
    complaints = []

    @_settings(2)
    @given(st.data())
    def asked(data: st.DataObject) -> None:
        for label, operation in OPERATIONS.items():
            case = data.draw(operation.as_strategy())
            answer = case.call(base_url=web.url, timeout=_WAIT_S)
            if answer.status_code != 401 and not (answer.status_code == 422 and _unstorable(answer.json())):
                complaints.append(f"{label}: {answer.status_code} {answer.text[:200]}")

    asked()
    assert not complaints, "\n".join(complaints)


@pytest.mark.long
def test_every_example_is_taken(web: WebProcess) -> None:
    """What the examples name is mostly not there; but nothing is wrong with how they say it."""
    world = _world()
    headers = _key(world)
    complaints = []
    for label, operation in OPERATIONS.items():
        content = operation.definition.raw.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            known, example = DESCRIBED[label](world).path, content["application/json"]["example"]
            case = operation.Case(path_parameters=known, body=example, media_type="application/json")
            answer = case.call(base_url=web.url, headers=headers, timeout=_WAIT_S)
            unread = answer.status_code in (400, 422) and label != _NAMES_LOGS
            if unread or answer.status_code >= 500:
                complaints.append(f"{label}: {answer.status_code} {answer.text[:300]}")
    assert not complaints, "\n".join(complaints)
