"""What browsers are told with every answer: nothing runs but our own files, and nothing is fetched or sent elsewhere."""

import pytest
from fastapi.testclient import TestClient


@pytest.mark.parametrize("path", ["/signin", "/no such page", "/v5/prompts", "/health/live"])
def test_nothing_inline_runs_and_nothing_leaves(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    said = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))

    assert {name for name, value in said.items() if "unsafe" in value} == {"style-src-attr"}, "ADR 32"
    assert said["style-src-attr"] == "'unsafe-inline'"
    assert said["default-src"] == said["frame-ancestors"] == said["base-uri"] == "'none'"
    for name in ("script-src", "style-src", "font-src", "connect-src", "form-action"):
        assert said[name] == "'self'"
    assert said["img-src"] == "'self' data:"
    assert headers["x-content-type-options"] == "nosniff"
