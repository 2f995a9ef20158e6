"""Secrets are found in answers however a service repeats them, and nothing else is touched."""

import base64
import html
import json
import time
import urllib.parse
from collections.abc import Callable

import pytest

from app.providers.answers import HIDDEN
from app.tools.hiding import without_secrets

SECRET = 's3cret "t0ken" <of>/the+service\\'
WAYS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON within JSON": lambda text: json.dumps(json.dumps(json.dumps(text)[1:-1])[1:-1])[1:-1],
    "JSON with escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON in code points": lambda text: "".join(f"\\u{ord(one):04X}" for one in text),
    "an address": lambda text: urllib.parse.quote(text, safe=""),
    "an address that was normalised": lambda text: urllib.parse.quote(text, safe="/+<"),
    "a form": urllib.parse.quote_plus,
    "HTML": html.escape,
    "HTML in numbers": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "HTML in hexadecimal numbers": lambda text: "".join(f"&#x{ord(one):02X};" for one in text),
    "HTML as Jinja writes it": lambda text: (
        html.escape(text).replace("&quot;", "&#34;").replace("+", "&#43;")
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_is_hidden(way: str) -> None:
    said = f"You are {WAYS[way](SECRET)}, and this stays."
    assert without_secrets(said, [SECRET]) == f"You are {HIDDEN}, and this stays."


@pytest.mark.parametrize("before", ["", "a", "ab", "user:"])
def test_a_secret_in_base64_is_hidden(before: str) -> None:
    coded = base64.b64encode(f"{before}{SECRET}".encode()).decode()
    assert HIDDEN in without_secrets(coded, [SECRET])


@pytest.mark.parametrize("before", ["", "a", "ab"])
@pytest.mark.parametrize(
    "write", [lambda text: text, urllib.parse.quote_plus, lambda text: text.replace("/", "\\/")]
)
def test_a_secret_in_base64_is_hidden_however_that_is_written(
    before: str, write: Callable[[str], str]
) -> None:
    secret = "~~~???>>>" * 3  # its base64 has both of the letters that differ
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        coded = write(encode(f"{before}{secret}".encode()).decode())
        assert HIDDEN in without_secrets(coded, [secret])


def test_one_that_is_a_part_of_another_leaves_nothing_of_it() -> None:
    assert without_secrets("long-secret-word and secret-word", ["secret-word", "long-secret-word"]) == (
        f"{HIDDEN} and {HIDDEN}"
    )


def test_what_is_no_secret_stays() -> None:
    text = 's3cret "t0ken" of another service %41 \\u0041 é\U0001f600'
    assert without_secrets(text, [SECRET]) == text
    assert without_secrets(text, []) == text


@pytest.mark.parametrize("text", ["\\" * 1_000_000, ("a1" * 999 + "b") * 500], ids=["backslashes", "near"])
def test_no_answer_takes_long_to_look_through(text: str) -> None:
    began = time.process_time()
    assert without_secrets(text, ["a1" * 1_000]) == text
    assert time.process_time() - began < 5


@pytest.mark.parametrize("secret", ["value", "k3y", "ab", "x"])
@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_a_short_secret_is_hidden_like_any_other(secret: str, before: str) -> None:
    assert secret not in without_secrets(f"It is {secret}.", [secret])
    if len(secret) > 1:  # of a single character, no digit of base64 is its own
        coded = base64.b64encode(f"{before}{secret}".encode()).decode()
        assert coded not in without_secrets(coded, [secret])
    assert without_secrets("12.34", [secret]) == "12.34"
