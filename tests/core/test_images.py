"""Images in messages: told by their bytes, drawn only when they are what they say, and in words everywhere else."""

import base64

import pytest

from app.core import images
from tests.pictures import GIF, JPEG, PNG, WEBP, data_url


@pytest.mark.parametrize(
    ("data", "kind", "sides"),
    [(PNG, "PNG", (3, 2)), (GIF, "GIF", (3, 2)), (JPEG, "JPEG", (3, 2)), (WEBP, "WebP", (3, 2))],
)
def test_a_file_is_what_its_bytes_say(data: bytes, kind: str, sides: tuple[int, int]) -> None:
    found = images.read_image(data_url(data, "image/svg+xml"))
    assert found is not None
    assert (found.kind, (found.width, found.height), found.size) == (kind, sides, len(data))
    assert found.source.startswith(f"data:{images.MEDIA[kind]};base64,"), "the type that the bytes have"
    assert found.told == f"{kind}, 3 × 2, {len(data)} bytes"


@pytest.mark.parametrize(
    "url",
    [
        "", "https://example.com/a.png", "{{photo}}", "javascript:alert(1)",
        data_url(b"<svg onload=alert(1)>", "image/svg+xml"), data_url(b"%PDF-1.7"), "data:image/png,abc",
        "data:image/png;base64,a", 'data:image/png;base64,iVBORw0KGgo="><script>', "data:image/png;base64,iVBORw0KGgo ü",
        "data:text/html;base64," + base64.b64encode(PNG).decode(),
    ],
)  # fmt: skip
def test_nothing_else_is_drawn(url: str) -> None:
    assert images.read_image(url) is None


@pytest.mark.parametrize("data", [PNG, GIF, JPEG, WEBP])
def test_a_file_that_breaks_off_has_no_sides_and_no_error(data: bytes) -> None:
    for length in range(len(data)):
        found = images.read_image(data_url(data[:length]))
        assert found is None or found.size == length


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("{{photo}}", "photo"),
        (" {{ photo }} ", "photo"),
        ("https://example.com/{{id}}.png", None),
        ("{{a}}{{b}}", None),
    ],
)
def test_a_variable_is_an_image_when_it_is_all_of_the_address(url: str, name: str | None) -> None:
    assert images.variable_in(url) == name


def test_in_words_there_are_no_walls_of_letters() -> None:
    url = data_url(PNG + b"\0" * 4000)
    content = [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "image_url"},
    ]
    told = images.content_told(content)
    digest = images.read_image(url).digest
    assert told.split("\n") == [
        "Look:",
        f"[image PNG, 3 × 2, 4 kB, {digest}, detail low]",
        "[image https://example.com/a.png]",
        "[image]",
    ]
    assert images.told_in(f'{{"url": "{url}"}}') == '{"url": "data:image/png;base64,… (4 kB)"}'
    assert images.start_told(url[:60]) == "a file, image/png"
    assert images.start_told("data: none") == "data: none"
    assert images.content_told(None) == ""
    assert images.content_told(["no part"]) == '["no part"]'
