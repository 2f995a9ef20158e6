"""Which provider is meant where none is named: what the help of prompts and judges promises."""

import pytest

from app.evaluators.kinds.llm_judge import LlmJudgeOptions
from app.providers.models import Provider
from app.providers.service import named_or_only

PRACTICE = Provider(name="practice", kind="practice")
MINE, YOURS = Provider(name="mine", kind="openai"), Provider(name="yours", kind="openai")


@pytest.mark.parametrize(
    ("known", "found"),
    [([PRACTICE], PRACTICE), ([PRACTICE, MINE], MINE), ([PRACTICE, MINE, YOURS], None), ([], None)],
)
def test_without_a_name_the_only_real_provider_is_meant(
    known: list[Provider], found: Provider | None
) -> None:
    assert named_or_only(known, None) is found


def test_a_name_is_taken_at_its_word() -> None:
    assert named_or_only([PRACTICE, MINE, YOURS], "yours") is YOURS
    assert named_or_only([PRACTICE, MINE], "theirs") is None


def test_the_help_of_a_judge_says_so() -> None:
    said = LlmJudgeOptions.model_fields["provider"].description or ""
    assert "only provider" in said
    assert "first provider" not in said
