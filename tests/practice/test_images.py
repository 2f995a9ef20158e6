"""Images in a request: the practice model says what it was sent, and never that it saw it."""

import openai
import pytest

from tests.pictures import PNG, data_url
from tests.practice.prompts import QUESTIONS, answerer


def ask(client, *parts):
    return client.chat.completions.create(
        model="practice-1", messages=[{"role": "user", "content": list(parts)}]
    )


def image(url, **more):
    return {"type": "image_url", "image_url": {"url": url, **more}}


def test_images_are_told_and_not_seen(client):
    text = {"type": "text", "text": "What is in these?"}
    done = ask(client, text, image(data_url(PNG), detail="low"), image("https://example.com/a.png"))

    told = f"PNG, 3 × 2, {len(PNG)} bytes; https://example.com/a.png"
    assert done.choices[0].message.content.startswith(
        f"I was sent 2 images ({told}). I am a practice model, not an LLM, and cannot see"
    )
    assert done.model_extra["x_practice"]["images"]["count"] == 2
    assert done.usage.prompt_tokens == 2 * 1_000 + 5 + 4


def test_an_image_beside_a_passage_does_not_change_the_answer(client):
    messages = [
        {"role": role, "content": text}
        for role, text in answerer(QUESTIONS[0]["question"], QUESTIONS[0]["passage"])
    ]
    plain = client.chat.completions.create(model="practice-1", messages=messages)
    messages[-1]["content"] = [{"type": "text", "text": messages[-1]["content"]}, image(data_url(PNG))]
    seen = client.chat.completions.create(model="practice-1", messages=messages)

    assert seen.choices[0].message.content == plain.choices[0].message.content


@pytest.mark.parametrize("url", ["{{photo}}", "", "a.png", "file:///etc/passwd", data_url(b"%PDF")])
def test_what_no_provider_could_read_is_refused(client, url):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, image(url))

    assert caught.value.code in ("invalid_image", "invalid_image_url")
