"""What a draft weighs before it runs: tokens, their share of what the model takes, and what sending them costs."""

import re

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.files.models import Version
from app.generations.draft import Draft, draft_of
from app.generations.weighing import Weight, weigh
from app.providers.models import Provider
from tests import factories
from tests.generations.draft_tab import base, form_of, words
from tests.web import signed_in

OPENAI = Provider(id="pr_1", name="openai", kind="openai", preset="openai", prices={})
PRACTICE = Provider(id="pr_2", name="practice", kind="practice", prices={})
OWN = Provider(
    id="pr_3", name="own", kind="openai", base_url="https://models.example.com/v1",
    prices={"mine": {"input": "2", "output": "4"}},
)  # fmt: skip


def draft(template: object, model: str = "gpt-4o", provider: str = "", **inputs: str) -> Draft:
    made = draft_of({"model": model, "provider": provider, "template": template})
    made.inputs = inputs
    return made


def message(*content: object) -> list[dict[str, object]]:
    parts = [
        {"type": "text", "text": one}
        if not str(one).startswith("{{photo")
        else {"type": "image_url", "image_url": {"url": one}}
        for one in content
    ]
    return [{"role": "user", "content": parts}]


def test_an_input_is_a_share_of_what_the_model_takes_and_has_a_price() -> None:
    text = "word" * 12_800
    found = weigh(draft([{"role": "user", "content": "{{notes}}"}], notes=text), [OPENAI])
    assert (found.window, found.model) == (128_000, "gpt-4o")
    assert found.inputs["notes"].tokens == found.whole.tokens == 12_800
    assert found.whole.share == pytest.approx(0.1)
    assert found.whole.cost == pytest.approx(12_800 * 2.5 / 1e6)
    assert not found.is_too_long
    assert found.per_million == (2.5, 10)


def test_what_is_written_twice_is_sent_twice() -> None:
    found = weigh(draft("{{notes}} and {{notes}}", notes="a" * 4_000), [OPENAI])
    assert found.inputs["notes"].tokens == 1_000
    assert found.whole.tokens == pytest.approx(2_001, abs=1)


def test_an_image_weighs_what_models_count_it_as_whatever_its_bytes() -> None:
    found = weigh(
        draft(message("Look: ", "{{photo}}"), photo="data:image/png;base64," + "A" * 10**6), [OPENAI]
    )
    assert found.inputs["photo"].tokens == 1_000
    assert found.whole.tokens == 1_002
    assert weigh(draft(message("{{photo}}")), [OPENAI]).inputs["photo"].tokens == 0


def test_what_nobody_knows_is_not_said() -> None:
    found = weigh(draft("{{notes}}", model="never-heard-of", notes="word"), [OPENAI])
    assert (found.window, found.whole) == (None, Weight(1, None, None))
    assert weigh(draft("{{notes}}", model="", notes="word"), [OPENAI]).whole.tokens == 1
    assert weigh(draft("{{notes}}", provider="gone", notes="word"), [OPENAI]).whole.cost is None


def test_a_workspaces_own_price_and_the_practice_model() -> None:
    found = weigh(draft("{{notes}}", "mine", "own", notes="word" * 1_000), [OPENAI, OWN])
    assert found.whole.cost == pytest.approx(0.002)
    free = weigh(draft("{{notes}}", "practice-1", "practice", notes="word" * 40_000), [OPENAI, PRACTICE])
    assert (free.window, free.whole.cost, free.is_too_long) == (32_000, 0, True)


def test_a_conversation_counts() -> None:
    found = weigh(draft("Go on."), [OPENAI], [{"role": "user", "content": "word" * 100}])
    assert found.whole.tokens == 102


@pytest.fixture
def prompt(committed_team: factories.Team) -> Version:
    with unit_of_work() as session:
        return factories.prompt(session, committed_team.admin, "tests/weighed")


def test_the_editor_says_it_before_the_run(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    signed_in(client, committed_team.admin)
    page = f"{base(committed_team, prompt.file_id)}/edit"

    def shown(**inputs: str) -> str:
        return words(client.post(page, data=form_of(client, {}, "In {{style}}.") | inputs).text)

    short = shown(**{"input.question": "Why is that?", "input.style": "prose"})
    assert "about 3 tokens" in short
    assert re.search(
        r"With these inputs about \d+ tokens are sent, under 1% of the 32,000 that practice-1 takes; they cost nothing\.",
        short,
    )
    long = shown(**{"input.question": "word" * 16_000, "input.style": "prose"})
    assert "about 16,000 tokens, 50.0% of what practice-1 takes" in long
    over = shown(**{"input.question": "word" * 33_000, "input.style": "prose"})
    assert "are more than the 32,000 that practice-1 takes: shorten an input" in over
