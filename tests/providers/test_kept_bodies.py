"""What is kept of an answer that could not be used: its beginning, however it came and wherever it ended."""

import gzip
import re
from collections.abc import Callable

import pytest

from app.providers.answers import HIDDEN, RAW_CAP, ProviderError
from app.providers.transport import BODY_CAP
from tests.providers.scripted import chat, reply

KEY = "sk/SECRETSECRET1234567890"


@pytest.mark.parametrize("body", [b'{"choices": null,  "x": true}', b'{"error": {"message": "\xc3\xa4"}}'])
def test_a_body_that_is_no_answer_is_kept_as_it_came(body: bytes) -> None:
    error, _ = chat(reply(200, body))
    assert isinstance(error, ProviderError)
    assert error.body == body.decode()


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("body", [b"x" * 200_000, {"pad": "x" * 200_000}], ids=["text", "JSON"])
def test_the_body_of_a_failure_is_kept_and_cut(status: int, body: bytes | dict) -> None:
    error, _ = chat(reply(status, body))
    assert isinstance(error, ProviderError)
    assert error.body is not None
    assert len(error.body) == RAW_CAP == 64 * 1024
    assert error.body.endswith("xxx")


def _endless() -> bytes:
    head = b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"
    return head + ENDLESS + b"x" * (BODY_CAP + 1000)


ENDLESS = b'{"choices": "'


@pytest.mark.parametrize(
    "make",
    [
        _endless,
        lambda: reply(200, gzip.compress(ENDLESS + b"x" * (BODY_CAP * 3)), content_encoding="gzip"),
    ],
    ids=["endless", "gzip bomb"],
)
def test_a_body_without_end_is_cut_off_and_its_beginning_kept(make: Callable[[], bytes]) -> None:
    error, provider = chat(make())
    assert isinstance(error, ProviderError)
    assert "went on past 10 MiB" in error.message
    assert error.body == ENDLESS.decode() + "x" * (RAW_CAP - len(ENDLESS))
    assert len(provider.asked) == 1


def test_the_beginning_of_a_body_that_breaks_off_is_kept_without_the_key() -> None:
    whole = reply(200, b'{"choices": [{"message": {"content": "your key is ' + KEY.encode() + b" and")
    error, _ = chat(re.sub(rb"content-length: \d+", b"content-length: 900", whole), key=KEY)
    assert isinstance(error, ProviderError)
    assert error.attempts == 3
    assert error.body == f'{{"choices": [{{"message": {{"content": "your key is {HIDDEN} and'
