"""What the API says of itself is true, whatever is sent to it: schemathesis makes the requests and judges the answers.

A real web process answers; the requests are the same in every run. Each operation has its share of the time.
"""

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
from tests.architecture.test_access import EVERY
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
LONGEST_S = 150.0
"""For all operations together, beside making their worlds."""
MOST = 60
"""Requests to one operation."""
_WAIT_S = 30

SCHEMA = schemathesis.openapi.from_dict(
    create_app().openapi(),
    config=schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}}),
)
OPERATIONS = {operation.ok().label: operation.ok() for operation in SCHEMA.get_all_operations()}


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


def _ask(label: str, web: WebProcess, world: World, until: float) -> str | None:
    """What is wrong with an answer of an operation, asked until then; None when nothing is."""
    headers = _key(world)
    complaints: list[str] = []

    @settings(
        max_examples=MOST, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(_cases(label, EVERY[label](world).path))
    def asked(case: schemathesis.Case) -> None:
        if complaints or time.monotonic() > until:
            return
        try:
            answer = case.call(base_url=web.url, headers=headers, timeout=_WAIT_S)
            case.validate_response(answer, checks=CHECKS, headers=headers)
        except FailureGroup as failure:
            said = "; ".join(f"{each.title}: {each.message}"[:500] for each in failure.exceptions)
            complaints.append(f"{label}: {said}\n  {case.as_curl_command()[:1500]}")

    asked()
    return complaints[0] if complaints else None


@pytest.mark.long
def test_every_answer_is_one_that_is_described(web: WebProcess) -> None:
    shared = _world()
    complaints = []
    for label in sorted(OPERATIONS):
        world = shared if label.startswith("GET ") else _world()
        until = time.monotonic() + LONGEST_S / len(OPERATIONS)
        complaints.append(_ask(label, web, world, until))
    assert [complaint for complaint in complaints if complaint] == []


@pytest.mark.long
def test_no_request_is_answered_without_a_key(web: WebProcess) -> None:
    complaints = []

    @settings(
        max_examples=3,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def asked(data: st.DataObject) -> None:
        for label, operation in sorted(OPERATIONS.items()):
            case = data.draw(operation.as_strategy())
            answer = case.call(base_url=web.url, timeout=_WAIT_S)
            if answer.status_code != 401:
                complaints.append(f"{label}: {answer.status_code}")

    asked()
    assert complaints == []


@pytest.mark.long
def test_every_example_is_taken(web: WebProcess) -> None:
    """What the examples name is mostly not there; but nothing is wrong with how they say it."""
    world = _world()
    headers = _key(world)
    complaints = []
    for label, operation in sorted(OPERATIONS.items()):
        for media_type, content in operation.definition.raw.get("requestBody", {}).get("content", {}).items():
            if media_type == "multipart/form-data":
                continue
            known = EVERY[label](world).path
            case = operation.Case(path_parameters=known, body=content["example"], media_type=media_type)
            answer = case.call(base_url=web.url, headers=headers, timeout=_WAIT_S)
            if answer.status_code in (400, 422) or answer.status_code >= 500:
                complaints.append(f"{label}: {answer.status_code} {answer.text[:300]}")
    assert complaints == []
