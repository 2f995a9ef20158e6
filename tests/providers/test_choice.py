"""Which provider is meant where none is named: what the help of prompts and judges promises."""

import pytest
from fastapi.testclient import TestClient

from app.evaluators.kinds.llm_judge import LlmJudgeOptions
from app.providers.models import Provider
from app.providers.service import named_or_meant
from tests import factories
from tests.web import with_key

PRACTICE = Provider(name="practice", kind="practice")
MINE, YOURS = Provider(name="mine", kind="openai"), Provider(name="yours", kind="openai")


@pytest.mark.parametrize(
    ("known", "found"),
    [([PRACTICE], PRACTICE), ([PRACTICE, MINE], MINE), ([PRACTICE, MINE, YOURS], None), ([], None)],
)
def test_without_a_name_the_only_real_provider_is_meant(
    known: list[Provider], found: Provider | None
) -> None:
    assert named_or_meant(known, None, "m") is found


@pytest.mark.parametrize(
    ("model", "found"),
    [("gpt-4o", "openai"), ("o3-mini", "openai"), ("claude-3-5-haiku-latest", "house"), ("gemini-2.0-flash", "gemini"),
     ("llama-3", "openai"), ("", "openai")],
)  # fmt: skip
def test_of_several_the_maker_of_the_model_is_meant_or_else_openai(model: str, found: str) -> None:
    known = [
        PRACTICE,
        Provider(name="house", kind="openai", preset="anthropic"),
        Provider(name="gemini", kind="openai"),
        Provider(name="openai", kind="openai"),
        MINE,
    ]
    meant = named_or_meant(known, None, model)
    assert meant is not None
    assert meant.name == found


def test_a_call_whose_provider_nobody_can_tell_is_refused_by_the_member(
    client: TestClient, committed_team: factories.Team
) -> None:
    with_key(client, committed_team.admin)
    for name in ("mine", "yours"):
        made = client.post("/v5/providers", json={"name": name, "base_url": "https://example.com/v1"})
        assert made.status_code in (200, 201), made.text
    asked = {"path": "p", "prompt": {"model": "llama", "template": [{"role": "user", "content": "Hi"}]}}
    refused = client.post("/v5/prompts/call", json=asked)
    assert (refused.status_code, "mine, yours" in refused.text) == (422, True), refused.text
    assert refused.json()["detail"][0]["loc"] == ["body", "provider"]
    asked["prompt"]["provider"] = "theirs"
    assert client.post("/v5/prompts/call", json=asked).status_code == 404


def test_a_name_is_taken_at_its_word() -> None:
    assert named_or_meant([PRACTICE, MINE, YOURS], "yours", "gpt-4o") is YOURS
    assert named_or_meant([PRACTICE, MINE], "theirs", "m") is None


def test_the_help_of_a_judge_says_so() -> None:
    said = LlmJudgeOptions.model_fields["provider"].description or ""
    assert "only provider" in said
    assert "first provider" not in said
