"""Images in the pages of a prompt, its versions and its logs: drawn where they stand whole in it, never fetched, never as a wall of letters."""

import html
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.core.images import read_image
from app.files.models import Version
from tests import factories
from tests.generations.draft_tab import Tab, base, words
from tests.pictures import PNG, data_url, png
from tests.web import csrf_of, signed_in, with_key

PICTURE = data_url(PNG)
AWAY = "https://pictures.example.com/cat.png"


def image(url: str, **more: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


TEMPLATE = [
    {"role": "system", "content": "Say what you see."},
    {"role": "user", "content": [{"type": "text", "text": "Compare."}, image(PICTURE, detail="low"), image(AWAY), image("{{photo}}")]},
]  # fmt: skip


@pytest.fixture
def prompt(committed_team: factories.Team) -> Version:
    with unit_of_work() as session:
        return factories.prompt(session, committed_team.admin, "tests/seen", template=TEMPLATE)


@pytest.fixture
def home(client: TestClient, committed_team: factories.Team, prompt: Version) -> str:
    """Where the pages of the prompt lie, for somebody who is signed in."""
    signed_in(client, committed_team.admin)
    return base(committed_team, prompt.file_id)


def form(client: TestClient, *parts: tuple[str, str, str], **changes: Any) -> dict[str, Any]:
    """The editor's form with one message of these parts: what each is, its text and its detail."""
    kinds, texts, details = zip(*parts, strict=True) if parts else ((), (), ())
    sent = {
        "_csrf": csrf_of(client), "base": "1", "model": "practice-1", "provider": "practice", "role": "user", "name": "",
        "content": "", "extra": "", "part.at": ["0"] * len(parts), "part.kind": list(kinds), "part.text": list(texts),
        "part.detail": list(details),
    }  # fmt: skip
    return sent | changes


def sources(page: str) -> list[str]:
    """What a browser fetches to draw the page's images."""
    return re.findall(r"<img [^>]*src=\"([^\"]*)\"", page)


def test_the_editor_draws_what_it_holds_and_fetches_nothing(client: TestClient, home: str) -> None:
    page = client.get(f"{home}/edit").text
    assert sources(page) == [PICTURE]
    assert f'value="{AWAY}"' in page
    assert 'value="{{photo}}"' in page
    assert "<option selected>low</option>" in page
    assert "PNG, 3 × 2" in words(page)
    field = re.search(r'<input [^>]*name="input\.photo"[^>]*>', page)
    assert field is not None
    assert "data-takes-image" in field.group(), "its input takes an image"
    assert "img-src 'self' data:;" in client.get(f"{home}/edit").headers["content-security-policy"]


def test_what_only_says_that_it_is_an_image_is_not_drawn(client: TestClient, home: str) -> None:
    hostile = [
        data_url(b"<svg onload=alert(1)>", "image/svg+xml"),
        data_url(b"<html>", "image/png"),
        'x" onerror="alert(1)',
    ]
    page = client.post(f"{home}/edit", data=form(client, *[("image", url, "") for url in hostile])).text
    assert sources(page) == []
    assert page.count("that are no image of a known kind") == 2
    assert 'onerror="' not in page


def test_images_are_added_moved_and_removed_without_a_script(client: TestClient, home: str) -> None:
    sent = form(client, content="What is it?", action="image:0") | {
        "image.new": [PICTURE, data_url(png((200, 0, 0)))]
    }
    page = client.post(f"{home}/edit", data=sent).text
    assert len(sources(page)) == 2
    both = [("text", "What is it?", ""), ("image", PICTURE, "high"), ("image", AWAY, "")]
    page = client.post(f"{home}/edit", data=form(client, *both, action="part-up:0.1")).text
    kinds = re.findall(r'name="part.kind" value="(\w+)"', page)
    assert kinds == ["image", "text", "image"]
    page = client.post(f"{home}/edit", data=form(client, *both[:2], action="part-remove:0.1")).text
    assert sources(page) == []
    assert re.search(r'<textarea name="content"[^>]*>\nWhat is it\?</textarea>', page), (
        "a plain message again"
    )


def test_an_input_that_is_an_image_is_drawn_and_can_be_taken_out(client: TestClient, home: str) -> None:
    sent = form(client, ("image", "{{photo}}", "")) | {"input.photo": PICTURE}
    page = client.post(f"{home}/edit", data=sent).text
    assert sources(page) == [PICTURE]
    page = client.post(f"{home}/edit", data=sent | {"action": "empty:photo"}).text
    assert sources(page) == []
    assert re.search(r'<input class="input grow" name="input\.photo"[^>]* value=""', page)


def test_an_image_without_an_address_is_named_before_it_runs(client: TestClient, home: str) -> None:
    answer = client.post(f"{home}/run", data=form(client, ("image", "", "")))
    assert answer.status_code == 422
    assert "The image of message 1 is empty" in words(answer.text)


def test_the_practice_model_says_what_it_was_sent(client: TestClient, home: str, practice: str) -> None:
    sent = form(client, ("text", "What is it?", ""), ("image", "{{photo}}", "low")) | {"input.photo": PICTURE}
    page = words(client.post(f"{home}/run", data=sent).text)
    assert (
        f"I was sent an image (PNG, 3 × 2, {len(PNG)} bytes). I am a practice model, not an LLM, and cannot see"
        in page
    )
    assert "1 image, which it cannot see" in page
    log = re.search(r'href="(/w/[^"]*/logs/log_[^"]*)"', client.post(f"{home}/run", data=sent).text)
    assert log is not None
    shown = client.get(log[1]).text
    assert sources(shown) == [PICTURE]
    listed = client.get(log[1].rpartition("/")[0]).text
    assert "a file, image/png" in listed
    raw = client.get(log[1], params={"tab": "raw"}).text
    assert PICTURE.split(",")[1] not in raw


def test_logged_messages_draw_their_images_and_name_those_that_lie_elsewhere(
    client: TestClient, committed_team: factories.Team, home: str
) -> None:
    hostile = data_url(b"<svg onload=alert(1)>" * 9, "image/svg+xml")
    content = [
        {"type": "text", "text": "Compare."},
        image(PICTURE, detail="low"),
        image(AWAY),
        image(hostile),
        {"type": "odd"},
    ]
    with_key(client, committed_team.admin)
    body = {
        "path": "tests/seen",
        "prompt": {"model": "m"},
        "messages": [{"role": "user", "content": content}],
        "output": "x",
    }
    made = client.post("/v5/prompts/log", json=body).json()
    del client.headers["x-api-key"]
    logs = f"{home.partition('/prompts/')[0]}/logs"
    page = client.get(f"{logs}/{made['id']}").text
    assert sources(page) == [PICTURE]
    for said in ("Compare.", "PNG, 3 × 2", "detail low", AWAY, "that are no image of a known kind", "odd"):
        assert said in words(page)
    assert hostile.split(",")[1] not in page
    assert "Compare." in client.get(logs).text


def test_a_draft_with_images_is_kept_and_brought_back(client: TestClient, home: str) -> None:
    tab = Tab(client, home)
    sent = form(client, ("text", "Look", ""), ("image", PICTURE, "low")) | tab.marks
    assert client.patch(f"{home}/draft", data=sent, headers={"hx-request": "true"}).status_code == 200
    page = client.get(f"{home}/edit").text
    assert sources(page) == [PICTURE]
    assert re.search(r'<textarea name="part.text"[^>]*>\nLook</textarea>', page)


def test_versions_and_differences_show_images_in_words(
    client: TestClient, committed_team: factories.Team, prompt: Version, home: str
) -> None:
    wall = data_url(png((1, 2, 3)) + bytes(3000))
    template = [
        TEMPLATE[0],
        {
            "role": "user",
            "content": [{"type": "text", "text": "Compare."}, image(wall, detail="low"), image(AWAY)],
        },
    ]
    with unit_of_work() as session:
        factories.prompt(session, committed_team.admin, "tests/seen", template=template)
    shown = client.get(f"{home}/versions/2").text
    assert sources(shown) == [wall]
    diff = client.get(f"{home}/diff", params={"from": 1, "to": 2}).text
    for page in (shown, diff):
        assert "AAAAAAAAAAAA" not in html.unescape(re.sub(r"<img[^>]*>", "", page))
        assert AWAY in page
    assert read_image(wall).digest in diff
    one = client.post(f"{home}/review", data=form(client, ("image", wall, "high"), base="2")).text
    assert re.search(r"<ins>[^<]*high", one), "a change of the detail alone is a change"
